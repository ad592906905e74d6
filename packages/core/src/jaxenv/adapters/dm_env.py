"""Our environments behind dm_env's interface, for the agents of bsuite, Acme and others.

>>> from jaxenv.adapters.dm_env import DmEnv
>>> env = DmEnv("Catch-bsuite", seed=0)
>>> timestep = env.reset()
>>> timestep = env.step(1)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxenv import spaces
from jaxenv.adapters import _actions
from jaxenv.adapters._batch import Batch, build, checked_seed
from jaxenv.environment import Environment
from jaxenv.errors import ActionBatchError, MissingExtraError, SpaceConversionError
from jaxenv.registry import EnvSpec

try:
    import dm_env
    from dm_env import specs
except ImportError as error:
    raise MissingExtraError("dm_env", "dm-env", "jaxenv.adapters.dm_env") from error


class DmEnv(dm_env.Environment):
    """One environment as a ``dm_env.Environment``.

    A ``FIRST`` time step has neither reward nor discount. The discount of a ``LAST`` one is 0 where the task itself ended and 1
    where its time limit was reached, so that an agent bootstraps from there. The ``step`` after a ``LAST`` time step begins the
    next episode and ignores its action; so does the first ``step`` of all.

    Args:
        env: an id, a spec or an environment, with wrappers of :mod:`jaxenv.wrappers` or without.
        params: its parameters; None means ``env.default_params``.
        seed: an integer from 0; all that is played depends on it and on the actions alone. None draws one.
        wrap: a function from the environment to one with wrappers around it, such as a wrapper's class.
        **overrides: what ``jaxenv.make`` takes: fields of the environment and leaves of its params.
    """

    def __init__(
        self,
        env: str | EnvSpec | Environment[Any, Any],
        params: Any = None,
        *,
        seed: int | None = None,
        wrap: Callable[[Any], Environment[Any, Any]] | None = None,
        **overrides: Any,
    ) -> None:
        ours, params = build(env, params, wrap, overrides)
        self._batch = Batch(ours, params, 1, "never")
        self._seed = int(np.random.default_rng().integers(2**63)) if seed is None else checked_seed(seed)
        self._action_space, self._observation_space = ours.action_space(params), ours.observation_space(params)
        self._reset_next = True

    @property
    def env(self) -> Environment[Any, Any]:
        """Our environment."""
        return self._batch.env

    @property
    def state(self) -> Any:
        """Its state: a tree of arrays of JAX, as ``env.step`` takes it."""
        import jax

        return jax.tree.map(lambda leaf: leaf[0], self._batch.state)

    def reset(self) -> dm_env.TimeStep:
        """Begin an episode, the next one after whichever there was."""
        if self._batch.begun:
            self._batch.reset()
        else:
            self._batch.seed([self._seed])
        self._reset_next = False
        return dm_env.restart(_member(self._observation_space, self._batch.out.obs))

    def step(self, action: Any) -> dm_env.TimeStep:
        """Take a step, or begin an episode where there is none or it ended."""
        if self._reset_next:
            return self.reset()
        try:
            self._batch.step(_batched(self._action_space, action))
        except _actions.FAILURES:
            _actions.explain(self.env.name, self._action_space, action)
            raise
        out = self._batch.out
        obs, reward = _member(self._observation_space, out.obs), out.reward[0]
        self._reset_next = bool(out.done[0])
        if out.terminated[0]:
            return dm_env.termination(reward, obs)
        return (dm_env.truncation if self._reset_next else dm_env.transition)(reward, obs, discount=1.0)

    def observation_spec(self) -> Any:
        """Return the spec of observations."""
        return to_spec(self._observation_space, "observation")

    def action_spec(self) -> Any:
        """Return the spec of actions."""
        return to_spec(self._action_space, "action")

    def reward_spec(self) -> specs.Array:
        """Return the spec of rewards: a float32."""
        return specs.Array((), np.float32, "reward")


def to_spec(space: spaces.Space, name: str | None = None) -> Any:
    """Make the spec with the same members as a space.

    Choices that begin at 0 are a ``DiscreteArray``, everything else is a ``BoundedArray``.

    Args:
        space: a space of ``jaxenv.spaces``.
        name: the name of the spec.

    Returns:
        The spec; a tuple or a dict of specs for a space of several parts.

    Raises:
        SpaceConversionError: the space is of another type.
    """
    match space:
        case spaces.Discrete() if space.start == 0:
            dtype: Any = space.dtype
            return specs.DiscreteArray(space.n, dtype, name)
        case spaces.Discrete():
            return specs.BoundedArray((), space.dtype, space.start, space.start + space.n - 1, name)
        case spaces.MultiDiscrete():
            return specs.BoundedArray(space.shape, space.dtype, 0, np.asarray(space.nvec) - 1, name)
        case spaces.MultiBinary():
            return specs.BoundedArray(space.shape, space.dtype, 0, 1, name)
        case spaces.Box():
            return specs.BoundedArray(space.shape, space.dtype, np.asarray(space.low), np.asarray(space.high), name)
        case spaces.Tuple():
            return tuple(to_spec(part, f"{name}_{index}") for index, part in enumerate(space))
        case spaces.Dict():
            return {key: to_spec(part, key) for key, part in space.items()}
        case _:
            raise SpaceConversionError(f"{space!r} has no counterpart in dm_env. Use the spaces of jaxenv.spaces.")


def _member(space: spaces.Space, obs: Any) -> Any:
    """Return the only observation of a batch, to be written into by whoever wants to."""
    if isinstance(space, spaces.Tuple):
        return tuple(_member(part, value) for part, value in zip(space, obs, strict=True))
    if isinstance(space, spaces.Dict):
        return {name: _member(part, obs[name]) for name, part in space.items()}
    return np.array(obs[0])


def _batched(space: spaces.Space, action: Any) -> Any:
    """Return an action as a batch of one."""
    if isinstance(space, spaces.Tuple):
        return tuple(_batched(part, value) for part, value in zip(space, action, strict=True))
    if isinstance(space, spaces.Dict):
        return {name: _batched(part, action[name]) for name, part in space.items()}
    array: Any = action if hasattr(action, "shape") else np.asarray(action)
    shape: Any = space.shape
    if array.size != np.prod(shape, dtype=int):
        raise ActionBatchError(array.shape, shape)
    return array.reshape(1, *shape)
