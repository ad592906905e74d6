"""Actions beyond the bounds, brought back to them."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenv import spaces
from jaxenv.environment import Transition
from jaxenv.wrappers.base import Wrapper


class ClipAction(Wrapper):
    """Take any real number as an action, and clip it to the bounds of the wrapped environment's ``Box``.

    >>> env = ClipAction(env)
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_box("action", "float", advice="Only continuous actions can be clipped.")

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        inner: Any = self.env.action_space(self.inner_params(params))
        return self.inner_advance(key, state, jnp.clip(action, inner.low, inner.high), params)

    def action_space(self, params: Any) -> spaces.Box:
        inner = self.env.action_space(self.inner_params(params))
        return spaces.Box(-math.inf, math.inf, inner.shape, inner.dtype)
