"""Players that survive, so that a comparison reaches ramps, waves and refills. They look at the state, not at the picture."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv_minatar.base import LEFT, NOOP, RIGHT, SIZE, UP


def _towards(position: Array, target: Array) -> Array:
    return jnp.where(position < target, RIGHT, jnp.where(position > target, LEFT, NOOP))


def breakout(state: Any, key: Array) -> Array:
    """Go to where the ball will land, or to the column before it: the one returns it, the other lets it travel on."""
    falling = state.ball_dir >= 2
    sideways = jnp.where((state.ball_dir == 1) | (state.ball_dir == 2), 1, -1)
    steps = SIZE - 1 - state.ball_y - jax.random.bernoulli(key).astype(jnp.int32)
    path = jnp.mod(state.ball_x + jnp.where(falling, steps, 1) * sideways, 2 * SIZE)
    return _towards(state.paddle, jnp.where(path < SIZE, path, 2 * SIZE - 1 - path))


def freeway(state: Any, key: Array) -> Array:
    """Walk up, and wait now and then."""
    return jnp.where(jax.random.bernoulli(key, 0.9), UP, NOOP)
