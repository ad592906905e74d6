"""Members of spaces that stand for nothing."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxenv import spaces


def nearest_zero(space: spaces.Space) -> Any:
    """Return the member of ``space`` whose elements are nearest to zero."""
    match space:
        case spaces.Tuple():
            return tuple(nearest_zero(part) for part in space)
        case spaces.Dict():
            return {name: nearest_zero(part) for name, part in space.items()}
        case spaces.Discrete():
            return jnp.asarray(np.clip(0, space.start, space.start + space.n - 1), space.dtype)
        case spaces.Box():
            return jnp.clip(jnp.zeros(space.shape, space.dtype), space.low, space.high)
        case _:
            return jnp.zeros(space.shape, space.dtype)
