"""How words become arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv.errors import RandomSizeError

FEW = 16
"""The most words that are computed one by one."""


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Do what ``jnp.stack`` does.

    Where words are later taken out of the stack one by one, XLA sees through it and fuses what made each word with what uses
    it. ``jnp.stack`` under ``vmap`` leaves a transpose behind, through which XLA does not see: the step is then twice as slow.
    """
    return lax.concatenate([lax.expand_dims(array, (axis,)) for array in arrays], axis)


def order(shape: tuple[int, ...]) -> Array:
    """Number the words of an array in order, uint32[shape]."""
    if math.prod(shape) > 2**32:
        raise RandomSizeError(math.prod(shape))
    index = jnp.zeros(shape, jnp.uint32)
    for axis in range(len(shape)):
        index += lax.broadcasted_iota(jnp.uint32, shape, axis) * np.uint32(math.prod(shape[axis + 1 :]))
    return index
