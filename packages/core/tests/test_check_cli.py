"""``jaxenv check``: targets, exit codes, what is printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jaxenv import EnvSpec, register
from jaxenv.cli import main
from jaxenv.registry import lookup

TOY = '''
import jax.numpy as jnp
from flax import struct
from jaxenv import Environment, Params, State, Transition, spaces


@struct.dataclass
class Count(State):
    n: object


class Toy(Environment):
    """Count to five."""

    limit: int = 5

    @property
    def default_params(self):
        return Params()

    def init(self, key, params):
        return Count(n=jnp.int32(0))

    def transition(self, key, state, action, params):
        return Transition(state.replace(n=state.n + 1), reward=0.0, terminated=state.n + 1 >= self.limit)

    def observe(self, state, params):
        return state.n

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Discrete(self.limit)


class Mute(Toy):
    pass


class Labelled(Toy):
    def __post_init__(self):
        raise ValueError("no label was given")


toy = Toy(limit=3)
'''


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with a module of its own, as its author would have it open."""
    (tmp_path / "my_toys.py").write_text(TOY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["check", *args])
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), " ".join(out.split()), " ".join(err.split())


def test_a_class_is_checked_without_an_id(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "my_toys:Toy", "--only", "docstring", "--only", "render")
    assert code == 0
    assert out.startswith("my_toys:Toy ✓ docstring The class says what the task is. - render it does not define render")
    assert out.endswith("1 checks passed, 0 failed, 1 inconclusive")


def test_an_instance_is_checked_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "my_toys:toy", "--only", "hashable")[0] == 0


def test_a_broken_promise_exits_with_1_and_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "my_toys:Toy", "my_toys:Mute", "--only", "docstring")
    assert code == 1
    assert "my_toys:Mute ✗ docstring Mute has no docstring. Say what the task is" in out


def test_json_holds_every_result(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "my_toys:Mute", "--only", "docstring", "--only", "hashable", "--json"])
    (report,) = json.loads(capsys.readouterr().out)
    assert not report["passed"]
    assert [(result["check"], result["outcome"]) for result in report["results"]] == [
        ("hashable", "passed"),
        ("docstring", "failed"),
    ]


def test_a_fallen_foundation_is_shown_even_if_it_was_not_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "builtins:object", "--only", "docstring")
    assert code == 1
    assert "✗ environment object does not derive from jaxenv.Environment." in out
    assert "- not tried docstring: 'environment' failed" in out


def test_what_cannot_be_found_or_built_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "my_toys:Labelled")
    assert (code, "ValueError: no label was given. Write 'module:Class'" in err) == (2, True)
    code, _, err = run(capsys, "no_such_module:Toy")
    assert (code, "No module named 'no_such_module'" in err) == (2, True)
    code, _, err = run(capsys, "NoSuchId-v7")
    assert (code, "No environment has the id 'NoSuchId-v7'" in err) == (2, True)


def test_an_unknown_check_exits_with_2_and_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "my_toys:Toy", "--only", "speed")
    assert code == 2
    assert "There is no check named 'speed'. Choose from environment, hooks, params," in err


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three ids, of which one breaks a promise and one cannot be made; and no others."""
    monkeypatch.setattr(lookup, "_local", {})
    monkeypatch.setattr(lookup, "found_plugins", lambda: ())
    for name in ("Toy", "Mute", "Labelled"):
        register(EnvSpec(f"{name}-v0", f"my_toys:{name}", summary=name, reference="none"))


@pytest.mark.usefixtures("registered")
def test_all_ids_are_checked_whatever_one_of_them_does(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--all", "--only", "docstring", "--only", "render")
    assert code == 1
    assert out.startswith("✓ local/Toy-v0 1 checks passed, 0 failed, 1 inconclusive ✗ local/Mute-v0 0 checks passed")
    assert "✗ docstring Mute has no docstring." in out
    assert "✗ local/Labelled-v0 0 checks passed, 1 failed" in out
    assert "✗ make make raised ConstructionError" in out
    assert out.endswith("2 x render: it does not define render 3 environments: 1 passed, 2 failed")


@pytest.mark.usefixtures("registered")
def test_a_namespace_is_checked_and_json_tells_what_could_not_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["check", "--namespace", "local", "--only", "docstring", "--json"])
    assert stopped.value.code == 1
    reports = json.loads(capsys.readouterr().out)
    assert [(report["environment"], report["passed"]) for report in reports] == [
        ("local/Toy-v0", True),
        ("local/Mute-v0", False),
        ("local/Labelled-v0", False),
    ]
    assert [result["check"] for result in reports[2]["results"]] == ["make"]


def test_nothing_to_check_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys)
    assert (code, "There is no environment to check. Name ids" in err) == (2, True)
    code, _, err = run(capsys, "--namespace", "nowhere")
    assert (code, "No environment has the namespace 'nowhere'." in err) == (2, True)
    code, _, err = run(capsys, "my_toys:Toy", "--namespace", "nowhere")
    assert (code, "No environment has the namespace 'nowhere'." in err) == (2, True)
