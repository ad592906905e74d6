"""Seaquest: shoot, rescue divers, and come up for air."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array, lax
from jaxenv import Transition, random
from jaxtyping import Bool, Int

from jaxenv_minatar import enemies as sea
from jaxenv_minatar.base import (
    DOWN,
    FIRE,
    LEFT,
    NOOP,
    NOWHERE,
    RIGHT,
    SIZE,
    UP,
    MinAtarGame,
    MinAtarState,
    RampedParams,
    cell,
    column_of,
    count,
    direction,
    row_of,
    words,
)
from jaxenv_minatar.bullets import Board
from jaxenv_minatar.enemies import Enemies
from jaxenv_minatar.picture import ROW, flag, light, paint, row_masks
from jaxenv_minatar.staging import once, stage

LAST_ROW = 8
"""The row that the submarine cannot dive below; row 0 is the surface."""

FULL_OXYGEN, FULL_CREW = 200, 6
SPAWN_SPEED, MOVE_SPEED = 20, 5
LAST_RAMP = 19
DIVER_PAUSE, SHOT_PAUSE = 30, 5

_ENTITY_MASKS = row_masks(None, None, None, 2, None, 0, 1, None, None, None)
_OTHER_MASKS = row_masks(None, None, None, None, 0, None, None, 1, 2, None)


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


@struct.dataclass
class SeaquestState(MinAtarState):
    """The submarine, its bullets, the divers and the enemies.

    Two bullets of the player are the most there can be: one is fired at most every 5 steps and is on the board for 9 of them. So
    are two divers: one appears every 30 steps, and 60 steps take it off the board. Enemies and their bullets have no such limit.
    """

    x: Int[Array, ""]
    """Column of the submarine, 0 to 9."""
    y: Int[Array, ""]
    """Row of the submarine, 0 (the surface) to 8."""
    faces_right: Bool[Array, ""]
    """Which way it faces and shoots."""
    shot_timer: Int[Array, ""]
    """Steps until it may shoot again, 0 to 4."""
    shot: Shot
    """The bullet that was fired last."""
    older_shot: Shot
    """The bullet before."""
    oxygen: Int[Array, ""]
    """Oxygen, 200 down to 0; one less for each step under water."""
    crew: Int[Array, ""]
    """Divers on board, at most 6. Below 0 after surfacing with all six, as in MinAtar: then it may surface without any."""
    surfaced: Bool[Array, ""]
    """Whether it has been at the surface since it last came up."""
    diver: Diver
    """The diver that appeared last."""
    older_diver: Diver
    """The diver before."""
    diver_timer: Int[Array, ""]
    """Steps until the next diver, 0 to 30."""
    enemies: Enemies
    """Fish and submarines."""
    rightward: Board
    """The submarines' bullets that fly to the right."""
    leftward: Board
    """The submarines' bullets that fly to the left."""
    spawn_timer: Int[Array, ""]
    """Steps until the next enemy."""
    ramp_index: Int[Array, ""]
    """How often the game has become harder, 0 to 19."""


class Draws(NamedTuple):
    """The randomness of a step."""

    sticky: Array
    """Uniform on [0, 1): below ``sticky_action_prob`` the last action is repeated."""
    enemy_right: Array
    """Whether the next enemy moves to the right: a fair coin."""
    enemy_sub: Array
    """Whether it is a submarine: with probability 1/3."""
    enemy_y: Array
    """Its row: uniform on 1 to 8."""
    diver_right: Array
    """Whether the next diver moves to the right: a fair coin."""
    diver_y: Array
    """Its row: uniform on 1 to 8."""


