"""Catch: move a paddle under a falling ball."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, random, ranges, spaces
from jaxtyping import Bool, Int, UInt8

from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import lit, real


@struct.dataclass
class CatchState(State):
    """Where the ball and the paddle are. The ball falls one row a step, so ``time`` is its row."""

    ball_x: Int[Array, ""]
    """Column of the ball."""
    paddle_x: Int[Array, ""]
    """Column of the paddle, which moves along the last row."""
    misses: Int[Array, ""]
    """Balls missed; counts on over all episodes."""


class Catch(BsuiteEnvironment[CatchState, Params]):
    """Catch a ball that falls from the top of a small board with a paddle at its bottom.

    ===========  ======================================  ====  ======
    Observation  Meaning                                 Unit  Range
    ===========  ======================================  ====  ======
    [y, x]       whether the ball or the paddle is here        0 or 1
    ===========  ======================================  ====  ======

    ======  ======================
    Action  Meaning
    ======  ======================
    0       one column to the left
    1       stay
    2       one column to the right
    ======  ======================

    Reward: 1 if the paddle is under the ball when it reaches the last row, else -1; 0 before that.
    Termination: when the ball reaches the last row, after ``rows - 1`` steps. Time limit: none.

    Fields: ``rows`` and ``columns`` of the board.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/catch.py``.

    **Differences**: none.

    **Coming from gymnax**: misses are counted, the space is the float32 of the observation, and there is no limit of 1,000
    steps besides.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("Catch-bsuite")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs.shape, float(obs.sum())
    ((10, 5), 2.0)
    """

    rows: int = ranges.number(10, at_least=2)
    """Rows of the board, at least 2."""
    columns: int = ranges.number(5, at_least=1)
    """Columns of the board, at least 1."""

    counters = ("misses",)

    @property
    def default_params(self) -> Params:
        return Params()

    def draw_reset(self, key: Array) -> Int[Array, ""]:
        """Draw the column of the ball.

        Args:
            key: a typed key.

        Returns:
            The column, int32[].
        """
        return random.uniform_int(random.words(key, 1)[0], 0, self.columns)

    def init(self, key: Array, params: Params) -> CatchState:
        return CatchState(ball_x=self.draw_reset(key), paddle_x=jnp.int32(self.columns // 2), misses=jnp.int32(0))

    def transition(self, key: Array, state: CatchState, action: Int[Array, ""], params: Params) -> Transition[CatchState]:
        paddle_x = jnp.clip(state.paddle_x + action - 1, 0, self.columns - 1)
        landed = state.time + 1 == self.rows - 1
        caught = paddle_x == state.ball_x
        reward = jnp.where(landed, jnp.where(caught, 1.0, -1.0), 0.0)
        misses = state.misses + (landed & ~caught).astype(jnp.int32)
        return Transition(state.replace(paddle_x=paddle_x, misses=misses), reward, landed)

    def observe(self, state: CatchState, params: Params) -> Bool[Array, "rows columns"]:
        ball = lit(self.rows, self.columns, jnp.asarray(state.time), state.ball_x)
        paddle = lit(self.rows, self.columns, jnp.int32(self.rows - 1), state.paddle_x)
        return ball | paddle

    def render(self, state: CatchState, params: Params, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import boards

        return boards.catch(self, state, size)

    def action_space(self, params: Params) -> spaces.Discrete:
        return spaces.Discrete(3)

    def observation_space(self, params: Params) -> spaces.Box:
        return spaces.Box(0.0, 1.0, (self.rows, self.columns))

    def bsuite_info(self, state: CatchState, params: Params | None = None) -> dict[str, Any]:
        return {"total_regret": real(2 * state.misses)}
