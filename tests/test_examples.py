"""Every script in examples/ does what it says, in a shorter form; at full length where long runs are asked for."""

import importlib.util
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import jax
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def promotion():
    """What JAX does unless it is told otherwise, as those who run the scripts have it: Optax, for one, needs it."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def script(name):
    """Return the module of an example, which nothing installs."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_example_is_left_out():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {
        "actor_critic",
        "cross_entropy",
        "evosax_search",
        "gymnasium_loop",
        "rejax_ppo",
        "stable_baselines",
    }


@pytest.mark.parametrize(
    "arguments",
    [["--population", "64", "--rollouts", "4", "--generations", "6"], pytest.param([], marks=pytest.mark.long)],
    ids=["short", "long"],
)
def test_the_cross_entropy_method_balances_the_pole(arguments, capsys):
    found = script("cross_entropy").main(arguments)
    assert found > 475
    assert f"mean return of {found:.1f} over 100 new episodes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "least"), [(["--steps", "40960"], 100), pytest.param([], 475, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_the_actor_critic_learns_to_balance_the_pole(arguments, least, capsys):
    returns = np.asarray(script("actor_critic").main(arguments))
    assert returns[0] < 40
    assert returns[-1] > least
    assert f"mean return {returns[-1]:8.2f}" in capsys.readouterr().out


def test_the_actor_critic_takes_any_environment_with_choices():
    returns = script("actor_critic").main(["--env", "Catch-bsuite", "--steps", "500", "--envs", "4"])
    assert returns.shape == (1,)
    assert -1 <= returns[0] <= 1


def test_the_actor_critic_says_what_it_cannot_learn(capsys):
    with pytest.raises(SystemExit):
        script("actor_critic").main(["--env", "Pendulum-v1"])
    assert "choose an environment with a Discrete one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "least"), [(["--steps", "32768"], 90), pytest.param([], 400, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_a_loop_in_python_learns_to_balance_the_pole(arguments, least, capsys):
    returns = script("gymnasium_loop").main(arguments)
    assert returns[0] < 40
    assert returns[-1] > least
    assert f"mean return {returns[-1]:6.1f}" in capsys.readouterr().out


@pytest.mark.long
def test_stable_baselines_learns_to_balance_the_pole():
    pytest.importorskip("stable_baselines3")
    assert script("stable_baselines").main(["--steps", "40000"]) > 300


def curve_of(name, *arguments):
    """Run a script that puts the adapter in the place of gymnax in a process of its own; return the mean returns that it prints."""
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return [float(found) for found in re.findall(r"mean return +([\d.]+)", done.stdout)]


@pytest.mark.skipif(find_spec("evosax") is None, reason="evosax is not installed")
def test_evosax_learns_to_balance_the_pole():
    curve = curve_of("evosax_search")
    assert curve[0] < 40
    assert curve[-1] > 100


@pytest.mark.skipif(find_spec("rejax") is None, reason="rejax is not installed")
def test_rejax_learns_to_balance_the_pole():
    curve = curve_of("rejax_ppo")
    assert curve[0] < 40
    assert max(curve) > 300
