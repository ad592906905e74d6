"""SpaceInvaders: shoot the aliens that come down, and dodge their bullets."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array, lax
from jaxenv import Transition, random
from jaxenv.materialize import materialize
from jaxtyping import Bool, Int, UInt32

from jaxenv_minatar.aliens import BLOCK_COLUMNS, BLOCK_ROWS, alien_at, alien_bit, alien_columns, alien_row, on_board
from jaxenv_minatar.base import (
    FIRE,
    LEFT,
    NOOP,
    NOWHERE,
    RIGHT,
    ROW_BELOW,
    SIZE,
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
from jaxenv_minatar.observations import flag, row_masks, set_flags, unpack_boards

ALL_ALIENS = (1 << BLOCK_ROWS * BLOCK_COLUMNS) - 1
FIRST_COLUMN = 2
"""Column of the block's left edge at the start of a wave."""

CANNON_ROW = 9
SHOT_PAUSE, ALIEN_SHOT_PAUSE = 5, 10
MOVE_INTERVAL, LAST_RAMP = 12, 6

_MASKS = row_masks(None, 0, 1, 2, None, None)


@struct.dataclass
class SpaceInvadersState(MinAtarState):
    """The cannon, the block of aliens and the bullets. A cell is 16 * row + column.

    Two bullets of the player are the most there can be: one is fired at most every 5 steps and is in the air for 9 of them. The
    aliens have one: it is fired every 10 steps, and 10 steps take it off the board.
    """

    cannon: Int[Array, ""]
    """Column of the cannon, 0 to 9."""
    shot_timer: Int[Array, ""]
    """Steps until the cannon may fire again, 0 to 4."""
    bullet: Int[Array, ""]
    """Cell of the bullet that was fired last, or -1."""
    older_bullet: Int[Array, ""]
    """Cell of the bullet fired before, or -1."""
    aliens: UInt32[Array, ""]
    """The aliens that live: bit 6 * row + column within their block of 4 x 6."""
    block_row: Int[Array, ""]
    """Row of the block's first row, 0 to 9."""
    block_column: Int[Array, ""]
    """Column of the block's first column, -5 to 9: beyond the edge where those aliens are dead."""
    moves_right: Bool[Array, ""]
    """Whether the aliens move to the right."""
    ramp_index: Int[Array, ""]
    """How often the game has become harder, 0 to 6: once after each wave."""
    alien_move_timer: Int[Array, ""]
    """Steps until the aliens move."""
    alien_shot_timer: Int[Array, ""]
    """Steps until the aliens shoot, 0 to 10."""
    alien_bullet: Int[Array, ""]
    """Cell of the aliens' bullet, or -1."""


class Draws(NamedTuple):
    """The randomness of a step."""

    sticky: Array
    """Uniform on [0, 1): below ``sticky_action_prob`` the last action is repeated."""


