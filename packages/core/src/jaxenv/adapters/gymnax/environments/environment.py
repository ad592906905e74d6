"""What environments of gymnax's kind derive from: users' own, and ours in :mod:`jaxenv.adapters.gymnax.environments.adapted`."""

from __future__ import annotations

import copy
from abc import ABCMeta
from functools import partial
from typing import Any, Generic, Self, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import environment

StateT = TypeVar("StateT", bound=Any)
ParamsT = TypeVar("ParamsT", bound=Any)


@struct.dataclass
class EnvState(metaclass=ABCMeta):
    """The state of an environment. States of jaxenv's environments are instances too."""

    time: Array | int
    """Steps taken in this episode."""


@struct.dataclass
class EnvParams(metaclass=ABCMeta):  # noqa: B024 - for register below
    """The parameters of an environment. Those of jaxenv's environments are instances too."""

    max_steps_in_episode: Array | int = 1
    """Steps after which an episode is over."""


EnvState.register(environment.State)
EnvParams.register(environment.Params)


class Environment(Generic[StateT, ParamsT]):
    """An environment of gymnax's kind: a subclass defines ``reset_env``, ``step_env``, the spaces and ``default_params``.

    A plain Python class: an instance may be given attributes. It is compiled as it is when it is first stepped.

    With five values, as in gymnax 0.0.9, an episode is done when ``step_env`` says so. With six, as in gymnax 1.0, ``step_env``
    says whether the task itself has ended, and ``is_truncated`` whether the time limit was reached.
    """

    step_values: int = 5
    """How many values ``step`` returns: 5 (``obs, state, reward, done, info``), or 6 (with ``terminated, truncated`` for ``done``,
    and ``info["final_observation"]``)."""

    _transition_gradients_enabled = False

    # -- what an author writes ---------------------------------------------------------------------------------

    @property
    def default_params(self) -> Any:
        """The parameters of the task."""
        return EnvParams()

    def reset_env(self, key: Array, params: ParamsT) -> tuple[Any, StateT]:
        """Begin an episode: ``(obs, state)``."""
        raise NotImplementedError(f"{type(self).__name__} must define reset_env(key, params)")

    def step_env(self, key: Array, state: StateT, action: Any, params: ParamsT) -> tuple[Any, StateT, Any, Any, dict[Any, Any]]:
        """Take a step without a reset: ``(obs, state, reward, done, info)``."""
        raise NotImplementedError(f"{type(self).__name__} must define step_env(key, state, action, params)")

    def get_obs(self, state: StateT, params: Any = None, key: Any = None) -> Any:
        """Return what the agent sees in ``state``."""
        raise NotImplementedError(f"{type(self).__name__} must define get_obs(state, params, key)")

    def is_terminated(self, state: StateT, params: ParamsT) -> Any:
        """Return whether the task itself has ended in ``state``."""
        raise NotImplementedError(f"{type(self).__name__} must define is_terminated(state, params)")

    def action_space(self, params: Any = None) -> Any:
        """Return the space of actions."""
        raise NotImplementedError(f"{type(self).__name__} must define action_space(params)")

    def observation_space(self, params: Any = None) -> Any:
        """Return the space of observations."""
        raise NotImplementedError(f"{type(self).__name__} must define observation_space(params)")

    def state_space(self, params: Any = None) -> Any:
        """Return the space of states."""
        raise NotImplementedError(f"{type(self).__name__} must define state_space(params)")

    @property
    def num_actions(self) -> int:
        """How many actions there are."""
        raise NotImplementedError(f"{type(self).__name__} must define num_actions")

    # -- what every caller gets --------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the environment."""
        return type(self).__name__

    def reset(self, key: Array, params: Any = None) -> tuple[Any, StateT]:
        """Begin an episode: ``(obs, state)``. None for params means ``default_params``."""
        return _reset(self, key, params)

    def step(self, key: Array, state: StateT, action: Any, params: Any = None) -> tuple[Any, ...]:
        """Take a step, and begin the next episode if this one is over; ``step_values`` says what is returned."""
        obs, state, reward, terminated, truncated, info = _step(self, self.step_values == 6, key, state, action, params)
        if self.step_values == 6:
            return obs, state, reward, terminated, truncated, info
        return obs, state, reward, terminated, info

    def observe(self, key: Any, state: StateT, action: Any, params: ParamsT) -> Any:
        """Return what the agent sees in ``state``, which ``action`` led to."""
        del action
        return self.get_obs(state, params=params, key=key)

    def is_truncated(self, state: StateT, params: ParamsT) -> Any:
        """Return whether the time limit was reached."""
        return state.time >= params.max_steps_in_episode

    def is_terminal(self, state: StateT, params: ParamsT) -> Any:
        """Return whether the task itself has ended in ``state``."""
        return self.is_terminated(state, params)

    def discount(self, state: StateT, params: ParamsT) -> Array:
        """Return 0 where the task itself has ended, else 1, float32[]."""
        return jnp.where(self.is_terminal(state, params), jnp.float32(0.0), jnp.float32(1.0))

    @property
    def supports_transition_gradients(self) -> bool:
        """Whether gradients of a step are promised."""
        return False

    @property
    def transition_gradients_enabled(self) -> bool:
        """Whether this is a copy from ``with_transition_gradients``; gradients are never stopped."""
        return self._transition_gradients_enabled

    def with_transition_gradients(self) -> Self:
        """Return a copy that does the same: gradients are never stopped."""
        env = copy.copy(self)
        env._transition_gradients_enabled = True
        return env


@partial(jax.jit, static_argnums=0)
def _reset(env: Environment[Any, Any], key: Array, params: Any) -> tuple[Any, Any]:
    return env.reset_env(key, env.default_params if params is None else params)


@partial(jax.jit, static_argnums=(0, 1))
def _step(env: Environment[Any, Any], six: bool, key: Array, state: Any, action: Any, params: Any) -> tuple[Any, ...]:
    params = env.default_params if params is None else params
    key_step, key_reset = jax.random.split(key)
    final_obs, final_state, reward, terminated, info = env.step_env(key_step, state, action, params)
    terminated = jnp.asarray(terminated, jnp.bool_)
    truncated = jnp.asarray(env.is_truncated(final_state, params), jnp.bool_) if six else jnp.zeros_like(terminated)
    fresh = env.reset_env(key_reset, params)
    over = terminated | truncated

    def chosen(begun: Any, ended: Any) -> Any:
        ended = jnp.asarray(ended)
        return jnp.where(over, jnp.asarray(begun, ended.dtype), ended)

    obs, state = jax.tree.map(chosen, fresh, (final_obs, final_state))
    info = {**info, "terminated": terminated, "truncated": truncated, "final_observation": final_obs} if six else dict(info)
    return obs, state, reward, terminated, truncated, info
