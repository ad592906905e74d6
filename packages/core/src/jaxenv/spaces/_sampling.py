"""Random words to members of a leaf, one call of the generator each."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv import random


def integers(key: Array, low: Any, high: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Draw integers uniform on {low, ..., high}, both arrays of ``dtype``, concrete or traced.

    The count of values times a random fraction, in fixed point: a fraction of 32 bits where no count is above 2**16, else
    of 64, so that no value's probability is off by more than 2**-32 of itself.
    """
    if dtype.itemsize == 8:
        span = lax.convert_element_type(high, jnp.uint64) - lax.convert_element_type(low, jnp.uint64)
        bits, count = jax.random.bits(key, shape, jnp.uint64), span + jnp.uint64(1)
        offset = jnp.where(count == 0, bits, lax.rem(bits, jnp.where(count == 0, jnp.uint64(1), count)))
        return lax.convert_element_type(lax.convert_element_type(low, jnp.uint64) + offset, dtype)
    known = isinstance(low, np.ndarray) and isinstance(high, np.ndarray)
    small = known and bool((high.astype(np.int64) - low.astype(np.int64) < 1 << 16).all())
    low, high = _as_words(low, shape), _as_words(high, shape)
    count = high - low + np.uint32(1)  # zero stands for all 2**32 values
    if small:
        offset, _ = _product(_words(key, shape), count)
    else:
        words = _words(key, (2, *shape))
        offset, fraction = _product(words[0], count)
        carried, _ = _product(words[1], count)
        offset = jnp.where(count == 0, words[0], offset + (fraction + carried < carried).astype(jnp.uint32))
    return lax.convert_element_type(lax.bitcast_convert_type(offset + low, jnp.int32), dtype)


def floats(key: Array, low: Any, high: Any, below: Any, above: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Draw floats: uniform between finite bounds, exponential from a single one, standard normal without any.

    ``below`` and ``above`` tell where there is a lower and an upper bound.
    """
    wide = jnp.float64 if dtype.itemsize == 8 else jnp.float32
    words = _words(key, shape)
    # The middles of 2**23 equal cells of (0, 1): exact in float32, and neither end occurs.
    unit = ((words >> 9).astype(wide) + 0.5) * 2.0**-23
    lower, upper = (
        jnp.asarray(lax.convert_element_type(jnp.where(f, _within(b), 0), wide)) for f, b in ((below, low), (above, high))
    )
    # Not lower + unit * (upper - lower): the difference of two large bounds overflows.
    value = lower * (1.0 - unit) + upper * unit
    if not (below.all() and above.all()):
        exponential = -jnp.log1p(-unit)
        value = jnp.where(below & ~above, lower + exponential, value)
        value = jnp.where(~below & above, upper - exponential, value)
        value = jnp.where(~below & ~above, math.sqrt(2.0) * lax.erf_inv(2.0 * unit - 1.0), value)
    # Rounding may leave the interval by a hair.
    return jnp.clip(lax.convert_element_type(value, dtype), low, high)


def flags(key: Array, low: Any, high: Any, shape: tuple[int, ...]) -> Array:
    """Draw flags, fair where the bounds differ."""
    fair = _words(key, shape) >> 31 == 1
    return (fair & high) | low


def _words(key: Array, shape: tuple[int, ...]) -> Array:
    return random.words(key, math.prod(shape)).reshape(shape)


def _within(bound: Any) -> Any:
    """Return a bound; of a traced one, the nearest finite numbers, as infinite ones would make samples NaN."""
    if isinstance(bound, np.ndarray):
        return bound
    largest = jnp.finfo(bound.dtype).max.astype(bound.dtype)
    return lax.clamp(-largest, bound, largest)


def _as_words(bound: Any, shape: tuple[int, ...]) -> Array:
    """Return integers of at most 32 bits as words, in which differences may wrap around."""
    if isinstance(bound, np.ndarray):
        return jnp.asarray((bound.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32))
    wide = jnp.uint32 if jnp.issubdtype(bound.dtype, jnp.unsignedinteger) else jnp.int32
    return jnp.broadcast_to(lax.bitcast_convert_type(lax.convert_element_type(bound, wide), jnp.uint32), shape)


def _product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the high and the low word of the 64-bit product of two words."""
    a_high, a_low, b_high, b_low = a >> 16, a & 0xFFFF, b >> 16, b & 0xFFFF
    low_low, low_high, high_low = a_low * b_low, a_low * b_high, a_high * b_low
    middle = (low_low >> 16) + (low_high & 0xFFFF) + (high_low & 0xFFFF)
    return a_high * b_high + (low_high >> 16) + (high_low >> 16) + (middle >> 16), a * b
