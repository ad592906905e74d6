"""Observations that arrive late."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv._sizes import is_size, whole
from jaxenv.environment import Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.errors.formatting import short
from jaxenv.wrappers._members import nearest_zero
from jaxenv.wrappers.base import StatefulWrapper, WrapperState


@struct.dataclass
class DelayObservationState(WrapperState):
    """State of :class:`DelayObservation`."""

    queue: Any
    """The observations under way, the one that is seen now first, along a new first axis."""


class DelayObservation(StatefulWrapper):
    """Show every observation ``delay`` steps late.

    In the first ``delay`` observations of an episode, the member of the observation space nearest to zero is seen.

    >>> env = DelayObservation(env, delay=2)
    """

    delay: int
    """By how many steps observations are late, at least 0."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "delay", whole(self.delay))
        super().__post_init__()
        if not is_size(self.delay, least=0):
            raise WrapperSettingError(f"DelayObservation got delay = {short(self.delay)}. Pass an integer of at least 0.")

    def init_wrapper_state(self, env_state: Any, params: Any) -> DelayObservationState:
        space = self.env.observation_space(self.inner_params(params))
        blanks = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.delay + 1, *x.shape)), nearest_zero(space))
        return DelayObservationState(env_state, _push(blanks, self.inner_observation(env_state, params)))

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        newest = self.inner_observation(out.state, params)
        return out.replace(state=DelayObservationState(out.state, _push(state.queue, newest)))  # type: ignore[attr-defined]

    def observe(self, state: Any, params: Any) -> Any:
        return jax.tree.map(lambda x: x[0], state.queue)


def _push(queue: Any, newest: Any) -> Any:
    """Drop the first in the queue and append the newest."""
    return jax.tree.map(lambda old, new: jnp.concatenate([old[1:], new[None]]), queue, newest)
