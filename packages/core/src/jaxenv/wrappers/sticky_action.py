"""Actions that repeat by chance."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import _canonical, random, ranges
from jaxenv.environment import Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.wrappers._members import nearest_zero
from jaxenv.wrappers.base import ParametricWrapper, StatefulWrapper, WrapperParams, WrapperState


@struct.dataclass
class StickyActionState(WrapperState):
    """State of :class:`StickyAction`."""

    last_action: Any
    """The action that the wrapped environment took last; before the first step, of no meaning."""
    started: Array
    """Whether this episode has taken a step, bool[]."""
    repeats_left: Array
    """For how many more steps the last action is repeated whatever is drawn, int32[]."""


@struct.dataclass
class StickyActionParams(WrapperParams):
    """Parameters of :class:`StickyAction`."""

    repeat_action_probability: Array | float = ranges.number(0.25, at_least=0, at_most=1)
    """The probability that a step repeats the last action, in [0, 1]."""


class Draws(NamedTuple):
    """The randomness of one step."""

    sticks: Array
    """A number uniform on [0, 1): the action sticks if it is below the probability."""
    duration: Array
    """For how many steps it would stick, int32[]."""
    key: Array
    """The key of the wrapped environment's step."""


class StickyAction(StatefulWrapper, ParametricWrapper):
    """Repeat the last action instead of the given one with probability ``repeat_action_probability``, a leaf of the parameters.

    An action that sticks does so for ``repeat_action_duration`` steps, or for a number of them drawn uniformly between the two
    numbers of a pair, both included. The first step of an episode has nothing to repeat.

    >>> env = StickyAction(env, 0.25)
    """

    repeat_action_probability: float
    """The default of the parameter ``repeat_action_probability``."""
    repeat_action_duration: int | tuple[int, int] = 1
    """For how many steps an action sticks: a number, or the smallest and the largest."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.repeat_action_probability <= 1:
            raise WrapperSettingError(
                f"StickyAction got repeat_action_probability = {self.repeat_action_probability}. Pass a number between 0 and 1."
            )
        low, high = self._durations
        if not 1 <= low <= high <= 1 << 16:
            raise WrapperSettingError(
                f"StickyAction got repeat_action_duration = {self.repeat_action_duration}. "
                "Pass an integer of at least 1, or two in order."
            )

    @property
    def _durations(self) -> tuple[int, int]:
        duration = self.repeat_action_duration
        return duration if isinstance(duration, tuple) else (duration, duration)

    @property
    def default_params(self) -> StickyActionParams:
        return StickyActionParams(
            env_params=self.env.default_params, repeat_action_probability=float(self.repeat_action_probability)
        )

    def init_wrapper_state(self, env_state: Any, params: Any) -> StickyActionState:
        action = nearest_zero(self.env.action_space(self.inner_params(params)))
        return StickyActionState(env_state, action, jnp.asarray(False), jnp.zeros((), jnp.int32))

    def draw_step(self, key: Array, params: StickyActionParams) -> Draws:
        """Draw the randomness of one step, and the key of the wrapped environment's."""
        key_inner, key_own = self.split_key(key, params)
        low, high = self._durations
        if low == high:
            return Draws(random.uniform(random.words(key_own, 1)[0]), jnp.full((), low, jnp.int32), key_inner)
        words = random.words(key_own, 2)
        return Draws(random.uniform(words[0]), random.uniform_int(words[1], low, high + 1), key_inner)

    def advance(self, key: Array, state: Any, action: Any, params: StickyActionParams) -> Transition[Any]:
        draws = self.draw_step(key, params)
        action, repeats_left = self.choose(draws, state, action, params)
        out = self.inner_advance(draws.key, state, action, params)
        new = StickyActionState(out.state, action, jnp.asarray(True), repeats_left)
        return out.replace(state=new)  # type: ignore[attr-defined]

    def choose(self, draws: Draws, state: StickyActionState, action: Any, params: StickyActionParams) -> tuple[Any, Array]:
        """Return the action to take, and for how many more steps it is repeated.

        Args:
            draws: the result of ``draw_step``.
            state: the wrapper's state.
            action: the action that the caller chose.
            params: the parameters.
        """
        stuck = state.repeats_left > 0
        sticks = stuck | (state.started & (draws.sticks < params.repeat_action_probability))
        repeats_left = jnp.where(stuck, state.repeats_left, draws.duration) - 1
        return _canonical.select(sticks, state.last_action, action), jnp.where(sticks, repeats_left, 0)
