"""Draws and keys of JAX's other generators, as JAX makes them, each materialized.

JAX writes some of them (threefry4x32, philox4x32) as straight-line code of hundreds of operations. Where a word of such a block
moves many parts of a state, XLA copies the block into the computation of each on a CPU, and compiling takes minutes. Materialized
(:mod:`jaxenv.materialize`), a block is compiled once and computed once; the words are the same.
"""

from __future__ import annotations

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
    return _key(materialized(lambda data: jax.random.key_data(jax.random.split(_key(data, impl), shape)))(data), impl)


def fold_in(data: Array, impl: Any, number: Array) -> Array:
    """Return ``jax.random.fold_in(key, number)``."""
    return _key(
        materialized(lambda data, number: jax.random.key_data(jax.random.fold_in(_key(data, impl), number)))(data, number), impl
    )


def _key(data: Array, impl: Any) -> Array:
    return jax.random.wrap_key_data(data, impl=impl)
