"""The distributions of resets and steps, against what the published tasks draw."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv_bsuite.reference import bits

N = 20_000
KEYS = jax.random.split(jax.random.key(0), N)


def first_states(env, params):
    return jax.device_get(jax.jit(jax.vmap(lambda key: env.reset(key, params)[1]))(KEYS))


def assert_uniform(values, low, high):
    """Kolmogorov and Smirnov's distance, at a level of one in a million."""
    sorted_values = np.sort((np.asarray(values, np.float64) - low) / (high - low))
    assert sorted_values[0] >= 0
    assert sorted_values[-1] < 1
    assert np.abs(sorted_values - (np.arange(N) + 0.5) / N).max() < np.sqrt(np.log(2e6) / 2 / N)


def assert_fair(flags):
    """Each column of flags is a fair coin, and no two columns go together; five standard errors."""
    flags = np.asarray(flags, np.float64).reshape(N, -1)
    assert np.abs(flags.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(N)
    together = (2 * flags - 1).T @ (2 * flags - 1) / N
    assert np.abs(together - np.eye(flags.shape[1])).max() < 6 / np.sqrt(N)


def test_catch_ball():
    env, params = jaxenv.make("Catch-bsuite")
    states = first_states(env, params)
    assert np.abs(np.bincount(states.ball_x, minlength=5) - N / 5).max() < 5 * np.sqrt(N * 0.16)
    assert set(states.paddle_x) == {2}


@pytest.mark.parametrize(("name", "centre"), [("Cartpole", 0.0), ("CartpoleSwingup", np.pi)])
def test_pole_starts(name, centre):
    states = first_states(*jaxenv.make(f"{name}-bsuite"))
    for field in ("x", "x_dot", "theta", "theta_dot"):
        middle = centre if field == "theta" else 0.0
        assert_uniform(getattr(states, field), middle - 0.0500002, middle + 0.0500002)
    pairs = np.corrcoef([states.x, states.x_dot, states.theta, states.theta_dot]) - np.eye(4)
    assert np.abs(pairs).max() < 5 / np.sqrt(N)


def test_mountain_car_starts():
    states = first_states(*jaxenv.make("MountainCar-bsuite"))
    assert_uniform(states.position, -0.6, -0.4)
    assert not states.velocity.any()


def test_memory_chain_bits_and_query():
    env, params = jaxenv.make("MemoryChain-bsuite", num_bits=40)
    states = first_states(env, params)
    assert_fair([bits(words, 40) for words in states.context])
    assert np.abs(np.bincount(states.query, minlength=40) - N / 40).max() < 5 * np.sqrt(N / 40)


def test_umbrella_chain_weather_and_distractors():
    env, params = jaxenv.make("UmbrellaChain-bsuite", n_distractor=35)
    states = first_states(env, params)
    drawn = np.array([bits(words, 35) for words in states.distractors])
    assert_fair(np.column_stack([states.need, states.has, drawn]))


def test_umbrella_chain_rewards_are_independent_of_all_else():
    env, params = jaxenv.make("UmbrellaChain-bsuite", n_distractor=35)
    key_reset, key_step = jax.random.split(jax.random.key(5))
    _, state = env.reset(key_reset, params)
    step = jax.jit(jax.vmap(lambda key: env.step(key, state, 1, params)))
    obs, _, reward, _, _ = step(jax.random.split(key_step, N))
    assert_fair(np.column_stack([np.asarray(reward) > 0, np.asarray(obs)[:, 0, 3:]]))


def test_mnist_images_are_equally_likely():
    env, params = jaxenv.make("MNISTBandit-bsuite")
    index = first_states(env, params).index
    assert np.abs(np.bincount(index, minlength=200) - N / 200).max() < 5 * np.sqrt(N / 200)


def test_deep_sea_wind_and_noise():
    env, params = jaxenv.make("bsuite/deep_sea_stochastic/0")
    noise, wind = jax.device_get(jax.jit(jax.vmap(lambda key: env.draw_step(key, params)))(KEYS))
    assert_uniform(wind, 0.0, 1.0)
    assert abs(noise.mean()) < 5 / np.sqrt(N)
    assert abs(noise.std() - 1) < 5 / np.sqrt(2 * N)
    assert abs(np.corrcoef(noise, wind)[0, 1]) < 5 / np.sqrt(N)


def test_reward_noise_has_the_scale_of_its_id():
    env, params = jaxenv.make("bsuite/bandit_noise/9")
    _, state = env.reset(jax.random.key(0), params)
    rewards = jax.jit(jax.vmap(lambda key: env.step(key, state, jnp.int32(0), params)[2]))(KEYS)
    assert float(rewards.std()) == pytest.approx(1.0, rel=0.04)
