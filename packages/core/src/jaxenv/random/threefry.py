"""Threefry-2x32 (Salmon et al. 2011), JAX's default generator, as straight-line code.

JAX computes the same function, but on a CPU as a loop. At the few words that a step of an environment needs, that makes it about
ten times as expensive as the arithmetic itself. Here a block is a stage (:mod:`jaxenv.staging`): a CPU compiles it once for all
draws of a program, and computes each once, however many parts of a state it moves. Elsewhere it fuses with the step around it.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv.random.layout import order
from jaxenv.staging import stage

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def _rounds(first: Array, second: Array, counter: Array | np.uint32) -> tuple[Array, Array]:
    schedule = (first, second, first ^ second ^ np.uint32(0x1BD11BDA))
    left, right = first, second + counter
    for i in range(5):
        for rotation in _ROTATIONS[i % 2]:
            left = left + right
            right = left ^ ((right << rotation) | (right >> (32 - rotation)))
        left = left + schedule[(i + 1) % 3]
        right = right + (schedule[(i + 2) % 3] + np.uint32(i + 1))
    return left, right


@stage
def threefry_block(first: Array, second: Array, counter: Array | np.uint32) -> tuple[Array, Array]:
    """Encrypt the 64-bit number ``counter`` under a key of two words: two words, each a full output of the cipher."""
    return _rounds(first, second, counter)


def lanes(key: Array, count: int) -> list[Array]:
    """Return the words of blocks 0, 1, 2, ... one by one, each uint32[]."""
    return threefry_blocks(key[0], key[1], -(-count // 2))[:count]


@partial(jax.jit, static_argnums=2)
def threefry_blocks(first: Array, second: Array, count: int) -> list[Array]:
    """Return the words of the first ``count`` blocks."""
    return [word for counter in range(count) for word in threefry_block(first, second, np.uint32(counter))]


def stream(key: Array, shape: tuple[int, ...]) -> Array:
    """Return the words of blocks 0, 1, 2, ... in order, uint32[shape], elementwise: each is a half of a block of its own."""

    @stage
    def words(first: Array, second: Array) -> Array:
        index = order(shape)
        left, right = _rounds(first, second, index >> 1)
        return jnp.where((index & 1) == 1, right, left)

    return words(key[0], key[1])
