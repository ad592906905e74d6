"""Draws and keys of JAX's other generators, as JAX makes them, each materialized.

JAX writes some of them (threefry4x32, philox4x32) as straight-line code of hundreds of operations. Where a word of such a block
moves many parts of a state, XLA copies the block into the computation of each on a CPU, and compiling takes minutes. Materialized
(:mod:`jaxenv.materialize`), a block is compiled once and computed once; the words are the same.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv.materialize import materialized


def bits(data: Array, impl: Any, shape: tuple[int, ...]) -> Array:
    """Return ``jax.random.bits(key, shape, uint32)`` for the key of these data."""
    return materialized(lambda data: jax.random.bits(_key(data, impl), shape, jnp.uint32))(data)


def split(data: Array, impl: Any, shape: tuple[int, ...]) -> Array:
    """Return ``jax.random.split(key, shape)``."""
    if impl in _CHILDREN_ARE_FOLDED:
        numbers = jnp.arange(math.prod(shape), dtype=jnp.uint32)
        return _key(jax.vmap(partial(_folded, impl), in_axes=(None, 0))(data, numbers).reshape(*shape, -1), impl)
    return _key(materialized(lambda data: jax.random.key_data(jax.random.split(_key(data, impl), shape)))(data), impl)


def fold_in(data: Array, impl: Any, number: Array) -> Array:
    """Return ``jax.random.fold_in(key, number)``."""
    if impl in _CHILDREN_ARE_FOLDED:
        return _key(_folded(impl, data, number), impl)
    return _key(
        materialized(lambda data, number: jax.random.key_data(jax.random.fold_in(_key(data, impl), number)))(data, number), impl
    )


_CHILDREN_ARE_FOLDED = ("threefry4x32",)
"""Generators whose child ``i`` of ``split`` is ``fold_in(key, i)``, and whose derived keys are four words of a long block."""


def _folded(impl: str, data: Array, number: Array) -> Array:
    """Return the words of the key that JAX derives, each selected from a copy of the block.

    JAX stacks the four words of a block. XLA compiles the block anew for each operand of a stack, and not as vector instructions.
    A selection among copies is elementwise: the block is compiled once.
    """

    @materialized
    def words(data: Array, number: Array) -> Array:
        size = data.shape[-1]
        copies = jnp.broadcast_to(data, (size, size))
        blocks = jax.vmap(lambda data: jax.random.key_data(jax.random.fold_in(_key(data, impl), number)))(copies)
        place, found = jnp.arange(size), blocks[:, 0]
        for i in range(1, size):
            found = jnp.where(place == i, blocks[:, i], found)
        return found

    return words(data, number)


def _key(data: Array, impl: Any) -> Array:
    return jax.random.wrap_key_data(data, impl=impl)
