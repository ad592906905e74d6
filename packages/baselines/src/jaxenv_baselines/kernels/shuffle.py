"""A permutation of ``range(size)`` as a function of an index, instead of a sorted array of indices.

An index is written as two digits, ``i = a * columns + b``. Each round adds a hash of one digit to the other, modulo the number of
its values (an unbalanced Feistel network; Black & Rogaway 2002). Each round can be undone, so every index occurs exactly once.

A sort of random words draws any of ``size!`` permutations with equal probability. Here at most ``2**(32 * ROUNDS)`` permutations
occur, and they are not exactly equally likely. Any two indices still fall into the same minibatch about as often as they should,
which a test measures.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

ROUNDS = 6
"""Rounds of the network, each with a random word of its own."""
FEWEST_ROWS = 4
"""Values of the first digit below which indices are sorted instead: a permutation with so few rows is mostly a rotation."""


def rows_of(size: int) -> int:
    """Return the number of values of the first digit: the largest divisor of ``size`` that is at most its square root."""
    return next(a for a in range(math.isqrt(size), 0, -1) if size % a == 0)


def hashed(x: Array, word: Array) -> Array:
    """Return a hash of an integer and a random word, uint32."""
    x = (x.astype(jnp.uint32) + jnp.uint32(0x9E3779B9)) ^ word
    x = (x ^ (x >> jnp.uint32(16))) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> jnp.uint32(15))) * jnp.uint32(0x846CA68B)
    return x ^ (x >> jnp.uint32(16))


def permuted(index: Array, words: Array, size: int) -> Array:
    """Return where a random permutation of ``range(size)`` takes an index.

    Args:
        index: int32[...], each at least 0 and below ``size``.
        words: random words that select the permutation, uint32[ROUNDS].
        size: number of elements, at least 1.

    Returns:
        int32[...], a permutation: different indices have different results.
    """
    rows = rows_of(size)
    if rows < FEWEST_ROWS:
        return jnp.argsort(hashed(jnp.arange(size, dtype=jnp.int32), words[0]) ^ words[1])[index].astype(jnp.int32)
    columns = size // rows
    number_of_rows, number_of_columns = jnp.uint32(rows), jnp.uint32(columns)
    a = jax.lax.div(index.astype(jnp.uint32), jnp.broadcast_to(number_of_columns, index.shape))
    b = index.astype(jnp.uint32) - a * number_of_columns
    for number in range(ROUNDS):
        if number % 2:
            a = _remainder(a + _remainder(hashed(b, words[number]), number_of_rows), number_of_rows)
        else:
            b = _remainder(b + _remainder(hashed(a, words[number]), number_of_columns), number_of_columns)
    return (a * number_of_columns + b).astype(jnp.int32)


def minibatch(number: Array, words: Array, samples: int, size: int) -> Array:
    """Return which samples are in a minibatch, int32[size].

    Args:
        number: number of the minibatch over all epochs, int32[].
        words: random words that order the samples of each epoch, uint32[epochs, ROUNDS].
        samples: number of samples.
        size: samples in a minibatch; a divisor of ``samples``.
    """
    per_epoch = samples // size
    index = number % per_epoch * size + jnp.arange(size, dtype=jnp.int32)
    return permuted(index, words[number // per_epoch], samples)


def _remainder(x: Array, divisor: Array) -> Array:
    """Return ``x % divisor`` for unsigned integers, which needs no correction of signs."""
    return jax.lax.rem(x, jnp.broadcast_to(divisor, x.shape))
