"""Signed distances from points to shapes: negative inside, positive outside, zero on the edge.

All functions are elementwise and broadcast: ``x`` and ``y`` are the points, the rest is the shape. Exact near the edge, which is
all that anti-aliasing looks at; far from it some are larger or smaller than the true distance, which saves a square root.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array


def disc(x: Array, y: Array, radius: Array) -> Array:
    """Disc around the origin; to second order in the distance from its edge."""
    return (x * x + y * y) / (2.0 * radius) - radius / 2.0


def ring(x: Array, y: Array, radius: Array, width: Array) -> Array:
    """Circle around the origin, drawn with a pen of the given width."""
    return jnp.abs(jnp.sqrt(x * x + y * y) - radius) - width / 2.0


def segment(x: Array, y: Array, dx: Array, dy: Array, width: Array) -> Array:
    """Line from the origin to (dx, dy), with round ends; a dot if both are zero."""
    length = jnp.sqrt(dx * dx + dy * dy)
    cos, sin = jnp.where(length > 0.0, dx / jnp.maximum(length, 1e-12), 1.0), dy / jnp.maximum(length, 1e-12)
    along, across = cos * x + sin * y, cos * y - sin * x
    beyond = jnp.maximum(jnp.maximum(along - length, -along), 0.0)
    return jnp.where(beyond > 0.0, disc(beyond, across, width / 2.0), jnp.abs(across) - width / 2.0)


def box(x: Array, y: Array, half_width: Array, half_height: Array) -> Array:
    """Axis-parallel rectangle around the origin; its corners are sharp from outside, too."""
    return jnp.maximum(jnp.abs(x) - half_width, jnp.abs(y) - half_height)


def rounded_box(x: Array, y: Array, half_width: Array, half_height: Array, radius: Array) -> Array:
    """Axis-parallel rectangle around the origin with rounded corners."""
    u, v = jnp.abs(x) - half_width + radius, jnp.abs(y) - half_height + radius
    outside_u, outside_v = jnp.maximum(u, 0.0), jnp.maximum(v, 0.0)
    outside = jnp.sqrt(outside_u * outside_u + outside_v * outside_v)
    return jnp.minimum(jnp.maximum(u, v), 0.0) + outside - radius


def rotate(x: Array, y: Array, angle: Array) -> tuple[Array, Array]:
    """Return the points as seen by somebody who turned by ``angle`` radians, counter-clockwise."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return cos * x + sin * y, cos * y - sin * x
