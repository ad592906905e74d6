"""Seaquest: shoot, rescue divers, and come up for air."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Transition, random
from jaxtyping import Bool, Int

from jaxenv_minatar import enemies as sea
from jaxenv_minatar.base import DOWN, FIRE, LEFT, NOOP, RIGHT, SIZE, UP, MinAtarGame, MinAtarState, RampedParams, count, direction
from jaxenv_minatar.bullets import Board
from jaxenv_minatar.enemies import Enemies
from jaxenv_minatar.picture import ROW, flag, light, paint, row_masks

LAST_ROW = 8
"""The row that the submarine cannot dive below; row 0 is the surface."""

FULL_OXYGEN, FULL_CREW = 200, 6
SPAWN_SPEED, LEAST_SPAWN_SPEED = 20, 1
MOVE_SPEED, LEAST_MOVE_SPEED = 5, 2
DIVER_PAUSE, SHOT_PAUSE = 30, 5

_ENTITY_MASKS = row_masks(None, None, None, 2, None, 0, 1, None, None, None)
_OTHER_MASKS = row_masks(None, None, None, None, 0, None, None, 1, 2, None)


class Shot(NamedTuple):
    """A bullet of the player."""

    flying: Bool[Array, ""]
    """Whether there is one."""
    x: Int[Array, ""]
    """Its column, 0 to 9."""
    y: Int[Array, ""]
    """Its row, 0 to 8."""
    right: Bool[Array, ""]
    """Whether it flies to the right."""


class Diver(NamedTuple):
    """A diver. Its column follows from its age: it moves at the ages 6, 12, ..., 60, the last of which takes it off the board."""

    afloat: Bool[Array, ""]
    """Whether there is one."""
    y: Int[Array, ""]
    """Its row, 1 to 8."""
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
    spawn_speed: Int[Array, ""]
    """Steps between two enemies, 20 down to 1."""
    move_speed: Int[Array, ""]
    """Steps between two moves of the enemies to come, 5 down to 2."""
    ramp_index: Int[Array, ""]
    """How often the game has become harder."""


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
        words = random.words(key, 2)
        low = words[0].astype(jnp.int32)
        return Draws(
            sticky=random.uniform(words[0]),
            enemy_right=low & 1 == 1,
            enemy_sub=random.bernoulli(words[1], 1 / 3),
            enemy_y=1 + (low >> 1 & 7),
            diver_right=low >> 4 & 1 == 1,
            diver_y=1 + (low >> 5 & 7),
        )

    def init(self, key: Array, params: RampedParams) -> SeaquestState:
        zero, no = jnp.int32(0), jnp.asarray(False)
        shot, diver = Shot(no, zero, zero, no), Diver(no, jnp.int32(sea.FIRST_ROW), no)
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
            spawn_speed=jnp.int32(SPAWN_SPEED),
            move_speed=jnp.int32(MOVE_SPEED),
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
        return Transition(state, (shot_down + run_into + bonus).astype(jnp.float32), touched | suffocated | drowned)

    def observe(self, state: SeaquestState, params: RampedParams) -> Bool[Array, "10 10 10"]:
        rows = jnp.arange(SIZE)
        fish, subs = sea.columns(state.enemies, rows)
        swimming = fish | subs
        trails = jnp.where(sea.moves_right(state.enemies, rows), swimming >> 1, swimming << 1 & ROW)
        entities = fish | subs << SIZE | trails << 2 * SIZE

        oxygen = (np.uint32(1) << (jnp.maximum(state.oxygen, 0) // 20).astype(jnp.uint32)) - 1
        crew = jnp.clip(state.crew, 0, SIZE - 1).astype(jnp.uint32)
        divers = ((np.uint32(1) << crew) - 1) << (SIZE - 1 - crew)
        gauges = jnp.where(rows == SIZE - 1, oxygen << SIZE | divers << 2 * SIZE, np.uint32(0))
        others = state.rightward.row(rows) | state.leftward.row(rows) | gauges
        return light(
            paint(entities, _ENTITY_MASKS) | paint(others, _OTHER_MASKS),
            [
                flag(state.y, state.x, 0, 10),
                flag(state.y, state.x + jnp.where(state.faces_right, -1, 1), 1, 10),
                *(jnp.where(shot.flying, flag(shot.y, shot.x, 2, 10), -1) for shot in (state.shot, state.older_shot)),
                *_diver_flags(state.diver, DIVER_PAUSE - state.diver_timer),
                *_diver_flags(state.older_diver, 2 * DIVER_PAUSE - state.diver_timer),
            ],
        )


def _spawn(state: SeaquestState, draws: Draws) -> SeaquestState:
    """Let an enemy and a diver appear, if it is time."""
    spawns, dives = state.spawn_timer == 0, state.diver_timer == 0
    enemies = sea.spawned(state.enemies, spawns, draws.enemy_y, draws.enemy_right, draws.enemy_sub, state.move_speed)
    new = Diver(jnp.asarray(True), draws.diver_y, draws.diver_right)
    return state.replace(
        enemies=enemies,
        spawn_timer=jnp.where(spawns, state.spawn_speed, state.spawn_timer),
        diver=_where(dives, new, state.diver),
        older_diver=_where(dives, state.diver, state.older_diver),
        diver_timer=jnp.where(dives, DIVER_PAUSE, state.diver_timer),
    )


def _act(state: SeaquestState) -> SeaquestState:
    """Shoot or move."""
    action = state.last_action
    shoots = (action == FIRE) & (state.shot_timer == 0)
    new = Shot(jnp.asarray(True), state.x, state.y, state.faces_right)
    return state.replace(
        x=jnp.clip(state.x + direction(action, LEFT, RIGHT), 0, SIZE - 1),
        y=jnp.clip(state.y + direction(action, UP, DOWN), 0, LAST_ROW),
        faces_right=(state.faces_right | (action == RIGHT)) & (action != LEFT),
        shot_timer=jnp.where(shoots, SHOT_PAUSE, state.shot_timer),
        shot=_where(shoots, new, state.shot),
        older_shot=_where(shoots, state.shot, state.older_shot),
    )


def _fly(state: SeaquestState) -> tuple[SeaquestState, Array]:
    """Move the player's bullets; each takes the oldest fish in its cell, or else the oldest submarine.

    No two of them are ever in one cell, nor is one where the player is: each is a step ahead of all that comes after it.
    """
    enemies, shots, hits = state.enemies, [], jnp.int32(0)
    for shot in (state.shot, state.older_shot):
        x = shot.x + jnp.where(shot.right, 1, -1)
        flying = shot.flying & (x >= 0) & (x < SIZE)
        x = jnp.clip(x, 0, SIZE - 1)
        there = sea.at(enemies, shot.y, x).where(flying)
        fish = (enemies.fish & there).oldest()
        sub = (enemies.subs & there).oldest().where(~fish.any())
        enemies = enemies.replace(fish=enemies.fish & ~fish, subs=enemies.subs & ~sub)
        hit = (fish | sub).any()
        hits = hits + count(hit)
        shots.append(shot._replace(flying=flying & ~hit, x=x))
    return state.replace(enemies=enemies, shot=shots[0], older_shot=shots[1]), hits


def _rescue(state: SeaquestState) -> SeaquestState:
    """Take divers on board where they were or are, the newest first, while there is room; move the others."""
    crew, divers = state.crew, []
    for diver, age in ((state.diver, DIVER_PAUSE - state.diver_timer), (state.older_diver, 2 * DIVER_PAUSE - state.diver_timer)):
        meets = (_diver_x(diver, age) == state.x) | (_diver_x(diver, age + 1) == state.x)
        boards = diver.afloat & (diver.y == state.y) & meets & (crew < FULL_CREW)
        crew = crew + count(boards)
        divers.append(diver._replace(afloat=diver.afloat & ~boards & (age + 1 < 2 * DIVER_PAUSE)))
    return state.replace(crew=crew, diver=divers[0], older_diver=divers[1])


def _swim(state: SeaquestState) -> tuple[SeaquestState, Array, Array]:
    """Move the enemies and their bullets; tell how many ran into a bullet, and whether anything touched the player.

    An enemy touches the player before it moves or after it. Of those that move into a bullet, the newest takes it, submarines
    before fish. A submarine shoots even if that was its end.
    """
    touched = ((state.enemies.fish | state.enemies.subs) & sea.at(state.enemies, state.y, state.x)).any()
    enemies, moving = sea.grown(state.enemies, state.move_speed)
    rightward, leftward = state.rightward, state.leftward
    for fired, row, column, right in sea.shots(enemies):
        rightward = rightward.with_bullet(fired & right, row, column)
        leftward = leftward.with_bullet(fired & ~right, row, column)

    shots, hits = [], jnp.int32(0)
    for shot in (state.shot, state.older_shot):
        there = (sea.at(enemies, shot.y, shot.x) & moving).where(shot.flying)
        sub = (enemies.subs & there).newest()
        fish = (enemies.fish & there).newest().where(~sub.any())
        enemies = enemies.replace(fish=enemies.fish & ~fish, subs=enemies.subs & ~sub)
        hit = (fish | sub).any()
        hits = hits + count(hit)
        shots.append(shot._replace(flying=shot.flying & ~hit))

    touched = touched | ((enemies.fish | enemies.subs) & sea.at(enemies, state.y, state.x)).any()
    touched = touched | _bullet_at(state, rightward, leftward)
    rightward, leftward = rightward.moved(right=True), leftward.moved(right=False)
    touched = touched | _bullet_at(state, rightward, leftward)
    after = state.replace(enemies=enemies, rightward=rightward, leftward=leftward, shot=shots[0], older_shot=shots[1])
    return after, hits, touched


def _breathe(state: SeaquestState, params: RampedParams) -> tuple[SeaquestState, Array, Array]:
    """Use oxygen under water; come up with divers, for a bonus if there are six, or drown without."""
    under = state.y > 0
    comes_up = ~under & ~state.surfaced
    drowned = comes_up & (state.crew == 0)
    surfaces = comes_up & (state.crew != 0)
    full = surfaces & (state.crew == FULL_CREW)
    harder = surfaces & params.ramping & ((state.spawn_speed > LEAST_SPAWN_SPEED) | (state.move_speed > LEAST_MOVE_SPEED))
    quicker = harder & (state.move_speed > LEAST_MOVE_SPEED) & (state.ramp_index % 2 == 1)
    after = state.replace(
        oxygen=jnp.where(surfaces, FULL_OXYGEN, state.oxygen - count(under)),
        # Six divers count as none, and then one more leaves the boat.
        crew=jnp.where(full, 0, state.crew) - count(surfaces),
        surfaced=~under & (state.surfaced | surfaces),
        move_speed=state.move_speed - count(quicker),
        spawn_speed=state.spawn_speed - count(harder & (state.spawn_speed > LEAST_SPAWN_SPEED)),
        ramp_index=state.ramp_index + count(harder),
    )
    return after, jnp.where(full, state.oxygen * 10 // FULL_OXYGEN, 0), drowned


def _bullet_at(state: SeaquestState, rightward: Board, leftward: Board) -> Array:
    """Tell whether a bullet of a submarine is where the player is."""
    bullets = rightward.row(state.y) | leftward.row(state.y)
    return bullets >> state.x.astype(jnp.uint32) & 1 == 1


def _diver_x(diver: Diver, age: Array) -> Array:
    """Return the column of a diver at an age, -1 or 10 beyond the edge."""
    travelled = age // 6
    return jnp.where(diver.right, travelled, SIZE - 1 - travelled)


def _diver_flags(diver: Diver, age: Array) -> list[Array]:
    """Return the flags of a diver and of its trail."""
    x = _diver_x(diver, age)
    behind = x + jnp.where(diver.right, -1, 1)
    trailed = diver.afloat & (behind >= 0) & (behind < SIZE)
    return [jnp.where(diver.afloat, flag(diver.y, x, 9, 10), -1), jnp.where(trailed, flag(diver.y, behind, 3, 10), -1)]


def _where(condition: Array, on_true: Shot | Diver, on_false: Shot | Diver) -> Any:
    """Choose one of two."""
    return type(on_true)(*(jnp.where(condition, a, b) for a, b in zip(on_true, on_false, strict=True)))
