"""The fish and submarines of Seaquest, by age.

At most one enemy appears in a step, and none lives for more than 60: it starts at an edge, and moves by one column every 6 steps or
fewer. So the age of an enemy tells which one is meant, and a property of all of them is a set of ages; a number, such as their
rows, is a set for each of its bits. All enemies that are on a row together move the same way, because no other may appear there.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxtyping import Bool, Int, UInt32

from jaxenv_minatar.ages import Ages, ages_where
from jaxenv_minatar.base import SIZE

FIRST_ROW, ROWS = 1, 8
"""The rows of the sea."""

SHOT_AGES = (11, 22, 33, 44, 55)
"""The ages at which a submarine shoots."""

_BORN = ages_where(lambda age: age == 0)
_NO_AGE = ages_where(lambda age: False)
_AT_AGE = {age: ages_where(lambda a, age=age: a == age) for age in SHOT_AGES}

Number = tuple[Ages, ...]
"""A number for each age: the ages whose number has bit 0, those whose number has bit 1, and so on."""


@struct.dataclass
class Enemies:
    """All fish and submarines. The numbers of an age that no enemy has mean nothing."""

    fish: Ages
    """Ages of the fish."""
    subs: Ages
    """Ages of the submarines."""
    row: Number
    """Their rows less 1, 0 to 7: 3 bits."""
    travelled: Number
    """How many columns they have moved, 0 to 9: 4 bits."""
    timer: Number
    """Steps until they move, 0 to 5: 3 bits."""
    rightward: UInt32[Array, ""]
    """Which rows' enemies move to the right: bit ``row - 1``."""


def none() -> Enemies:
    """Return an empty sea."""
    empty = Ages(jnp.uint32(0), jnp.uint32(0))
    return Enemies(empty, empty, (empty,) * 3, (empty,) * 4, (empty,) * 3, jnp.uint32(0))


def spawned(
    enemies: Enemies,
    when: Bool[Array, ""],
    row: Int[Array, ""],
    right: Bool[Array, ""],
    sub: Bool[Array, ""],
    timer: Int[Array, ""],
) -> Enemies:
    """Let an enemy appear, unless another moves the other way on its row."""
    there = ((enemies.fish | enemies.subs) & on_row(enemies, row)).any()
    when = when & ~(there & (moves_right(enemies, row) != right))
    row_bit = np.uint32(1) << (row - FIRST_ROW).astype(jnp.uint32)
    turned = jnp.where(right, enemies.rightward | row_bit, enemies.rightward & ~row_bit)

    def with_newborn(numbers: Number, number: Array) -> Number:
        return tuple(bit | _BORN.where(when & (number >> i & 1 == 1)) for i, bit in enumerate(numbers))

    return enemies.replace(
        fish=enemies.fish | _BORN.where(when & ~sub),
        subs=enemies.subs | _BORN.where(when & sub),
        row=with_newborn(enemies.row, row - FIRST_ROW),
        timer=with_newborn(enemies.timer, timer),
        rightward=jnp.where(when, turned, enemies.rightward),
    )


def grown(enemies: Enemies, move_speed: Int[Array, ""]) -> tuple[Enemies, Ages]:
    """Return the enemies a step later, without those that have left the board, and the ages of those that have moved."""
    moving = _equal(enemies.timer, 0)
    timer, borrow = [], ~moving
    for index, bit in enumerate(enemies.timer):
        timer.append((bit ^ borrow) | moving.where(move_speed >> index & 1 == 1))
        borrow = borrow & ~bit
    travelled, carry = [], moving
    for bit in enemies.travelled:
        travelled.append(bit ^ carry)
        carry = carry & bit
    on_board = ~_equal(tuple(travelled), SIZE)
    older = enemies.replace(
        fish=(enemies.fish & on_board).grown(),
        subs=(enemies.subs & on_board).grown(),
        row=tuple(bit.grown() for bit in enemies.row),
        travelled=tuple(bit.grown() for bit in travelled),
        timer=tuple(bit.grown() for bit in timer),
    )
    return older, moving.grown()


def moves_right(enemies: Enemies, row: Array) -> Bool[Array, "..."]:
    """Tell which way the enemies on a row move, or those on each of an array of rows."""
    return (enemies.rightward >> jnp.clip(row - FIRST_ROW, 0, ROWS - 1).astype(jnp.uint32)) & 1 == 1


def on_row(enemies: Enemies, row: Array) -> Ages:
    """Return the ages of those on a row, or on each of an array of rows; none on the rows 0 and 9."""
    return _equal(enemies.row, row - FIRST_ROW).where((row >= FIRST_ROW) & (row < FIRST_ROW + ROWS))


def at(enemies: Enemies, row: Int[Array, ""], column: Int[Array, ""]) -> Ages:
    """Return the ages of those in a cell."""
    travelled = jnp.where(moves_right(enemies, row), column, SIZE - 1 - column)
    return on_row(enemies, row) & _equal(enemies.travelled, travelled)


def columns(enemies: Enemies, rows: Int[Array, "10"]) -> tuple[UInt32[Array, "10"], UInt32[Array, "10"]]:
    """Return the columns that hold fish, and those that hold submarines, on each of an array of rows: a bit for each column."""
    here, right = on_row(enemies, rows), moves_right(enemies, rows)
    fish_here, subs_here = here & enemies.fish, here & enemies.subs
    fish = subs = jnp.zeros(rows.shape, jnp.uint32)
    for travelled in range(SIZE):
        there = _equal(enemies.travelled, travelled)
        bit = jnp.where(right, np.uint32(1 << travelled), np.uint32(1 << (SIZE - 1 - travelled)))
        fish = fish | jnp.where((fish_here & there).any(), bit, np.uint32(0))
        subs = subs | jnp.where((subs_here & there).any(), bit, np.uint32(0))
    return fish, subs


def shots(enemies: Enemies) -> list[tuple[Bool[Array, ""], Int[Array, ""], Int[Array, ""], Bool[Array, ""]]]:
    """Return a shot for each age at which submarines shoot: whether it is fired, its row, column and direction."""
    result = []
    for age in _AT_AGE.values():
        row, travelled = FIRST_ROW + _number_of(enemies.row, age), _number_of(enemies.travelled, age)
        right = moves_right(enemies, row)
        column = jnp.where(right, travelled, SIZE - 1 - travelled)
        result.append(((enemies.subs & age).any(), row, jnp.clip(column, 0, SIZE - 1), right))
    return result


def _equal(numbers: Number, number: Array | int) -> Ages:
    """Return the ages whose number is ``number``, or each of an array of numbers."""
    ages = ~_NO_AGE
    for index, bit in enumerate(numbers):
        if isinstance(number, int):
            ages = ages & (bit if number >> index & 1 else ~bit)
        else:
            one = number >> index & 1 == 1
            ages = ages & Ages(jnp.where(one, bit.young, ~bit.young), jnp.where(one, bit.old, ~bit.old))
    return ages


def _number_of(numbers: Number, age: Ages) -> Int[Array, ""]:
    """Return the number of one age."""
    return sum((jnp.where((bit & age).any(), 1 << index, 0) for index, bit in enumerate(numbers)), start=jnp.int32(0))
