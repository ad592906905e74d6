"""The wrappers that change what is done, and what it earns, one by one."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import environment, random, wrappers
from jaxenv.spaces import Box, Discrete, MultiDiscrete
from probes import Recording, Replay

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)
LINE = Box(0.0, 10.0, (1,))


def test_reward_noise_is_normal_and_changes_nothing_else(walk):
    env = wrappers.RewardNoise(walk, 0.5)
    _, state = env.reset(KEY)
    keys = jax.random.split(KEY, 20_000)
    action = jnp.full((2,), 0.1)
    _, noisy_state, noisy, _, _ = jax.vmap(lambda key: env.step_env(key, state, action))(keys)
    inner_keys = jax.vmap(lambda key: random.split(random.split(key)[0])[0])(keys)
    # step splits between transition and reset, the wrapper between the wrapped transition and its own noise.
    inner = jax.vmap(lambda key: environment._advance(walk, key, state, action, walk.default_params))(inner_keys)
    np.testing.assert_array_equal(noisy_state.x, inner.state.x)
    noise = np.asarray(noisy - inner.reward, np.float64) / 0.5
    assert abs(noise.mean()) < 0.03
    assert abs(noise.std() - 1) < 0.03
    assert abs((noise**4).mean() - 3) < 0.25
    assert abs(np.corrcoef(noise, inner.reward)[0, 1]) < 0.03


def test_no_noise_without_scale(walk):
    env = wrappers.RewardNoise(walk, 1.0)
    params = env.default_params.replace(scale=0.0)
    _, state = env.reset(KEY)
    obs, _, reward, _, _ = env.step_env(KEY, state, jnp.zeros(2), params)
    np.testing.assert_allclose(reward, obs.sum(), rtol=1e-6)


@pytest.mark.parametrize(("probability", "repeats"), [(0.0, False), (1.0, True)])
def test_actions_stick_never_or_from_the_second_step_of_each_episode(probability, repeats):
    played = Recording(LINE, MultiDiscrete([50, 60]), limit=4)
    played.terminated[:] = False
    actions = np.stack([np.arange(30), np.arange(30) + 5], axis=1)
    _, steps = played.play(wrappers.StickyAction(played.env, probability), actions)
    first_of_episode = np.arange(30) // 4 * 4
    np.testing.assert_array_equal(steps["info"]["action"], actions[first_of_episode] if repeats else actions)


def test_repeat_action_stops_where_the_episode_does(play):
    env = wrappers.RepeatAction(Replay(length=10), 4)
    inner = env.env.default_params.replace(
        observations=np.arange(10, dtype=np.float32)[:, None],
        rewards=np.arange(10, dtype=np.float32),
        terminated=np.arange(10) == 6,
        max_steps_in_episode=100,
    )
    _, steps = play(env, 2, inner, actions=np.zeros(2, np.int32))
    assert steps["reward"].tolist() == [1 + 2 + 3 + 4, 5 + 6]
    assert steps["done"].tolist() == [False, True]
    assert steps["info"]["terminated"].tolist() == [False, True]
    assert steps["info"]["final_observation"].ravel().tolist() == [4, 6]
    assert steps["obs"].ravel().tolist() == [4, 7]
    assert steps["state"].time.tolist() == [4, 0]

    limited = inner.replace(max_steps_in_episode=3)
    _, steps = play(env, 1, limited, actions=np.zeros(1, np.int32))
    assert steps["reward"].tolist() == [1 + 2 + 3]
    assert steps["info"]["truncated"].tolist() == [True]
    assert steps["info"]["terminated"].tolist() == [False]


def test_repeat_action_takes_each_step_with_a_key_of_its_own(walk):
    env, once = wrappers.RepeatAction(walk, 3), wrappers.RepeatAction(walk, 1)
    _, state = env.reset(KEY)
    params = env.default_params
    action = jnp.full((2,), 0.05)
    out = env.advance(KEY, state, action, params)
    reward = 0.0
    for key in random.split(KEY, 3):
        inner = walk.advance(key, state, action, params)
        state, reward = inner.state, reward + inner.reward
    np.testing.assert_allclose(out.state.x, state.x, rtol=1e-6)
    np.testing.assert_allclose(out.reward, reward, rtol=1e-6)
    _, state = once.reset(KEY)
    alone = walk.advance(random.split(KEY, 1)[0], state, action, params)
    np.testing.assert_allclose(once.advance(KEY, state, action, params).state.x, alone.state.x, rtol=1e-6)


def test_bounds_that_are_parameters_are_rescaled_one_by_one(walk):
    env = wrappers.RescaleObservation(wrappers.RescaleAction(walk, 0.0, 1.0), 0.0, 10.0)

    def arrive(limit):
        params = env.default_params.replace(limit=limit)
        obs, state = env.reset(KEY, params)
        return obs, env.step_env(KEY, state, jnp.array([0.0, 1.0]), params)[4]["action"]

    limits = jnp.array([1.0, 4.0])
    obs, arrived = jax.vmap(arrive)(limits)
    plain, _ = walk.reset(KEY)
    np.testing.assert_allclose(obs, (np.asarray(plain) / np.asarray(limits)[:, None] + 1.0) * 5.0, rtol=1e-5)
    np.testing.assert_array_equal(arrived, np.asarray(limits)[:, None] * np.array([-1.0, 1.0]))


def test_rescaled_ends_meet_the_bounds_exactly():
    low, high = np.float32(-0.1), np.float32(0.7)
    env = wrappers.RescaleAction(Replay(action=Box(low, high, (3,))), -1.0, 1.0)
    _, state = env.reset(KEY)
    arrived = env.step_env(KEY, state, jnp.array([-1.0, 1.0, 3.0]))[4]["action"]
    assert arrived[:2].tolist() == [low, high]
    assert arrived[2] > 1.0
    clipped = wrappers.ClipAction(env)
    assert clipped.step_env(KEY, state, jnp.array([-1.0, 1.0, 3.0]))[4]["action"].tolist() == [low, high, high]


def test_statistics_of_episodes_as_gymnaxs_log_wrapper_names_them():
    played = Recording(LINE, Discrete(2), limit=3)
    played.terminated[:] = False
    _, steps = played.play(wrappers.LogWrapper(played.env), np.zeros(7, np.int32))
    info, rewards = steps["info"], steps["reward"].astype(np.float64)
    assert info["returned_episode"].tolist() == [False, False, True, False, False, True, False]
    assert info["returned_episode_lengths"].tolist() == [0, 0, 3, 3, 3, 3, 3]
    returns = [rewards[:3].sum(), rewards[3:6].sum()]
    np.testing.assert_allclose(info["returned_episode_returns"], [0, 0, *[returns[0]] * 3, *[returns[1]] * 2], rtol=1e-6)
    assert info["timestep"].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_frozen_statistics_evaluate_from_the_same_state(walk, play):
    env = wrappers.NormalizeReward(wrappers.NormalizeObservation(walk))
    _, steps = play(env, 50)
    state = jax.tree.map(lambda leaf: leaf[-1], steps["state"])
    frozen = dataclasses.replace(env, env=dataclasses.replace(env.env, update_running_mean=False), update_running_mean=False)
    _, after, *_ = frozen.step(KEY, state, jnp.zeros(2))
    assert jax.tree.all(jax.tree.map(np.array_equal, after.statistics, state.statistics))
    assert jax.tree.all(jax.tree.map(np.array_equal, after.env_state.statistics, state.env_state.statistics))
    raw = walk.observe(after.env_state.env_state, walk.default_params)
    statistics = state.env_state.statistics
    np.testing.assert_allclose(
        frozen.observe(after, env.default_params), (raw - statistics.mean) / np.sqrt(statistics.variance), rtol=1e-4, atol=1e-5
    )
