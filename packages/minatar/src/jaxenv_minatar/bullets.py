"""The bullets of Seaquest's submarines: a board of 8 rows and 10 columns as the bits of three words.

They are all alike, so that a cell that holds two is a cell that holds one.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv_minatar.base import SIZE

ROWS_PER_WORD = 3

_FIRST_COLUMN = np.uint32(sum(1 << (SIZE * i) for i in range(ROWS_PER_WORD)))
_LAST_COLUMN = np.uint32(int(_FIRST_COLUMN) << (SIZE - 1))
_ROW = np.uint32((1 << SIZE) - 1)


class Board(NamedTuple):
    """The bullets that fly one way. Bit ``10 * i + column`` of a word is for the word's row ``i``."""

    top: Array
    """Rows 1 to 3."""
    middle: Array
    """Rows 4 to 6."""
    bottom: Array
    """Rows 7 and 8."""

    def moved(self, right: bool) -> Board:
        """Return the board after all bullets have moved by one; those that leave it are gone."""
        if right:
            return Board(*((word & ~_LAST_COLUMN) << 1 for word in self))
        return Board(*((word & ~_FIRST_COLUMN) >> 1 for word in self))

    def with_bullet(self, when: Array, position: Array) -> Board:
        """Add a bullet at a position that :func:`position_of` gave."""
        bit = when.astype(jnp.uint32) << (position & 31).astype(jnp.uint32)
        return Board(*(bits | jnp.where(position >> 5 == index, bit, np.uint32(0)) for index, bits in enumerate(self)))

    def row(self, row: Array) -> Array:
        """Return the columns that hold a bullet, on a row or on each of an array of rows; none on the rows 0 and 9."""
        position = position_of(jnp.clip(row, 1, SIZE - 2), 0)
        word, place = position >> 5, (position & 31).astype(jnp.uint32)
        bits = jnp.where(word == 0, self.top, jnp.where(word == 1, self.middle, self.bottom))
        return jnp.where((row >= 1) & (row < SIZE - 1), bits >> place & _ROW, np.uint32(0))


def position_of(row: Array, column: Array | int) -> Array:
    """Return where on a board a cell of the rows 1 to 8 is: 32 times its word and the number of its bit."""
    above = row - 1
    return SIZE * above + 2 * (above * 11 >> 5) + column  # each three rows, of 30 bits, take 32; 11 / 32 is a third of up to 7
