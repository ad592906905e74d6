"""Seaquest: shoot, rescue divers, and come up for air."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Transition, random
from jaxenv.materialize import materialize
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
    column_of,
    row_of,
    words,
)
from jaxenv_minatar.bullets import Board
from jaxenv_minatar.enemies import Enemies
from jaxenv_minatar.observations import ROW, flag, row_masks, set_flags, unpack_boards
from jaxenv_minatar.seaquest_rules import (
    DIVER_PAUSE,
    FULL_OXYGEN,
    SPAWN_SPEED,
    Diver,
    Shot,
    act,
    breathe,
    diver_ages,
    diver_flags,
    fly,
    rescue,
    spawn,
    swim,
    tenths,
)

_ENTITY_MASKS = row_masks(None, None, None, 2, None, 0, 1, None, None, None)
_OTHER_MASKS = row_masks(None, None, None, None, 0, None, None, 1, 2, None)


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

    def draw_step(self, key: Array, params: RampedParams) -> Draws:
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

    def draws_in_init(self, params: RampedParams) -> bool:
        return False

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

    def dynamics(
        self, state: SeaquestState, action: Int[Array, ""], draws: Draws, params: RampedParams
    ) -> Transition[SeaquestState]:
        state = state.replace(last_action=self.executed(state, action, draws.sticky, params))
        state = act(spawn(state, draws))
        state, shot_down = fly(state)
        state = rescue(state)
        state, run_into, touched = swim(state)
        state = state.replace(
            spawn_timer=jnp.maximum(state.spawn_timer - 1, 0),
            diver_timer=jnp.maximum(state.diver_timer - 1, 0),
            shot_timer=jnp.maximum(state.shot_timer - 1, 0),
        )
        suffocated = state.oxygen <= 0
        state, bonus, drowned = breathe(state, params)
        return Transition(state, (shot_down + run_into + bonus).astype(jnp.float32), materialize(touched | suffocated | drowned))

    def observe(self, state: SeaquestState, params: RampedParams) -> Bool[Array, "10 10 10"]:
        return _observation(state)


@jax.jit
def _observation(state: SeaquestState) -> Array:
    """Draw the observation; under ``jit``, so that the two observations of a step are traced once."""
    rows = jnp.arange(SIZE, dtype=jnp.int32)
    fish, subs = sea.columns(state.enemies, rows)
    swimming = fish | subs
    trails = jnp.where(sea.moves_right(state.enemies, rows), swimming >> 1, swimming << 1 & ROW)
    entities = fish | subs << SIZE | trails << 2 * SIZE

    oxygen = (np.uint32(1) << tenths(state.oxygen).astype(jnp.uint32)) - 1
    crew = jnp.clip(state.crew, 0, SIZE - 1).astype(jnp.uint32)
    divers = ((np.uint32(1) << crew) - 1) << (SIZE - 1 - crew)
    gauges = jnp.where(rows == SIZE - 1, oxygen << SIZE | divers << 2 * SIZE, np.uint32(0))
    others = state.rightward.row(rows) | state.leftward.row(rows) | gauges
    ages = diver_ages(state)
    return set_flags(
        unpack_boards((entities, _ENTITY_MASKS), (others, _OTHER_MASKS)),
        [
            flag(state.y, state.x, 0, 10),
            flag(state.y, state.x + jnp.where(state.faces_right, -1, 1), 1, 10),
            *(
                jnp.where(shot.cell >= 0, flag(row_of(shot.cell), column_of(shot.cell), 2, 10), -1)
                for shot in (state.shot, state.older_shot)
            ),
            *diver_flags(state.diver, ages[0]),
            *diver_flags(state.older_diver, ages[1]),
        ],
    )
