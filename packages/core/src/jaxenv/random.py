"""Random numbers by the word: draw once a step, then slice.

On a CPU random numbers are the first cost of a small environment. An environment takes all the words of a
step from one :func:`words` call and turns each into what it needs with the pure functions here::

    class Draws(NamedTuple):
        position: Array
        gold: Array

    def draw(key: Array) -> Draws:
        w = jaxenv.random.words(key, 2)
        return Draws(position=uniform_int(w[0], 0, 10), gold=bernoulli(w[1], 1 / 3))

The functions are elementwise: they work on single words and on arrays of words.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array


def words(key: Array, count: int) -> Array:
    """Draw ``count`` independent uniform words, uint32[count], with one call of the generator."""
    return jax.random.bits(key, (count,), jnp.uint32)


def uniform(word: Array, low: Array | float = 0.0, high: Array | float = 1.0) -> Array:
    """Turn words into floats uniform on [low, high), in JAX's default float dtype.

    The unit interval is cut into 2**24 equal steps, so 1.0 itself never occurs before scaling. Under x64 the same words
    give the same numbers (the reference draws differ in bits beyond the 24th, not in distribution to that resolution).
    """
    unit = (word >> 8).astype(jnp.result_type(float)) * 2.0**-24
    return low + unit * (high - low)


def uniform_int(word: Array, low: int, high: int) -> Array:
    """Turn words into integers uniform on {low, ..., high - 1}, int32, by multiplying and shifting.

    ``low`` and ``high`` are Python integers with 0 < high - low <= 65,536. No value's probability is off by more than 2**-32.
    """
    count = high - low
    if not 0 < count <= 1 << 16:
        raise ValueError(f"uniform_int needs 0 < high - low <= 65536, but {low} and {high} were given; choose a smaller range")
    # The high word of word * count, from two 16-bit halves that do not overflow 32 bits.
    carry = ((word & 0xFFFF) * jnp.uint32(count)) >> 16
    return (((word >> 16) * jnp.uint32(count) + carry) >> 16).astype(jnp.int32) + low


def bernoulli(word: Array, probability: Array | float = 0.5) -> Array:
    """Turn words into flags that are true with ``probability``, bool."""
    return uniform(word) < probability


def normal(word: Array, other: Array) -> Array:
    """Turn two independent words into one standard normal float (Box & Muller 1958)."""
    radius = jnp.sqrt(-2.0 * jnp.log1p(-uniform(word)))
    return radius * jnp.cos(2.0 * math.pi * uniform(other))
