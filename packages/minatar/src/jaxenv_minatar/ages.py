"""Sets of ages: which of the last sixty steps something was born in, as the bits of two words.

Where at most one thing is born in a step, its age tells which one is meant. What must be known of all things is then a few sets of
ages; growing older is a shift; and the order of birth is the order of the bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

HALF = 30
"""Ages in a word."""

FULL = np.uint32((1 << HALF) - 1)


class Ages(NamedTuple):
    """A set of ages, for one game or for an array of them."""

    young: Array | np.ndarray | np.uint32
    """Ages 0 to 29: bit ``age``."""
    old: Array | np.ndarray | np.uint32
    """Ages 30 to 59: bit ``age - 30``."""

    def __and__(self, other: Ages) -> Ages:
        return Ages(self.young & other.young, self.old & other.old)

    def __or__(self, other: Ages) -> Ages:
        return Ages(self.young | other.young, self.old | other.old)

    def __xor__(self, other: Ages) -> Ages:
        return Ages(self.young ^ other.young, self.old ^ other.old)

    def __invert__(self) -> Ages:
        return Ages(~self.young & FULL, ~self.old & FULL)

    def where(self, condition: Array) -> Ages:
        """Return this set where ``condition`` holds, else the empty one."""
        return Ages(jnp.where(condition, self.young, np.uint32(0)), jnp.where(condition, self.old, np.uint32(0)))

    def any(self) -> Array:
        """Tell whether any age is in the set."""
        return jnp.asarray((self.young | self.old) != 0)

    def grown(self) -> Ages:
        """Return the set a step later; who reaches 60 is gone."""
        return Ages((self.young << 1) & FULL, ((self.old << 1) | (self.young >> (HALF - 1))) & FULL)

    def newest(self) -> Ages:
        """Return the least age of the set alone."""
        old = jnp.where(self.young != 0, np.uint32(0), self.old & (~self.old + 1))
        return Ages(self.young & (~self.young + 1), old)

    def oldest(self) -> Ages:
        """Return the greatest age of the set alone."""
        old = _highest(self.old)
        return Ages(jnp.where(self.old != 0, np.uint32(0), _highest(self.young)), old)


def ages_where(predicate: Callable[[int], bool]) -> Ages:
    """Return the constant set of the ages for which ``predicate`` holds."""
    bits = sum(1 << age for age in range(2 * HALF) if predicate(age))
    return Ages(np.uint32(bits & int(FULL)), np.uint32(bits >> HALF))


def _highest(word: Array) -> Array:
    top = np.uint32(31) - jnp.minimum(lax.clz(word), 31)
    return jnp.where(word != 0, np.uint32(1) << top, np.uint32(0))
