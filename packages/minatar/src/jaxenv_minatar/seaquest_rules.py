"""The rules of Seaquest, in the order in which a step applies them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxenv.division import truncating_divmod
from jaxenv.materialize import materialized
from jaxtyping import Bool, Int

from jaxenv_minatar import enemies as sea
from jaxenv_minatar.base import (
    DOWN,
    FIRE,
    LEFT,
    NOWHERE,
    RIGHT,
    SIZE,
    UP,
    RampedParams,
    cell,
    column_of,
    count,
    direction,
    row_of,
)
from jaxenv_minatar.bullets import Board
from jaxenv_minatar.enemies import Enemies, Word
from jaxenv_minatar.observations import flag

if TYPE_CHECKING:
    from jaxenv_minatar.seaquest import Draws, SeaquestState

LAST_ROW = 8
"""The row that the submarine cannot dive below; row 0 is the surface."""

FULL_OXYGEN, FULL_CREW = 200, 6
SPAWN_SPEED, MOVE_SPEED = 20, 5
LAST_RAMP = 19
DIVER_PAUSE, SHOT_PAUSE = 30, 5


class Shot(NamedTuple):
    """A bullet of the player."""

    cell: Int[Array, ""]
    """Where it is, 16 * row + column, or -1 if there is none."""
    right: Bool[Array, ""]
    """Whether it flies to the right."""


class Diver(NamedTuple):
    """A diver. Its column follows from its age: it moves at the ages 6, 12, ..., 60, the last of which takes it off the board."""

    row: Int[Array, ""]
    """Its row, 1 to 8, or -1 if there is none."""
    right: Bool[Array, ""]
    """Whether it moves to the right."""


def tenths(oxygen: Int[Array, ""]) -> Int[Array, ""]:
    """Return how many full tenths of the oxygen are left, 0 to 10."""
    return truncating_divmod(jnp.maximum(oxygen, 0), FULL_OXYGEN // 10)[0]


def spawn_speed(state: SeaquestState) -> Int[Array, ""]:
    """Return the steps between two enemies, 20 down to 1."""
    return SPAWN_SPEED - state.ramp_index


def move_speed(state: SeaquestState) -> Int[Array, ""]:
    """Return the steps between two moves of an enemy, less 1: 5 down to 2."""
    return MOVE_SPEED - jnp.minimum(state.ramp_index >> 1, 3)


class Struck(NamedTuple):
    """What is left after bullets and enemies have met."""

    fish: Array
    """The fish."""
    subs: Array
    """The submarines."""
    shot: Shot
    """The bullet that was fired last."""
    older_shot: Shot
    """The bullet before."""


def _after(state: SeaquestState, enemies: Enemies, struck: Struck) -> SeaquestState:
    """Return the state with these enemies and bullets, as far as they are left."""
    enemies = dataclasses.replace(enemies, fish=struck.fish, subs=struck.subs)
    return state.replace(enemies=enemies, shot=struck.shot, older_shot=struck.older_shot)


def spawn(state: SeaquestState, draws: Draws) -> SeaquestState:
    """Let an enemy and a diver appear, if it is time."""
    spawns, dives = state.spawn_timer == 0, state.diver_timer == 0
    enemies = sea.spawned(state.enemies, spawns, draws.enemy_y, draws.enemy_right, draws.enemy_sub, move_speed(state))
    return state.replace(
        enemies=enemies,
        spawn_timer=jnp.where(spawns, spawn_speed(state), state.spawn_timer),
        diver=_where(dives, Diver(draws.diver_y, draws.diver_right), state.diver),
        older_diver=_where(dives, state.diver, state.older_diver),
        diver_timer=jnp.where(dives, DIVER_PAUSE, state.diver_timer),
    )


def act(state: SeaquestState) -> SeaquestState:
    """Shoot or move."""
    action = state.last_action
    shoots = (action == FIRE) & (state.shot_timer == 0)
    new = Shot(cell(state.y, state.x), state.faces_right)
    return state.replace(
        x=jnp.clip(state.x + direction(action, LEFT, RIGHT), 0, SIZE - 1),
        y=jnp.clip(state.y + direction(action, UP, DOWN), 0, LAST_ROW),
        faces_right=(state.faces_right | (action == RIGHT)) & (action != LEFT),
        shot_timer=jnp.where(shoots, SHOT_PAUSE, state.shot_timer),
        shot=_where(shoots, new, state.shot),
        older_shot=_where(shoots, state.shot, state.older_shot),
    )


def fly(state: SeaquestState) -> tuple[SeaquestState, Array]:
    """Move the player's bullets; return how many hit."""
    shots = _flown(state.shot), _flown(state.older_shot)
    struck, hits = _shoot_down(state.enemies, shots, _at_shots(state.enemies, shots))
    return _after(state, state.enemies, struck), hits


