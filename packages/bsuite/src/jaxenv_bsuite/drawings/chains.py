"""Pictures of the bandit and of the chains."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv.visualize import Canvas, Size
from jaxenv.visualize.palette import BLUE, GREEN, GREY, INK, ORANGE, PAPER, PURPLE, SILVER, SKY, WHITE, YELLOW, mix

if TYPE_CHECKING:
    from jaxenv_bsuite.bandit import SimpleBandit, SimpleBanditParams, SimpleBanditState
    from jaxenv_bsuite.discounting_chain import DiscountingChainParams, DiscountingChainState
    from jaxenv_bsuite.memory_chain import MemoryChain, MemoryChainParams, MemoryChainState
    from jaxenv_bsuite.umbrella_chain import UmbrellaChain, UmbrellaChainParams, UmbrellaChainState

_VIEW, _TEXT = (0.0, 0.0, 10.0, 10.0), 0.28

_drawing = partial(jax.jit, static_argnames="size")
_drawing_of = partial(jax.jit, static_argnames=("env", "size"))


@_drawing_of
def bandit(env: SimpleBandit, state: SimpleBanditState, params: SimpleBanditParams, size: Size) -> Array:
    """Draw what each arm pays, unseen, and what was missed so far."""
    count = env.num_actions
    ranks = jnp.asarray(params.ranks).astype(jnp.float32)
    heights = 0.2 + 6.0 * ranks / max(count - 1, 1)
    x = jnp.asarray(0.5 + (np.arange(count) + 0.5) * 9.0 / count, jnp.float32)
    wide = 6.0 / count
    canvas = Canvas(size, _VIEW, PAPER).line((0.3, 1.6), (9.7, 1.6), GREY, width=0.03)
    frames = ((x, 1.6 + heights / 2.0), (wide, heights))
    canvas = canvas.rectangle(*frames, GREY, stroke=0.06).rectangle(*frames, GREEN, stroke=0.1, opacity=ranks == count - 1)
    if count <= 20:
        for arm in range(count):
            canvas = canvas.text(str(arm), (0.5 + (arm + 0.5) * 9.0 / count, 1.2), INK, height=_TEXT)
    canvas = canvas.legend([("best arm, unseen", GREEN), ("others, unseen", GREY)], (0.3, 9.6), INK, height=_TEXT)
    canvas = canvas.text("missed so far", (0.5, 0.5), INK, height=_TEXT, align="left")
    missed = (state.shortfall / max(count - 1, 1)).astype(jnp.float32)
    # Logarithmic up to what always pulling the worst arm misses in bsuite's 10,000 episodes.
    canvas = canvas.meter(jnp.log1p(missed) / math.log(10_001.0), (4.2, 0.35, 7.4, 0.65), SKY)
    return canvas.number(missed, (9.5, 0.5), INK, height=_TEXT, digits=5, decimals=1, align="right").image()


@_drawing
def discounting_chain(state: DiscountingChainState, params: DiscountingChainParams, size: Size) -> Array:
    """Draw the five chains on a logarithmic scale of time, what they pay (unseen), the choice and how far it got."""
    from jaxenv_bsuite.discounting_chain import REWARD_TIMES

    def place(time: Array) -> Array:
        return 1.2 + 7.8 * jnp.log1p(time.astype(jnp.float32)) / math.log(101.0)

    canvas = Canvas(size, _VIEW, PAPER)
    now = place(jnp.asarray(state.time))
    for chain, pays in enumerate(REWARD_TIMES):
        y, end, chosen = 8.2 - 1.5 * chain, 1.2 + 7.8 * math.log1p(pays) / math.log(101.0), state.context == chain
        canvas = canvas.text(str(chain), (0.6, y), INK, height=_TEXT)
        canvas = canvas.line((1.2, y), (end, y), SILVER, width=0.12)
        canvas = canvas.line((1.2, y), (jnp.minimum(now, end), y), ORANGE, width=0.22, opacity=chosen)
        radius = jnp.where(jnp.asarray(params.bonus_arm) == chain, 0.55, 0.38)
        canvas = canvas.circle((end, y), radius, WHITE)
        canvas = canvas.circle((end, y), radius, YELLOW, opacity=chosen & (jnp.asarray(state.time) >= pays))
        canvas = canvas.circle((end, y), radius, GREEN, stroke=0.08)
        canvas = canvas.text(str(pays), (end, y), GREY, height=_TEXT)
    canvas = canvas.line((now, 1.4), (now, 9.0), SKY, width=0.06)
    canvas = canvas.text("time", (0.5, 0.8), INK, height=_TEXT, align="left")
    canvas = canvas.number(state.time, (2.6, 0.8), INK, height=_TEXT, digits=3)
    return canvas.legend([("unseen pay", GREEN), ("paid", YELLOW), ("choice", ORANGE)], (0.3, 9.6), INK, height=_TEXT).image()


@_drawing_of
def memory_chain(env: MemoryChain, state: MemoryChainState, params: MemoryChainParams, size: Size) -> Array:
    """Draw the bits, filled while the agent sees them and outlined after that, the one asked for, and the time."""
    from jaxenv_bsuite.numerics import unpack

    bits = unpack(state.context, env.num_bits)
    across = math.ceil(math.sqrt(env.num_bits))
    step = 6.0 / across
    index = np.arange(env.num_bits)
    x = jnp.asarray(2.0 + (index % across + 0.5) * step, jnp.float32)
    y = jnp.asarray(8.7 - (index // across + 0.5) * step, jnp.float32)
    # As the task's observation, the picture lags a step behind the clock.
    shown = jnp.maximum(jnp.asarray(state.time) - 1, 0)
    visible, asked = shown == 0, shown == jnp.asarray(params.memory_length) - 1
    canvas = Canvas(size, _VIEW, PAPER)
    asked_for = index == state.query
    canvas = canvas.circle((x, y), 0.47 * step, YELLOW, opacity=asked_for & asked)
    canvas = canvas.circle((x, y), 0.45 * step, GREY, stroke=0.05 * step, opacity=asked_for & ~asked)
    for value, color in ((True, ORANGE), (False, BLUE)):
        mine = bits == value
        canvas = canvas.circle((x, y), 0.34 * step, WHITE, opacity=mine)
        canvas = canvas.circle((x, y), 0.34 * step, color, opacity=mine & visible)
        canvas = canvas.circle((x, y), 0.33 * step, color, stroke=0.06 * step, opacity=mine)
    for text, when in (("remember", visible & ~asked), ("wait", ~visible & ~asked), ("answer", asked)):
        canvas = canvas.text(text, (5.0, 1.7), INK, height=2 * _TEXT, opacity=when)
    canvas = canvas.legend([("1", ORANGE), ("0", BLUE), ("asked", YELLOW)], (0.3, 9.6), INK, height=_TEXT)
    canvas = canvas.text("outline: unseen", (9.7, 9.6), INK, height=_TEXT, align="right")
    elapsed = jnp.asarray(state.time) / (jnp.asarray(params.memory_length) + 1)
    return canvas.meter(elapsed, (0.5, 0.5, 9.5, 0.9), SKY).image()


@_drawing_of
def umbrella_chain(env: UmbrellaChain, state: UmbrellaChainState, params: UmbrellaChainParams, size: Size) -> Array:
    """Draw the forecast, the walk to the end of the day with or without an umbrella, and the bits that distract."""
    from jaxenv_bsuite.numerics import unpack

    rain, has = state.need, state.has
    canvas = Canvas(size, _VIEW, mix((255, 250, 225), (225, 232, 242), rain))
    puffs = jnp.array([[6.7, 8.0], [7.6, 8.5], [8.5, 8.0], [7.6, 7.8]])
    canvas = canvas.circle((7.6, 8.1), 0.9, YELLOW, opacity=~rain)
    canvas = canvas.circle(puffs, 0.6, GREY, opacity=rain)
    drops = jnp.array([[6.6, 6.9], [7.3, 6.6], [8.0, 6.9], [8.7, 6.6]])
    canvas = canvas.line(drops, drops - jnp.array([[0.15, 0.5]]), BLUE, width=0.1, opacity=rain)
    done = jnp.asarray(state.time) / jnp.asarray(params.chain_length)
    x = 1.2 + 7.2 * done
    canvas = canvas.line((0.5, 2.6), (9.5, 2.6), INK, width=0.06)
    canvas = canvas.rectangle((9.0, 3.2), (0.9, 1.2), PURPLE).text("end", (9.0, 3.2), WHITE, height=_TEXT)
    canvas = canvas.line((x, 3.4), (x, 4.0), INK, width=0.3).circle((x, 4.4), 0.28, INK)
    canvas = canvas.line((x, 3.3), (x - 0.25, 2.65), INK, width=0.12).line((x, 3.3), (x + 0.25, 2.65), INK, width=0.12)
    canvas = canvas.line((x + 0.3, 3.7), (x + 0.3, 5.5), INK, width=0.06, opacity=has)
    roof = jnp.array([[-1.0, 5.0], [-0.75, 5.5], [-0.2, 5.85], [0.3, 5.95], [0.8, 5.85], [1.35, 5.5], [1.6, 5.0]])
    canvas = canvas.polygon(roof + jnp.stack([x, jnp.zeros_like(x)])[None], ORANGE, opacity=has)
    for text, when in (("rain is coming", rain), ("no rain is coming", ~rain)):
        canvas = canvas.text(text, (0.5, 9.4), INK, height=_TEXT, align="left", opacity=when)
    for text, when in (("umbrella", has), ("no umbrella", ~has)):
        canvas = canvas.text(text, (0.5, 8.8), INK, height=_TEXT, align="left", opacity=when)
    if env.n_distractor:
        canvas = canvas.text("distraction", (0.5, 1.8), INK, height=_TEXT, align="left")
        rows = -(-env.n_distractor // 25)
        bits = unpack(state.distractors, env.n_distractor).astype(jnp.int32)
        bits = jnp.pad(bits, (0, rows * 25 - env.n_distractor), constant_values=2).reshape(rows, 25)
        palette = jnp.stack(
            [jnp.asarray(WHITE).astype(jnp.float32), mix(INK, INK, 0.0), mix((255, 250, 225), (225, 232, 242), rain)]
        )
        canvas = canvas.grid(bits, palette, (0.5, 1.45 - 0.36 * rows, 9.5, 1.45), gap=0.06)
    return canvas.image()
