"""Running statistics against NumPy in float64 over the same stream: long ones, short ones, shared ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import spaces, wrappers
from jaxenv.errors import WrapperSettingError
from jaxenv.spaces import Box, Discrete
from jaxenv.wrappers import RunningStatistics
from probes import Recording

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)
NUM_ENVS = 8


def with_prior(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of ``values`` and the prior: mean 0, variance 1, weight 1e-4."""
    values = np.asarray(values, np.float64)
    count = len(values) + 1e-4
    mean = values.sum(axis=0) / count
    return mean, (((values - mean) ** 2).sum(axis=0) + 1e-4 * (1 + mean**2)) / count


STREAMS = {
    "standard": (0.0, 1.0),
    "far from zero": (1e4, 1.0),
    "tiny": (1e-3, 1e-5),
    "huge": (-1e6, 1e5),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_hundred_thousand_values_leave_no_rounding_behind(name):
    mean, deviation = STREAMS[name]
    values = np.random.default_rng(0).normal(mean, deviation, (100_000, 2)).astype(np.float32)
    scan = jax.jit(lambda values: jax.lax.scan(lambda s, v: (s.update(v), None), RunningStatistics.empty((2,)), values)[0])
    statistics = scan(values)
    expected_mean, expected_variance = with_prior(values)
    assert statistics.count == 100_000
    # float32 holds 24 bits of the values themselves; the mean of 100,000 of them is to be no worse.
    np.testing.assert_allclose(statistics.mean, expected_mean, rtol=2e-7, atol=1e-7 * deviation)
    np.testing.assert_allclose(statistics.variance, expected_variance, rtol=2e-4 if name == "far from zero" else 1e-5)


def test_nothing_counted_is_the_prior():
    statistics = RunningStatistics.empty((3,))
    np.testing.assert_allclose(statistics.variance, 1.0, rtol=1e-6)
    same = statistics.update(jnp.ones(3), counted=False)
    assert jax.tree.all(jax.tree.map(np.array_equal, statistics, same))


def test_the_count_stops_before_it_overflows():
    full = dataclasses.replace(RunningStatistics.empty(()), count=jnp.int32(2**31 - 2))
    once = full.update(jnp.float32(1.0))
    assert (once.count, once.update(jnp.float32(1.0)).count) == (2**31 - 1, 2**31 - 1)
    shared = jax.vmap(lambda x: full.update(x, axis_name="i"), axis_name="i")(jnp.ones(4))
    assert shared.count.tolist() == [2**31 - 1] * 4


def test_shared_statistics_count_every_lane_and_are_the_same_in_each():
    values = np.random.default_rng(1).normal(3.0, 2.0, (200, NUM_ENVS, 2)).astype(np.float32)
    counted = np.random.default_rng(2).random((200, NUM_ENVS)) < 0.5

    def one_env(values: Any, counted: Any) -> Any:
        def one(s: Any, x: Any) -> Any:
            return s.update(x[0], x[1], "envs"), None

        return jax.lax.scan(one, RunningStatistics.empty((2,)), (values, counted))[0]

    statistics = jax.jit(jax.vmap(one_env, in_axes=1, axis_name="envs"))(values, counted)
    mean, variance = with_prior(values[counted])
    assert statistics.count.tolist() == [counted.sum()] * NUM_ENVS
    for lane_mean, lane_variance in zip(statistics.mean, jax.vmap(lambda s: s.variance)(statistics), strict=True):
        np.testing.assert_allclose(lane_mean, mean, rtol=1e-6)
        np.testing.assert_allclose(lane_variance, variance, rtol=1e-5)


def stream(length=100_000, limit=50):
    """Return a recording far from zero, whose observations no float32 sum of squares would survive."""
    played = Recording(Box(-np.inf, np.inf, (2,)), Discrete(2), length, limit=limit)
    rng = np.random.default_rng(3)
    played.observations = rng.normal([300.0, -2.0], [1.0, 5.0], (length, 2)).astype(np.float32)
    return played


def test_observations_are_normalised_over_a_hundred_thousand_steps():
    played = stream()
    steps = int(100_000 / 1.2)
    env = wrappers.NormalizeObservation(played.env)
    _, out = played.play(env, np.zeros(steps, np.int32))
    last = np.asarray(out["state"].env_state.index)[-1] + 1
    assert last > steps + 5_000
    mean, variance = with_prior(played.observations[:last])
    statistics = out["state"].statistics
    assert statistics.count[-1] == last
    np.testing.assert_allclose(statistics.mean[-1], mean, rtol=2e-7)
    np.testing.assert_allclose(statistics.deviation[-1] / last, variance, rtol=1e-5)
    raw = played.observations[last - 1].astype(np.float64)
    np.testing.assert_allclose(out["obs"][-1], (raw - mean) / np.sqrt(variance + 1e-8), rtol=1e-4, atol=1e-4)


def test_rewards_are_normalised_over_a_hundred_thousand_steps():
    played = stream()
    steps = int(100_000 / 1.2)
    env = wrappers.NormalizeReward(played.env, gamma=0.9)
    _, out = played.play(env, np.zeros(steps, np.int32))
    index = np.asarray(out["state"].env_state.index) - out["done"]  # of the step itself, before the reset moved on
    returns, running = np.zeros(steps), 0.0
    for t, i in enumerate(index):
        running = running * 0.9 * (not played.terminated[i]) + float(played.rewards[i])
        returns[t] = running
    count = np.arange(1, steps + 1) + 1e-4
    mean = np.cumsum(returns) / count
    variance = (np.cumsum(returns**2) + 1e-4) / count - mean**2
    np.testing.assert_allclose(
        out["reward"][1000:], (played.rewards[index] / np.sqrt(variance + 1e-8))[1000:], rtol=1e-4, atol=1e-6
    )


@pytest.fixture(scope="module")
def shared():
    """Return 60 steps of 8 environments with shared statistics, each environment a recording of its own, and what they saw."""
    played = Recording(Box(-10.0, 10.0, (2,)), Discrete(2), NUM_ENVS * 100, limit=9)

    class OneEnv(type(played.env)):
        """Begin at a place of the recording that the key decides."""

        def init(self, key: Any, params: Any) -> Any:
            start = jax.random.randint(key, (), 0, 600, jnp.int32)
            return super().init(key, params).replace(index=start)

    plain = OneEnv(played.observation, played.action, played.length)
    env = wrappers.NormalizeReward(wrappers.NormalizeObservation(plain, axis_name="envs"), gamma=0.9, axis_name="envs")
    batch = wrappers.Vectorize(env, NUM_ENVS)
    params = env.default_params.replace(env_params=played.params)

    def one(state: Any, key: Any) -> Any:
        obs, state, reward, done, info = batch.step(key, state, jnp.zeros(NUM_ENVS, jnp.int32), params)
        return state, {"obs": obs, "reward": reward, "done": done, "info": info, "state": state}

    first, state = batch.reset(KEY, params)
    steps = jax.jit(lambda s: jax.lax.scan(one, s, jax.random.split(KEY, 60)))(state)[1]
    return played, jax.tree.map(np.asarray, (first, state)), jax.tree.map(np.asarray, steps)


def test_environments_share_one_count_in_which_every_observation_is_once(shared):
    played, (first, start), steps = shared
    index = np.asarray(start.env_state.env_state.index)
    seen = [played.observations[index]]
    waiting = np.zeros(NUM_ENVS, bool)
    waiting_values = np.zeros((NUM_ENVS, 2), np.float32)
    assert np.ptp(first) > 0.1
    for t in range(60):
        # Where an episode ended in step t, the state has moved on: to the observation that waits to be counted.
        now = steps["state"].env_state.env_state.index[t]
        done = steps["done"][t]
        seen.append(waiting_values[waiting])
        before = index + 1
        seen.append(played.observations[before])
        mean, variance = with_prior(np.concatenate(seen))
        statistics = steps["state"].env_state.statistics
        assert (statistics.count[t] == sum(map(len, seen))).all()
        np.testing.assert_allclose(statistics.mean[t], mean, rtol=1e-5, atol=1e-6)
        normal = (played.observations[now] - mean) / np.sqrt(variance + 1e-8)
        np.testing.assert_allclose(steps["obs"][t], normal, rtol=1e-4, atol=1e-5)
        final = (played.observations[before] - mean) / np.sqrt(variance + 1e-8)
        np.testing.assert_allclose(steps["info"]["final_observation"][t], final, rtol=1e-4, atol=1e-5)
        waiting, waiting_values, index = done, played.observations[now], now
    assert steps["done"].sum() > 20


def test_environments_share_the_variance_of_their_returns(shared):
    played, (_, start), steps = shared
    index = np.asarray(start.env_state.env_state.index)
    running, seen = np.zeros(NUM_ENVS), []
    for t in range(60):
        index = index + 1
        raw = played.rewards[index].astype(np.float64)
        running = running * 0.9 * ~played.terminated[index] + raw
        seen.append(running)
        _, variance = with_prior(np.concatenate(seen))
        np.testing.assert_allclose(steps["reward"][t], raw / np.sqrt(variance + 1e-8), rtol=1e-4)
        index = steps["state"].env_state.env_state.index[t]


def test_without_a_name_every_lane_counts_for_itself():
    played = Recording(Box(-10.0, 10.0, (2,)), Discrete(2))
    env = wrappers.NormalizeObservation(played.env)
    batch = wrappers.Vectorize(env, 3)
    _, state = batch.reset(KEY, played.params)
    _, state, *_ = batch.step(KEY, state, jnp.zeros(3, jnp.int32), played.params)
    assert state.statistics.count.tolist() == [2, 2, 2]


def test_sharing_needs_a_mapped_axis():
    played = Recording(Box(-10.0, 10.0, (2,)), Discrete(2))
    env = wrappers.NormalizeObservation(played.env, axis_name="elsewhere")
    with pytest.raises(WrapperSettingError) as caught:
        env.reset(KEY)
    assert str(caught.value).startswith(
        "Statistics are to be shared over the axis 'elsewhere', but no axis of that name is mapped. "
        "Step the environment through Vectorize(env, num_envs, 'elsewhere'), or through jax.vmap(..., axis_name='elsewhere')."
    )
    obs, state = jax.vmap(env.reset, axis_name="elsewhere")(jax.random.split(KEY, 4))
    assert obs.shape == (4, 2)
    assert state.statistics.count.tolist() == [4] * 4
    with pytest.raises(WrapperSettingError):
        wrappers.Vectorize(env, 4).reset(KEY)
    assert wrappers.Vectorize(env, 4, axis_name="elsewhere").state_space()["statistics"]["count"].shape == ()
    assert isinstance(wrappers.Vectorize(env, 4).observation_space(), spaces.Box)
