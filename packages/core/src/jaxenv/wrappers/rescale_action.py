"""Actions in other units."""

from __future__ import annotations

from typing import Any

from jax import Array

from jaxenv import spaces
from jaxenv.environment import Transition
from jaxenv.wrappers._affine import Bound, box_between, hashable, rescale
from jaxenv.wrappers.base import Wrapper


class RescaleAction(Wrapper):
    """Let actions run from ``min_action`` to ``max_action``, mapped linearly to the bounds of the wrapped environment's ``Box``.

    An action beyond these bounds is mapped beyond the wrapped ones: put ``ClipAction`` around this where that can happen.

    >>> env = RescaleAction(env, -1.0, 1.0)
    """

    min_action: Bound
    """The smallest action: a number, or one for each component."""
    max_action: Bound
    """The largest action, likewise."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "min_action", hashable(self.min_action))
        object.__setattr__(self, "max_action", hashable(self.max_action))
        super().__post_init__()
        self.require_box("action", "float", bounded=True, advice="Give the wrapped environment bounded continuous actions.")
        self.action_space(self.default_params)

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        inner: Any = self.env.action_space(self.inner_params(params))
        return self.inner_advance(key, state, rescale(action, self.action_space(params), inner), params)

    def action_space(self, params: Any) -> spaces.Box:
        inner: Any = self.env.action_space(self.inner_params(params))
        return box_between("RescaleAction", self.min_action, self.max_action, inner, inner.dtype)
