"""Breakout: keep a ball in play with a paddle and break the bricks above."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Transition, random
from jaxenv.materialize import materialize
from jaxtyping import Bool, Int, UInt32

from jaxenv_minatar.base import LEFT, NOOP, RIGHT, SIZE, MinAtarGame, MinAtarParams, MinAtarState, direction, words
from jaxenv_minatar.observations import flag, set_flags

ALL_BRICKS = (1 << 30) - 1
FIRST_BRICK_ROW, LAST_BRICK_ROW = 1, 3
PADDLE_ROW = 9

_BRICK_OF_FLAG = np.zeros(SIZE * SIZE * 4, np.uint32)
_BRICK_OF_FLAG.reshape(SIZE, SIZE, 4)[FIRST_BRICK_ROW : LAST_BRICK_ROW + 1, :, 3] = np.uint32(1) << np.arange(
    30, dtype=np.uint32
).reshape(3, SIZE)
"""For each flag of the observation the bit of the brick that it shows, or 0."""


@struct.dataclass
class BreakoutState(MinAtarState):
    """The ball, the paddle and the wall of bricks."""

    ball_x: Int[Array, ""]
    """Column of the ball, 0 to 9."""
    ball_y: Int[Array, ""]
    """Row of the ball, 0 (top) to 9."""
    ball_dir: Int[Array, ""]
    """Where the ball is heading: 0 up left, 1 up right, 2 down right, 3 down left."""
    last_x: Int[Array, ""]
    """Column of the ball one step ago."""
    last_y: Int[Array, ""]
    """Row of the ball one step ago."""
    paddle: Int[Array, ""]
    """Column of the paddle, 0 to 9."""
    bricks: UInt32[Array, ""]
    """The bricks that stand: bit 10 * (row - 1) + column, rows 1 to 3."""
    strike: Bool[Array, ""]
    """Whether the ball has struck a brick and not yet come free of the wall; until then it breaks no other."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    right: Array
    """Whether the ball starts in the right corner, bool[]."""


class Draws(NamedTuple):
    """The randomness of a step."""

    sticky: Array
    """Uniform on [0, 1): below ``sticky_action_prob`` the last action is repeated."""


