"""The generator behind :func:`jaxenv.random.key`: a 128-bit permutation of the key plus a counter.

The permutation is pcg4d (Jarzynski & Olano 2020, *Hash Functions for GPU Rendering*, JCGT 9(3)) between two xorshifts.
pcg4d mixes upwards only, but for one shift by 16 in its middle, so on its own its low output bits never see the high bits of
its input; with a xorshift before and one behind it, every output bit depends on every input bit.

What is encrypted is the key with a multiple of the counter added to each of its words, and a tag in the last one:

    block(key, counter, tag) = permutation(key + counter * WEYL + (0, 0, 0, tag))

Word 0 of the sum tells the counter, because its factor is odd, and then word 3 the tag. So under one key no two pairs of
counter and tag meet in the same block: bits, children of ``split`` and results of ``fold_in``, which have a tag each, never do.

The key of a lane is ``key + number * LANE``. Words 0 and 1 of a block's sum tell the counter and the number, as the determinant of
their four factors is odd. So the blocks of a family of lanes never meet either.
"""

from __future__ import annotations

import math
import operator
from functools import partial

import jax
import jax.extend.random
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv.errors import SeedRangeError, SeedTypeError
from jaxenv.random.layout import FEW, order, stack

Words = tuple[Array, Array, Array, Array]

_WEYL = 0x9E3779B9, 0x7F4A7C15, 0xF39CC061, 0x5CEDC835
_LANE = 0xA4093822, 0x299F31D1, 0x082EFA99, 0xEC4E6C89
BITS, SPLIT, FOLD = 0, 0x243F6A88, 0x85A308D3
"""The tags of what is drawn and of what is derived from a key."""
_SEED = 0x13198A2E, 0x03707344


def _xorshift(x: Array, y: Array, z: Array, w: Array) -> Words:
    return x ^ (x >> 16), y ^ (y >> 16), z ^ (z >> 16), w ^ (w >> 16)


def _cross(x: Array, y: Array, z: Array, w: Array) -> Words:
    x = x + y * w
    y = y + z * x
    z = z + x * y
    w = w + y * z
    return x, y, z, w


def _pcg4d(x: Array, y: Array, z: Array, w: Array) -> Words:
    x, y, z, w = (v * np.uint32(1664525) + np.uint32(1013904223) for v in (x, y, z, w))
    return _cross(*_xorshift(*_cross(x, y, z, w)))


def permutation(x: Array, y: Array, z: Array, w: Array) -> Words:
    """Permute the 128-bit numbers, as four words."""
    return _xorshift(*_pcg4d(*_xorshift(x, y, z, w)))


def _multiple(counter: Array | int, factor: int) -> Array | np.uint32:
    return np.uint32(counter * factor % 2**32) if isinstance(counter, int) else counter * np.uint32(factor)


def block(key: Array, counter: Array | int, tag: int) -> Words:
    """Return the four words that a key, uint32[4], has at a counter, under a tag."""
    x, y, z, w = (key[i] + _multiple(counter, factor) for i, factor in enumerate(_WEYL))
    return permutation(x, y, z, w + np.uint32(tag))


@partial(jax.jit, static_argnums=(1, 2))
def stream(key: Array, tag: int, shape: tuple[int, ...]) -> Array:
    """Return the words of blocks 0, 1, 2, ... in order, uint32[shape]. Word ``i`` does not depend on the shape.

    Each word picks its lane of a block of its own: four times the arithmetic, but elementwise, so that it vectorises, fuses with
    what follows, and is computed where it is needed when the array is sharded.
    """
    index = order(shape)
    x, y, z, w = block(key, index >> 2, tag)
    odd, upper = (index & 1) == 1, (index & 2) == 2
    return jnp.where(upper, jnp.where(odd, w, z), jnp.where(odd, y, x))


def lane(key: Array, number: Array) -> list[Array]:
    """Return the four words of the key of a lane."""
    return [key[i] + number * np.uint32(factor) for i, factor in enumerate(_LANE)]


