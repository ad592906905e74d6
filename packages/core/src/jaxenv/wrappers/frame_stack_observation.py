"""The last few observations as one."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import spaces
from jaxenv._sizes import is_size, whole
from jaxenv.environment import Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.errors.formatting import short
from jaxenv.wrappers._members import nearest_zero
from jaxenv.wrappers.base import StatefulWrapper, WrapperState


@struct.dataclass
class FrameStackObservationState(WrapperState):
    """State of :class:`FrameStackObservation`."""

    frames: Any
    """The observations, oldest first, along a new first axis."""


class FrameStackObservation(StatefulWrapper):
    """Stack the last ``stack_size`` observations along a new first axis, the newest last.

    At the start of an episode the older places hold its first observation, or with ``padding_type="zero"`` the member of the
    observation space nearest to zero.

    >>> env = FrameStackObservation(env, 4)
    """

    stack_size: int
    """How many observations are stacked, at least 1."""
    padding_type: str = "reset"
    """What fills the older places at the start of an episode: "reset" or "zero"."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stack_size", whole(self.stack_size))
        super().__post_init__()
        if not is_size(self.stack_size):
            raise WrapperSettingError(
                f"FrameStackObservation got stack_size = {short(self.stack_size)}. Pass an integer of at least 1."
            )
        if self.padding_type not in ("reset", "zero"):
            raise WrapperSettingError(
                f"FrameStackObservation got padding_type = {short(self.padding_type)}. Pass 'reset' or 'zero'."
            )

    def init_wrapper_state(self, env_state: Any, params: Any) -> FrameStackObservationState:
        first = self.inner_observation(env_state, params)
        space = self.env.observation_space(self.inner_params(params))
        padding = first if self.padding_type == "reset" else nearest_zero(space)
        older = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.stack_size, *x.shape)), padding)
        return FrameStackObservationState(env_state, _push(older, first))

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        newest = self.inner_observation(out.state, params)
        new = FrameStackObservationState(out.state, _push(state.frames, newest))
        return out.replace(state=new)  # type: ignore[attr-defined]

    def observe(self, state: Any, params: Any) -> Any:
        return state.frames

    def observation_space(self, params: Any) -> spaces.Space:
        return super().observation_space(params).batch(self.stack_size)


def _push(frames: Any, newest: Any) -> Any:
    """Drop the oldest frame and append the newest."""
    return jax.tree.map(lambda old, new: jnp.concatenate([old[1:], new[None]]), frames, newest)
