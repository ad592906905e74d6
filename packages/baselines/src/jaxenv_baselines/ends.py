"""What follows the steps of a rollout, at the ends of episodes; what every algorithm that looks ahead needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxenv.episodes import Trajectory


def each(function: Any, axes: int) -> Any:
    """Let a function of one thing take a batch of them, with so many leading axes."""
    for _ in range(axes):
        function = jax.vmap(function)
    return function


def at_ends(
    time_limit: int | None, played: Trajectory, following: Array, value: Callable[[Any, tuple[Array, Array]], Array]
) -> Array:
    """Return ``following`` with 0 where the task ended, and with the value of the final observation where time was up.

    An environment's time is up at most once in as many steps as its time limit. So ``value`` sees that many final observations of
    each, and not all of them.

    Args:
        time_limit: the task's; None without.
        played: the steps, leaves ``[num_steps, num_envs, ...]``.
        following: what the next step's observation is worth, float32[num_steps, num_envs].
        value: what final observations are worth, of them and of the steps and environments that they are of, both with two axes.
    """
    num_steps, num_envs = following.shape
    following = jnp.where(played.done, 0.0, following)
    most = 0 if time_limit is None else min(num_steps, 1 + (num_steps - 1) // time_limit)
    if most == 0:
        return following
    cut = played.info["truncated"] & ~played.info["terminated"]
    found, when = jax.lax.top_k(cut.T.astype(jnp.int32), most)
    when, who = when.T, jnp.arange(num_envs)[None]
    final = jax.tree.map(lambda leaf: leaf[when, who], played.info["final_observation"])
    return following.at[when, who].add(jnp.where(found.T == 1, value(final, (when, who)), 0.0))
