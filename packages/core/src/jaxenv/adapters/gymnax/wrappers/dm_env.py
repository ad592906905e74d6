"""Environments of gymnax's kind with time steps."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv.adapters.gymnax.wrappers import _steps
from jaxenv.adapters.gymnax.wrappers.purerl import GymnaxWrapper


@struct.dataclass
class TimeStep:
    """What a step led to."""

    state: Any
    """The environment's state."""
    reward: Array
    """The reward, float32[]."""
    discount: Array
    """0 where the task itself has ended, else 1, float32[]."""
    observation: Any
    """The observation, after a reset if there was one."""
    final_observation: Any
    """The observation before a reset."""


class GymnaxToDmEnvWrapper(GymnaxWrapper):
    """An environment whose ``reset`` and ``step`` return a :class:`TimeStep`; it resets by itself.

    Args:
        env: the environment.
    """

    def __init__(self, env: Any) -> None:
        super().__init__(_steps.telling_all(env))

    @partial(jax.jit, static_argnames=("self",))
    def reset(self, key: Array, params: Any = None) -> TimeStep:
        """Begin an episode."""
        obs, state = self._env.reset(key, params)
        return TimeStep(state, jnp.float32(0.0), jnp.float32(1.0), obs, obs)

    @partial(jax.jit, static_argnames=("self",))
    def step(self, key: Array, timestep: TimeStep, action: Any, params: Any = None) -> TimeStep:
        """Take a step."""
        obs, state, reward, terminated, _, info = _steps.step(self._env, key, timestep.state, action, params)
        discount = jnp.where(terminated, jnp.float32(0.0), jnp.float32(1.0))
        return TimeStep(state, reward, discount, obs, info["final_observation"])
