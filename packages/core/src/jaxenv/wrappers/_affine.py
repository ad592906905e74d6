"""Linear maps from one bounded Box to another."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import spaces
from jaxenv._jax_compat import is_traced
from jaxenv.errors import SpaceDefinitionError, WrapperSettingError

Bound = float | tuple[Any, ...]
"""A number, or nested tuples of numbers of the shape of the box."""


def hashable(value: Any) -> Any:
    """Return a number or an array as Python numbers and tuples; leave anything else."""
    if is_traced(value):
        return value
    if isinstance(value, list | tuple):
        return tuple(hashable(v) for v in value)
    return hashable(value.tolist()) if hasattr(value, "tolist") else value


def box_between(wrapper: str, low: Bound, high: Bound, like: spaces.Box, dtype: Any) -> spaces.Box:
    """Return the Box with these bounds and the shape of ``like``."""
    try:
        box = spaces.Box(low, high, like.shape, dtype)
    except SpaceDefinitionError as error:
        raise WrapperSettingError(f"{wrapper} cannot rescale to [{low}, {high}]: {error}") from error
    if not (box.low < box.high).all() or not box.bounded.all():
        raise WrapperSettingError(f"{wrapper} cannot rescale to [{low}, {high}]. Pass finite bounds, the smaller first.")
    return box


def rescale(x: Array, source: spaces.Box, target: spaces.Box) -> Array:
    """Map ``source`` linearly onto ``target``, ends to ends exactly; computed in JAX's default float dtype."""
    wide = jnp.result_type(float)
    low, high, new_low, new_high = (jnp.asarray(bound).astype(wide) for bound in (source.low, source.high, target.low, target.high))
    fraction = (x.astype(wide) - low) / (high - low)
    result = (new_low * (1.0 - fraction) + new_high * fraction).astype(target.dtype)
    # Rounding may leave the target by a hair; what was outside the source stays outside.
    inside = (fraction >= 0.0) & (fraction <= 1.0)
    return jnp.where(inside, jnp.clip(result, target.low, target.high), result)


def is_constant(box: spaces.Box) -> bool:
    """Whether some element of a box with known bounds has one value only, so that no map from it exists."""
    return bool(np.any(np.asarray(box.low) >= np.asarray(box.high)))
