"""Small elementwise helpers that keep the tasks exact and free of gathers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array


def ratio(part: Array, whole: Array | float) -> Array:
    """Return ``part / whole``, correctly rounded, in JAX's default float dtype; both must be at least 0.

    XLA turns a division by a constant, or by one scalar for a whole batch, into a multiplication by its reciprocal, which is off by
    one unit in the last place for 584 of the 1,001 values of t / 1000. A divisor that depends on ``part`` is divided by as
    it stands; the condition is never true.
    """
    numerator = part.astype(jnp.result_type(float))
    return numerator / jnp.where(numerator < -128.0, numerator, jnp.asarray(whole, numerator.dtype))


def pick(table: Any, index: Array) -> Array:
    """Return ``table[index]`` for a short table by comparing, which fuses where a gather does not; 0 for an index outside it."""
    return jnp.where(jnp.arange(len(table), dtype=index.dtype) == index, table, jnp.zeros((), table.dtype)).sum(dtype=table.dtype)


def one_hot_board(rows: int, columns: int, y: Array, x: Array) -> Array:
    """Return a board with one cell lit, bool[rows, columns]; none if ``y`` is ``rows``. One comparison a cell, no scatter."""
    return jnp.arange(rows * columns, dtype=jnp.int32).reshape(rows, columns) == y * columns + x


def real(count: Any) -> Any:
    """Return integers as real numbers: JAX's in its default float dtype, all others in float64."""
    return count.astype(jnp.result_type(float)) if isinstance(count, Array) else np.asarray(count, np.float64)


def words_for(bits: int) -> int:
    """Return how many 32-bit words hold ``bits`` bits."""
    return -(-bits // 32)


def unpack(words: Array, bits: int) -> Array:
    """Return the first ``bits`` bits of an array of words, the lowest bit of each word first: bool[bits]."""
    each = words[:, None] >> jnp.arange(32, dtype=words.dtype)[None, :]
    return (each.reshape(-1)[:bits] & 1).astype(jnp.bool_)
