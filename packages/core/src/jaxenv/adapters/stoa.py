"""Environments of jaxenv behind the interface of Stoa, for the agents of Stoix.

>>> from stoa import AutoResetWrapper  # doctest: +SKIP
>>> from jaxenv.adapters.stoa import StoaEnv  # doctest: +SKIP
>>> env = AutoResetWrapper(StoaEnv("CartPole-v1"), next_obs_in_extras=True)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _canonical, spaces
from jaxenv.adapters._batch import build
from jaxenv.environment import Environment
from jaxenv.errors import MissingExtraError, SpaceConversionError
from jaxenv.errors.formatting import short
from jaxenv.registry import EnvSpec

try:
    # By its name as text: a type checker without Stoa takes this file for it.
    stoa: Any = importlib.import_module("stoa")
    AdapterStateWithKey: Any = importlib.import_module("stoa.env_adapters.base").AdapterStateWithKey
except ImportError as error:
    raise MissingExtraError("stoa", "stoa", "jaxenv.adapters.stoa") from error

_IN_THE_TIME_STEP = ("terminated", "truncated", "discount", "final_observation")


class StoaEnv(stoa.Environment):  # pyright: ignore[reportUntypedBaseClass]
    """One environment as a ``stoa.Environment``.

    The last time step of an episode is ``TERMINATED`` with discount 0 if the task ended, and ``TRUNCATED`` with discount 1 if
    only the time limit was reached. Stoa's adapter for gymnax marks both as ``TERMINATED`` with discount 0.

    ``step`` does not reset. Put ``stoa.AutoResetWrapper`` around the environment. It calls ``reset`` without params, so pass
    ``params`` here. A reset begins anew: nothing carries over, such as the running statistics of a wrapper of jaxenv.

    ``extras`` holds the environment's own ``info``. It has the same structure after a reset, with zeros.

    Args:
        env: an id, a spec or an environment, with or without wrappers of :mod:`jaxenv.wrappers`.
        params: the parameters; None means ``env.default_params``.
        wrap: a function that adds wrappers to the environment.
        **overrides: what ``jaxenv.make`` takes: fields of the environment and leaves of its params.
    """

    def __init__(
        self,
        env: str | EnvSpec | Environment[Any, Any],
        params: Any = None,
        *,
        wrap: Callable[[Any], Environment[Any, Any]] | None = None,
        **overrides: Any,
    ) -> None:
        self.env, self.params = build(env, params, wrap, overrides)
        # Stoa's spaces look at their bounds, which they can't do under jit: so they are made once, here.
        self._observation_space = to_space(self.env.observation_space(self.params))
        self._action_space = to_space(self.env.action_space(self.params))

    def reset(self, rng_key: Array, env_params: Any = None) -> tuple[Any, Any]:
        """Begin an episode.

        Args:
            rng_key: a typed or raw key, on which all that follows depends.
            env_params: the parameters; None means :attr:`params`.

        Returns:
            The state, which holds the next key, and the ``FIRST`` time step.
        """
        params = self._params(env_params)
        key, next_key = jax.random.split(_canonical.key(rng_key))
        obs, state = self.env.reset(key, params)
        action = jax.eval_shape(self.env.action_space(params).sample, key)
        info = jax.eval_shape(self.env.step_env, key, state, action, params)[4]
        extras = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), _extras(info))
        return AdapterStateWithKey(base_env_state=state, rng_key=next_key), stoa.TimeStep(
            step_type=stoa.StepType.FIRST, reward=jnp.float32(0.0), discount=jnp.float32(1.0), observation=obs, extras=extras
        )

    def step(self, state: Any, action: Any, env_params: Any = None) -> tuple[Any, Any]:
        """Take a step. Nothing resets, so the state may be final.

        Args:
            state: the state that ``reset`` or the last ``step`` returned.
            action: a member of the action space.
            env_params: the parameters; None means :attr:`params`.

        Returns:
            The next state and a time step: ``MID``, ``TERMINATED`` or ``TRUNCATED``.
        """
        key, next_key = jax.random.split(state.rng_key)
        obs, inner, reward, _, info = self.env.step_env(key, state.base_env_state, action, self._params(env_params))
        unless_terminated = jnp.where(info["truncated"], stoa.StepType.TRUNCATED, stoa.StepType.MID)
        return AdapterStateWithKey(base_env_state=inner, rng_key=next_key), stoa.TimeStep(
            step_type=jnp.where(info["terminated"], stoa.StepType.TERMINATED, unless_terminated),
            reward=reward,
            discount=info["discount"],
            observation=obs,
            extras=_extras(info),
        )

    def observation_space(self, env_params: Any = None) -> Any:
        """Return the space of observations, as a space of Stoa."""
        return self._observation_space if env_params is None else to_space(self.env.observation_space(env_params))

    def action_space(self, env_params: Any = None) -> Any:
        """Return the space of actions, as a space of Stoa."""
        return self._action_space if env_params is None else to_space(self.env.action_space(env_params))

    def state_space(self, env_params: Any = None) -> Any:
        """Return the space of the environment's state, without the key, as a space of Stoa."""
        return to_space(self.env.state_space(self._params(env_params)))

    def render(self, state: Any, env_params: Any = None) -> Array:
        """Return a picture of a state, uint8[H, W, 3]."""
        return self.env.render(state.base_env_state, self._params(env_params))

    def _params(self, given: Any) -> Any:
        return self.params if given is None else given


def to_space(space: spaces.Space) -> Any:
    """Make the Stoa space with the same members.

    Choices that begin at 0 are a ``DiscreteSpace`` or a ``MultiDiscreteSpace``. A Box without bounds is an ``ArraySpace``. Every
    other space of arrays is a ``BoundedArraySpace``.

    Args:
        space: a space of ``jaxenv.spaces``.

    Returns:
        The space of Stoa.

    Raises:
        SpaceConversionError: the space is of another type.
    """
    match space:
        case spaces.Discrete() if space.start == 0:
            return stoa.DiscreteSpace(space.n, space.dtype)
        case spaces.Discrete():
            return stoa.BoundedArraySpace((), space.dtype, space.start, space.start + space.n - 1)
        case spaces.MultiDiscrete():
            return stoa.MultiDiscreteSpace(np.asarray(space.nvec), space.dtype)
        case spaces.MultiBinary():
            return stoa.BoundedArraySpace(space.shape, space.dtype, 0, 1)
        case spaces.Box():
            low, high = np.asarray(space.low), np.asarray(space.high)
            if np.isneginf(low).all() and np.isposinf(high).all():
                return stoa.ArraySpace(space.shape, space.dtype)
            return stoa.BoundedArraySpace(space.shape, space.dtype, low, high)
        case spaces.Tuple():
            return stoa.TupleSpace([to_space(part) for part in space])
        case spaces.Dict():
            return stoa.DictSpace({name: to_space(part) for name, part in space.items()})
        case _:
            raise SpaceConversionError(f"{short(space)} has no counterpart in Stoa. Use the spaces of jaxenv.spaces.")


def _extras(info: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in info.items() if name not in _IN_THE_TIME_STEP}
