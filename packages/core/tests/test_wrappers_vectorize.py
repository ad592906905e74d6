"""Vectorize: many environments as one batch, each with its own key and its own resets."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import random, wrappers
from jaxenv.errors import KeyTypeError, ParamsTypeError, SpaceMismatchError
from jaxenv.spaces import Box
from jaxenv.wrappers import vectorize

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def batch(walk):
    return wrappers.Vectorize(wrappers.RecordEpisodeStatistics(walk, final_observation=True), 5)


def same(x: Any, y: Any) -> None:
    assert jax.tree.structure(x) == jax.tree.structure(y)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6), x, y)


def of_env(tree: Any, i: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[i], tree)


@pytest.mark.parametrize("key", [jax.random.key(3), jax.random.PRNGKey(3)], ids=["typed", "raw"])
def test_each_lane_does_what_the_environment_does_with_its_key(batch, key):
    obs, state = batch.reset(key)
    keys = random.split(key, 5)
    for i in range(5):
        same((of_env(obs, i), of_env(state, i)), batch.env.reset(keys[i]))
    action = batch.action_space().sample(KEY)
    for step in ("step", "step_env"):
        out = getattr(batch, step)(key, state, action)
        for i in range(5):
            same(of_env(out, i), getattr(batch.env, step)(keys[i], of_env(state, i), action[i]))


def test_lanes_end_and_reset_by_themselves(batch):
    def one(state, key):
        obs, state, reward, done, info = batch.step(key, state, batch.action_space().sample(key))
        return state, (obs, reward, done, info, state.env_state.episodes, state.time)

    _, state = batch.reset(KEY)
    obs, reward, done, info, episodes, time = jax.lax.scan(one, state, jax.random.split(KEY, 40))[1]
    assert (obs.shape, reward.shape, done.shape, info["final_observation"].shape) == ((40, 5, 2), (40, 5), (40, 5), (40, 5, 2))
    assert (reward.dtype, done.dtype) == (np.float32, np.bool_)
    np.testing.assert_array_equal(episodes, np.cumsum(done, axis=0))
    assert (np.asarray(time)[np.asarray(done)] == 0).all()
    assert len(np.unique(episodes[-1])) > 1
    assert jax.vmap(batch.observation_space().contains)(obs).all()


def test_spaces_are_those_of_a_batch(batch):
    assert batch.action_space() == batch.observation_space() == Box(-1.0, 1.0, (5, 2))
    wide = batch.default_params.replace(limit=3.0)
    assert batch.action_space(wide) == Box(-3.0, 3.0, (5, 2))
    assert batch.state_space()["env_state"]["x"].shape == (5, 2)
    assert (batch.num_actions, batch.name, batch.unwrapped) == (2, "Walk", batch.env.unwrapped)


def test_parameters_are_shared_by_all_lanes(batch):
    wide = batch.default_params.replace(limit=100.0)
    _, state = batch.reset(KEY, wide)
    obs, *_ = batch.step(KEY, state, jnp.full((5, 2), 50.0), wide)
    assert (obs > 20).all()


def test_every_lane_is_drawn(batch):
    _, state = batch.reset(KEY)
    _, state, *_ = batch.step(KEY, state, jnp.zeros((5, 2)))
    assert batch.render(state).shape == (5, 4, 4, 3)
    assert (batch.render(state) == 10).all()


def test_equal_batches_share_one_compilation(walk):
    wrappers.Vectorize(walk, 17).reset(KEY)  # numbers that no other test has compiled
    before = vectorize._reset._cache_size()
    wrappers.Vectorize(walk, 17).reset(KEY)
    assert vectorize._reset._cache_size() == before
    wrappers.Vectorize(walk, 19).reset(KEY)
    assert vectorize._reset._cache_size() == before + 1


def test_shared_statistics_know_the_number_of_lanes_and_are_stored_once(walk):
    env = wrappers.NormalizeObservation(walk, axis_name="envs")
    for num_envs in (2, 3, 2):
        _, state = wrappers.Vectorize(env, num_envs).reset(KEY)
        assert state.statistics.count.tolist() == num_envs


def test_what_does_not_fit_is_refused(batch):
    _, state = batch.reset(KEY)
    with pytest.raises(
        SpaceMismatchError, match=r"the batch of Walk's actions is float32\[2\], but a member of .* \(5, 2\)\) was expected."
    ):
        batch.step(KEY, state, jnp.zeros(2))
    with pytest.raises(KeyTypeError):
        batch.reset(0)
    with pytest.raises(ParamsTypeError):
        batch.reset(KEY, 3.0)