class SpaceInvaders(MinAtarGame[SpaceInvadersState, RampedParams]):
    """Shoot waves of 24 aliens with a cannon at the bottom. They come closer, faster with each wave, and shoot back.

    ===========  =========================================================
    Observation  Meaning (bool[10, 10, 6]: row, column, channel)
    ===========  =========================================================
    0            the cannon, in row 9
    1            the aliens
    2            the aliens again, if they move to the left
    3            the aliens again, if they move to the right
    4            the bullets of the cannon
    5            the bullet of the aliens
    ===========  =========================================================

    ======  ==================================  =================================
    Action  Meaning                             with ``minimal_actions=False``
    ======  ==================================  =================================
    0       stay                                0, 2, 4
    1       move left                           1
    2       move right                          3
    3       fire, if the last shot was 5 steps  5
            ago or more; else stay
    ======  ==================================  =================================

    Reward: 1 for each alien that is shot.
    Termination: an alien's bullet or an alien reaches the cannon, or an alien in row 9 would come down.
    Time limit: none, unless ``max_steps_in_episode`` is set.

    **Source**: Young & Tian 2019, *MinAtar*; the package MinAtar 1.0.15.

    **Differences**: none.

    >>> import jax
    >>> from jaxenv_minatar import SpaceInvaders
    >>> env = SpaceInvaders()
    >>> obs, state = env.reset(jax.random.key(0))
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 3)
    >>> obs.shape, int(state.bullet), bool(done)
    ((10, 10, 6), 133, False)
    """

    channels: ClassVar[tuple[str, ...]] = ("cannon", "alien", "alien_left", "alien_right", "friendly_bullet", "enemy_bullet")
    minimal_action_set: ClassVar[tuple[int, ...]] = (NOOP, LEFT, RIGHT, FIRE)

    @property
    def default_params(self) -> RampedParams:
        return RampedParams()

    def draw_step(self, key: Array, params: RampedParams) -> Draws:
        return Draws(sticky=random.uniform(words(key, 1)[0]))

    def draws_in_init(self, params: RampedParams) -> bool:
        return False

    def init(self, key: Array, params: RampedParams) -> SpaceInvadersState:
        return SpaceInvadersState(
            last_action=jnp.int32(NOOP),
            cannon=jnp.int32(5),
            shot_timer=jnp.int32(0),
            bullet=jnp.int32(NOWHERE),
            older_bullet=jnp.int32(NOWHERE),
            aliens=jnp.uint32(ALL_ALIENS),
            block_row=jnp.int32(0),
            block_column=jnp.int32(FIRST_COLUMN),
            moves_right=jnp.asarray(False),
            ramp_index=jnp.int32(0),
            alien_move_timer=jnp.int32(MOVE_INTERVAL),
            alien_shot_timer=jnp.int32(ALIEN_SHOT_PAUSE),
            alien_bullet=jnp.int32(NOWHERE),
        )

    def dynamics(
        self, state: SpaceInvadersState, action: Int[Array, ""], draws: Draws, params: RampedParams
    ) -> Transition[SpaceInvadersState]:
        state = state.replace(last_action=self.executed(state, action, draws.sticky, params))
        state = _act(state)
        hit = state.alien_bullet == cell(CANNON_ROW, state.cannon)
        rammed = alien_at(state, CANNON_ROW, state.cannon)
        state, landed = _march(state)
        rammed = rammed | alien_at(state, CANNON_ROW, state.cannon)
        state = _shoot(state)
        state, kills = _kill(state)
        state = state.replace(
            shot_timer=jnp.maximum(state.shot_timer - 1, 0),
            alien_move_timer=state.alien_move_timer - 1,
            alien_shot_timer=state.alien_shot_timer - 1,
        )
        return Transition(_next_wave(state, params), kills.astype(jnp.float32), materialize(hit | rammed | landed))

    def observe(self, state: SpaceInvadersState, params: RampedParams) -> Bool[Array, "10 10 6"]:
        aliens = alien_row(state, jnp.arange(SIZE, dtype=jnp.int32))
        heading = jnp.where(state.moves_right, jnp.uint32(1 << 2 * SIZE), jnp.uint32(1 << SIZE))
        bullets = [
            jnp.where(place < 0, -1, flag(row_of(place), column_of(place), channel, 6))
            for place, channel in ((state.bullet, 4), (state.older_bullet, 4), (state.alien_bullet, 5))
        ]
        return set_flags(unpack_boards((aliens * (1 + heading), _MASKS)), [flag(CANNON_ROW, state.cannon, 0, 6), *bullets])


def move_interval(state: SpaceInvadersState) -> Int[Array, ""]:
    """Return the most steps between two moves of the aliens, 12 down to 6."""
    return MOVE_INTERVAL - state.ramp_index


def _act(state: SpaceInvadersState) -> SpaceInvadersState:
    """Fire or move the cannon; then all bullets move by one row."""
    action = state.last_action
    fires = (action == FIRE) & (state.shot_timer == 0)
    cannon = jnp.clip(state.cannon + direction(action, LEFT, RIGHT), 0, SIZE - 1)
    bullet = jnp.where(fires, cell(CANNON_ROW, cannon), state.bullet)
    older = jnp.where(fires, state.bullet, state.older_bullet)
    fallen = state.alien_bullet + ROW_BELOW
    return state.replace(
        cannon=cannon,
        shot_timer=jnp.where(fires, SHOT_PAUSE, state.shot_timer),
        bullet=jnp.maximum(bullet - ROW_BELOW, NOWHERE),
        older_bullet=jnp.maximum(older - ROW_BELOW, NOWHERE),
        alien_bullet=jnp.where((state.alien_bullet < 0) | (row_of(fallen) >= SIZE), NOWHERE, fallen),
    )


