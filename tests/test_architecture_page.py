"""docs/architecture.md: its paths exist, and its recipes work as they are written."""

import inspect
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import jax
import jaxenv
import numpy as np
import pytest
from jaxenv.testing import check_env
from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv.testing.outcomes import Violation

pytestmark = pytest.mark.usefixtures("unoptimized")

ROOT = Path(__file__).parents[1]
CORE = ROOT / "packages/core/src/jaxenv"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"^ *```py\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)]
WRITTEN = {"misc/coin.py", "core/negate_reward.py", "core/count.py"}
"""What a reader writes."""


def block(start):
    (found,) = [block for block in BLOCKS if block.startswith(start)]
    return found


def module(start, monkeypatch, name="recipe", **names):
    """Run a block as a module."""
    made = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, made)
    vars(made).update(names)
    exec(compile(block(start), "docs/architecture.md", "exec"), vars(made))
    return made


def test_every_path_of_the_repository_exists():
    paths = set(re.findall(r"\b(?:packages|tests|docs)/[\w./-]+\w", PAGE))
    missing = {path for path in paths if not (ROOT / path).exists()}
    assert len(paths) > 20
    assert {f"{path.split('/')[1]}/{path.split('/')[-1]}" for path in missing} == WRITTEN


def test_every_module_of_core_is_on_the_page():
    table = PAGE.partition("## Modules of core")[2].partition("## From an id")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([^`]*)`", cell)}
    assert all((CORE / name).exists() for name in named)
    there = {f"{path.name}/" if path.is_dir() else path.name for path in CORE.iterdir() if not path.name.startswith("__")}
    helpers = {"py.typed", "_policies.py", "_sizes.py", "experimental.py"}
    assert there - helpers <= named


def test_the_index_of_decisions_is_whole():
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index) == [path.name for path in DECISIONS]
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    assert all("## Decision" in path.read_text(encoding="utf-8") for path in DECISIONS)


def test_the_environment_keeps_every_promise(monkeypatch):
    coin = module('"""Coin', monkeypatch, "jaxenv_misc.coin").Coin
    row = eval(block("EnvSpec("), {"EnvSpec": jaxenv.EnvSpec})
    assert (row.name, row.entry_point) == ("Coin-v0", "jaxenv_misc.coin:Coin")
    assert check_env(coin(), spec=row, only=["spec", "render", "key_reuse", "scan", "time_limit", "different_keys"]).passed


def test_the_wrapper_negates_rewards(monkeypatch):
    wrapper = module('"""Rewards', monkeypatch).NegateReward
    env, params = jaxenv.make("CartPole-v1")
    key = jax.random.key(0)
    _, state = env.reset(key, params)
    assert wrapper(env).step(key, state, 1, params)[2] == -env.step(key, state, 1, params)[2] == np.float32(-1.0)


def test_the_check_finds_what_it_looks_for(monkeypatch):
    from jaxenv.testing import outcomes
    from jaxenv.testing.checks import Check

    env, _ = jaxenv.make("CartPole-v1")
    check = module("def has_a_name", monkeypatch, EnvironmentUnderTest=EnvironmentUnderTest, require=outcomes.require)
    row = eval(block("Check("), {"Check": Check, "identity": check})
    row.run(EnvironmentUnderTest(env, None))
    source, _, table = block("class OddName").partition("WRONG: Wrong = ")
    names = {"Walk": type(env)}
    exec(source, names)
    ((name, odd, message),) = eval(table + "]", names)
    assert name == row.name
    with pytest.raises(Violation, match=message):
        row.run(EnvironmentUnderTest(odd, None))


def test_the_command_counts(monkeypatch, capsys):
    command = module('"""``jaxenv count``', monkeypatch).count
    assert "as_json" in inspect.signature(command).parameters
    command()
    assert capsys.readouterr().out == f"{len(jaxenv.registered_envs())}\n"
