"""RolloutWrapper: rollouts of one environment for evaluating policies, alone, over keys, and over a population."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv import random
from jaxenv._policies import require_arguments, require_environment, require_policy
from jaxenv._sizes import is_size, whole
from jaxenv.engine.plan import Policy
from jaxenv.environment import NO_TIME_LIMIT, Environment, _batches_are_kernels, _step_with_all
from jaxenv.errors import RolloutArgumentError, RolloutEnvError, RolloutKeywordsError, RolloutLengthError

Episode = tuple[Any, Any, Array, Any, Array, Array]


class RolloutWrapper:
    """Roll a policy out in one environment: once, over a batch of keys, or over keys and a population of parameters.

    Args:
        model_forward: ``model_forward(policy_params, obs, key) -> action``, such as a flax module's ``apply``; None plays
            uniformly random actions.
        env_name: the id of the environment, for ``jaxenv.make``; or
        env: the environment itself.
        env_params: its parameters, or a mapping of the leaves to change; None means the defaults.
        num_env_steps: length of a rollout; None means ``max_steps_in_episode``.
        env_kwargs: further overrides for ``jaxenv.make``, with ``env_name`` alone.

    Every rollout returns ``(obs, action, reward, next_obs, done, cum_return)``. The first five have a leading axis
    ``[num_env_steps]``: ``next_obs`` is what the step led to, before any reset. ``cum_return`` is the undiscounted
    return of the first episode, float32: rewards after its end do not count.

    >>> import jax, jaxenv
    >>> manager = jaxenv.RolloutWrapper(env_name="CartPole-v1", num_env_steps=50)
    >>> obs, action, reward, next_obs, done, cum_return = manager.batch_rollout(jax.random.split(jax.random.key(0), 8))
    >>> obs.shape, cum_return.shape
    ((8, 50, 4), (8,))
    """

    def __init__(
        self,
        model_forward: Policy | None = None,
        env_name: str | None = None,
        env: Environment[Any, Any] | None = None,
        env_params: Any = None,
        num_env_steps: int | None = None,
        env_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if (env_name is None) == (env is None):
            raise RolloutEnvError(env_name, env)
        if env is not None and env_kwargs:
            raise RolloutKeywordsError(env_kwargs)
        if env is None:
            from jaxenv.registry import make  # the registry imports plugins; a rollout of a given env needs none

            env, params = make(str(env_name), **dict(env_kwargs or {}))
        else:
            require_environment(env)
            params = env.default_params
        require_policy(model_forward)
        if isinstance(env_params, Mapping):
            params = params.replace(**env_params)
        elif env_params is not None:
            params = env_params
        self.env = env
        self.env_params = params
        self.model_forward = model_forward
        self.num_env_steps = self._length(num_env_steps)

    def _length(self, given: int | None) -> int:
        length = whole(self.env_params.max_steps_in_episode if given is None else given)
        if length == NO_TIME_LIMIT:
            raise RolloutLengthError(self.env.name)
        if not is_size(length):
            raise RolloutArgumentError("num_env_steps", length)
        return length

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one observation, for initialising a network."""
        return self.env.observation_space(self.env_params).shape

    def single_rollout(self, key: Array, policy_params: Any = None) -> Episode:
        """Roll out once.

        Args:
            key: a typed or raw key.
            policy_params: the parameters of the policy; None if it has none.

        Returns:
            ``(obs, action, reward, next_obs, done, cum_return)``.
        """
        return _single(
            self.env.without_overrides, self.model_forward, self.num_env_steps, key, self.env._told(self.env_params), policy_params
        )

    def batch_rollout(self, keys: Array, policy_params: Any = None) -> Episode:
        """Roll out once for each key; results have a leading axis ``[num_keys]``.

        Args:
            keys: typed or raw keys, with a leading axis ``[num_keys]``.
            policy_params: the parameters of the policy, shared by all rollouts.

        Returns:
            What ``single_rollout`` returns, with a leading axis ``[num_keys]``.
        """
        return _batch(
            self.env.without_overrides, self.model_forward, self.num_env_steps, keys, self.env._told(self.env_params), policy_params
        )

    def population_rollout(self, keys: Array, policy_params: Any) -> Episode:
        """Roll out each member of a population once for each key.

        Args:
            keys: typed or raw keys, with a leading axis ``[num_keys]``.
            policy_params: the parameters of all members, leaves ``[members, ...]``.

        Returns:
            What ``single_rollout`` returns, with leading axes ``[members, num_keys]``.
        """
        return _population(
            self.env.without_overrides, self.model_forward, self.num_env_steps, keys, self.env._told(self.env_params), policy_params
        )


@partial(jax.jit, static_argnums=(0, 1, 2))
def _single(
    env: Environment[Any, Any], forward: Policy | None, length: int, key: Array, params: Any, policy_params: Any
) -> Episode:
    if forward is not None:
        require_arguments(forward, ["policy_params", "obs", "key"], always=True)
    space = env.action_space(params)
    key_reset, key_act, key_step = random.split(key, 3)

    def step(loop: tuple[Any, ...], time: Array) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        obs, state, cum_return, running = loop
        key_now = random.fold_in(key_act, time)
        action = space.sample(key_now) if forward is None else forward(policy_params, obs, key_now)
        key_now = random.fold_in(key_step, time)
        next_obs, state, reward, done, info = _step_with_all(env, key_now, state, action, params, kernels=_batches_are_kernels())
        cum_return = cum_return + jnp.where(running, reward, 0.0)
        return (next_obs, state, cum_return, running & ~done), (obs, action, reward, info["final_observation"], done)

    obs, state = env.reset(key_reset, params)
    loop = (obs, state, jnp.float32(0.0), jnp.bool_(True))
    (_, _, cum_return, _), steps = jax.lax.scan(step, loop, jnp.arange(length, dtype=jnp.uint32))
    return (*steps, cum_return)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _batch(
    env: Environment[Any, Any], forward: Policy | None, length: int, keys: Array, params: Any, policy_params: Any
) -> Episode:
    return jax.vmap(lambda key: _single(env, forward, length, key, params, policy_params))(keys)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _population(
    env: Environment[Any, Any], forward: Policy | None, length: int, keys: Array, params: Any, policy_params: Any
) -> Episode:
    return jax.vmap(lambda member: _batch(env, forward, length, keys, params, member))(policy_params)
