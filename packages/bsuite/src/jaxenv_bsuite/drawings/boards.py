"""Pictures of the tasks on a board: Catch, DeepSea, MNISTBandit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv.visualize import Canvas, Size
from jaxenv.visualize.palette import BLUE, GREY, INK, ORANGE, PAPER, SILVER, SKY, VERMILION, WHITE, YELLOW, mix

if TYPE_CHECKING:
    from jaxenv_bsuite.catch import Catch, CatchState
    from jaxenv_bsuite.deep_sea import DeepSea, DeepSeaParams, DeepSeaState
    from jaxenv_bsuite.mnist_bandit import MNISTBandit, MNISTBanditParams, MNISTBanditState

_SEA, _DEEPER = (205, 228, 245), (178, 213, 238)
_GREYS = np.repeat(np.arange(255, -1, -1, dtype=np.float32)[:, None], 3, axis=1)

_drawing_of = partial(jax.jit, static_argnames=("env", "size"))


@_drawing_of
def catch(env: Catch, state: CatchState, size: Size) -> Array:
    """Draw the board, the ball, the paddle, and how many balls were missed so far."""
    rows, columns = env.rows, env.columns
    text = max(rows, columns) / 28.0
    side = max(columns, rows + 2.0 * text)
    left = (columns - side) / 2.0
    canvas = Canvas(size, (left, -2.0 * text, left + side, side - 2.0 * text), WHITE)
    canvas = canvas.grid(np.zeros((rows, columns), np.int32), [SILVER], gap=0.06)
    ball = (state.ball_x.astype(jnp.float32) + 0.5, rows - 0.5 - jnp.asarray(state.time).astype(jnp.float32))
    canvas = canvas.rectangle((state.paddle_x.astype(jnp.float32) + 0.5, 0.3), (0.9, 0.35), BLUE, rounding=0.15)
    canvas = canvas.circle(ball, 0.36, ORANGE)
    canvas = canvas.legend([("paddle", BLUE), ("ball", ORANGE)], (left + 0.2, -text), INK, height=text)
    canvas = canvas.text("missed", (left + 0.68 * side, -text), INK, height=text, align="left")
    return canvas.number(state.misses, (left + side - 0.2, -text), INK, height=text, digits=4, align="right").image()


@_drawing_of
def deep_sea(env: DeepSea, state: DeepSeaState, params: DeepSeaParams, size: Size) -> Array:
    """Draw the sea, darker where action 1 leads left (unseen), the unseen treasure, and the diver, red once off the only way."""
    n = env.size
    text = n / 28.0
    side = n + 2.0 * text
    canvas = Canvas(size, (-text, -2.0 * text, n + text, n), WHITE)
    canvas = canvas.grid(jnp.asarray(params.action_mapping), [_DEEPER, _SEA], gap=0.0)
    canvas = canvas.line((0.0, float(n)), (float(n), 0.0), SKY, width=0.06)
    canvas = canvas.rectangle((n - 0.5, 0.5), (0.8, 0.8), YELLOW, stroke=0.2)
    row = jnp.minimum(jnp.asarray(state.time), n - 1).astype(jnp.float32)
    diver = (state.column.astype(jnp.float32) + 0.5, n - 0.5 - row)
    canvas = canvas.circle(diver, 0.42, mix(BLUE, VERMILION, state.bad_episode))
    entries = [("diver", BLUE), ("lost", VERMILION), ("treasure", YELLOW)]
    canvas = canvas.legend(entries, (0.0, -text), INK, height=text, gap=1.0)
    taken = state.denoised_return
    return canvas.number(taken, (side - 2.0 * text, -text), INK, height=text, digits=5, align="right").image()


@_drawing_of
def mnist_bandit(env: MNISTBandit, state: MNISTBanditState, params: MNISTBanditParams, size: Size) -> Array:
    """Draw the image, its unseen label, what the agent makes of the pixels, and how many answers were wrong so far."""
    pixels = jnp.asarray(params.images)[state.index].astype(jnp.int32)
    canvas = Canvas(size, (0.0, 0.0, 40.0, 40.0), PAPER)
    canvas = canvas.grid(pixels & 0xFF, _GREYS, (1.0, 11.0, 29.0, 39.0))
    observed = env.observe(state, params).astype(jnp.float32)
    least = 0.0 if env.pixel_mode == "unit" else 128.0
    shade = jnp.round(observed * 255.0 + least).astype(jnp.int32)
    canvas = canvas.grid(jnp.clip(shade, 0, 255), _GREYS, (30.0, 30.0, 39.0, 39.0))
    canvas = canvas.text("as seen", (34.5, 28.8), INK, height=1.15)
    canvas = canvas.text("unseen", (34.5, 23.6), GREY, height=1.15).text("label", (34.5, 22.0), GREY, height=1.15)
    label = jnp.asarray(params.labels)[state.index]
    canvas = canvas.number(label, (33.7, 18.5), GREY, height=4.5, digits=1)
    canvas = canvas.text("wrong so far", (1.0, 5.0), INK, height=1.15, align="left")
    return canvas.number(state.mistakes, (39.0, 5.0), INK, height=1.15, digits=6, align="right").image()
