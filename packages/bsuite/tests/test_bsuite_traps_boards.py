"""Where a port of Catch, DeepSea or MNISTBandit is known to have gone wrong, by name."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv_bsuite import load_from_id
from jaxenv_bsuite.deep_sea import Draws

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


# -- Catch ---------------------------------------------------------------------------------------------------------


def test_catch_has_no_limit_besides_its_length(play):
    env, params = jaxenv.make("Catch-bsuite", rows=1500)
    _, (_, _, _, done, info) = play(env, params, np.ones(1499))
    assert np.flatnonzero(done).tolist() == [1498]
    assert not info["truncated"].any()


def test_catch_space_is_the_float32_of_its_observation():
    env, params = load_from_id("catch/0")
    obs, _ = env.reset(KEY, params)
    assert obs.dtype == env.observation_space(params).dtype == np.float32


def test_catch_lights_one_pixel_when_the_ball_is_caught(play):
    env, params = jaxenv.make("Catch-bsuite", columns=1)
    _, (_, _, reward, _, info) = play(env, params, np.ones(9))
    assert info["final_observation"][-1].sum() == 1
    assert reward[-1] == 1


# -- DeepSea -------------------------------------------------------------------------------------------------------


def test_deep_sea_mapping_is_numpys_not_jaxs():
    mapping = np.asarray(load_from_id("deep_sea/0")[1].action_mapping)
    assert np.array_equal(mapping, np.random.RandomState(42).binomial(1, 0.5, [10, 10]))


def test_deep_sea_without_randomized_actions_moves_right_by_1():
    _, params = jaxenv.make("DeepSea-bsuite", randomize_actions=False)
    assert np.asarray(params.action_mapping).all()


def diagonal(size):
    return np.asarray(load_from_id("deep_sea/0")[1].action_mapping)[np.arange(size), np.arange(size)]


def test_deep_sea_treasure_costs_and_final_observation(play):
    env, params = load_from_id("deep_sea/0")
    _, (obs, states, reward, done, info) = play(env, params, diagonal(10))
    assert reward[:-1] == pytest.approx(-0.001)
    assert reward[-1] == pytest.approx(0.999)
    assert done[-1]
    assert not info["final_observation"][-1].any()
    assert obs[-1, 0, 0] == 1
    assert (states.denoised_return[-1], states.total_bad_episodes[-1]) == (1, 0)


def windy(monkeypatch, wind, noise=0.0):
    env, params = load_from_id("deep_sea_stochastic/0")
    draws = Draws(jnp.float32(noise), jnp.float32(wind))
    monkeypatch.setattr(type(env), "draw_step", lambda self, key, params: draws)
    jax.clear_caches()
    return env, params


def test_deep_sea_wind_blocks_the_move_but_not_its_cost(monkeypatch):
    env, params = windy(monkeypatch, wind=0.05)
    _, state = env.reset(KEY, params)
    _, state, reward, *_ = env.step(KEY, state, diagonal(1)[0], params)
    jax.clear_caches()
    assert int(state.column) == 0
    assert float(reward) == pytest.approx(-0.001)


def test_deep_sea_treasure_is_taken_even_if_the_wind_blocks_the_move(monkeypatch):
    env, params = windy(monkeypatch, wind=0.05, noise=0.25)
    _, state = env.reset(KEY, params)
    corner = state.replace(time=jnp.int32(9), column=jnp.int32(9))
    action = np.asarray(params.action_mapping)[9, 9]
    _, state, reward, done, _ = env.step(KEY, corner, action, params)
    jax.clear_caches()
    assert float(reward) == pytest.approx(1.0 + 0.25 - 0.001)
    assert bool(done)
    assert int(state.denoised_return) == 1


def test_deep_sea_stochastic_noise_only_in_the_corners_of_the_last_row():
    env, params = load_from_id("deep_sea_stochastic/0")
    _, state = env.reset(KEY, params)

    def reward(row, column):
        at = state.replace(time=jnp.int32(row), column=jnp.int32(column))
        action = 1 - int(params.action_mapping[row, column])
        return float(env.step(KEY, at, action, params)[2])

    assert reward(9, 0) != 0.0
    assert reward(9, 9) != 0.0
    assert reward(9, 4) == reward(8, 0) == 0.0


# -- MNISTBandit ---------------------------------------------------------------------------------------------------


def test_mnist_terminates_without_being_truncated(play):
    env, params = load_from_id("mnist/0")
    _, (_, _, reward, _, info) = play(env, params, np.arange(50) % 10)
    assert info["terminated"].all()
    assert not info["truncated"].any()
    assert not info["final_observation"].any()
    assert set(np.asarray(reward)) == {-1.0, 1.0}


def test_mnist_pixels_are_signed_bytes_as_in_bsuite():
    env = load_from_id("mnist/0")[0]
    image = np.arange(784).reshape(1, 28, 28).astype(np.uint8)
    params = env.params_from(image, np.array([0]))
    obs, _ = env.reset(KEY, params)
    assert np.array_equal(obs, image[0].astype(np.int8).astype(np.float32) / np.float32(255))
    assert obs.min() == np.float32(-128 / 255)
    assert env.observation_space(params).contains(obs)
    unit = type(env)(pixel_mode="unit")
    obs, _ = unit.reset(KEY, params)
    assert np.array_equal(obs, image[0].astype(np.float32) / np.float32(255))
    assert unit.observation_space(params).contains(obs)


def test_mnist_images_are_arguments_of_the_program_not_constants():
    env, params = load_from_id("mnist/0")
    assert params.images.dtype == np.int8
    _, state = env.reset(KEY, params)
    jaxpr = jax.make_jaxpr(env.step)(KEY, state, 0, params)
    assert all(np.size(constant) < 1000 for constant in jaxpr.consts)
    assert params.images.size > 100_000
    text = jax.jit(lambda state, params: env.step(KEY, state, 0, params)).lower(state, params).as_text()
    assert len(text) < 50_000
