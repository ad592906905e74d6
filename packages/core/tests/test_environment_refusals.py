"""What the protocol refuses, from callers and from authors, and the sentence that says so."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from corridors import Corridor, CorridorParams
from jaxenv.environment import Environment, Params, Transition
from jaxenv.errors import (
    KeyTypeError,
    ParamsLeafError,
    ParamsTypeError,
    RenderNotSupportedError,
    StateMismatchError,
    TransitionValueError,
)


def test_a_key_that_is_not_one():
    with pytest.raises(KeyTypeError, match=r"int.* was given. Pass jax\.random\.key"):
        Corridor().reset(0)  # pyright: ignore[reportArgumentType]


def test_params_of_another_environment():
    with pytest.raises(ParamsTypeError, match=r"Corridor takes params of type .*CorridorParams, but .*Params was given"):
        Corridor().reset(jax.random.key(0), Params())  # pyright: ignore[reportArgumentType]


def test_a_fraction_for_a_parameter_that_counts():
    with pytest.raises(
        ParamsLeafError, match=r"Corridor: params\.max_steps_in_episode is float32\[\], but an integer was expected"
    ):
        Corridor().reset(jax.random.key(0), CorridorParams(max_steps_in_episode=5.0))


def test_a_state_that_changes_its_dtype():
    class Drifting(Corridor):
        def transition(self, key, state, action, params):
            return Transition(state.replace(position=jnp.int32(1)), 0.0, terminated=False)

    env = Drifting()
    _, state = env.reset(jax.random.key(0))
    with pytest.raises(StateMismatchError, match=r"Drifting: state\.position is int32\[\], but float32\[\] was expected"):
        env.step(jax.random.key(0), state, 0)


def test_a_state_that_changes_its_structure():
    class Shifting(Corridor):
        def transition(self, key, state, action, params):
            return Transition(state.replace(position=(state.position,)), 0.0, terminated=False)

    env = Shifting()
    _, state = env.reset(jax.random.key(0))
    with pytest.raises(StateMismatchError, match="Shifting: the state is"):
        env.step(jax.random.key(0), state, 0)


def test_a_reward_that_is_not_a_scalar():
    class Vector(Corridor):
        def transition(self, key, state, action, params):
            return Transition(state, jnp.zeros(2), terminated=False)

    env = Vector()
    _, state = env.reset(jax.random.key(0))
    with pytest.raises(TransitionValueError, match=r"a reward of shape \(2,\), but a scalar was expected"):
        env.step(jax.random.key(0), state, 0)


def test_render_that_is_not_defined():
    env = Corridor()
    _, state = env.reset(jax.random.key(0))
    with pytest.raises(RenderNotSupportedError, match="Corridor does not define render"):
        env.render(state, env.default_params)


@pytest.mark.parametrize("hook", ["default_params", "init", "transition", "observe", "action_space", "observation_space"])
def test_a_hook_that_is_missing(hook):
    class Empty(Environment[Any, Any]):
        pass

    with pytest.raises(NotImplementedError, match=f"Empty must define {hook}"):
        _ = (
            getattr(Empty(), hook)
            if hook == "default_params"
            else getattr(Empty(), hook)(*[None] * {"init": 2, "transition": 4, "observe": 2}.get(hook, 1))
        )