def lanes(key: Array, tag: int, count: int) -> list[Array]:
    """Return the words of blocks 0, 1, 2, ... one by one, each uint32[]."""
    return [word for counter in range(-(-count // 4)) for word in block(key, counter, tag)][:count]


@partial(jax.jit, static_argnums=1)
def _few_bits(key: Array, shape: tuple[int, ...]) -> Array:
    return stack(lanes(key, BITS, math.prod(shape))).reshape(shape)


@partial(jax.jit, static_argnums=1)
def _children(key: Array, shape: tuple[int, ...]) -> Array:
    """Return the blocks of the tag of ``split`` in order, uint32[*shape, 4]."""
    size = math.prod(shape)
    if 0 < size <= FEW // 4:
        return stack([stack(block(key, counter, SPLIT)) for counter in range(size)]).reshape(*shape, 4)
    return stream(key, SPLIT, (*shape, 4))


@jax.jit
def _folded(key: Array, data: Array) -> Array:
    return stack(block(key, data.astype(jnp.uint32), FOLD))


@jax.jit
def _seeded(low: Array, high: Array) -> Array:
    words = low, high, *(jnp.full_like(low, constant) for constant in _SEED)
    for _ in range(3):
        words = permutation(*words)
    return stack(words)


# JAX holds on to the four functions below as part of a key's dtype. They are plain functions of this module, so that keys can be
# pickled and mean the same in another process.


def _seed(number: Array) -> Array:
    if not jnp.issubdtype(number.dtype, jnp.integer):
        raise SeedTypeError(number)
    if number.dtype.itemsize == 8:
        high = (number >> 32).astype(jnp.uint32)
    else:
        high = jnp.where(number < 0, np.uint32(0xFFFFFFFF), np.uint32(0))
    return _seeded(number.astype(jnp.uint32), high)


def _split(key: Array, shape: tuple[int, ...]) -> Array:
    return _children(key, shape)


def _fold_in(key: Array, data: Array | int) -> Array:
    return _folded(key, jnp.asarray(data))


def _random_bits(key: Array, bit_width: int, shape: tuple[int, ...]) -> Array:
    if bit_width == 32:
        return _few_bits(key, shape) if 0 < math.prod(shape) <= FEW // 2 else stream(key, BITS, shape)
    dtype = jnp.dtype(f"uint{bit_width}")
    if bit_width == 64:
        return lax.bitcast_convert_type(stream(key, BITS, (*shape, 2)), dtype)
    size = math.prod(shape)
    words = stream(key, BITS, (-(-size * bit_width // 32),))
    return lax.bitcast_convert_type(words, dtype).reshape(-1)[:size].reshape(shape)


IMPL = jax.extend.random.define_prng_impl(
    key_shape=(4,), seed=_seed, split=_split, random_bits=_random_bits, fold_in=_fold_in, name="jaxenv_pcg4d", tag="pcg4d"
)
"""The generator, as ``impl=`` of ``jax.random.key`` and ``jax.random.wrap_key_data`` takes it."""


def key(seed: Array | int) -> Array:
    """Make a key of jaxenv's own generator: cheap random numbers for simulations.

    Every ``jax.random`` function takes the key, and so does all of jaxenv. Its words are the same on every backend, under
    ``jit``, ``vmap`` and sharding, with and without x64. They are not for cryptography.

    JAX has no documented way to register a generator by name. A library that stores keys by the name of their generator, such as
    Orbax, can save such a key but not restore it ("unrecognized PRNG implementation"). Store its data, as in the example.

    Args:
        seed: an integer from -2**63 to 2**64 - 1, or a scalar array of integers. Equal numbers have equal keys, whatever their
            dtype, and different ones different keys, except that ``n`` and ``n - 2**64`` share theirs.

    Returns:
        A typed key, of the generator ``jaxenv.random.generator.IMPL``.

    Raises:
        SeedTypeError: the seed is not an integer.
        SeedRangeError: the seed does not fit into 64 bits.

    >>> import jax, jaxenv
    >>> key = jaxenv.random.key(0)
    >>> data = jax.random.key_data(key)  # uint32[4], to be stored
    >>> restored = jax.random.wrap_key_data(data, impl=jax.random.key_impl(jaxenv.random.key(0)))
    >>> bool((jax.random.bits(restored) == jax.random.bits(key)).all())
    True
    """
    if isinstance(seed, jax.Array):
        return jax.random.key(seed, impl=IMPL)
    try:
        number = operator.index(seed)
    except TypeError:
        raise SeedTypeError(seed) from None
    if not -(2**63) <= number < 2**64:
        raise SeedRangeError(number)
    low, high = (jnp.asarray(half & 0xFFFFFFFF, jnp.uint32) for half in (number, number >> 32))
    return jax.random.wrap_key_data(_seeded(low, high), impl=IMPL)
