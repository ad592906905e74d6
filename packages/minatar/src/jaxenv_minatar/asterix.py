"""Asterix: collect gold, keep clear of the enemies."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Transition, random
from jaxenv.materialize import materialize
from jaxtyping import Bool, Int, UInt32

from jaxenv_minatar import packed_uint4
from jaxenv_minatar.base import DOWN, LEFT, NOOP, RIGHT, SIZE, UP, MinAtarGame, MinAtarState, RampedParams, count, direction, words
from jaxenv_minatar.observations import flag, set_flags
from jaxenv_minatar.packed_uint4 import ONES

FIRST_ROW, LAST_ROW = 1, 8
"""Rows that the player and the entities keep to."""

SPAWN_SPEED, MOVE_SPEED = 10, 5
RAMP_PAUSE, LAST_RAMP = 100, 9

FRACTION_BITS = 24
"""Resolution of the draw that chooses a slot."""


@struct.dataclass
class AsterixState(MinAtarState):
    """The player and the eight slots. Slot ``i`` is on row ``i + 1``; its numbers are field ``i`` of the packed words."""

    player_x: Int[Array, ""]
    """Column of the player, 0 to 9."""
    player_y: Int[Array, ""]
    """Row of the player, 1 to 8."""
    occupied: UInt32[Array, ""]
    """Flags: which slots hold an entity."""
    x: UInt32[Array, ""]
    """Columns of the entities, 0 to 9 each."""
    right: UInt32[Array, ""]
    """Flags: which entities move to the right."""
    gold: UInt32[Array, ""]
    """Flags: which entities are gold; the others are enemies."""
    spawn_timer: Int[Array, ""]
    """Steps until the next spawn."""
    move_timer: Int[Array, ""]
    """Steps until the entities move."""
    ramp_timer: Int[Array, ""]
    """Steps until the game becomes harder, 100 to -1."""
    ramp_index: Int[Array, ""]
    """How often the game has become harder, 0 to 9."""


class Draws(NamedTuple):
    """The randomness of a step."""

    sticky: Array
    """Uniform on [0, 1): below ``sticky_action_prob`` the last action is repeated."""
    right: Array
    """Whether the next entity moves to the right: a fair coin."""
    gold: Array
    """Whether it is gold: with probability 1/3."""
    slot: Array
    """Where it goes among the free slots: uniform on 0 to 2**24 - 1, a fraction of their number."""


class Asterix(MinAtarGame[AsterixState, RampedParams]):
    """Collect the gold that crosses the board and avoid the enemies that do, ever more and ever faster.

    ===========  ====================================================
    Observation  Meaning (bool[10, 10, 4]: row, column, channel)
    ===========  ====================================================
    0            the player
    1            the enemies, one at most in each of the rows 1 to 8
    2            the trail: the column behind each enemy and each gold
    3            the gold, one at most in each of the rows 1 to 8
    ===========  ====================================================

    ======  ============================  =================================
    Action  Meaning                       with ``minimal_actions=False``
    ======  ============================  =================================
    0       stay                          0, 5
    1       move left                     1
    2       move up, not beyond row 1     2
    3       move right                    3
    4       move down, not beyond row 8   4
    ======  ============================  =================================

    Reward: 1 for each gold.
    Termination: the player touches an enemy.
    Time limit: none, unless ``max_steps_in_episode`` is set.

    **Source**: Young & Tian 2019, *MinAtar*; the package MinAtar 1.0.15.

    **Differences**: none.

    >>> import jax
    >>> from jaxenv_minatar import Asterix
    >>> env = Asterix()
    >>> obs, state = env.reset(jax.random.key(0))
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 2)
    >>> obs.shape, int(state.player_y), bool(done)
    ((10, 10, 4), 4, False)
    """

    channels: ClassVar[tuple[str, ...]] = ("player", "enemy", "trail", "gold")
    minimal_action_set: ClassVar[tuple[int, ...]] = (NOOP, LEFT, UP, RIGHT, DOWN)

    @property
    def default_params(self) -> RampedParams:
        return RampedParams()

    def draw_step(self, key: Array, params: RampedParams) -> Draws:
        """Draw what a step needs: 24 bits of each word, and one of the rest of the first."""
        first, second, third = words(key, 3)
        return Draws(
            sticky=random.uniform(first),
            right=first & 1 == 1,
            gold=random.bernoulli(second, 1 / 3),
            slot=third >> (32 - FRACTION_BITS),
        )

    def draws_in_init(self, params: RampedParams) -> bool:
        return False

    def init(self, key: Array, params: RampedParams) -> AsterixState:
        return AsterixState(
            last_action=jnp.int32(NOOP),
            player_x=jnp.int32(5),
            player_y=jnp.int32(5),
            occupied=jnp.uint32(0),
            x=jnp.uint32(0),
            right=jnp.uint32(0),
            gold=jnp.uint32(0),
            spawn_timer=jnp.int32(SPAWN_SPEED),
            move_timer=jnp.int32(MOVE_SPEED),
            ramp_timer=jnp.int32(RAMP_PAUSE),
            ramp_index=jnp.int32(0),
        )

    def dynamics(self, state: AsterixState, action: Int[Array, ""], draws: Draws, params: RampedParams) -> Transition[AsterixState]:
        state = _spawn(state.replace(last_action=self.executed(state, action, draws.sticky, params)), draws)
        state = _walk(state)
        state, gain, caught = _meet(state)
        state = _drift(state)
        # Those that have not moved are not met a second time: gold is gone, and an enemy has ended the game already.
        state, later_gain, caught_later = _meet(state)
        state = state.replace(spawn_timer=state.spawn_timer - 1, move_timer=state.move_timer - 1)
        reward = (gain | later_gain).astype(jnp.float32)
        return Transition(_ramp(state, params), reward, materialize(caught | caught_later))

    def observe(self, state: AsterixState, params: RampedParams) -> Bool[Array, "10 10 4"]:
        row = FIRST_ROW + jnp.arange(packed_uint4.COUNT, dtype=jnp.int32)
        x, occupied, right, gold = map(packed_uint4.unpack, (state.x, state.occupied, state.right, state.gold))
        behind = x + jnp.where(right == 1, -1, 1)
        trailed = (occupied == 1) & (behind >= 0) & (behind < SIZE)
        return set_flags(
            jnp.zeros(SIZE * SIZE * 4, jnp.bool_),
            [
                flag(state.player_y, state.player_x, 0, 4),
                jnp.where(occupied == 1, flag(row, x, jnp.where(gold == 1, 3, 1), 4), -1),
                jnp.where(trailed, flag(row, behind, 2, 4), -1),
            ],
        )


def spawn_speed(state: AsterixState) -> Int[Array, ""]:
    """Return the steps between two spawns, 10 down to 1."""
    return SPAWN_SPEED - state.ramp_index


def move_speed(state: AsterixState) -> Int[Array, ""]:
    """Return the steps between two moves of the entities, 5 down to 1: every second ramp lowers it."""
    return MOVE_SPEED - (state.ramp_index >> 1)


def free_slot(occupied: UInt32[Array, ""], slot: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """Return the flag of the free slot that a draw stands for; no flag if none is free."""
    free = ~occupied & ONES
    # Field i of the product is the number of free slots up to and including slot i.
    numbered = free * ONES
    chosen = (slot * (numbered >> 28)) >> FRACTION_BITS
    return free & packed_uint4.equal(numbered, chosen + 1)


def _spawn(state: AsterixState, draws: Draws) -> AsterixState:
    """Put an entity in a free slot, if it is time."""
    spawns = state.spawn_timer == 0
    new = jnp.where(spawns, free_slot(state.occupied, draws.slot), jnp.uint32(0))
    right, gold = (jnp.where(flag, ONES, jnp.uint32(0)) for flag in (draws.right, draws.gold))
    return state.replace(
        occupied=state.occupied | new,
        x=packed_uint4.select(new, 9 * (ONES & ~right), state.x),
        right=packed_uint4.select(new, right, state.right),
        gold=packed_uint4.select(new, gold, state.gold),
        spawn_timer=jnp.where(spawns, spawn_speed(state), state.spawn_timer),
    )


def _walk(state: AsterixState) -> AsterixState:
    """Move the player by the action that was executed."""
    x = state.player_x + direction(state.last_action, LEFT, RIGHT)
    y = state.player_y + direction(state.last_action, UP, DOWN)
    return state.replace(player_x=jnp.clip(x, 0, SIZE - 1), player_y=jnp.clip(y, FIRST_ROW, LAST_ROW))


def _meet(state: AsterixState) -> tuple[AsterixState, Array, Array]:
    """Take the gold where the player is; return whether there was some, and whether there is an enemy.

    Only one slot is on the player's row, so that going through the slots in order, as MinAtar does, is looking at that one.
    """
    here = state.occupied & packed_uint4.equal(state.x, state.player_x) & packed_uint4.flag_at(state.player_y - FIRST_ROW)
    taken = here & state.gold
    return state.replace(occupied=state.occupied & ~taken), taken != 0, (here & ~state.gold) != 0


def _drift(state: AsterixState) -> AsterixState:
    """Move all entities by one, if it is time; those that leave the board are gone."""
    moves = state.move_timer == 0
    leaving = (state.right & packed_uint4.equal(state.x, SIZE - 1)) | (~state.right & packed_uint4.equal(state.x, 0))
    moving = jnp.where(moves, state.occupied & ~leaving, jnp.uint32(0))
    return state.replace(
        occupied=jnp.where(moves, moving, state.occupied),
        x=state.x + (moving & state.right) - (moving & ~state.right),
        move_timer=jnp.where(moves, move_speed(state), state.move_timer),
    )


def _ramp(state: AsterixState, params: RampedParams) -> AsterixState:
    """Make the game harder every 102 steps, until it cannot be."""
    counts = params.ramping & (state.ramp_index < LAST_RAMP)
    harder = counts & (state.ramp_timer < 0)
    return state.replace(
        ramp_index=state.ramp_index + count(harder),
        ramp_timer=jnp.where(harder, RAMP_PAUSE, state.ramp_timer - count(counts)),
    )