class Seaquest(MinAtarGame[SeaquestState, RampedParams]):
    """Shoot fish and submarines, pick up divers, and bring them to the surface before the oxygen is out.

    ===========  =========================================================
    Observation  Meaning (bool[10, 10, 10]: row, column, channel)
    ===========  =========================================================
    0            the front of the submarine
    1            its back
    2            its bullets
    3            the trail: the column behind each fish, enemy and diver
    4            the bullets of enemy submarines
    5            the fish
    6            the enemy submarines
    7            the oxygen: 0 to 10 columns from the left of row 9
    8            the divers on board: 0 to 6 columns of row 9, up to column 8
    9            the divers in the sea
    ===========  =========================================================

    ======  ==============================================
    Action  Meaning (the full action set, in either case)
    ======  ==============================================
    0       stay
    1       move left and face left
    2       move up
    3       move right and face right
    4       move down
    5       shoot, if the last shot was 5 steps ago or more
    ======  ==============================================

    Reward: 1 for each fish or submarine that is shot; for surfacing with six divers 1 for each full 20 of oxygen that is left.
    Termination: an enemy or its bullet touches the submarine, the oxygen is out, or it surfaces without a diver.
    Time limit: none, unless ``max_steps_in_episode`` is set.

    **Source**: Young & Tian 2019, *MinAtar*; the package MinAtar 1.0.15.

    **Differences**: none.

    >>> import jax
    >>> from jaxenv_minatar import Seaquest
    >>> env = Seaquest()
    >>> obs, state = env.reset(jax.random.key(0))
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 4)
    >>> obs.shape, int(state.oxygen), bool(done)
    ((10, 10, 10), 199, False)
    """

    channels: ClassVar[tuple[str, ...]] = (
        "sub_front",
        "sub_back",
        "friendly_bullet",
        "trail",
        "enemy_bullet",
        "enemy_fish",
        "enemy_sub",
        "oxygen_gauge",
        "diver_gauge",
        "diver",
    )
    minimal_action_set: ClassVar[tuple[int, ...]] = (NOOP, LEFT, UP, RIGHT, DOWN, FIRE)

    @property
    def default_params(self) -> RampedParams:
        return RampedParams()

    def draw(self, key: Array) -> Draws:
        """Draw what a step needs. The upper 24 bits of the first word are one draw, the other 8 are four."""
        first, second = words(key, 2)
        low = first.astype(jnp.int32)
        return Draws(
            sticky=random.uniform(first),
            enemy_right=low & 1 == 1,
            enemy_sub=random.bernoulli(second, 1 / 3),
            enemy_y=1 + (low >> 1 & 7),
            diver_right=low >> 4 & 1 == 1,
            diver_y=1 + (low >> 5 & 7),
        )

    def init(self, key: Array, params: RampedParams) -> SeaquestState:
        zero, no = jnp.int32(0), jnp.asarray(False)
        shot, diver = Shot(jnp.int32(NOWHERE), no), Diver(jnp.int32(-1), no)
        calm = Board(jnp.uint32(0), jnp.uint32(0), jnp.uint32(0))
        return SeaquestState(
            last_action=jnp.int32(NOOP),
            x=jnp.int32(5),
            y=zero,
            faces_right=no,
            shot_timer=zero,
            shot=shot,
            older_shot=shot,
            oxygen=jnp.int32(FULL_OXYGEN),
            crew=zero,
            surfaced=jnp.asarray(True),
            diver=diver,
            older_diver=diver,
            diver_timer=jnp.int32(DIVER_PAUSE),
            enemies=sea.none(),
            rightward=calm,
            leftward=calm,
            spawn_timer=jnp.int32(SPAWN_SPEED),
            ramp_index=zero,
        )

    def transition(
        self, key: Array, state: SeaquestState, action: Int[Array, ""], params: RampedParams
    ) -> Transition[SeaquestState]:
        return self.play(state, action, self.draw(key), params)

    def play(self, state: SeaquestState, action: Int[Array, ""], draws: Draws, params: RampedParams) -> Transition[SeaquestState]:
        """Take one step with these draws."""
        state = state.replace(last_action=self.executed(state, action, draws.sticky, params))
        state = _act(_spawn(state, draws))
        state, shot_down = _fly(state)
        state = _rescue(state)
        state, run_into, touched = _swim(state)
        state = state.replace(
            spawn_timer=jnp.maximum(state.spawn_timer - 1, 0),
            diver_timer=jnp.maximum(state.diver_timer - 1, 0),
            shot_timer=jnp.maximum(state.shot_timer - 1, 0),
        )
        suffocated = state.oxygen <= 0
        state, bonus, drowned = _breathe(state, params)
        return Transition(state, (shot_down + run_into + bonus).astype(jnp.float32), once(touched | suffocated | drowned))

    def observe(self, state: SeaquestState, params: RampedParams) -> Bool[Array, "10 10 10"]:
        rows = jnp.arange(SIZE)
        fish, subs = sea.columns(state.enemies, rows)
        swimming = fish | subs
        trails = jnp.where(sea.moves_right(state.enemies, rows), swimming >> 1, swimming << 1 & ROW)
        entities = fish | subs << SIZE | trails << 2 * SIZE

        oxygen = (np.uint32(1) << tenths(state.oxygen).astype(jnp.uint32)) - 1
        crew = jnp.clip(state.crew, 0, SIZE - 1).astype(jnp.uint32)
        divers = ((np.uint32(1) << crew) - 1) << (SIZE - 1 - crew)
        gauges = jnp.where(rows == SIZE - 1, oxygen << SIZE | divers << 2 * SIZE, np.uint32(0))
        others = state.rightward.row(rows) | state.leftward.row(rows) | gauges
        ages = _diver_ages(state)
        return light(
            paint((entities, _ENTITY_MASKS), (others, _OTHER_MASKS)),
            [
                flag(state.y, state.x, 0, 10),
                flag(state.y, state.x + jnp.where(state.faces_right, -1, 1), 1, 10),
                *(
                    jnp.where(shot.cell >= 0, flag(row_of(shot.cell), column_of(shot.cell), 2, 10), -1)
                    for shot in (state.shot, state.older_shot)
                ),
                *_diver_flags(state.diver, ages[0]),
                *_diver_flags(state.older_diver, ages[1]),
            ],
        )


