"""Draw once a step, then slice: words, and what can be made of them.

The functions of words are elementwise: they work on single words and on arrays of them.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv._sizes import is_size, whole
from jaxenv.errors import IntegerRangeError, WordCountError, WordTypeError
from jaxenv.errors.formatting import named
from jaxenv.random import foreign, generator, threefry
from jaxenv.random.keys import is_own, is_threefry, typed
from jaxenv.random.layout import FEW, stack


def words(key: Array, count: int | tuple[int, ...]) -> Array:
    """Draw independent uniform words, uint32, with one call of the generator.

    A threefry key gives the two words of each of its blocks 0, 1, 2, ..., where ``jax.random.bits`` folds the two into one: half
    the work, and either word is a full output of the cipher. With any other key the words are those of ``jax.random.bits``.

    Args:
        key: a single key, typed or raw, of any generator; nothing else may be drawn or derived from it.
        count: how many words to draw, where they are then taken one by one, as in ``a, b = words(key, 2)``: each is a computation
            of its own. Or the shape of an array to work on as a whole, as in ``uniform(words(key, (8,)))``. The words are the
            same; done the other way, either can cost several times as much.

    Returns:
        The words, uint32[count] or uint32[*count].

    Raises:
        WordCountError: ``count`` is no whole number, known while tracing, and no tuple of such.
    """
    shape = tuple(map(whole, count if isinstance(count, tuple) else (count,)))
    if not all(is_size(size, least=0) for size in shape):
        raise WordCountError(count)
    separate = not isinstance(count, tuple) and 0 < shape[0] <= FEW
    return _random_words(typed(key, "jax.vmap(lambda key: jaxenv.random.words(key, 2))(keys)"), shape, separate)


@partial(jax.jit, static_argnums=(1, 2))
def _random_words(key: Array, shape: tuple[int, ...], separate: bool) -> Array:
    data = jax.random.key_data(key)
    if is_threefry(key):
        return stack(threefry.scalar_words(data, shape[0])) if separate else threefry.word_array(data, shape)
    if is_own(key):
        return (
            stack(generator.scalar_words(data, generator.BITS, shape[0]))
            if separate
            else generator.word_array(data, generator.BITS, shape)
        )
    return foreign.bits(data, jax.random.key_impl(key), shape)


def uniform(word: Array, low: Array | float = 0.0, high: Array | float = 1.0) -> Array:
    """Turn words into floats uniform on [low, high), in JAX's default float dtype.

    The interval is cut into 2**24 equal steps. ``high`` itself never comes where ``low`` is 0; elsewhere it may, by rounding, with
    a probability of about 2**-24. Under x64 the same words give the same steps.

    Args:
        word: uniform words, uint32[...], such as ``words`` returns.
        low: the lower bound, a number or an array that broadcasts with ``word``.
        high: the upper bound, likewise.

    Returns:
        Floats on [low, high), float32[...] (float64 under x64).

    Raises:
        WordTypeError: ``word`` is not uint32.
    """
    _require_words("uniform", word)
    dtype = jnp.result_type(float)
    low_known, high_known = isinstance(low, float | int), isinstance(high, float | int)
    scalars = np.shape(word) == () and word.dtype == np.uint32
    for bound, known in ((low, low_known), (high, high_known)):
        scalars = scalars and (known or (np.shape(bound) == () and cast("Array", bound).dtype == dtype))
    if not scalars:
        return low + (word >> 8).astype(dtype) * 2.0**-24 * (high - low)
    # The same program by jax.lax, which is traced several times as fast as operators are.
    unit = lax.mul(lax.convert_element_type(lax.shift_right_logical(word, np.uint32(8)), dtype), dtype.type(2.0**-24))
    first, last = dtype.type(low) if low_known else low, dtype.type(high) if high_known else high
    span = dtype.type(high - low) if low_known and high_known else lax.sub(last, first)
    return lax.add(first, lax.mul(unit, span))


def uniform_int(word: Array, low: int, high: int) -> Array:
    """Turn words into integers uniform on {low, ..., high - 1}, int32, by multiplying and shifting.

    ``low`` and ``high`` are Python integers with 0 < high - low <= 65,536. No value's probability is off by more than 2**-32.

    Args:
        word: uniform words, uint32[...].
        low: the smallest integer, a Python number.
        high: one more than the largest, a Python number; ``high - low`` is at most 65,536.

    Returns:
        Integers on {low, ..., high - 1}, int32[...].

    Raises:
        WordTypeError: ``word`` is not uint32.
        IntegerRangeError: a bound is not an integer, or the range is empty or too large.
    """
    _require_words("uniform_int", word)
    bounds: tuple[Any, Any] = low, high
    if not all(isinstance(bound, int | np.integer) for bound in bounds):
        raise IntegerRangeError(low, high)
    count = int(high) - int(low)
    if not 0 < count <= 1 << 16:
        raise IntegerRangeError(low, high)
    # The high word of word * count, from two 16-bit halves that do not overflow 32 bits.
    if np.shape(word):
        carry = ((word & 0xFFFF) * np.uint32(count)) >> 16
        return (((word >> 16) * np.uint32(count) + carry) >> 16).astype(jnp.int32) + low
    half, factor = np.uint32(16), np.uint32(count)  # the same program by jax.lax, which is traced several times as fast
    carry = lax.shift_right_logical(lax.mul(lax.bitwise_and(word, np.uint32(0xFFFF)), factor), half)
    upper = lax.mul(lax.shift_right_logical(word, half), factor)
    return lax.add(lax.convert_element_type(lax.shift_right_logical(lax.add(upper, carry), half), jnp.int32), np.int32(low))


def _require_words(function: str, word: Any) -> None:
    if getattr(word, "dtype", None) != np.uint32:
        raise WordTypeError(function, named(word))


def bernoulli(word: Array, probability: Array | float = 0.5) -> Array:
    """Turn words into flags that are true with a given probability.

    Args:
        word: uniform words, uint32[...].
        probability: the probability, in [0, 1]; it acts rounded up to a multiple of 2**-24.

    Returns:
        Flags, bool[...].
    """
    return uniform(word) < probability


def normal(word: Array, other: Array) -> Array:
    """Turn two independent words into one standard normal number (Box & Muller 1958).

    Args:
        word: uniform words, uint32[...].
        other: as many further words.

    Returns:
        Normal floats, float32[...] (float64 under x64), at most 5.77 from 0.
    """
    radius = jnp.sqrt(-2.0 * jnp.log1p(-uniform(word)))
    return radius * jnp.cos(2.0 * math.pi * uniform(other))
