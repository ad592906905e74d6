"""Pictures of classic control, after Gymnasium's. Each function is an environment's ``render``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import Array
from jaxenv.visualize import Canvas, Size, props
from jaxenv.visualize.palette import BLACK, GREY, SILVER, WHITE

if TYPE_CHECKING:
    from jaxenv_classic.acrobot import AcrobotState
    from jaxenv_classic.cartpole import CartPoleParams, CartPoleState
    from jaxenv_classic.mountain_car_dynamics import MountainCarParams, MountainCarState
    from jaxenv_classic.pendulum import PendulumState

_WOOD, _AXLE = (202, 152, 101), (129, 132, 203)
_ROD, _LINK, _JOINT = (204, 77, 77), (0, 204, 204), (204, 204, 0)

_drawing = partial(jax.jit, static_argnames="size")


@_drawing
def cartpole(state: CartPoleState, params: CartPoleParams, size: Size) -> Array:
    """Draw cart and pole; the track ends where the episode does. Half as large again as they are, to be seen."""
    # In units of the picture, the track reaches from -2.4 to 2.4 whatever the threshold is.
    unit = 2.4 / params.x_threshold
    x, length = state.x * unit, 3.0 * params.length * unit
    canvas = Canvas(size, (-2.5, -1.6, 2.5, 3.4))
    canvas = canvas.line((-2.5, 0.0), (2.5, 0.0), BLACK)
    canvas = canvas.line(jnp.array([[-2.4, -0.15], [2.4, -0.15]]), jnp.array([[-2.4, 0.15], [2.4, 0.15]]), GREY)
    canvas = canvas.rectangle((x, 0.0), (0.6, 0.36), BLACK)
    tip = (x + length * jnp.sin(state.theta), 0.1 + length * jnp.cos(state.theta))
    return canvas.line((x, 0.1), tip, _WOOD, width=0.14).circle((x, 0.1), 0.06, _AXLE).image()


@_drawing
def pendulum(state: PendulumState, size: Size) -> Array:
    """Draw the rod and its pivot; the mark above is where the rod should be."""
    canvas = Canvas(size, (-1.5, -1.5, 1.5, 1.5)).line((0.0, 1.25), (0.0, 1.4), SILVER, width=0.03)
    tip = (-jnp.sin(state.theta), jnp.cos(state.theta))
    return canvas.line((0.0, 0.0), tip, _ROD, width=0.2).circle((0.0, 0.0), 0.05, BLACK).image()


@_drawing
def acrobot(state: AcrobotState, size: Size) -> Array:
    """Draw both links, equally long, and the line that the tip must cross."""
    angle = jnp.stack([state.theta1, state.theta1 + state.theta2])
    step = jnp.stack([jnp.sin(angle), -jnp.cos(angle)], axis=-1)
    joints = jnp.concatenate([jnp.zeros_like(step[:1]), jnp.cumsum(step, axis=0)])
    canvas = Canvas(size, (-2.2, -2.2, 2.2, 2.2)).line((-2.2, 1.0), (2.2, 1.0), BLACK)
    return canvas.line(joints[:-1], joints[1:], _LINK, width=0.2).circle(joints[:-1], 0.1, _JOINT).image()


@_drawing
def mountain_car(state: MountainCarState, params: MountainCarParams, size: Size) -> Array:
    """Draw the car on its hills, and the flag."""

    def height(x: Array) -> Array:
        return 0.45 * jnp.sin(3.0 * x) + 0.55

    canvas = Canvas(size, (-1.2, -0.25, 0.6, 1.55))
    canvas = canvas.below(height, SILVER).curve(height, BLACK)
    goal = jnp.asarray(params.goal_position)
    canvas = props.flag(canvas, (goal, height(goal)), pole=BLACK, cloth=_JOINT)
    x = state.position
    slope = jnp.arctan(1.35 * jnp.cos(3.0 * x))
    return props.car(canvas, (x, height(x)), slope, body=BLACK, tyres=GREY, hubs=WHITE).image()
