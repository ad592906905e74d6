"""What the player of a two-armed bandit sees: the same for both bandits."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int


def observation(
    last_reward: Float[Array, ""], last_action: Int[Array, ""], time: Array | int, limit: Array | int | None
) -> Float[Array, "4"]:
    """Return the last reward, the last arm one-hot, and the time: in pulls, or as a fraction of ``limit`` where there is one."""
    dtype = last_reward.dtype
    pulls = jnp.asarray(time, dtype)
    if limit is not None:
        pulls = pulls / jnp.asarray(limit, dtype)
    arms = [(last_action == arm).astype(dtype) for arm in (0, 1)]
    return jnp.stack([last_reward, *arms, pulls])
