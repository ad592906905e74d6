"""Environments of gymnax's kind as environments of Brax. ``jaxenv.adapters.brax`` is for environments of jaxenv."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from brax.envs.base import Env, State  # pyright: ignore[reportMissingImports]
from jax import Array

from jaxenv.adapters.gymnax.wrappers import _steps


class GymnaxToBraxWrapper(Env):  # pyright: ignore[reportUntypedBaseClass]
    """An environment with Brax's interface. It resets by itself, so Brax's ``AutoResetWrapper`` is not needed.

    ``info`` has ``terminated``, ``truncated``, ``discount`` and ``final_observation``, and with underscores the key and the params.

    Args:
        env: the environment.
    """

    def __init__(self, env: Any) -> None:
        self.env = _steps.telling_all(env)

    def reset(self, rng: Array, params: Any = None) -> State:
        """Begin an episode, with these parameters until the next ``reset``."""
        params = self.env.default_params if params is None else params
        key_reset, key = jax.random.split(rng)
        obs, state = self.env.reset(key_reset, params)
        shapes = jax.eval_shape(self._advance, key, state, self._any_action(params), params)
        info = {**jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes[-1]), "final_observation": obs}
        info = {**info, "_key": key, "_env_params": jax.tree.map(jnp.asarray, params)}
        return State(state, obs, jnp.zeros((), shapes[2].dtype), jnp.zeros(()), {}, info)

    def step(self, state: State, action: Any, params: Any = None) -> State:
        """Take a step."""
        params = state.info["_env_params"] if params is None else params
        key, key_step = jax.random.split(state.info["_key"])
        obs, env_state, reward, done, reported = self._advance(key_step, state.pipeline_state, action, params)
        info = {**state.info, **reported, "_key": key}
        return state.replace(pipeline_state=env_state, obs=obs, reward=reward, done=done, info=info)

    def _advance(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        obs, state, reward, terminated, truncated, info = _steps.step(self.env, key, state, action, params)
        info = {**info, "terminated": terminated, "truncated": truncated}
        return obs, state, reward, jnp.asarray(terminated | truncated, jnp.float32), info

    def _any_action(self, params: Any) -> Any:
        return jax.eval_shape(self.env.action_space(params).sample, jax.eval_shape(lambda: jax.random.key(0)))

    @property
    def observation_size(self) -> int:
        """Numbers in an observation."""
        return math.prod(self.env.observation_space(self.env.default_params).shape)

    @property
    def action_size(self) -> int:
        """Choices of a Discrete action space, numbers of a Box."""
        return self.env.num_actions

    @property
    def backend(self) -> str:
        """Always "jax"."""
        return "jax"
