"""Environments of gymnax's kind as environments of Gymnasium. ``jaxenv.adapters.gymnasium`` is for environments of jaxenv."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
from gymnasium.vector.utils import batch_space
from jax import Array

from jaxenv.adapters.gymnax.environments.spaces import gymnax_space_to_gym_space
from jaxenv.adapters.gymnax.wrappers import _steps
from jaxenv.errors import RenderNotSupportedError


class GymnaxToGymWrapper(gymnasium.Env[Any, Any]):
    """One environment with Gymnasium's interface. It resets by itself, as gymnax's do; results are arrays of JAX.

    Args:
        env: the environment.
        params: its parameters; None means the default ones. ``reset(options={"env_params": ...})`` changes them.
        seed: of the first key; None means 0.
    """

    def __init__(self, env: Any, params: Any = None, seed: int | None = None) -> None:
        self._env = _steps.telling_all(env)
        self.env_params = env.default_params if params is None else params
        self.metadata = {"name": env.name, "render_modes": ["rgb_array"] if hasattr(env, "render") else []}
        self.key: Any = jax.random.key(seed or 0)
        _, self.env_state = self._env.reset(self.key, self.env_params)

    @property
    def action_space(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return gymnax_space_to_gym_space(self._env.action_space(self.env_params))

    @property
    def observation_space(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return gymnax_space_to_gym_space(self._env.observation_space(self.env_params))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        if seed is not None:
            self.key = jax.random.key(seed)
        self.env_params = (options or {}).get("env_params", self.env_params)
        self.key, key = jax.random.split(self.key)
        obs, self.env_state = self._env.reset(key, self.env_params)
        return obs, {}

    def step(self, action: Any) -> Any:
        """Take a step, and begin the next episode if this one is over."""
        self.key, key = jax.random.split(self.key)
        obs, self.env_state, *others = _steps.step(self._env, key, self.env_state, jnp.asarray(action), self.env_params)
        return (obs, *others)

    def render(self) -> Any:
        """Draw the state, uint8[H, W, 3]; None if the environment can't."""
        return _picture(self._env, self.env_state, self.env_params)


class GymnaxToVectorGymWrapper(gymnasium.vector.VectorEnv[Any, Any, Any]):
    """A batch of environments with Gymnasium's interface. They reset by themselves on the step that ends an episode.

    Args:
        env: the environment.
        num_envs: how many.
        params: their parameters; None means the default ones. ``reset(options={"env_params": ...})`` changes them.
        seed: of the first keys; None means 0.
    """

    def __init__(self, env: Any, num_envs: int = 1, params: Any = None, seed: int | None = None) -> None:
        self._env = _steps.telling_all(env)
        self.num_envs = num_envs
        self.env_params = env.default_params if params is None else params
        self.metadata = {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}
        self._reset = jax.jit(jax.vmap(self._env.reset, in_axes=(0, None)))
        self._step = jax.jit(jax.vmap(lambda *args: _steps.step(self._env, *args), in_axes=(0, 0, 0, None)))
        self._split = jax.jit(jax.vmap(jax.random.split, out_axes=1))
        self._seed(seed)
        _, self.env_state = self._reset(self.key, self.env_params)

    def _seed(self, seed: int | None) -> None:
        self.key: Array = jax.random.split(jax.random.key(seed or 0), self.num_envs)

    @property
    def single_action_space(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return gymnax_space_to_gym_space(self._env.action_space(self.env_params))

    @property
    def single_observation_space(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return gymnax_space_to_gym_space(self._env.observation_space(self.env_params))

    @property
    def action_space(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return batch_space(self.single_action_space, self.num_envs)

    @property
    def observation_space(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return batch_space(self.single_observation_space, self.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin episodes."""
        if seed is not None:
            self._seed(seed)
        self.env_params = (options or {}).get("env_params", self.env_params)
        self.key, keys = self._split(self.key)
        obs, self.env_state = self._reset(keys, self.env_params)
        return obs, {}

    def step(self, actions: Any) -> Any:
        """Take a step in each environment."""
        self.key, keys = self._split(self.key)
        obs, self.env_state, *others = self._step(keys, self.env_state, jnp.asarray(actions), self.env_params)
        return (obs, *others)

    def render(self) -> Any:
        """Draw the first environment, uint8[H, W, 3]; None if it can't."""
        return _picture(self._env, jax.tree.map(lambda leaf: leaf[0], self.env_state), self.env_params)


def _picture(env: Any, state: Any, params: Any) -> Any:
    try:
        return env.render(_steps.own_state(state), params)
    except (AttributeError, RenderNotSupportedError):
        return None
