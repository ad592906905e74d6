"""Things that the pictures of more than one family show. Each function takes a canvas and returns it with the thing on it."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jaxenv.visualize.canvas import Canvas, Scalar
from jaxenv.visualize.palette import Color


def car(canvas: Canvas, at: tuple[Scalar, Scalar], slope: Scalar, *, body: Color, tyres: Color, hubs: Color) -> Canvas:
    """Draw a car, 0.2 long and 0.16 high, that stands at the point ``at`` of a road.

    ``slope`` is the road's angle from the horizontal, in radians; the car's front points to the right, and up where it is positive.
    """
    x, y = (jnp.asarray(value) for value in at)
    cos, sin = jnp.cos(slope), jnp.sin(slope)

    def place(along: float, above: float) -> tuple[Array, Array]:
        return x + along * cos - above * sin, y + along * sin + above * cos

    canvas = canvas.rectangle(place(0.0, 0.075), (0.2, 0.075), body, angle=slope, rounding=0.02)
    canvas = canvas.rectangle(place(-0.01, 0.125), (0.1, 0.06), body, angle=slope, rounding=0.02)
    wheels = jnp.stack([jnp.stack(place(along, 0.033)) for along in (-0.06, 0.06)])
    return canvas.circle(wheels, 0.035, tyres).circle(wheels, 0.012, hubs)


def flag(canvas: Canvas, foot: tuple[Scalar, Scalar], *, pole: Color, cloth: Color, height: float = 0.18) -> Canvas:
    """Plant a pole of that ``height`` at ``foot``, with a pennant at its top that points to the right."""
    x, y = (jnp.asarray(value) for value in foot)
    canvas = canvas.line((x, y), (x, y + height), pole, width=height / 15)
    corners = ((0.0, height), (0.0, height * 5 / 9), (height / 2, height * 7 / 9))
    return canvas.polygon(jnp.stack([jnp.stack([x + dx, y + dy]) for dx, dy in corners]), cloth)
