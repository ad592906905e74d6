"""Pong: keep a ball between two paddles in play."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, ranges, spaces
from jaxtyping import Bool, Float, Int, UInt8

from jaxenv_misc.errors import FieldValueError

EMPTY, PADDLE, BALL = 0, 1, 2
"""What an observation holds."""


@struct.dataclass
class PongParams(Params):
    """Numeric settings of Pong."""

    max_steps_in_episode: Array | int = struct.field(default=1000, kw_only=True)
    """Steps after which an episode is truncated."""
    paddle_step: Array | float = ranges.number(2.0, at_least=0)
    """Rows that a paddle moves in a step, at least 0."""
    ball_x_speed: Array | float = ranges.number(1.0, above=0)
    """Columns that the ball moves in a step, above 0."""
    ball_max_y_speed: Array | float = ranges.number(3.0, at_least=0)
    """Rows that the ball moves in a step, at most; at least 0."""


@struct.dataclass
class PongState(State):
    """Where the paddles and the ball are. Rows count downwards, columns to the right."""

    left: Float[Array, ""]
    """Row of the left paddle's centre; up to twice the half height outside the field."""
    right: Float[Array, ""]
    """Row of the right paddle's centre; likewise."""
    ball_row: Float[Array, ""]
    """Row of the ball."""
    ball_column: Float[Array, ""]
    """Column of the ball."""
    velocity_row: Float[Array, ""]
    """Rows that the ball moves in a step."""
    velocity_column: Float[Array, ""]
    """Columns that the ball moves in a step."""


