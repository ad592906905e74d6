"""The aliens of SpaceInvaders: a block that moves as a whole, a bit for each that lives, on a board that is a ring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, UInt32

from jaxenv_minatar.base import SIZE
from jaxenv_minatar.observations import ROW

if TYPE_CHECKING:
    from jaxenv_minatar.space_invaders import SpaceInvadersState

BLOCK_ROWS, BLOCK_COLUMNS = 4, 6
"""Size of a wave of aliens. They keep their places in this block, whatever happens, and the block moves as a whole."""


def on_board(row: Array) -> Array:
    """Return a row from -9 to 19 as one from 0 to 9: the board is a ring."""
    row = jnp.where(row < 0, row + SIZE, row)
    return jnp.where(row >= SIZE, row - SIZE, row)


def alien_row(state: SpaceInvadersState, row: Array | int) -> UInt32[Array, "..."]:
    """Return the aliens in a row of the board, or in an array of rows, a bit for each column."""
    within = on_board(row - state.block_row)
    aliens = (state.aliens >> jnp.minimum(within * BLOCK_COLUMNS, 31).astype(jnp.uint32)) & ((1 << BLOCK_COLUMNS) - 1)
    return jnp.where(within < BLOCK_ROWS, _shifted(state, aliens), jnp.uint32(0))


def alien_columns(state: SpaceInvadersState) -> UInt32[Array, ""]:
    """Return the columns of the board that hold an alien, a bit for each."""
    pairs = state.aliens | state.aliens >> (2 * BLOCK_COLUMNS)
    return _shifted(state, (pairs | pairs >> BLOCK_COLUMNS) & ((1 << BLOCK_COLUMNS) - 1))


def _shifted(state: SpaceInvadersState, columns: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """Turn columns of the block into columns of the board."""
    return (columns << (state.block_column + (BLOCK_COLUMNS - 1)).astype(jnp.uint32)) >> (BLOCK_COLUMNS - 1) & ROW


def alien_at(state: SpaceInvadersState, row: Array | int, column: Array) -> Bool[Array, ""]:
    """Return whether an alien is in a cell of the board."""
    return (state.aliens & alien_bit(state, row, column)) != 0


def alien_bit(state: SpaceInvadersState, row: Array | int, column: Array) -> UInt32[Array, ""]:
    """Return the bit of the alien that would be in a cell of the board; no bit where the cell is not in the block."""
    within, across = on_board(row - state.block_row), column - state.block_column
    inside = (within < BLOCK_ROWS) & (across >= 0) & (across < BLOCK_COLUMNS)
    place = jnp.clip(within * BLOCK_COLUMNS + across, 0, 31).astype(jnp.uint32)
    return jnp.where(inside, jnp.uint32(1) << place, jnp.uint32(0))