def _flown(shot: Shot) -> Shot:
    """Return a bullet a step later."""
    column = column_of(shot.cell) + jnp.where(shot.right, 1, -1)
    flying = (shot.cell >= 0) & (column >= 0) & (column < SIZE)
    return shot._replace(cell=jnp.where(flying, cell(row_of(shot.cell), column), NOWHERE))


@materialized
def _shoot_down(enemies: Enemies, shots: tuple[Shot, Shot], there: list[Word]) -> tuple[Struck, Array]:
    """Let each of the player's bullets take the oldest fish in its cell, or else the oldest submarine.

    No two of them are ever in one cell, nor is one where the player is: each is a step ahead of all that comes after it.
    """
    later, hits = [], jnp.int32(0)
    for shot, some in zip(shots, there, strict=True):
        fish = sea.oldest(enemies.fish & some)
        sub = jnp.where(fish == 0, sea.oldest(enemies.subs & some), sea.NO_ONE)
        enemies, shot, hit = _struck(enemies, shot, fish, sub)
        hits = hits + hit
        later.append(shot)
    return Struck(enemies.fish, enemies.subs, later[0], later[1]), hits


def rescue(state: SeaquestState) -> SeaquestState:
    """Take divers on board where they were or are, the newest first, while there is room; move the others."""
    crew, divers = state.crew, []
    for diver, age in zip((state.diver, state.older_diver), diver_ages(state), strict=True):
        meets = (diver_x(diver, age) == state.x) | (diver_x(diver, age + 1) == state.x)
        boards = (diver.row == state.y) & meets & (crew < FULL_CREW)
        crew = crew + count(boards)
        divers.append(diver._replace(row=jnp.where(boards | (age + 1 == 2 * DIVER_PAUSE), -1, diver.row)))
    return state.replace(crew=crew, diver=divers[0], older_diver=divers[1])


def swim(state: SeaquestState) -> tuple[SeaquestState, Array, Array]:
    """Move the enemies and their bullets; return how many ran into a bullet, and whether anything touched the player.

    An enemy touches the player before it moves or after it. A submarine shoots even if that was its end.
    """
    touched = (state.enemies.fish | state.enemies.subs) & sea.at(state.enemies, state.y, state.x) != 0
    enemies, moving, shooting = sea.moved(state.enemies, move_speed(state))
    rightward, leftward = _fire(state.rightward, state.leftward, sea.shots(enemies, shooting))
    shots = state.shot, state.older_shot
    struck, hits = _run_into(enemies, moving, shots, _at_shots(enemies, shots))
    touched = touched | ((struck.fish | struck.subs) & sea.at(enemies, state.y, state.x) != 0)
    touched = touched | _bullet_at(state, rightward, leftward)
    rightward, leftward = rightward.moved(right=True), leftward.moved(right=False)
    touched = touched | _bullet_at(state, rightward, leftward)
    return _after(state.replace(rightward=rightward, leftward=leftward), enemies, struck), hits, touched


