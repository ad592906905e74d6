"""Continuous actions cut into choices."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import spaces
from jaxenv._sizes import is_size, whole
from jaxenv.environment import Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.wrappers._affine import hashable
from jaxenv.wrappers.base import Wrapper


class DiscretizeAction(Wrapper):
    """Cut each component of a bounded ``Box`` of actions into equal bins; a choice means the middle of its bin.

    Choices are one ``Discrete`` number, the last component of the action varying fastest, or with ``multidiscrete`` one number for
    each component.

    >>> env = DiscretizeAction(env, bins=5)
    """

    bins: int | tuple[int, ...]
    """How many bins: one number for all components, or one for each."""
    multidiscrete: bool = False
    """Whether each component is chosen by a number of its own."""

    def __post_init__(self) -> None:
        bins: Any = hashable(self.bins)
        object.__setattr__(self, "bins", tuple(map(whole, bins)) if isinstance(bins, tuple) else whole(bins))
        super().__post_init__()
        advice = "Give the wrapped environment bounded continuous actions."
        size = math.prod(self.require_box("action", "float", bounded=True, advice=advice).shape)
        bins = self.bins if isinstance(self.bins, tuple) else (self.bins,) * size
        if len(bins) != size or not all(map(is_size, bins)):
            raise WrapperSettingError(
                f"DiscretizeAction got bins = {self.bins} for {size} components. Pass one positive integer, or {size} of them."
            )
        if not self.multidiscrete and math.prod(bins) > np.iinfo(np.int32).max:
            raise WrapperSettingError(
                f"DiscretizeAction got bins = {self.bins}, which make {math.prod(bins)} choices, too many for one number. "
                "Pass multidiscrete=True, or fewer bins."
            )

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        inner: Any = self.env.action_space(self.inner_params(params))
        counts = self._counts(inner)
        if not self.multidiscrete:
            # The digits of the choice, in the mixed radix of the counts.
            digits = np.append(np.cumprod(counts.ravel()[:0:-1])[::-1], 1).astype(np.int32).reshape(counts.shape)
            action = (action // digits) % counts
        wide = jnp.result_type(float)
        low, high = (jnp.asarray(bound).astype(wide) for bound in (inner.low, inner.high))
        fraction = (action.astype(wide) + 0.5) / jnp.asarray(counts, wide)
        return self.inner_advance(key, state, (low + fraction * (high - low)).astype(inner.dtype), params)

    def action_space(self, params: Any) -> spaces.Discrete | spaces.MultiDiscrete:
        counts = self._counts(self.env.action_space(self.inner_params(params)))
        return spaces.MultiDiscrete(counts) if self.multidiscrete else spaces.Discrete(int(np.prod(counts)))

    def _counts(self, inner: spaces.Space) -> Any:
        """Return the number of bins of each component, int32 of the action's shape."""
        return np.broadcast_to(np.asarray(self.bins, np.int32).reshape(-1), (math.prod(inner.shape),)).reshape(inner.shape)
