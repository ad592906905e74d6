"""jaxenv's environments as environments of gymnax's kind."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import jaxenv
from jaxenv import environment
from jaxenv.adapters.gymnax.environments import spaces
from jaxenv.adapters.gymnax.environments.environment import Environment
from jaxenv.adapters.gymnax.table import Row, full_id
from jaxenv.environment import NO_TIME_LIMIT
from jaxenv.errors import GymnaxSettingError, GymnaxTerminationError
from jaxenv.errors.formatting import listed, short
from jaxenv.spaces.base import kind
from jaxenv.wrappers import DtypeObservation, FlattenObservation


class AdaptedEnvironment(Environment[Any, Any]):
    """One of jaxenv's environments with gymnax's interface.

    What differs from the environment itself: an observation that is a Box of flags or integers has floats; ``info`` has scalars
    alone; an action that is one number may have any shape; spaces are those of :mod:`jaxenv.adapters.gymnax.environments.spaces`.

    Args:
        env: an environment of jaxenv, wrapped or not.
        name: its name; None means its own.
    """

    jaxenv_env: environment.Environment[Any, Any]
    """The environment that is played."""

    def __init__(self, env: environment.Environment[Any, Any], name: str | None = None) -> None:
        space = env.observation_space(env.params_template)
        if isinstance(space, jaxenv.spaces.Box) and kind(space.dtype) != "float":
            env = DtypeObservation(env, jnp.float32)
        self.jaxenv_env = env
        self._name = env.name if name is None else name

    @property
    def name(self) -> str:
        return self._name

    @property
    def default_params(self) -> Any:
        return self.jaxenv_env.default_params

    @property
    def num_actions(self) -> int:
        return self.jaxenv_env.num_actions

    @property
    def obs_shape(self) -> tuple[int, ...]:
        """The shape of an observation."""
        return self.observation_space().shape

    @property
    def supports_transition_gradients(self) -> bool:
        return self.jaxenv_env.differentiable

    def action_space(self, params: Any = None) -> Any:
        return spaces.adapted(self.jaxenv_env.action_space(self._params_or_default(params)))

    def observation_space(self, params: Any = None) -> Any:
        return spaces.adapted(self.jaxenv_env.observation_space(self._params_or_default(params)))

    def state_space(self, params: Any = None) -> Any:
        return spaces.adapted(self.jaxenv_env.state_space(params))

    def reset(self, key: Array, params: Any = None) -> tuple[Any, Any]:
        return self.jaxenv_env.reset(key, params)

    def reset_env(self, key: Array, params: Any = None) -> tuple[Any, Any]:
        return self.jaxenv_env.reset(key, params)

    def step(self, key: Array, state: Any, action: Any, params: Any = None) -> tuple[Any, ...]:
        action = self._fitted(action, params)
        obs, state, reward, done, info = self.jaxenv_env.step(key, state, action, params)
        reported = _scalars(info)
        if self.step_values == 6:
            reported["final_observation"] = info["final_observation"]
            return obs, state, reward, info["terminated"], info["truncated"], reported
        return obs, state, reward, done, reported

    def step_env(self, key: Array, state: Any, action: Any, params: Any = None) -> tuple[Any, Any, Any, Any, dict[Any, Any]]:
        """Take a step without a reset. With six values of ``step``, ``done`` leaves the time limit out, as in gymnax 1.0."""
        action = self._fitted(action, params)
        obs, state, reward, done, info = self.jaxenv_env.step_env(key, state, action, params)
        return obs, state, reward, info["terminated"] if self.step_values == 6 else done, _scalars(info)

    def get_obs(self, state: Any, params: Any = None, key: Any = None) -> Any:
        del key
        params = self._params_or_default(params)
        return self.jaxenv_env.observation_space(params).cast(self.jaxenv_env.observe(state, params))

    def is_terminated(self, state: Any, params: Any = None) -> Any:
        """A state alone does not tell: refuse."""
        raise GymnaxTerminationError(self.name)

    def render(self, state: Any, params: Any = None) -> Array:
        """Draw ``state``, uint8[H, W, 3]."""
        return self.jaxenv_env.render(state, self._params_or_default(params))

    def __repr__(self) -> str:
        return f"<{self.name} of jaxenv, with gymnax's interface>"

    def _params_or_default(self, params: Any) -> Any:
        return self.default_params if params is None else params

    def _fitted(self, action: Any, params: Any) -> Any:
        """Return an action that is one number in the shape that the space has; floats may be given as integers."""
        space = self.jaxenv_env.action_space(self._params_or_default(params))
        if not isinstance(space, jaxenv.spaces.Box | jaxenv.spaces.Discrete):
            return action
        if np.size(action) != np.prod(space.shape) or np.shape(action) == space.shape:
            return action
        return jnp.reshape(jnp.asarray(action), space.shape)


def _scalars(info: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in info.items()
        if name != "final_observation" and all(np.shape(leaf) == () for leaf in jax.tree.leaves(value))
    }


def task(row: Row, arguments: dict[str, Any]) -> environment.Environment[Any, Any]:
    """Make the environment of a row; ``arguments`` have gymnax's names or ours."""
    env_id = row.id
    for name in row.variants.keys() & arguments.keys():
        env_id = _variant(row, name, arguments[name])
    given = {row.renamed.get(name, name): value for name, value in arguments.items() if name not in row.variants}
    env, params = jaxenv.make(env_id, **{**row.fields, **given})
    if row.time_limit is not None and params.max_steps_in_episode == NO_TIME_LIMIT:
        limit = getattr(env, row.time_limit) if isinstance(row.time_limit, str) else row.time_limit
        env = env.replace(max_steps_in_episode=limit)
    return FlattenObservation(env) if row.flat else env


def _variant(row: Row, name: str, value: Any) -> str:
    """Return the id that stands for the value of an argument."""
    if value is None:
        return row.id
    if value not in row.variants[name]:
        known = listed([repr(variant) for variant in row.variants[name]])
        raise GymnaxSettingError(f"{row.name} got {name} = {short(value)}, which is none of its own. Pass {known}.")
    return full_id(row.variants[name][value])


def class_of(row: Row, module: str) -> type[AdaptedEnvironment]:
    """Return the class that gymnax has for a row: called with arguments of ``make``, it makes the environment."""

    def __init__(self: AdaptedEnvironment, **arguments: Any) -> None:  # noqa: N807 - a method of the class below
        AdaptedEnvironment.__init__(self, task(row, arguments), row.name)

    doc = f"{row.name}, with gymnax's interface."
    return type(row.class_name, (AdaptedEnvironment,), {"__init__": __init__, "__module__": module, "__doc__": doc})