def _march(state: SpaceInvadersState) -> tuple[SpaceInvadersState, Array]:
    """Move the aliens, if it is time; and tell whether one of them would leave the board at the bottom."""
    moves = state.alien_move_timer == 0
    columns = alien_columns(state)
    edge = jnp.where(state.moves_right, columns >> (SIZE - 1), columns & 1) == 1
    turns, drifts = moves & edge, moves & ~edge
    down = state.block_row + 1
    landed = turns & (alien_row(state, CANNON_ROW) != 0)
    alive = lax.population_count(state.aliens).astype(jnp.int32)
    after = state.replace(
        # The row after the last is the first, where MinAtar's aliens end up on the step that ends the game.
        block_row=jnp.where(turns, jnp.where(down == SIZE, 0, down), state.block_row),
        block_column=jnp.where(drifts, state.block_column + jnp.where(state.moves_right, 1, -1), state.block_column),
        moves_right=state.moves_right ^ turns,
        alien_move_timer=jnp.where(moves, jnp.minimum(alive, move_interval(state)), state.alien_move_timer),
    )
    return after, landed


def _shoot(state: SpaceInvadersState) -> SpaceInvadersState:
    """Let the lowest alien of the column nearest to the cannon shoot, if it is time; of two, the one on the left."""
    columns = alien_columns(state)
    upto = columns & ((jnp.uint32(2) << state.cannon.astype(jnp.uint32)) - 1)
    beyond = columns & ~upto
    left = 31 - lax.clz(upto).astype(jnp.int32)
    right = 31 - lax.clz(beyond & (~beyond + 1)).astype(jnp.int32)
    use_left = (upto != 0) & ((beyond == 0) | (state.cannon - left <= right - state.cannon))
    column = jnp.where(use_left, left, right)
    row = jnp.int32(0)
    for within in range(BLOCK_ROWS):
        candidate = on_board(state.block_row + within)
        row = jnp.where(alien_at(state, candidate, column), jnp.maximum(row, candidate), row)
    shoots = state.alien_shot_timer == 0
    return state.replace(
        alien_bullet=jnp.where(shoots, cell(row, column), state.alien_bullet),
        alien_shot_timer=jnp.where(shoots, ALIEN_SHOT_PAUSE, state.alien_shot_timer),
    )


def _kill(state: SpaceInvadersState) -> tuple[SpaceInvadersState, Array]:
    """Remove the aliens that are where a bullet is, with the bullet; and count them."""
    kills, aliens, bullets = jnp.int32(0), state.aliens, []
    for place in (state.bullet, state.older_bullet):
        row, column = row_of(place), column_of(place)
        hit = (place >= 0) & alien_at(state, row, column)
        aliens = jnp.where(hit, aliens & ~alien_bit(state, row, column), aliens)
        bullets.append(jnp.where(hit, NOWHERE, place))
        kills = kills + count(hit)
    bullet, older_bullet = bullets
    return state.replace(aliens=aliens, bullet=bullet, older_bullet=older_bullet), kills


def _next_wave(state: SpaceInvadersState, params: RampedParams) -> SpaceInvadersState:
    """Let the aliens return to where they began, if none is left; direction and timers stay."""
    cleared = state.aliens == 0
    harder = cleared & params.ramping & (state.ramp_index < LAST_RAMP)
    return state.replace(
        aliens=jnp.where(cleared, jnp.uint32(ALL_ALIENS), state.aliens),
        block_row=jnp.where(cleared, 0, state.block_row),
        block_column=jnp.where(cleared, FIRST_COLUMN, state.block_column),
        ramp_index=state.ramp_index + count(harder),
    )
