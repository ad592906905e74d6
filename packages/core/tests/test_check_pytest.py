"""``pytest --jaxenv NAMESPACE``: one test for each id and check; nothing at all for those who do not ask."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = """
from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs():
    return [
        EnvSpec("Toy-v0", "toys:Toy", summary="Count to five.", reference="None."),
        EnvSpec("Mute-v0", "toys:Mute", summary="Count to five and say nothing.", reference="None."),
    ]
"""

TOYS = '''
import jax.numpy as jnp
from flax import struct
from jaxenv import Environment, Params, State, Transition, spaces


@struct.dataclass
class Count(State):
    n: object


class Toy(Environment):
    """Count to five."""

    @property
    def default_params(self):
        return Params()

    def init(self, key, params):
        return Count(n=jnp.int32(0))

    def transition(self, key, state, action, params):
        return Transition(state.replace(n=state.n + 1), reward=0.0, terminated=state.n + 1 >= 5)

    def observe(self, state, params):
        return state.n

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Discrete(6)


class Mute(Toy):
    pass
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory on the path in which a plugin is installed."""
    path = tmp_path_factory.mktemp("site")
    (path / "toys.py").write_text(TOYS)
    (path / "toys_plugin.py").write_text(PLUGIN)
    info = path / "toys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[jaxenv]\ntoys = toys_plugin\n")
    return path


def run_python(site: Path, folder: Path, *args: str) -> tuple[int, str]:
    env = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, *args], cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_each_id_and_check_is_a_test(site: Path, tmp_path: Path) -> None:
    chosen = "docstring or hashable or render"
    code, out = run_python(site, tmp_path, "-m", "pytest", "--jaxenv", "toys", "-k", chosen, "-v", "-rs")
    assert code == 1
    assert re.findall(r"^(toys/\S+) ([A-Z]+)\b", out, re.MULTILINE) == [
        ("toys/Toy-v0::hashable", "PASSED"),
        ("toys/Toy-v0::docstring", "PASSED"),
        ("toys/Toy-v0::render", "SKIPPED"),
        ("toys/Mute-v0::hashable", "PASSED"),
        ("toys/Mute-v0::docstring", "FAILED"),
        ("toys/Mute-v0::render", "SKIPPED"),
    ]
    assert "toys/Mute-v0: Mute has no docstring." in out
    assert "(promised: The class says what the task is.)" in out
    assert "it does not define render" in out


def test_one_id_can_be_asked_for(site: Path, tmp_path: Path) -> None:
    code, out = run_python(site, tmp_path, "-m", "pytest", "--jaxenv", "toys/Toy-v0", "--collect-only", "-q")
    assert code == 0
    assert "toys/Toy-v0::time_limit" in out
    assert "Mute" not in out


def test_an_unknown_namespace_is_a_usage_error(site: Path, tmp_path: Path) -> None:
    code, out = run_python(site, tmp_path, "-m", "pytest", "--jaxenv", "tois")
    assert code == 4
    assert "--jaxenv tois: there is no such namespace." in out


def test_it_costs_nothing_if_not_asked(site: Path, tmp_path: Path) -> None:
    program = """
import sys
import pytest
assert pytest.main(["--collect-only", "-q", "-p", "no:jaxtyping"]) == 5
assert "jaxenv.testing.pytest_plugin" in sys.modules
loaded = [name for name in sys.modules if name.split(".")[0] in ("jax", "jaxlib", "flax", "numpy")]
loaded += [name for name in sys.modules if name.startswith("jaxenv.")]
assert set(loaded) == {"jaxenv.testing", "jaxenv.testing.pytest_plugin"}, loaded
"""
    code, out = run_python(site, tmp_path, "-c", program)
    assert code == 0, out
