"""Rollouts of a policy, alone, over keys, and over a population: gymnax's arguments and shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv.adapters.gymnax.registration import make
from jaxenv.errors import GymnaxSettingError

Episode = tuple[Any, Any, Array, Any, Array, Array]


class RolloutWrapper:
    """Roll a policy out in one environment.

    Args:
        model_forward: ``model_forward(policy_params, obs, key) -> action``; None plays random actions.
        env_name: an id; "Pendulum-v1" if neither ``env_name`` nor ``env`` is given.
        num_env_steps: length of a rollout; None means ``max_steps_in_episode``.
        env_kwargs: arguments of ``make``, with ``env_name`` alone.
        env_params: its parameters, or a mapping of the leaves to change.
        env: an environment in place of an id.

    Every rollout returns ``(obs, action, reward, next_obs, done, cum_return)``. The first five have a leading axis
    ``[num_env_steps]``; ``next_obs`` is the next step's ``obs``, so after the end of an episode it is of the next one.
    ``cum_return`` is the undiscounted return of the first episode, float32[1].
    """

    def __init__(
        self,
        model_forward: Callable[..., Any] | None = None,
        env_name: str | None = None,
        num_env_steps: int | None = None,
        env_kwargs: Mapping[str, Any] | None = None,
        env_params: Any = None,
        env: Any = None,
    ) -> None:
        if env is not None and (env_name is not None or env_kwargs is not None):
            given = "env_name" if env_name is not None else "env_kwargs"
            raise GymnaxSettingError(f"RolloutWrapper got env and {given}, but {given} is for make. Pass one of them.")
        if env is None:
            env_name = "Pendulum-v1" if env_name is None else env_name
            env, _ = make(env_name, **dict(env_kwargs or {}))
        self.env_name, self.env, self.model_forward = env_name, env, model_forward
        if env_params is None or isinstance(env_params, Mapping):
            env_params = env.default_params.replace(**dict(env_params or {}))
        self.env_params = env_params
        self.num_env_steps = int(env_params.max_steps_in_episode if num_env_steps is None else num_env_steps)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of an observation."""
        return jax.eval_shape(lambda: self.env.reset(jax.random.key(0), self.env_params)[0]).shape

    @partial(jax.jit, static_argnames=("self",))
    def population_rollout(self, key_eval: Array, policy_params: Any) -> Episode:
        """Roll out each member of a population once for each key; results have leading axes ``[members, num_keys]``."""
        return jax.vmap(self.batch_rollout, in_axes=(None, 0))(key_eval, policy_params)

    @partial(jax.jit, static_argnames=("self",))
    def batch_rollout(self, key_eval: Array, policy_params: Any = None) -> Episode:
        """Roll out once for each key; results have a leading axis ``[num_keys]``."""
        return jax.vmap(self.single_rollout, in_axes=(0, None))(key_eval, policy_params)

    @partial(jax.jit, static_argnames=("self",))
    def single_rollout(self, key_input: Array, policy_params: Any = None) -> Episode:
        """Roll out once."""
        key_reset, key_steps = jax.random.split(key_input)
        space, forward = self.env.action_space(self.env_params), self.model_forward

        def one_step(loop: Any, key: Array) -> Any:
            obs, state, cum_return, first = loop
            key_act, key_step = jax.random.split(key)
            action = space.sample(key_act) if forward is None else forward(policy_params, obs, key_act)
            next_obs, state, reward, *flags, _ = self.env.step(key_step, state, action, self.env_params)
            done = jnp.asarray(flags[0]) if len(flags) == 1 else flags[0] | flags[1]
            reward = jnp.asarray(reward, jnp.float32)
            cum_return = cum_return + jnp.where(first, jnp.reshape(reward, (1,)), jnp.float32(0.0))
            return (next_obs, state, cum_return, first & ~done), (obs, action, reward, next_obs, done)

        obs, state = self.env.reset(key_reset, self.env_params)
        loop = (obs, state, jnp.zeros((1,), jnp.float32), jnp.bool_(True))
        (_, _, cum_return, _), steps = jax.lax.scan(one_step, loop, jax.random.split(key_steps, self.num_env_steps))
        return (*steps, cum_return)
