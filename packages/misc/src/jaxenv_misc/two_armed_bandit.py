"""What both bandits share: two arms to choose from, and their observation."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxenv import Environment, spaces
from jaxenv.environment import ParamsT, StateT
from jaxtyping import Float

NO_ACTION = -1
"""``last_action`` before the first pull."""


class TwoArmedBandit(Environment[StateT, ParamsT]):
    """A bandit whose state has a ``last_action`` and a ``last_reward``."""

    normalize_time: bool = False
    """Whether the observed time is a fraction of the limit instead of a number of pulls."""

    def observe(self, state: StateT, params: ParamsT) -> Float[Array, "4"]:
        """Return the last reward, the last arm one-hot, and the time."""
        dtype = state.last_reward.dtype
        time = jnp.asarray(state.time, dtype)
        if self.normalize_time:
            time = time / jnp.asarray(params.max_steps_in_episode, dtype)
        arms = [(state.last_action == arm).astype(dtype) for arm in (0, 1)]
        return jnp.stack([state.last_reward, *arms, time])

    def action_space(self, params: ParamsT) -> spaces.Discrete:
        return spaces.Discrete(2)

    def latest(self, params: ParamsT) -> Array | float | int:
        """Return the largest time that is observed."""
        return 1.0 if self.normalize_time else params.max_steps_in_episode