def tenths(oxygen: Int[Array, ""]) -> Int[Array, ""]:
    """Return how many full tenths of the oxygen are left, 0 to 10."""
    return lax.div(jnp.maximum(oxygen, 0), FULL_OXYGEN // 10)


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
    enemies = enemies.replace(fish=struck.fish, subs=struck.subs)
    return state.replace(enemies=enemies, shot=struck.shot, older_shot=struck.older_shot)


def _spawn(state: SeaquestState, draws: Draws) -> SeaquestState:
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


def _act(state: SeaquestState) -> SeaquestState:
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


def _fly(state: SeaquestState) -> tuple[SeaquestState, Array]:
    """Move the player's bullets; tell how many hit."""
    struck, hits = _shoot_down(state.enemies, (state.shot, state.older_shot))
    return _after(state, state.enemies, struck), hits


@stage
def _shoot_down(enemies: Enemies, shots: tuple[Shot, Shot]) -> tuple[Struck, Array]:
    """Move the player's bullets; each takes the oldest fish in its cell, or else the oldest submarine.

    No two of them are ever in one cell, nor is one where the player is: each is a step ahead of all that comes after it.
    """
    later, hits = [], jnp.int32(0)
    for shot in shots:
        column = column_of(shot.cell) + jnp.where(shot.right, 1, -1)
        flying = (shot.cell >= 0) & (column >= 0) & (column < SIZE)
        place = jnp.where(flying, cell(row_of(shot.cell), column), NOWHERE)
        there = _at_shot(enemies, place)
        fish = sea.oldest(enemies.fish & there)
        sub = jnp.where(fish == 0, sea.oldest(enemies.subs & there), sea.NO_ONE)
        enemies, shot, hit = _struck(enemies, shot._replace(cell=place), fish, sub)
        hits = hits + hit
        later.append(shot)
    return Struck(enemies.fish, enemies.subs, later[0], later[1]), hits


def _rescue(state: SeaquestState) -> SeaquestState:
    """Take divers on board where they were or are, the newest first, while there is room; move the others."""
    crew, divers = state.crew, []
    for diver, age in zip((state.diver, state.older_diver), _diver_ages(state), strict=True):
        meets = (_diver_x(diver, age) == state.x) | (_diver_x(diver, age + 1) == state.x)
        boards = (diver.row == state.y) & meets & (crew < FULL_CREW)
        crew = crew + count(boards)
        divers.append(diver._replace(row=jnp.where(boards | (age + 1 == 2 * DIVER_PAUSE), -1, diver.row)))
    return state.replace(crew=crew, diver=divers[0], older_diver=divers[1])


def _swim(state: SeaquestState) -> tuple[SeaquestState, Array, Array]:
    """Move the enemies and their bullets; tell how many ran into a bullet, and whether anything touched the player.

    An enemy touches the player before it moves or after it. A submarine shoots even if that was its end.
    """
    touched = (state.enemies.fish | state.enemies.subs) & sea.at(state.enemies, state.y, state.x) != 0
    enemies, moving, shooting = sea.moved(state.enemies, move_speed(state))
    rightward, leftward = _fire(state.rightward, state.leftward, sea.shots(enemies, shooting))
    struck, hits = _run_into(enemies, moving, (state.shot, state.older_shot))
    touched = touched | ((struck.fish | struck.subs) & sea.at(enemies, state.y, state.x) != 0)
    touched = touched | _bullet_at(state, rightward, leftward)
    rightward, leftward = rightward.moved(right=True), leftward.moved(right=False)
    touched = touched | _bullet_at(state, rightward, leftward)
    return _after(state.replace(rightward=rightward, leftward=leftward), enemies, struck), hits, touched


@stage
def _run_into(enemies: Enemies, moving: UInt32[Array, ""], shots: tuple[Shot, Shot]) -> tuple[Struck, Array]:
    """Let the newest of those that move into a bullet take it, submarines before fish."""
    later, hits = [], jnp.int32(0)
    for shot in shots:
        there = _at_shot(enemies, shot.cell) & moving
        sub = sea.newest(enemies.subs & there)
        fish = jnp.where(sub == 0, sea.newest(enemies.fish & there), sea.NO_ONE)
        enemies, shot, hit = _struck(enemies, shot, fish, sub)
        hits = hits + hit
        later.append(shot)
    return Struck(enemies.fish, enemies.subs, later[0], later[1]), hits


@stage
def _fire(rightward: Board, leftward: Board, shots: list[tuple[Array, Array]]) -> tuple[Board, Board]:
    """Add the submarines' shots to the boards."""
    for place, right in shots:
        rightward = rightward.with_bullet((place >= 0) & right, row_of(place), column_of(place))
        leftward = leftward.with_bullet((place >= 0) & ~right, row_of(place), column_of(place))
    return rightward, leftward


def _breathe(state: SeaquestState, params: RampedParams) -> tuple[SeaquestState, Array, Array]:
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


def _at_shot(enemies: Enemies, place: Array) -> UInt32[Array, ""]:
    """Return the enemies where a bullet is."""
    return jnp.where(place >= 0, sea.at(enemies, row_of(place), column_of(place)), sea.NO_ONE)


def _struck(enemies: Enemies, shot: Shot, fish: Array, sub: Array) -> tuple[Enemies, Shot, Array]:
    """Remove a fish or a submarine, if there is one, and the bullet that met it; and count it."""
    hit = fish | sub != 0
    enemies = enemies.replace(fish=enemies.fish & ~fish, subs=enemies.subs & ~sub)
    return enemies, shot._replace(cell=jnp.where(hit, NOWHERE, shot.cell)), count(hit)


def _bullet_at(state: SeaquestState, rightward: Board, leftward: Board) -> Array:
    """Tell whether a bullet of a submarine is where the player is."""
    bullets = rightward.row(state.y) | leftward.row(state.y)
    return bullets >> state.x.astype(jnp.uint32) & 1 == 1


def _diver_ages(state: SeaquestState) -> tuple[Array, Array]:
    """Return the ages of the diver that appeared last and of the one before."""
    return DIVER_PAUSE - state.diver_timer, 2 * DIVER_PAUSE - state.diver_timer


def _diver_x(diver: Diver, age: Array) -> Array:
    """Return the column of a diver at an age, -1 or 10 beyond the edge."""
    travelled = lax.div(age, 6)
    return jnp.where(diver.right, travelled, SIZE - 1 - travelled)


def _diver_flags(diver: Diver, age: Array) -> list[Array]:
    """Return the flags of a diver and of its trail."""
    x = _diver_x(diver, age)
    behind, afloat = x + jnp.where(diver.right, -1, 1), diver.row >= 0
    trailed = afloat & (behind >= 0) & (behind < SIZE)
    return [jnp.where(afloat, flag(diver.row, x, 9, 10), -1), jnp.where(trailed, flag(diver.row, behind, 3, 10), -1)]


def _where(condition: Array, on_true: Any, on_false: Any) -> Any:
    """Choose one of two shots or divers."""
    return type(on_true)(*(jnp.where(condition, a, b) for a, b in zip(on_true, on_false, strict=True)))
