"""Eight numbers from 0 to 15 in one uint32, and arithmetic on all eight at once.

Number ``i`` is in bits 4i to 4i + 3, a field of four bits. *Flags* are eight numbers that are 0 or 1. A game with eight entities
keeps each property of all of them in one word: a step is then a few operations on words, whatever the entities do, and batches of
games vectorise. Sums and differences of 4-bit fields are those of the words, as long as no number leaves 0 to 15.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int, UInt32

COUNT = 8
"""Numbers in a word."""

ONES = np.uint32(0x11111111)
"""Eight times the number 1; its product with a number from 0 to 15 is that number eight times."""

Word = UInt32[Array, ""]


def equal(words: Word, number: Int[Array, ""] | Word | int) -> Word:
    """Return flags that tell which of the eight numbers are ``number``."""
    difference = words ^ (ONES * jnp.asarray(number).astype(jnp.uint32))
    unequal = difference | difference >> 1
    unequal = unequal | unequal >> 2
    return ~unequal & ONES


def select(flags: Word, on_one: Word | np.uint32, on_zero: Word | np.uint32) -> Word:
    """Choose each of the eight numbers from one of two words."""
    mask = flags * 15
    return (on_one & mask) | (on_zero & ~mask)


def flag_at(index: Int[Array, ""]) -> Word:
    """Return flags with a 1 at ``index``, and none at all unless 0 <= index < 8."""
    inside = (index >= 0) & (index < COUNT)
    return jnp.where(inside, jnp.uint32(1) << jnp.clip(4 * index, 0, 28).astype(jnp.uint32), jnp.uint32(0))


def unpack(words: Word) -> Int[Array, "8"]:
    """Return the eight numbers as an array."""
    return ((words >> (4 * jnp.arange(COUNT, dtype=jnp.uint32))) & 15).astype(jnp.int32)