class Pong(Environment[PongState, PongParams]):
    """Keep the ball in play. One agent controls both paddles, or the left one against an opponent that follows the ball.

    The observation is uint8[30, 40], by row and column: 0 empty, 1 paddle, 2 ball. A paddle is five cells in the first or
    last column, and hides the ball there.

    =========  ========================================
    Action     Meaning (left paddle, right paddle)
    =========  ========================================
    0          stay
    1          up
    2          down
    =========  ========================================

    With ``opponent="self"`` an action is a pair of these, one for each paddle; with ``"greedy"`` one of them, for the left
    paddle, while the right one steps towards the ball's row whenever that is more than half a step away.

    Reward: 1 as long as the ball is in play, 0 on the step that loses it. Termination: the ball leaves the field to the left or
    right. Time limit: 1,000 steps, a truncation. The ball starts in the centre and flies to the right; nothing is random.

    A step moves the paddles, then the ball, reflects it at the upper and lower border, then at the paddles. A paddle that is hit
    off its centre adds (offset / half height) to the ball's vertical velocity. As in the source, the left paddle catches balls at
    column 1 or below whose row is at most 2 from its centre, the right one balls beyond column 38 less than 3 from its centre.

    **Source**: Kirsch 2018, ``vanilla_pong.py`` of BlackHC/batch_pong_poc.

    **Differences**: the greedy opponent and the time limit.

    **Coming from gymnax**: ``opponent="greedy", paddle_step=1.0`` give its task, but for an opponent there that never rests.
    There the upper wall is missing, the velocity is rounded, the observation is three planes of floats, and x64 fails.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("Pong-misc")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs.shape, int(obs[15, 20]), int(obs[15, 0])
    ((30, 40), 2, 1)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, (0, 2), params)
    >>> float(state.right), float(reward)
    (17.0, 1.0)
    """

    opponent: Literal["self", "greedy"] = "self"
    """Who controls the right paddle: the agent, or a player that follows the ball."""
    width: int = ranges.number(40, at_least=8)
    """Columns of the field, at least 8."""
    height: int = ranges.number(30, at_least=8)
    """Rows of the field, at least 8."""
    paddle_half_height: int = ranges.number(2, at_least=1)
    """Rows of a paddle above its centre, and below, at least 1."""

    def __post_init__(self) -> None:
        if self.opponent not in ("self", "greedy"):
            raise FieldValueError(self.name, "opponent", self.opponent, "'self' or 'greedy'")

    @property
    def default_params(self) -> PongParams:
        return PongParams()

    def draws_in_init(self, params: PongParams) -> bool:
        return False

    def draws_in_transition(self, params: PongParams) -> bool:
        return False

    def init(self, key: Array, params: PongParams) -> PongState:
        row, column = (jnp.asarray(size / 2, jnp.result_type(float)) for size in (self.height, self.width))
        speed = jnp.asarray(params.ball_x_speed).astype(row.dtype)
        return PongState(
            left=row, right=row, ball_row=row, ball_column=column, velocity_row=jnp.zeros_like(row), velocity_column=speed
        )

    def transition(
        self, key: Array, state: PongState, action: Int[Array, "2"] | Int[Array, ""], params: PongParams
    ) -> Transition[PongState]:
        state = self._move_paddles(state, action, params)
        state = self._reflect_on_borders(
            state.replace(ball_row=state.ball_row + state.velocity_row, ball_column=state.ball_column + state.velocity_column)
        )
        state = self._reflect_on_paddles(state, params)
        lost = (state.ball_column < 0) | (state.ball_column >= self.width)
        return Transition(state, jnp.where(lost, 0.0, 1.0), lost)

    def _move_paddles(self, state: PongState, action: Array, params: PongParams) -> PongState:
        def direction(choice: Array) -> Array:
            return (choice == 2).astype(state.left.dtype) - (choice == 1).astype(state.left.dtype)

        if self.opponent == "self":
            left, right = direction(action[0]), direction(action[1])
        else:
            offset = state.ball_row - state.right
            left, right = direction(action), jnp.where(jnp.abs(offset) > params.paddle_step / 2, jnp.sign(offset), 0.0)
        # A paddle may leave the field by its whole height, as in the source.
        margin = 2 * self.paddle_half_height
        return state.replace(
            left=jnp.clip(state.left + params.paddle_step * left, -margin, self.height + margin),
            right=jnp.clip(state.right + params.paddle_step * right, -margin, self.height + margin),
        )

    def _reflect_on_borders(self, state: PongState) -> PongState:
        row, velocity = state.ball_row, state.velocity_row
        above = row < 0
        row, velocity = jnp.where(above, -row, row), jnp.where(above, -velocity, velocity)
        below = row >= self.height
        row, velocity = jnp.where(below, 2 * (self.height - 1) - row, row), jnp.where(below, -velocity, velocity)
        return state.replace(ball_row=row, velocity_row=velocity)

    def _reflect_on_paddles(self, state: PongState, params: PongParams) -> PongState:
        half, last = self.paddle_half_height, self.width - 1
        to_left, to_right = state.ball_row - state.left, state.ball_row - state.right
        hits_left = (state.ball_column <= 1) & (jnp.abs(to_left) <= half)
        hits_right = (state.ball_column > last - 1) & (jnp.abs(to_right) < half + 1)
        hit, offset = hits_left | hits_right, jnp.where(hits_left, to_left, to_right)
        column = jnp.where(hits_left, 2 - state.ball_column, 2 * (last - 1) - state.ball_column)
        velocity_row = jnp.clip(state.velocity_row + offset / half, -params.ball_max_y_speed, params.ball_max_y_speed)
        return state.replace(
            ball_column=jnp.where(hit, column, state.ball_column),
            velocity_row=jnp.where(hit, velocity_row, state.velocity_row),
            velocity_column=jnp.where(hit, -state.velocity_column, state.velocity_column),
        )

    def observe(self, state: PongState, params: PongParams) -> UInt8[Array, "h w"]:
        rows, columns = jnp.arange(self.height, dtype=jnp.int32)[:, None], jnp.arange(self.width, dtype=jnp.int32)[None, :]

        def cell(position: Array, size: int) -> Int[Array, ""]:
            return jnp.clip(jnp.floor(position).astype(jnp.int32), 0, size - 1)

        def paddle(centre: Array) -> Bool[Array, "h 1"]:
            half = self.paddle_half_height
            return (rows >= cell(centre - half, self.height)) & (rows <= cell(centre + half, self.height))

        is_paddle = jnp.where(columns == 0, paddle(state.left), (columns == self.width - 1) & paddle(state.right))
        is_ball = (rows == cell(state.ball_row, self.height)) & (columns == cell(state.ball_column, self.width))
        return jnp.where(is_paddle, jnp.uint8(PADDLE), jnp.where(is_ball, jnp.uint8(BALL), jnp.uint8(EMPTY)))

    def render(self, state: PongState, params: PongParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.pong(self, state, size)

    def action_space(self, params: PongParams) -> spaces.MultiDiscrete | spaces.Discrete:
        return spaces.MultiDiscrete((3, 3)) if self.opponent == "self" else spaces.Discrete(3)

    def observation_space(self, params: PongParams) -> spaces.Box:
        return spaces.Box(EMPTY, BALL, (self.height, self.width), jnp.uint8)
