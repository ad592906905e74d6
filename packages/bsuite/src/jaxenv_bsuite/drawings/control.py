"""Pictures of the carts and of the mountain car."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxenv.visualize import Canvas, Size, props
from jaxenv.visualize.palette import BLUE, GREEN, GREY, INK, ORANGE, PAPER, SILVER, SKY, VERMILION, WHITE, YELLOW, mix

if TYPE_CHECKING:
    from jaxenv_bsuite.cartpole import Cartpole, CartpoleParams, CartpoleState
    from jaxenv_bsuite.cartpole_physics import PoleParams, PoleState, PoleTask
    from jaxenv_bsuite.cartpole_swingup import CartpoleSwingup, CartpoleSwingupParams, CartpoleSwingupState
    from jaxenv_bsuite.mountain_car import MountainCarParams, MountainCarState

_TRACK, _MEADOW = 2.8, (207, 232, 222)

_drawing = partial(jax.jit, static_argnames="size")
_drawing_of = partial(jax.jit, static_argnames=("env", "size"))


def _stage(
    env: PoleTask[Any, Any], state: PoleState, params: PoleParams, size: Size, height: Array | float, reach: Array | float
) -> tuple[Canvas, Array]:
    """Draw the track, the place where upright is rewarded, and the time; return the picture and the length of a metre.

    Upright is rewarded while the cart is within ``reach`` and the cosine of the angle above ``height``.
    """
    unit = _TRACK / jnp.asarray(params.x_threshold)
    length = 3.0 * params.length * unit
    canvas = Canvas(size, (-3.0, -2.4, 3.0, 3.6), WHITE)
    zone = jnp.minimum(reach * unit, _TRACK)
    floor = 0.1 + length * height
    canvas = canvas.rectangle((0.0, (floor + 2.6) / 2.0), (2.0 * zone, 2.6 - floor), _MEADOW)
    canvas = canvas.line((-_TRACK, 0.0), (_TRACK, 0.0), INK)
    canvas = canvas.line(jnp.array([[-_TRACK, -0.15], [_TRACK, -0.15]]), jnp.array([[-_TRACK, 0.15], [_TRACK, 0.15]]), GREY)
    canvas = canvas.text("time", (-2.8, 3.3), INK, height=0.17, align="left")
    elapsed = jnp.asarray(state.time).astype(jnp.float32) * env.timescale / env.max_time
    return canvas.meter(elapsed, (-2.1, 3.2, 2.8, 3.4), SKY), unit


def _cart(canvas: Canvas, state: PoleState, params: PoleParams, unit: Array, color: Any) -> Canvas:
    """Draw cart and pole, half as large again as they are."""
    x, length = state.x * unit, 3.0 * params.length * unit
    canvas = canvas.rectangle((x, 0.0), (0.7, 0.4), INK)
    tip = (x + length * jnp.sin(state.theta), 0.1 + length * jnp.cos(state.theta))
    return canvas.line((x, 0.1), tip, color, width=0.16).circle((x, 0.1), 0.07, WHITE)


@_drawing_of
def cartpole(env: Cartpole, state: CartpoleState, params: CartpoleParams, size: Size) -> Array:
    """Draw cart and pole, and in green where the tip must stay."""
    canvas, unit = _stage(env, state, params, size, params.height_threshold, params.x_threshold)
    canvas = _cart(canvas, state, params, unit, ORANGE)
    return canvas.legend([("rewarded", _MEADOW)], (-2.8, -2.15), INK, height=0.17).image()


@_drawing_of
def cartpole_swingup(env: CartpoleSwingup, state: CartpoleSwingupState, params: CartpoleSwingupParams, size: Size) -> Array:
    """Draw cart and pole, and in light green where the tip must be; the pole is green while it moves slowly enough."""
    canvas, unit = _stage(env, state, params, size, params.height_threshold, params.x_reward_threshold)
    slow = jnp.abs(state.theta_dot) < params.theta_dot_threshold
    canvas = _cart(canvas, state, params, unit, mix(ORANGE, GREEN, slow))
    entries = [("rewarded", _MEADOW), ("slow", GREEN), ("too fast", ORANGE)]
    return canvas.legend(entries, (-2.8, -2.15), INK, height=0.17).image()


@_drawing
def mountain_car(state: MountainCarState, params: MountainCarParams, size: Size) -> Array:
    """Draw the car on its hills, the flag and the time."""

    def height(x: Array) -> Array:
        return 0.45 * jnp.sin(3.0 * x) + 0.55

    canvas = Canvas(size, (-1.2, -0.25, 0.6, 1.55), PAPER).below(height, SILVER).curve(height, INK)
    goal = jnp.asarray(params.goal_position)
    canvas = props.flag(canvas, (goal, height(goal)), pole=INK, cloth=YELLOW)
    x = state.position
    slope = jnp.arctan(1.35 * jnp.cos(3.0 * x))
    canvas = props.car(canvas, (x, height(x)), slope, body=BLUE, tyres=INK, hubs=WHITE)
    elapsed = jnp.asarray(state.time) / jnp.asarray(params.max_steps)
    canvas = canvas.text("time", (-1.15, 1.46), INK, height=0.055, align="left")
    return canvas.meter(elapsed, (-0.93, 1.43, 0.55, 1.49), mix(SKY, VERMILION, elapsed > 0.9)).image()
