"""Wrappers around environments of gymnax's kind. They pass on as many values of ``step`` as the environment gives."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv.adapters.gymnax.environments import spaces
from jaxenv.errors import GymnaxSettingError
from jaxenv.errors.formatting import short


class GymnaxWrapper:
    """What wrappers derive from: an attribute that a wrapper has not is that of the environment.

    Args:
        env: the environment, wrapped or not.
    """

    def __init__(self, env: Any) -> None:
        self._env = env

    def __getattr__(self, name: str) -> Any:
        if name == "_env":  # copied or unpickled, and not filled yet
            raise AttributeError(name)
        return getattr(self._env, name)


class FlattenObservationWrapper(GymnaxWrapper):
    """Observations as vectors. The observation space must be a Box."""

    def observation_space(self, params: Any = None) -> spaces.Box:
        """Return the Box of vectors."""
        space = self._env.observation_space(params)
        if not isinstance(space, spaces.Box):
            raise GymnaxSettingError(
                f"FlattenObservationWrapper needs a Box of observations, but {self._env.name} has {short(space)}. Leave it away."
            )
        return spaces.Box(space.low, space.high, (math.prod(space.shape),), space.dtype)

    @partial(jax.jit, static_argnames=("self",))
    def reset(self, key: Array, params: Any = None) -> tuple[Any, Any]:
        """Begin an episode."""
        obs, state = self._env.reset(key, params)
        return jnp.reshape(obs, (-1,)), state

    @partial(jax.jit, static_argnames=("self",))
    def step(self, key: Array, state: Any, action: Any, params: Any = None) -> tuple[Any, ...]:
        """Take a step."""
        obs, *others, info = self._env.step(key, state, action, params)
        if "final_observation" in info:
            info = {**info, "final_observation": jnp.reshape(info["final_observation"], (-1,))}
        return (jnp.reshape(obs, (-1,)), *others, info)


@struct.dataclass
class LogEnvState:
    """The state of a :class:`LogWrapper`."""

    env_state: Any
    """The environment's state."""
    episode_returns: Array
    """The return of the episode so far, float32[]."""
    episode_lengths: Array
    """The steps of the episode so far, int32[]."""
    returned_episode_returns: Array
    """The return of the last episode that ended, float32[]; 0 before."""
    returned_episode_lengths: Array
    """The steps of the last episode that ended, int32[]; 0 before."""
    returned_episode_valid: Array
    """Whether an episode has ended yet, bool[]."""


class LogWrapper(GymnaxWrapper):
    """Returns and lengths of episodes in ``info``.

    ``returned_episode`` tells on which steps an episode ended; ``returned_episode_returns`` and ``returned_episode_lengths`` are
    those of the last one, from the step on which it ended to the next such step.

    Of a ``step`` with five values, ``info`` does not hold ``final_observation`` unless asked for. Programs that return every step's
    ``info`` would keep every observation twice.

    Args:
        env: an environment of gymnax's kind or of jaxenv's.
        final_observation: whether ``info`` holds ``final_observation``, if that of ``env`` does.
    """

    def __init__(self, env: Any, final_observation: bool = False) -> None:
        super().__init__(env)
        self._final_observation = final_observation

    @partial(jax.jit, static_argnames=("self",))
    def reset(self, key: Array, params: Any = None) -> tuple[Any, LogEnvState]:
        """Begin an episode."""
        obs, env_state = self._env.reset(key, params)
        number, count = jnp.float32(0.0), jnp.int32(0)
        return obs, LogEnvState(env_state, number, count, number, count, jnp.bool_(False))

    @partial(jax.jit, static_argnames=("self",))
    def step(self, key: Array, state: LogEnvState, action: Any, params: Any = None) -> tuple[Any, ...]:
        """Take a step."""
        obs, env_state, reward, *flags, info = self._env.step(key, state.env_state, action, params)
        over = jnp.asarray(flags[0]) if len(flags) == 1 else flags[0] | flags[1]
        episode_return = state.episode_returns + jnp.asarray(reward, jnp.float32)
        episode_length = state.episode_lengths + 1
        state = LogEnvState(
            env_state=env_state,
            episode_returns=jnp.where(over, jnp.float32(0.0), episode_return),
            episode_lengths=jnp.where(over, jnp.int32(0), episode_length),
            returned_episode_returns=jnp.where(over, episode_return, state.returned_episode_returns),
            returned_episode_lengths=jnp.where(over, episode_length, state.returned_episode_lengths),
            returned_episode_valid=state.returned_episode_valid | over,
        )
        if len(flags) == 1 and not self._final_observation:
            info = {name: value for name, value in info.items() if name != "final_observation"}
        info = {
            **info,
            "returned_episode_returns": state.returned_episode_returns,
            "returned_episode_lengths": state.returned_episode_lengths,
            "returned_episode": over,
            "returned_episode_valid": state.returned_episode_valid,
        }
        return (obs, state, reward, *flags, info)


@struct.dataclass
class StickyActionState:
    """The state of a :class:`StickyActionWrapper`."""

    env_state: Any
    """The environment's state."""
    last_action: Array
    """The action that was executed last."""


class StickyActionWrapper(GymnaxWrapper):
    """Execute the last action once more instead of the given one, with a probability.

    ``reset`` makes 0 the last action; a reset within a step keeps it.

    Args:
        env: an environment with a Discrete action space.
        sticky_action_prob: the probability, from 0 to 1. Environments that repeat actions by themselves do so in addition.
    """

    def __init__(self, env: Any, sticky_action_prob: Any = 0.0) -> None:
        super().__init__(env)
        if not (isinstance(sticky_action_prob, int | float) and 0.0 <= sticky_action_prob <= 1.0):
            raise GymnaxSettingError(
                f"sticky_action_prob must be a finite value in [0, 1], but {short(sticky_action_prob)} was given. Pass one."
            )
        space = env.action_space(env.default_params)
        if not isinstance(space, spaces.Discrete):
            raise GymnaxSettingError(
                f"StickyActionWrapper requires a Discrete action space, but {env.name} has {short(space)}. Leave it away."
            )
        self._sticky_action_prob = float(sticky_action_prob)
        self._action_dtype = space.dtype

    @partial(jax.jit, static_argnames=("self",))
    def reset(self, key: Array, params: Any = None) -> tuple[Any, StickyActionState]:
        """Begin an episode."""
        obs, env_state = self._env.reset(key, params)
        return obs, StickyActionState(env_state, jnp.zeros((), self._action_dtype))

    @partial(jax.jit, static_argnames=("self",))
    def step(self, key: Array, state: StickyActionState, action: Any, params: Any = None) -> tuple[Any, ...]:
        """Take a step."""
        action = jnp.asarray(action, self._action_dtype)
        if self._sticky_action_prob:
            key_repeat, key = jax.random.split(key)
            action = jnp.where(jax.random.bernoulli(key_repeat, self._sticky_action_prob), state.last_action, action)
        obs, env_state, *others = self._env.step(key, state.env_state, action, params)
        return (obs, StickyActionState(env_state, action), *others)