class Breakout(MinAtarGame[BreakoutState, MinAtarParams]):
    """Bounce a ball off a paddle at the bottom and break the three rows of bricks at the top; broken out, they return.

    ===========  =========================================
    Observation  Meaning (bool[10, 10, 4]: row, column, channel)
    ===========  =========================================
    0            the paddle, in row 9
    1            the ball
    2            the trail: where the ball was a step ago
    3            the bricks
    ===========  =========================================

    ======  ==============================  =================================
    Action  Meaning                         with ``minimal_actions=False``
    ======  ==============================  =================================
    0       stay                            0, 2, 4, 5
    1       move the paddle left            1
    2       move the paddle right           3
    ======  ==============================  =================================

    Reward: 1 for each brick.
    Termination: the ball reaches row 9 and the paddle is not there.
    Time limit: none, unless ``max_steps_in_episode`` is set.

    **Source**: Young & Tian 2019, *MinAtar*; the package MinAtar 1.0.15.

    **Differences**: none.

    >>> import jax
    >>> from jaxenv_minatar import Breakout
    >>> env = Breakout()
    >>> obs, state = env.reset(jax.random.key(0))
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 1)
    >>> obs.shape, float(reward), bool(done)
    ((10, 10, 4), 0.0, False)
    """

    channels: ClassVar[tuple[str, ...]] = ("paddle", "ball", "trail", "brick")
    minimal_action_set: ClassVar[tuple[int, ...]] = (NOOP, LEFT, RIGHT)

    @property
    def default_params(self) -> MinAtarParams:
        return MinAtarParams()

    def draw_reset(self, key: Array) -> ResetDraws:
        """Draw the corner in which the ball starts.

        Args:
            key: a typed key.

        Returns:
            The draws, a NamedTuple.
        """
        return ResetDraws(right=words(key, 1)[0] >> 31 == 1)

    def draw_step(self, key: Array, params: MinAtarParams) -> Draws:
        return Draws(sticky=random.uniform(words(key, 1)[0]))

    def init(self, key: Array, params: MinAtarParams) -> BreakoutState:
        return self.begin(self.draw_reset(key))

    def begin(self, draws: ResetDraws) -> BreakoutState:
        """Return the first state of an episode.

        Args:
            draws: the result of ``draw_reset``.
        """
        ball_x = jnp.where(draws.right, jnp.int32(SIZE - 1), jnp.int32(0))
        return BreakoutState(
            last_action=jnp.int32(NOOP),
            ball_x=ball_x,
            ball_y=jnp.int32(3),
            ball_dir=jnp.where(draws.right, jnp.int32(3), jnp.int32(2)),
            last_x=ball_x,
            last_y=jnp.int32(3),
            paddle=jnp.int32(4),
            bricks=jnp.uint32(ALL_BRICKS),
            strike=jnp.asarray(False),
        )

    def dynamics(
        self, state: BreakoutState, action: Int[Array, ""], draws: Draws, params: MinAtarParams
    ) -> Transition[BreakoutState]:
        action = self.executed(state, action, draws.sticky, params)
        paddle = jnp.clip(state.paddle + direction(action, LEFT, RIGHT), 0, SIZE - 1)

        # Directions are numbered so that ^ 1 turns the ball around sideways, ^ 3 upside down and ^ 2 both ways.
        heading = state.ball_dir
        heads_right, heads_down = (heading == 1) | (heading == 2), heading >= 2
        x = state.ball_x + jnp.where(heads_right, 1, -1)
        y = state.ball_y + jnp.where(heads_down, 1, -1)
        heading = jnp.where((x < 0) | (x >= SIZE), heading ^ 1, heading)
        x = jnp.clip(x, 0, SIZE - 1)

        at_ceiling = y < 0
        bit = jnp.clip((y - FIRST_BRICK_ROW) * SIZE + x, 0, 31).astype(jnp.uint32)
        in_wall = (y >= FIRST_BRICK_ROW) & (y <= LAST_BRICK_ROW)
        on_brick = in_wall & ((state.bricks >> bit) & 1 == 1)
        breaks = on_brick & ~state.strike
        bricks = jnp.where(breaks, state.bricks & ~(jnp.uint32(1) << bit), state.bricks)

        at_bottom = y == PADDLE_ROW
        bricks = jnp.where(at_bottom & (bricks == 0), jnp.uint32(ALL_BRICKS), bricks)
        # The paddle has moved, and catches the ball by the column that it comes from or by the one that it goes to.
        straight = at_bottom & (state.ball_x == paddle)
        slanted = at_bottom & ~straight & (x == paddle)

        heading = jnp.where(at_ceiling | breaks | straight, heading ^ 3, heading)
        heading = jnp.where(slanted, heading ^ 2, heading)
        y = jnp.where(at_ceiling, 0, jnp.where(breaks | straight | slanted, state.ball_y, y))
        after = state.replace(
            last_action=action,
            ball_x=x,
            ball_y=y,
            ball_dir=heading,
            last_x=state.ball_x,
            last_y=state.ball_y,
            paddle=paddle,
            bricks=bricks,
            strike=on_brick,
        )
        return Transition(after, breaks.astype(jnp.float32), materialize(at_bottom & ~straight & ~slanted))

    def observe(self, state: BreakoutState, params: MinAtarParams) -> Bool[Array, "10 10 4"]:
        wall = (state.bricks & _BRICK_OF_FLAG) != 0
        return set_flags(
            wall,
            [
                flag(PADDLE_ROW, state.paddle, 0, 4),
                flag(state.ball_y, state.ball_x, 1, 4),
                flag(state.last_y, state.last_x, 2, 4),
            ],
        )
