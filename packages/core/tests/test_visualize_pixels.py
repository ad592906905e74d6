"""PixelObservation: pictures as observations, through the whole protocol."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jaxenv import Environment, Params, State, Transition, rollout, spaces
from jaxenv.errors import RenderNotSupportedError, WrapperSettingError
from jaxenv.visualize import Canvas, palette
from jaxenv.wrappers import FrameStackObservation, PixelObservation, TimeAwareObservation

pytestmark = pytest.mark.usefixtures("unoptimized")


@struct.dataclass
class DotState(State):
    x: Any


class Blind(Environment[DotState, Params]):
    """A dot walks from the left to the right, where the episode ends; it cannot be drawn."""

    @property
    def default_params(self):
        return Params(max_steps_in_episode=8)

    def init(self, key, params):
        return DotState(x=jnp.float32(1.0))

    def transition(self, key, state, action, params):
        x = state.x + 2.0 * action.astype(jnp.float32)
        return Transition(state.replace(x=x), x, x > 9.0)

    def observe(self, state, params):
        return state.x

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(0.0, 12.0, ())


class Dot(Blind):
    """The same, with a drawing."""

    def render(self, state, params, size=256):
        return Canvas(size, (0.0, 0.0, 10.0, 10.0)).circle((state.x, 5.0), 2.0, palette.GREEN).image()


def test_the_picture_is_the_observation():
    env = PixelObservation(Dot(), size=(12, 20))
    obs, state = env.reset(jax.random.key(0))
    assert env.observation_space(env.default_params) == spaces.Box(0, 255, (12, 20, 3), jnp.uint8)
    assert (obs.shape, obs.dtype) == ((12, 20, 3), jnp.uint8)
    np.testing.assert_array_equal(obs, jax.jit(Dot().render, static_argnums=2)(state, env.default_params, (12, 20)))
    after, state, _, _, info = env.step(jax.random.key(1), state, 1)
    assert (after != obs).any()
    np.testing.assert_array_equal(info["final_observation"], after)


def test_the_last_picture_is_kept_and_the_next_episode_begins_with_the_first():
    env = PixelObservation(Dot(), size=10)
    first, state = env.reset(jax.random.key(0))
    for i in range(5):
        obs, state, _, done, info = env.step(jax.random.key(i), state, 1)
    assert bool(done)
    np.testing.assert_array_equal(obs, first)
    assert (info["final_observation"] != first).any()


def test_grey_is_the_brightness():
    env = PixelObservation(Dot(), size=10, grayscale=True)
    obs, _ = env.reset(jax.random.key(0))
    assert env.observation_space(env.default_params).contains(obs)
    assert obs.shape == (10, 10)
    assert int(obs[0, 0]) == 255
    assert int(obs[4, 1]) == round(0.299 * 0 + 0.587 * 158 + 0.114 * 115)


def test_it_works_under_and_over_other_wrappers():
    env = FrameStackObservation(PixelObservation(TimeAwareObservation(Dot()), size=8, grayscale=True), 3)
    result = rollout(env, None, None, jax.random.key(0), num_envs=4, num_steps=6)
    assert result.trajectory.obs.shape == (6, 4, 3, 8, 8)
    assert result.trajectory.obs.dtype == jnp.uint8


def test_a_network_learns_from_pictures_in_one_compiled_program():
    env = PixelObservation(Dot(), size=8, grayscale=True)

    @jax.jit
    def train(key):
        trajectory = rollout(env, None, None, key, num_envs=8, num_steps=16).trajectory
        pictures = trajectory.info["final_observation"].reshape(-1, 64).astype(jnp.float32) / 255.0 - 0.5

        def loss(weights):
            return jnp.mean((pictures @ weights[:64] + weights[64] - trajectory.reward.reshape(-1)) ** 2)

        def update(weights, _):
            value, slope = jax.value_and_grad(loss)(weights)
            return weights - 0.02 * slope, value

        return jax.lax.scan(update, jnp.zeros(65), length=500)[1]

    losses = train(jax.random.key(0))
    assert losses[-1] < 0.05 * losses[0]


@pytest.mark.parametrize("size", [0, 2.5, (8,), (8, 0), (8, 8, 3)])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(WrapperSettingError, match="Pass an integer of at least 1, or a pair: height"):
        PixelObservation(Dot(), size=size)


def test_an_environment_without_a_drawing_is_refused():
    with pytest.raises(RenderNotSupportedError):
        PixelObservation(Blind())
