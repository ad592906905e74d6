"""Scripted policies that survive, so that a comparison reaches ramps, waves and refills. They see the state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv_minatar.aliens import alien_columns
from jaxenv_minatar.base import DOWN, FIRE, LEFT, NOOP, RIGHT, SIZE, UP, MinAtarGame
from jaxenv_minatar.seaquest_rules import LAST_RAMP, diver_ages, diver_x

ScriptedPolicy = Callable[[Any, Array], Array]
"""From a state and a key to an action, index in the full action set."""


def look_ahead(env: MinAtarGame[Any, Any], params: Any, base_policy: ScriptedPolicy, horizon: int) -> ScriptedPolicy:
    """Return a policy that simulates every action, each followed by ``base_policy``, and takes the one with the best result.

    It does not know the game's draws, and ignores sticky actions, so it dies now and then.
    """
    env = dataclasses.replace(env, minimal_actions=False)
    actions = jnp.asarray(env.minimal_action_set, jnp.int32)

    def value_of(action: Array, state: Any, key: Array) -> Array:
        def body(loop: tuple[Any, Array, Array], key: Array) -> Any:
            state, action, alive = loop
            draws = env.draw_step(key, params)
            draws = draws._replace(sticky=jnp.ones_like(draws.sticky))
            out = env.dynamics(state, action, draws, params)
            alive = alive & ~jnp.asarray(out.terminated)
            return (out.state, jnp.asarray(base_policy(out.state, key), jnp.int32), alive), jnp.where(alive, 1.0 + out.reward, 0.0)

        _, value = jax.lax.scan(body, (state, action, jnp.asarray(True)), jax.random.split(key, horizon))
        return value.sum()

    def policy(state: Any, key: Array) -> Array:
        value = jax.vmap(value_of, (0, None, None))(actions, state, key)
        return actions[jnp.argmax(value + jnp.where(actions == base_policy(state, key), 0.1, 0.0))]

    return policy


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


def space_invaders(state: Any, key: Array) -> Array:
    """Follow the side of the block that will reach the edge first, and fire at what is above on the way."""
    columns, place = alien_columns(state), jnp.arange(SIZE, dtype=jnp.int32)
    here = columns >> place.astype(jnp.uint32) & 1 == 1
    leading = jnp.where(state.moves_right, jnp.max(jnp.where(here, place, 0)), jnp.min(jnp.where(here, place, SIZE)))
    above = columns >> state.cannon.astype(jnp.uint32) & 1 == 1
    return jnp.where(above & (state.shot_timer == 0), FIRE, _towards(state.cannon, leading))


def asterix(state: Any, key: Array) -> Array:
    """Go somewhere at random now and then, and else stay."""
    return jnp.where(jax.random.bernoulli(key, 0.2), jax.random.randint(key, (), LEFT, DOWN + 1, jnp.int32), NOOP)


def seaquest(state: Any, key: Array) -> Array:
    """Fetch divers, shoot now and then, and come up with six of them, or with fewer when the oxygen is short.

    With a crew below 0 it comes up at once, again and again, until the game is as hard as it can be.
    """
    newer = state.diver.row >= 0
    row = jnp.where(newer, state.diver.row, state.older_diver.row)
    ages = diver_ages(state)
    column = jnp.where(newer, diver_x(state.diver, ages[0]), diver_x(state.older_diver, ages[1]))
    sideways = jnp.where(column == state.x, NOOP, _towards(state.x, column))
    fetch = jnp.where(row < 0, FIRE, jnp.where(row < state.y, UP, jnp.where(row > state.y, DOWN, sideways)))
    act = jnp.where(jax.random.bernoulli(key, 0.25), FIRE, fetch)
    short = (state.oxygen < 40) & (state.crew != 0)
    bobs = (state.crew < 0) & (state.ramp_index < LAST_RAMP)
    return jnp.where((short | bobs | (state.crew >= 6)) & (state.y > 0), UP, jnp.where(state.y == 0, DOWN, act))
