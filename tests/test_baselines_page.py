"""docs/baselines.md: what the shipped agents and the files beside it say, and nothing else."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from jaxenv_baselines import agent
from jaxenv_baselines.configs import CONFIGS

DOCS = Path(__file__).parents[1] / "docs"
CATCH = "bsuite/Catch-bsuite"


@pytest.fixture(scope="module")
def script():
    """``docs/make_baselines.py``, imported."""
    spec = importlib.util.spec_from_file_location("make_baselines", DOCS / "make_baselines.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def shipped():
    """The description of one agent."""
    returns = {"mean": 0.98766, "low": 0.91, "high": 1.0}
    return {"spec": {"id": CATCH}, "algorithm": "ppo", "returns": returns, "steps": 98304, "sha256": "abc"}


@pytest.fixture
def data():
    """The contents of the files."""
    transfer = {"sha256": "abc", "mean": 0.5, "standard_errors": 2.31, "package": "bsuite", "version": "0.3.6"}
    curve = {"sha256": "abc", "steps": [1, 2], "median": [0.0, 1.0], "low": [-1.0, 0.5], "high": [0.5, 1.0]}
    return {
        "transfer": {CATCH: transfer},
        "results": {CATCH: {"sha256": "abc", "device": "Abacus", "seeds": 8, "seconds": 1.234}},
        "curves": {CATCH: curve},
        "optimal": {CATCH: {"value": 1.0, "kind": "exact"}, "bsuite/Cartpole-bsuite": {"value": 1001.0, "kind": "bound"}},
        "published": {"sources": {"A": "a paper", "B": "a plot"}, "returns": {CATCH: {"A": "0.7"}}},
    }


def line_of(text, name):
    """The cells of a table's row."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return line.strip("| ").split(" | ")


def test_the_page_says_what_the_files_say(script):
    data, agents = script.read(), agent.shipped()
    assert (DOCS / "baselines.md").read_text(encoding="utf-8") == script.page(data, agents), "Run `python docs/make_baselines.py`."
    described = {one["spec"]["id"]: one for one in agents}
    drawn = {f for f in script.FAMILIES if script.curves(data, described, [i for i in described if i.startswith(f"{f}/")])}
    assert {path.stem for path in (DOCS / "baselines").glob("*.png")} == drawn
    assert sum(path.stat().st_size for path in (DOCS / "baselines").iterdir()) < 400_000


def test_every_configured_environment_and_every_agent_has_a_row(script):
    text = script.page(script.read(), agent.shipped())
    for env_id in {*CONFIGS, *(one["spec"]["id"] for one in agent.shipped())}:
        assert line_of(text, env_id.split("/", 1)[1])


def test_a_row_has_return_optimum_training_transfer_and_published_returns(script, shipped, data):
    text = script.page(data, [shipped])
    assert line_of(text, "Catch-bsuite") == [
        "Catch-bsuite",
        "ppo",
        "**0.98766** (0.91 to 1)",
        "= 1",
        "98,304",
        "1.23 (Abacus, 8 seeds)",
        "0.5 (bsuite 0.3.6: 2.3 standard errors)",
        "0.7 (A)",
    ]
    assert "![Learning curves of bsuite](baselines/bsuite.png)" in text
    assert "![Learning curves of Misc]" not in text
    assert line_of(text, "Cartpole-bsuite")[1:5] == ["-", "no agent is shipped", "≤ 1001", "-"]
    assert "- A: a paper." in text
    assert "- B:" not in text


def test_other_weights_have_no_transfer_no_seconds_and_no_curve(script, shipped, data):
    text = script.page(data, [{**shipped, "sha256": "other"}])
    assert line_of(text, "Catch-bsuite")[5:7] == ["-", "-"]
    assert "![Learning curves" not in text


def test_a_training_is_taken_over_where_its_agent_is_shipped(script, shipped, data, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "DATA", tmp_path)
    lines = [{"steps": 10 * i, "return_mean": [float(i), None if i < 3 else -float(i)]} for i in range(200)]
    lines[0]["return_mean"] = [None, None]
    directory = tmp_path / "agents"
    for env_id, digest in ((CATCH, "abc"), ("bsuite/Other", "new")):
        (directory / env_id).mkdir(parents=True)
        (directory / env_id / "agent.json").write_text(json.dumps({"sha256": digest}))
        (directory / env_id / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    result = {"device": "Sand clock", "seeds": 2, "train_seconds": 1.5, "compile_seconds": 3.5}
    (directory / "results.json").write_text(json.dumps(dict.fromkeys([CATCH, "bsuite/Other"], result)))
    other = {**shipped, "spec": {"id": "bsuite/Other"}, "sha256": "old"}
    script.take_over(directory, data, [shipped, other])
    kept = script.read()
    assert set(kept["results"]) == set(kept["curves"]) == {CATCH}
    assert kept["results"][CATCH]["seconds"] == 1.5
    curve = kept["curves"][CATCH]
    assert len(curve["steps"]) == 60
    assert (curve["steps"][0], curve["steps"][-1]) == (10, 1990)
    assert (curve["median"][-1], curve["low"][-1], curve["high"][-1]) == (0.0, -199.0, 199.0)
    assert np.all(np.diff(curve["steps"]) > 0)


def test_curves_are_drawn(script, data, tmp_path):
    pytest.importorskip("matplotlib")
    script.draw({CATCH: data["curves"][CATCH]}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_an_optimum_is_computed_and_kept(script, data, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "DATA", tmp_path)
    data["optimal"] = {}
    script.compute_optima(["bsuite/Catch-bsuite", "classic/Acrobot-v1"], data)
    kept = script.read()["optimal"]
    assert set(kept) == {CATCH}  # nobody knows Acrobot's
    assert script.optimal_cell(kept[CATCH]) == "= 1"
