"""The fish and submarines of Seaquest, as bits of words.

Enemies are numbered by age: bit 0 of every word stands for the newest, bit 1 for the one before, and so on, so that the order of
the bits is the order of MinAtar's lists. A number that each enemy has, such as its row, is a word for each of the number's bits.

32 bits are enough: however the player plays, at most 29 others appear before an enemy has moved ten times and left the board. (That
many if one appears in each step: then each moves every 3 steps, and is gone after 30.) All enemies that are on a row together move
the same way, because no other may appear there.
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array, lax
from jaxenv.materialize import materialized
from jaxtyping import Bool, Int, UInt32

from jaxenv_minatar.base import NOWHERE, SIZE
from jaxenv_minatar.bullets import position_of

FIRST_ROW, ROWS = 1, 8
"""The rows of the sea."""

SHOT_PAUSE = 10
"""Steps between two shots of a submarine, and before its first."""

MOST_SHOTS = 5
"""Submarines that can shoot in one step: they are 11 steps apart in age, and none lives for more than 60."""

ALL = np.uint32(0xFFFFFFFF)
NO_ONE = np.uint32(0)

Word = UInt32[Array, "..."]
Number = tuple[Word, ...]
"""A number for each enemy: those whose number has bit 0, those whose number has bit 1, and so on."""


@struct.dataclass
class Enemies:
    """All fish and submarines. The numbers of an enemy that is gone mean nothing."""

    fish: Word
    """Which are fish."""
    subs: Word
    """Which are submarines."""
    row: Number
    """Their rows less 1, 0 to 7: 3 bits."""
    travelled: Number
    """How many columns they have moved from the edge, 0 to 9: 4 bits."""
    timer: Number
    """Steps until they move, 0 to 5: 3 bits."""
    shot_timer: Number
    """Steps until they shoot, 0 to 10, for submarines: 4 bits."""
    rightward: Word
    """Which rows' enemies move to the right: bit ``row - 1``."""


def none() -> Enemies:
    """Return an empty sea."""
    word = jnp.uint32(0)
    return Enemies(word, word, (word,) * 3, (word,) * 4, (word,) * 3, (word,) * 4, word)


def spawned(enemies: Enemies, when: Array, row: Array, right: Array, sub: Array, timer: Array) -> Enemies:
    """Let an enemy appear, unless another moves the other way on its row."""
    return _with_newest(enemies, _may_spawn(enemies, when, row, right), row, right, sub, timer)


@materialized
def _may_spawn(enemies: Enemies, when: Array, row: Array, right: Array) -> Bool[Array, ""]:
    there = (enemies.fish | enemies.subs) & on_row(enemies, row) != 0
    return when & ~(there & (moves_right(enemies, row) != right))


def _with_newest(enemies: Enemies, when: Array, row: Array, right: Array, sub: Array, timer: Array) -> Enemies:
    shift = when.astype(jnp.uint32)

    def pushed(word: Word, flag: Array | bool) -> Word:
        return word << shift | jnp.where(flag, shift, NO_ONE)

    def pushed_number(numbers: Number, number: Array | int) -> Number:
        return tuple(pushed(word, number >> index & 1 != 0) for index, word in enumerate(numbers))

    bit = _row_bit(row)
    turned = jnp.where(right, enemies.rightward | bit, enemies.rightward & ~bit)
    return Enemies(
        fish=pushed(enemies.fish, ~sub),
        subs=pushed(enemies.subs, sub),
        row=pushed_number(enemies.row, row - FIRST_ROW),
        travelled=pushed_number(enemies.travelled, 0),
        timer=pushed_number(enemies.timer, timer),
        shot_timer=pushed_number(enemies.shot_timer, SHOT_PAUSE),
        rightward=jnp.where(when, turned, enemies.rightward),
    )


@materialized
def moved(enemies: Enemies, pause: Int[Array, ""]) -> tuple[Enemies, Word, Word]:
    """Return the enemies a step later, those that have left the board excepted; which have moved; and which submarines shoot."""
    moving, shooting = _equal(enemies.timer, 0), _equal(enemies.shot_timer, 0)
    travelled, carry = [], moving
    for word in enemies.travelled:
        travelled.append(word ^ carry)
        carry = carry & word
    on_board = ~_equal(tuple(travelled), SIZE)
    later = dataclasses.replace(
        enemies,
        fish=enemies.fish & on_board,
        subs=enemies.subs & on_board,
        travelled=tuple(travelled),
        timer=_counted_down(enemies.timer, moving, pause),
        shot_timer=_counted_down(enemies.shot_timer, shooting, jnp.int32(SHOT_PAUSE)),
    )
    return later, moving, shooting & later.subs


