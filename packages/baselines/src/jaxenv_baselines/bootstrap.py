"""Bootstrapping at the ends of episodes: 0 after a termination, the final observation's value after a truncation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxenv.episodes import Trajectory


def batched(function: Any, axes: int) -> Any:
    """Apply ``jax.vmap`` once per leading axis."""
    for _ in range(axes):
        function = jax.vmap(function)
    return function


def bootstrapped(
    time_limit: int | None, trajectory: Trajectory, next_value: Array, value: Callable[[Any, tuple[Array, Array]], Array]
) -> Array:
    """Return the values to bootstrap from: 0 where the task terminated, the final observation's value where it was truncated.

    Truncations of one environment are at least the time limit apart, so ``value`` is evaluated on few final observations.

    Args:
        time_limit: steps after which an episode is truncated; None if never.
        trajectory: the steps, leaves ``[num_steps, num_envs, ...]``.
        next_value: values of the observations after each step, across resets, float32[num_steps, num_envs].
        value: function from final observations, leaves ``[n, num_envs, ...]``, and their indices of steps and environments to
            values, float32[n, num_envs].

    Returns:
        float32[num_steps, num_envs].
    """
    num_steps, num_envs = next_value.shape
    next_value = jnp.where(trajectory.done, 0.0, next_value)
    most = 0 if time_limit is None else min(num_steps, 1 + (num_steps - 1) // time_limit)
    if most == 0:
        return next_value
    cut = trajectory.info["truncated"] & ~trajectory.info["terminated"]
    found, when = jax.lax.top_k(cut.T.astype(jnp.int32), most)
    when, who = when.T, jnp.arange(num_envs)[None]
    final = jax.tree.map(lambda leaf: leaf[when, who], trajectory.info["final_observation"])
    return next_value.at[when, who].add(jnp.where(found.T == 1, value(final, (when, who)), 0.0))
