"""Observations in other units."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenv import spaces
from jaxenv.spaces.base import kind
from jaxenv.wrappers._affine import Bound, box_between, hashable, is_constant, rescale
from jaxenv.wrappers.base import Wrapper


class RescaleObservation(Wrapper):
    """Map the bounds of the wrapped environment's ``Box`` of observations linearly to ``min_obs`` and ``max_obs``.

    The result has the wrapped dtype if that is a float one, else it is float32.

    >>> env = RescaleObservation(env, 0.0, 1.0)
    """

    min_obs: Bound
    """The smallest observation: a number, or one for each element."""
    max_obs: Bound
    """The largest observation, likewise."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "min_obs", hashable(self.min_obs))
        object.__setattr__(self, "max_obs", hashable(self.max_obs))
        super().__post_init__()
        advice = "Use NormalizeObservation where there are no bounds."
        space = self.require_box("observation", "float", "integer", "bool", bounded=True, advice=advice)
        if is_constant(space):
            self.refuse("observation", space, "bounds that differ", "Use TransformObservation to leave out what never changes.")
        self.observation_space(self.default_params)

    def observe(self, state: Any, params: Any) -> Array:
        inner: Any = self.env.observation_space(self.inner_params(params))
        return rescale(super().observe(state, params), inner, self.observation_space(params))

    def observation_space(self, params: Any) -> spaces.Box:
        inner: Any = self.env.observation_space(self.inner_params(params))
        dtype = inner.dtype if kind(inner.dtype) == "float" else jnp.float32
        return box_between("RescaleObservation", self.min_obs, self.max_obs, inner, dtype)