@materialized
def _run_into(enemies: Enemies, moving: Word, shots: tuple[Shot, Shot], there: list[Word]) -> tuple[Struck, Array]:
    """Let the newest of those that move into a bullet take it, submarines before fish."""
    later, hits = [], jnp.int32(0)
    for shot, some in zip(shots, there, strict=True):
        sub = sea.newest(enemies.subs & some & moving)
        fish = jnp.where(sub == 0, sea.newest(enemies.fish & some & moving), sea.NO_ONE)
        enemies, shot, hit = _struck(enemies, shot, fish, sub)
        hits = hits + hit
        later.append(shot)
    return Struck(enemies.fish, enemies.subs, later[0], later[1]), hits


@materialized
def _fire(rightward: Board, leftward: Board, shots: list[tuple[Array, Array]]) -> tuple[Board, Board]:
    """Add the submarines' shots to the boards."""
    for position, right in shots:
        rightward = rightward.with_bullet((position >= 0) & right, position)
        leftward = leftward.with_bullet((position >= 0) & ~right, position)
    return rightward, leftward


def breathe(state: SeaquestState, params: RampedParams) -> tuple[SeaquestState, Array, Array]:
    """Use oxygen under water; come up with divers, for a bonus if there are six, or drown without."""
    under = state.y > 0
    comes_up = ~under & ~state.surfaced
    surfaces = comes_up & (state.crew != 0)
    full = surfaces & (state.crew == FULL_CREW)
    after = state.replace(
        oxygen=jnp.where(surfaces, FULL_OXYGEN, state.oxygen - count(under)),
        # Six divers count as none, and then one more leaves the boat.
        crew=jnp.where(full, 0, state.crew) - count(surfaces),
        surfaced=~under & (state.surfaced | surfaces),
        ramp_index=state.ramp_index + count(surfaces & params.ramping & (state.ramp_index < LAST_RAMP)),
    )
    return after, jnp.where(full, tenths(state.oxygen), 0), comes_up & ~surfaces


@materialized
def _at_shots(enemies: Enemies, shots: tuple[Shot, Shot]) -> list[Word]:
    """Return the enemies where each bullet is."""
    return [jnp.where(shot.cell >= 0, sea.at(enemies, row_of(shot.cell), column_of(shot.cell)), sea.NO_ONE) for shot in shots]


def _struck(enemies: Enemies, shot: Shot, fish: Array, sub: Array) -> tuple[Enemies, Shot, Array]:
    """Remove a fish or a submarine, if there is one, and the bullet that met it; and count it."""
    hit = fish | sub != 0
    enemies = dataclasses.replace(enemies, fish=enemies.fish & ~fish, subs=enemies.subs & ~sub)
    return enemies, shot._replace(cell=jnp.where(hit, NOWHERE, shot.cell)), count(hit)


def _bullet_at(state: SeaquestState, rightward: Board, leftward: Board) -> Array:
    """Return whether a bullet of a submarine is where the player is."""
    bullets = rightward.row(state.y) | leftward.row(state.y)
    return bullets >> state.x.astype(jnp.uint32) & 1 == 1


def diver_ages(state: SeaquestState) -> tuple[Array, Array]:
    """Return the ages of the diver that appeared last and of the one before."""
    return DIVER_PAUSE - state.diver_timer, 2 * DIVER_PAUSE - state.diver_timer


def diver_x(diver: Diver, age: Array) -> Array:
    """Return the column of a diver at an age, -1 or 10 beyond the edge."""
    travelled, _ = truncating_divmod(age, 6)
    return jnp.where(diver.right, travelled, SIZE - 1 - travelled)


def diver_flags(diver: Diver, age: Array) -> list[Array]:
    """Return the flags of a diver and of its trail."""
    x = diver_x(diver, age)
    behind, afloat = x + jnp.where(diver.right, -1, 1), diver.row >= 0
    trailed = afloat & (behind >= 0) & (behind < SIZE)
    return [jnp.where(afloat, flag(diver.row, x, 9, 10), -1), jnp.where(trailed, flag(diver.row, behind, 3, 10), -1)]


def _where(condition: Array, on_true: Any, on_false: Any) -> Any:
    """Choose one of two shots or divers."""
    return type(on_true)(*(jnp.where(condition, a, b) for a, b in zip(on_true, on_false, strict=True)))
