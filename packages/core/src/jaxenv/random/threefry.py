"""Threefry-2x32 (Salmon et al. 2011), JAX's default generator, as straight-line code.

JAX computes the same function, but on a CPU as a loop. At the few words that a step of an environment needs, that makes it about
ten times as expensive as the arithmetic itself. Here a block is materialized (:mod:`jaxenv.materialize`): a CPU compiles it once
for all draws of a program, and computes each once, however many parts of a state it moves. Elsewhere it fuses with the step around
it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv.materialize import materialized
from jaxenv.random.layout import order


class _Operations(NamedTuple):
    add: Callable[[Any, Any], Any]
    xor: Callable[[Any, Any], Any]
    either: Callable[[Any, Any], Any]
    up: Callable[[Any, Any], Any]
    down: Callable[[Any, Any], Any]


_ON_SCALARS = _Operations(lax.add, lax.bitwise_xor, lax.bitwise_or, lax.shift_left, lax.shift_right_logical)
"""What jax.numpy ends in: the same program, traced several times as fast. They broadcast nothing."""
_ON_ARRAYS = _Operations(jnp.add, jnp.bitwise_xor, jnp.bitwise_or, jnp.left_shift, jnp.right_shift)

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def _rounds(first: Array, second: Array, counter: Array | np.uint32) -> tuple[Array, Array]:
    ops = _ON_ARRAYS if np.shape(counter) else _ON_SCALARS
    schedule = (first, second, ops.xor(ops.xor(first, second), np.uint32(0x1BD11BDA)))
    left, right = first, ops.add(second, counter)
    for i in range(5):
        for rotation in _ROTATIONS[i % 2]:
            left = ops.add(left, right)
            rotated = ops.either(ops.up(right, np.uint32(rotation)), ops.down(right, np.uint32(32 - rotation)))
            right = ops.xor(left, rotated)
        left = ops.add(left, schedule[(i + 1) % 3])
        right = ops.add(right, ops.add(schedule[(i + 2) % 3], np.uint32(i + 1)))
    return left, right


@materialized
def threefry_block(first: Array, second: Array, counter: Array | np.uint32) -> tuple[Array, Array]:
    """Encrypt the 64-bit number ``counter`` under a key of two words: two words, each a full output of the cipher."""
    return _rounds(first, second, counter)


def scalar_words(key: Array, count: int) -> list[Array]:
    """Return the words of blocks 0, 1, 2, ... one by one, each uint32[]."""
    return threefry_blocks(key[0], key[1], -(-count // 2))[:count]


@partial(jax.jit, static_argnums=2)
def threefry_blocks(first: Array, second: Array, count: int) -> list[Array]:
    """Return the words of the first ``count`` blocks."""
    return [word for counter in range(count) for word in threefry_block(first, second, np.uint32(counter))]


def word_array(key: Array, shape: tuple[int, ...]) -> Array:
    """Return the words of blocks 0, 1, 2, ... in order, uint32[shape], elementwise: each is a half of a block of its own."""

    @materialized
    def words(first: Array, second: Array) -> Array:
        index = order(shape)
        left, right = _rounds(first, second, index >> 1)
        return jnp.where((index & 1) == 1, right, left)

    return words(key[0], key[1])
