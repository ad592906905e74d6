"""``split`` and ``fold_in`` for every JAX key: JAX's own results, at a fraction of their price on a CPU."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _canonical
from jaxenv._sizes import is_size, whole
from jaxenv.errors import KeyCountError, KeyNumberError
from jaxenv.random import foreign, generator, threefry
from jaxenv.random.layout import FEW, stack


def typed(key: Array, how: str) -> Array:
    """Return a raw uint32 key as the typed one that it stands for: of JAX's default generator at the time of the call.

    What is not one key is refused; ``how`` says what to write for a batch of them.
    """
    key = _canonical.key(key, how)
    return key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(key)


def is_threefry(key: Array) -> bool:
    """Whether a typed key belongs to threefry-2x32."""
    return jax.random.key_impl(key) == "threefry2x32"


def is_own(key: Array) -> bool:
    """Whether a typed key is one of :func:`jaxenv.random.key`."""
    return jax.random.key_impl(key) == generator.IMPL


def split(key: Array, num: int | tuple[int, ...] = 2) -> Array:
    """Return new keys, as ``jax.random.split`` does.

    A threefry key gets the same keys as from JAX while ``jax_threefry_partitionable`` is on, its default.

    Args:
        key: a single key, typed or raw, of any generator.
        num: how many keys to return, or the shape of the array of keys.

    Returns:
        Keys of the same generator, with a leading axis ``[num]`` or axes ``num``.

    Raises:
        KeyCountError: ``num`` is neither a whole number nor a tuple of them.
    """
    shape = tuple(map(whole, num if isinstance(num, tuple) else (num,)))
    if not all(is_size(size, least=0) for size in shape):
        raise KeyCountError(num)
    return _like(key, _random_split(typed(key, "jax.vmap(jaxenv.random.split)(keys)"), shape))


def fold_in(key: Array, data: Array | int) -> Array:
    """Return the key that belongs to the number ``data``, as ``jax.random.fold_in`` does.

    This is the cheapest way to the key of step ``t``: ``fold_in(key, t)`` needs nothing from step ``t - 1``.

    Args:
        key: a single key, typed or raw, of any generator.
        data: a 32-bit integer.

    Returns:
        A key of the same generator.

    Raises:
        KeyNumberError: ``data`` is no integer, or does not fit into 32 bits.
    """
    return _like(key, _random_fold_in(typed(key, "jax.vmap(jaxenv.random.fold_in)(keys, numbers)"), _number("fold_in", data)))


def stream_key(key: Array, number: Array | int) -> Array:
    """Return the key of stream ``number`` of a key: the cheapest keys for the steps of a loop.

    Generators that encrypt counters give independent streams to any keys that differ (Salmon et al. 2011). So for threefry and for
    jaxenv's own generator the number goes into the key as it is, and nothing is encrypted. For any other generator the result is
    that of ``fold_in``.

    Args:
        key: a single key, typed or raw, of any generator; made by ``split`` or ``fold_in``, as the keys of two seeds may be two
            streams of one family. Nothing else may be drawn or derived from it.
        number: a 32-bit integer.

    Returns:
        A key of the same generator.

    Raises:
        KeyNumberError: ``number`` is no integer, or does not fit into 32 bits.
    """
    return _like(
        key, _random_stream_key(typed(key, "jax.vmap(jaxenv.random.stream_key)(keys, numbers)"), _number("stream_key", number))
    )


@partial(jax.jit, static_argnums=1)
def _random_split(key: Array, shape: tuple[int, ...]) -> Array:
    if is_own(key):
        return jax.random.split(key, shape)
    data, size = jax.random.key_data(key), math.prod(shape)
    if not is_threefry(key):
        return foreign.split(data, jax.random.key_impl(key), shape)
    if 0 < size <= FEW // 2:
        children = stack(threefry.scalar_words(data, 2 * size)).reshape(*shape, 2)
    else:
        children = threefry.word_array(data, (*shape, 2))
    return jax.random.wrap_key_data(children, impl="threefry2x32")


@jax.jit
def _random_fold_in(key: Array, data: Array) -> Array:
    if is_own(key):
        return jax.random.fold_in(key, data)
    words = jax.random.key_data(key)
    if not is_threefry(key):
        return foreign.fold_in(words, jax.random.key_impl(key), data)
    return jax.random.wrap_key_data(stack(threefry.threefry_block(words[0], words[1], data)), impl="threefry2x32")


@jax.jit
def _random_stream_key(key: Array, number: Array) -> Array:
    data = jax.random.key_data(key)
    if not (is_threefry(key) or is_own(key)):
        return foreign.fold_in(data, jax.random.key_impl(key), number)
    words = generator.stream_key(data, number) if is_own(key) else [data[0], data[1] ^ number]
    return jax.random.wrap_key_data(stack(words), impl=jax.random.key_impl(key))


def _number(function: str, number: Any) -> Array:
    """Return a 32-bit integer as uint32; negative integers of an array or of NumPy wrap around, as in ``jax.random.fold_in``."""
    if isinstance(number, int) and not isinstance(number, bool):
        if not 0 <= number < 2**32:
            raise KeyNumberError(function, number)
        return jnp.asarray(number, jnp.uint32)
    if isinstance(number, np.integer) and not -(2**31) <= number < 2**32:
        raise KeyNumberError(function, number)
    dtype = getattr(number, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jnp.integer):
        raise KeyNumberError(function, number)
    return jnp.asarray(number).astype(jnp.uint32)


def _like(given: Array, key: Array) -> Array:
    """Return ``key`` in the form of the ``given`` one, typed or raw."""
    return key if jnp.issubdtype(given.dtype, jax.dtypes.prng_key) else jax.random.key_data(key)
