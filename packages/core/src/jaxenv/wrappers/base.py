"""What all wrappers share: an environment whose hooks call another environment's hooks."""

from __future__ import annotations

from typing import Any

from flax import struct
from jax import Array

from jaxenv import spaces
from jaxenv.environment import Environment, Transition


class Wrapper(Environment[Any, Any]):
    """Forward the whole protocol to ``env``; a subclass overrides the hooks that it changes.

    A wrapper's ``transition`` calls the inner ``advance``, which has moved the clock and applied the time limit already; so
    the wrapper's own ``advance`` is its ``transition`` and nothing more. It never calls the inner ``step``: the reset
    happens once, outside the whole stack, and time limits, ``final_observation`` and ``carry_over`` hold for any stack.

    A subclass with memory derives from :class:`StatefulWrapper`, one with numeric settings of its own (leaves that a user may vary,
    ``vmap`` or differentiate) from :class:`ParametricWrapper`, one with both from both.
    """

    env: Environment[Any, Any]

    def inner_state(self, state: Any) -> Any:
        """Return the wrapped environment's part of ``state``."""
        return state

    def inner_params(self, params: Any) -> Any:
        """Return the wrapped environment's part of ``params``."""
        return params

    @property
    def default_params(self) -> Any:
        return self.env.default_params

    def init(self, key: Array, params: Any) -> Any:
        return self.env.init(key, self.inner_params(params))

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        return self.env.advance(key, self.inner_state(state), action, self.inner_params(params))

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        return self.transition(key, state, action, params)

    def observe(self, state: Any, params: Any) -> Any:
        return self.env.observe(self.inner_state(state), self.inner_params(params))

    def action_space(self, params: Any) -> spaces.Space:
        return self.env.action_space(self.inner_params(params))

    def observation_space(self, params: Any) -> spaces.Space:
        return self.env.observation_space(self.inner_params(params))

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> Any:
        return self.env.carry_over(self.inner_state(fresh), self.inner_state(ended), self.inner_params(params))

    def render(self, state: Any, params: Any, size: int | tuple[int, int] = 256) -> Array:
        return self.env.render(self.inner_state(state), self.inner_params(params), size)

    @property
    def name(self) -> str:
        return self.env.name

    @property
    def unwrapped(self) -> Environment[Any, Any]:
        return self.env.unwrapped


@struct.dataclass
class WrapperState:
    """The inner state, and beside it what a wrapper remembers."""

    env_state: Any
    """The state of the wrapped environment."""

    @property
    def time(self) -> Array:
        """Steps taken in this episode, int32[]: the inner state's."""
        return self.env_state.time


class StatefulWrapper(Wrapper):
    """A wrapper whose state is a :class:`WrapperState`. Subclasses define ``init`` and ``transition``."""

    def inner_state(self, state: Any) -> Any:
        return state.env_state

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> Any:
        return fresh.replace(env_state=super().carry_over(fresh, ended, params))


@struct.dataclass
class WrapperParams:
    """The inner parameters, and beside them a wrapper's own."""

    env_params: Any
    """The parameters of the wrapped environment."""

    @property
    def max_steps_in_episode(self) -> Array:
        """Steps after which an episode is truncated, int32[]: the inner parameter."""
        return self.env_params.max_steps_in_episode


class ParametricWrapper(Wrapper):
    """A wrapper whose params are a :class:`WrapperParams`. Subclasses define ``default_params``."""

    def inner_params(self, params: Any) -> Any:
        return params.env_params