def moves_right(enemies: Enemies, row: Array) -> Bool[Array, "..."]:
    """Return which way the enemies on a row move, or those on each of an array of rows."""
    return enemies.rightward & _row_bit(row) != 0


def _row_bit(row: Array) -> Word:
    return np.uint32(1) << jnp.clip(row - FIRST_ROW, 0, ROWS - 1).astype(jnp.uint32)


def on_row(enemies: Enemies, row: Array) -> Word:
    """Return those on a row, or on each of an array of rows; none on the rows 0 and 9."""
    inside = (row >= FIRST_ROW) & (row < FIRST_ROW + ROWS)
    return jnp.where(inside, _equal(enemies.row, row - FIRST_ROW), NO_ONE)


def at(enemies: Enemies, row: Int[Array, ""], column: Int[Array, ""]) -> Word:
    """Return those in a cell."""
    travelled = jnp.where(moves_right(enemies, row), column, SIZE - 1 - column)
    return on_row(enemies, row) & _equal(enemies.travelled, travelled)


def newest(some: Word) -> Word:
    """Return the newest of some enemies alone."""
    return some & (~some + 1)


def oldest(some: Word) -> Word:
    """Return the oldest of some enemies alone."""
    for shift in (1, 2, 4, 8, 16):  # fill all bits below the highest
        some = some | some >> shift
    return some ^ some >> 1


@materialized
def shots(enemies: Enemies, shooting: Word) -> list[tuple[Int[Array, ""], Bool[Array, ""]]]:
    """Return the shots of submarines: for each its position on a board, NOWHERE if it is not fired, and whether it flies right."""
    result: list[tuple[Array, Array]] = []
    for _ in range(MOST_SHOTS):
        one = newest(shooting)
        shooting = shooting & ~one
        row, travelled = FIRST_ROW + _number_of(enemies.row, one), _number_of(enemies.travelled, one)
        right = moves_right(enemies, row)
        position = position_of(row, jnp.where(right, travelled, SIZE - 1 - travelled))
        result.append((jnp.where(one != 0, position, NOWHERE), right))
    return result


def columns(enemies: Enemies, rows: Int[Array, "10"]) -> tuple[Word, Word]:
    """Return the columns that hold fish, and those that hold submarines, on each of an array of rows: a bit for each column."""
    return _columns(enemies.fish, enemies.subs, _by_row(enemies, rows), _by_column(enemies), moves_right(enemies, rows))


@materialized
def _by_row(enemies: Enemies, rows: Int[Array, "10"]) -> Word:
    return on_row(enemies, rows)


@materialized
def _by_column(enemies: Enemies) -> list[Word]:
    return [_equal(enemies.travelled, travelled) for travelled in range(SIZE)]


@materialized
def _columns(fish: Word, subs: Word, by_row: Word, by_column: list[Word], right: Array) -> tuple[Word, Word]:
    """Look at each pair of a row and a column. All is computed before, because it would be for every row anew here."""
    fish_columns = sub_columns = jnp.zeros(right.shape, jnp.uint32)
    for travelled, some in enumerate(by_column):
        bit = jnp.where(right, np.uint32(1 << travelled), np.uint32(1 << (SIZE - 1 - travelled)))
        there = by_row & some
        fish_columns = fish_columns | jnp.where(there & fish != 0, bit, NO_ONE)
        sub_columns = sub_columns | jnp.where(there & subs != 0, bit, NO_ONE)
    return fish_columns, sub_columns


def _equal(numbers: Number, number: Array | int) -> Word:
    """Return those whose number is ``number``, for one number or for each of an array."""
    others = jnp.asarray(NO_ONE)
    for index, word in enumerate(numbers):
        if isinstance(number, int):
            filled = ALL if number >> index & 1 else NO_ONE
        else:  # the highest bit of a signed number fills the word
            filled = lax.bitcast_convert_type(number << (31 - index) >> 31, jnp.uint32)
        others = others | (word ^ filled)
    return ~others


def _counted_down(timer: Number, due: Word, pause: Int[Array, ""]) -> Number:
    """Return the timers a step later: one less, or ``pause`` where they were due."""
    later, borrow = [], ~due
    for index, word in enumerate(timer):
        later.append((word ^ borrow) | jnp.where(pause >> index & 1 == 1, due, NO_ONE))
        borrow = borrow & ~word
    return tuple(later)


def _number_of(numbers: Number, one: Word) -> Int[Array, ""]:
    """Return the number of one enemy."""
    return sum((jnp.where(word & one != 0, 1 << index, 0) for index, word in enumerate(numbers)), start=jnp.int32(0))
