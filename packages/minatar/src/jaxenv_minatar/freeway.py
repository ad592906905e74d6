"""Freeway: walk a chicken across eight lanes of traffic."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Transition, random
from jaxtyping import Bool, Int, UInt32

from jaxenv_minatar import packed_uint4
from jaxenv_minatar.base import DOWN, NOOP, SIZE, UP, MinAtarGame, MinAtarParams, MinAtarState, direction, words
from jaxenv_minatar.observations import flag, set_flags
from jaxenv_minatar.packed_uint4 import ONES

LAST_STEP = 2501
"""The step that ends an episode."""

CHICKEN_COLUMN, CHICKEN_START = 4, 9
CHICKEN_PAUSE = 3
"""Steps between two moves of the chicken."""

MAX_SPEED = 5


@struct.dataclass
class FreewayState(MinAtarState):
    """The chicken and the eight cars. Car ``i`` drives on row ``i + 1``; its numbers are field ``i`` of the packed words."""

    chicken: Int[Array, ""]
    """Row of the chicken, 1 to 9; its column is always 4."""
    move_timer: Int[Array, ""]
    """Steps until the chicken may move again, 0 to 3."""
    car_x: UInt32[Array, ""]
    """Columns of the cars, 0 to 9 each."""
    car_right: UInt32[Array, ""]
    """Flags: which cars drive to the right."""
    car_speed: UInt32[Array, ""]
    """Steps between two moves of each car, 1 (fast) to 5 (slow)."""
    car_timer: UInt32[Array, ""]
    """Steps until each car moves, 0 to 5."""


class Traffic(NamedTuple):
    """A draw of eight cars."""

    speed: Array
    """Steps between two moves, uniform on 1 to 5: eight fields of four bits."""
    right: Array
    """Direction, a fair coin: eight flags."""


class Draws(NamedTuple):
    """The randomness of a step."""

    sticky: Array
    """Uniform on [0, 1): below ``sticky_action_prob`` the last action is repeated."""
    traffic: Traffic
    """The cars after a crossing."""


class Freeway(MinAtarGame[FreewayState, MinAtarParams]):
    """Walk a chicken from the bottom of the board to the top, past eight cars; a car that hits it sends it back.

    ===========  ============================================================
    Observation  Meaning (bool[10, 10, 7]: row, column, channel)
    ===========  ============================================================
    0            the chicken, in column 4
    1            the cars, in rows 1 to 8
    2 to 6       the trail of the cars that move every 1 + 1 to 1 + 5 steps:
                 the column behind each, from edge to edge
    ===========  ============================================================

    ======  ============================  =================================
    Action  Meaning                       with ``minimal_actions=False``
    ======  ============================  =================================
    0       stay                          0, 1, 3, 5
    1       move up                       2
    2       move down                     4
    ======  ============================  =================================

    Reward: 1 for each crossing, after which new speeds and directions are drawn.
    Termination: on step 2,501, whatever happens.
    Time limit: none, unless ``max_steps_in_episode`` is set.

    **Source**: Young & Tian 2019, *MinAtar*; the package MinAtar 1.0.15.

    **Differences**: none.

    >>> import jax
    >>> from jaxenv_minatar import Freeway
    >>> env = Freeway()
    >>> obs, state = env.reset(jax.random.key(0))
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 1)
    >>> obs.shape, int(state.chicken), bool(done)
    ((10, 10, 7), 9, False)
    """

    channels: ClassVar[tuple[str, ...]] = ("chicken", "car", "speed1", "speed2", "speed3", "speed4", "speed5")
    minimal_action_set: ClassVar[tuple[int, ...]] = (NOOP, UP, DOWN)

    @property
    def default_params(self) -> MinAtarParams:
        return MinAtarParams()

    def draw_reset(self, key: Array) -> Traffic:
        """Draw the cars of an episode.

        Args:
            key: a typed key.

        Returns:
            The draws, a NamedTuple.
        """
        return _traffic(*words(key, 2))

    def draw_step(self, key: Array, params: MinAtarParams) -> Draws:
        first, *rest = words(key, 3)
        return Draws(sticky=random.uniform(first), traffic=_traffic(*rest))

    def init(self, key: Array, params: MinAtarParams) -> FreewayState:
        return self.begin(self.draw_reset(key))

    def begin(self, traffic: Traffic) -> FreewayState:
        """Return the first state of an episode.

        Args:
            traffic: the result of ``draw_reset``.
        """
        return FreewayState(
            last_action=jnp.int32(NOOP),
            chicken=jnp.int32(CHICKEN_START),
            move_timer=jnp.int32(CHICKEN_PAUSE),
            car_x=jnp.uint32(0),
            car_right=traffic.right,
            car_speed=traffic.speed,
            car_timer=traffic.speed,
        )

    def dynamics(
        self, state: FreewayState, action: Int[Array, ""], draws: Draws, params: MinAtarParams
    ) -> Transition[FreewayState]:
        action = self.executed(state, action, draws.sticky, params)
        walks = (state.move_timer == 0) & ((action == UP) | (action == DOWN))
        row = jnp.minimum(state.chicken + jnp.where(walks, direction(action, UP, DOWN), 0), SIZE - 1)
        move_timer = jnp.where(walks, CHICKEN_PAUSE, state.move_timer)

        crossed = row == 0
        row = jnp.where(crossed, CHICKEN_START, row)
        right = jnp.where(crossed, draws.traffic.right, state.car_right)
        speed = jnp.where(crossed, draws.traffic.speed, state.car_speed)
        timer = jnp.where(crossed, draws.traffic.speed, state.car_timer)

        moves = packed_uint4.equal(timer, 0)
        car_x = _drive(state.car_x, moves, right)
        timer = packed_uint4.select(moves, speed, timer - (ONES & ~moves))
        # A car hits where it was and where it is. One at a time, as in MinAtar, or all at once is the same: only one car is on
        # the chicken's row, and none is on row 9, where a hit sends the chicken.
        hits = packed_uint4.equal(state.car_x, CHICKEN_COLUMN) | packed_uint4.equal(car_x, CHICKEN_COLUMN)
        hit = (hits & packed_uint4.flag_at(row - 1)) != 0

        after = state.replace(
            last_action=action,
            chicken=jnp.where(hit, CHICKEN_START, row),
            move_timer=jnp.maximum(move_timer - 1, 0),
            car_x=car_x,
            car_right=right,
            car_speed=speed,
            car_timer=timer,
        )
        return Transition(after, crossed.astype(jnp.float32), jnp.asarray(state.time) + 1 >= LAST_STEP)

    def observe(self, state: FreewayState, params: MinAtarParams) -> Bool[Array, "10 10 7"]:
        lane = 1 + jnp.arange(packed_uint4.COUNT, dtype=jnp.int32)
        x, speed = packed_uint4.unpack(state.car_x), packed_uint4.unpack(state.car_speed)
        behind = packed_uint4.unpack(_drive(state.car_x, jnp.asarray(ONES), ONES & ~state.car_right))
        return set_flags(
            jnp.zeros(SIZE * SIZE * 7, jnp.bool_),
            [flag(state.chicken, CHICKEN_COLUMN, 0, 7), flag(lane, x, 1, 7), flag(lane, behind, 1 + speed, 7)],
        )


def _traffic(first: UInt32[Array, ""], second: UInt32[Array, ""]) -> Traffic:
    """Make eight cars of two words: four decimal digits each, where a digit from 0 to 9 is a direction and a speed."""
    digits = _decimal(first) | _decimal(second) << 16
    right = (digits + np.uint32(3) * ONES) >> 3 & ONES
    return Traffic(speed=digits - 5 * right + ONES, right=right)


def _decimal(word: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """Return four random decimal digits, four bits each."""
    number = random.uniform_int(word, 0, 10_000).astype(jnp.uint32)
    # Each digit above the last is worth 16 instead of 10, each above that 256 instead of 100, and so on.
    return number + 6 * (number // 10) + 6 * 16 * (number // 100) + 6 * 256 * (number // 1000)


def _drive(x: UInt32[Array, ""], moves: UInt32[Array, ""], right: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """Return the columns of the cars after those with a flag in ``moves`` have moved by one, from edge to edge."""
    rightward, leftward = moves & right, moves & ~right
    last, first = packed_uint4.equal(x, SIZE - 1), packed_uint4.equal(x, 0)
    x = x + (rightward & ~last) - (leftward & ~first)
    return x - 9 * (rightward & last) + 9 * (leftward & first)
