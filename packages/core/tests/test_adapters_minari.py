"""Rollouts as Minari data sets: what is loaded is what was played."""

from __future__ import annotations

import sys

import jax
import jaxenv
import numpy as np
import pytest
from jaxenv.errors import MissingExtraError

pytestmark = pytest.mark.usefixtures("unoptimized")

pytest.importorskip("h5py")
minari = pytest.importorskip("minari")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, mill_plugins):
    """Data sets in a folder of their own, and one plugin with toy environments."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))


def test_the_command_writes_what_the_function_plays(jaxenv_command):
    args = "rollout", "Mill-v0", "--num-envs", "3", "--num-steps", "120", "--seed", "4", "--set", "wind=2"
    code, out, err = jaxenv_command(*args, "--minari", "mill/random-v0", "--json")
    assert (code, err) == (0, "")
    dataset = minari.load_dataset("mill/random-v0")
    env, params = jaxenv.make("Mill-v0", wind=2.0)
    played = jax.tree.map(np.asarray, jaxenv.rollout(env, params, None, jaxenv.random.key(4), num_envs=3, num_steps=120).trajectory)
    at = {name: [] for name in ("obs", "final", "action", "reward", "terminated", "truncated")}
    for episode in dataset.iterate_episodes():
        assert len(episode.observations) == len(episode.actions) + 1
        at["obs"].append(episode.observations[:-1])
        at["final"].append(episode.observations[1:])
        at["action"].append(episode.actions)
        at["reward"].append(episode.rewards)
        at["terminated"].append(episode.terminations)
        at["truncated"].append(episode.truncations)
        done = episode.terminations | episode.truncations
        assert done.tolist() == [False] * (len(done) - 1) + [True]
    loaded = {name: np.concatenate(found) for name, found in at.items()}
    info = played.info
    expected = {
        "obs": played.obs,
        "final": info["final_observation"],
        "action": played.action,
        "reward": played.reward,
        "terminated": info["terminated"],
        "truncated": info["truncated"] | (np.arange(120) == 119)[:, None] & ~played.done,
    }
    assert dataset.total_episodes == played.done.sum() + (~played.done[-1]).sum() > 3
    for name, array in expected.items():
        np.testing.assert_array_equal(loaded[name], array.swapaxes(0, 1).reshape(-1, *array.shape[2:]), err_msg=name)


def test_the_environment_comes_back(jaxenv_command):
    jaxenv_command("rollout", "Mill-v0", "--num-envs", "1", "--num-steps", "20", "--set", "wind=2", "--minari", "mill-v0")
    env = minari.load_dataset("mill-v0").recover_environment().unwrapped
    assert env.params.wind == 2
    assert env.reset(seed=0)[0] in env.observation_space


def test_names_are_looked_at_before_anything_is_played(jaxenv_command):
    code, _, err = jaxenv_command("rollout", "Mill-v0", "--minari", "a b")
    assert code == 2
    assert "the data set 'a b' is none of Minari's names. Write a name such as cartpole/random-v0." in err
    jaxenv_command("rollout", "Mill-v0", "--num-envs", "1", "--num-steps", "5", "--minari", "twice-v0")
    code, _, err = jaxenv_command("rollout", "Mill-v0", "--minari", "twice-v0")
    assert code == 2
    assert "the data set 'twice-v0' is there already. Choose another version, or run: minari delete twice-v0." in err


def test_without_minari_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "jaxenv.adapters.minari", raising=False)
    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(MissingExtraError, match=r"Run: pip install 'jaxenv-core\[minari\]'"):
        import jaxenv.adapters.minari  # noqa: F401
