"""A task: an environment with its parameters."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from flax import struct
from jaxenv import spaces
from jaxenv.environment import NO_TIME_LIMIT, Environment
from jaxenv.errors import EnvironmentTypeError


@struct.dataclass
class Task:
    """An environment and its parameters, as a pytree whose leaves are the parameters."""

    env: Environment[Any, Any] = struct.field(pytree_node=False)
    """The environment."""
    params: Any
    """Its parameters, one set, not batched."""
    time_limit: int | None = struct.field(pytree_node=False)
    """Smallest number of steps after which an episode is truncated; None if never."""
    observation_space: spaces.Space = struct.field(pytree_node=False)
    """The observation space; its bounds are concrete, even under ``jit``."""
    action_space: spaces.Space = struct.field(pytree_node=False)
    """The action space."""

    @classmethod
    def of(cls, env: Environment[Any, Any], params: Any) -> Task:
        """Return the task of an environment and concrete params.

        Args:
            env: the environment.
            params: its parameters; None means ``default_params``.

        Raises:
            EnvironmentTypeError: ``env`` is not an environment.
        """
        if not isinstance(cast("object", env), Environment):
            raise EnvironmentTypeError("Task.of", env)
        params = env.default_params if params is None else params
        innermost = params
        while not hasattr(innermost, "max_steps_in_episode"):
            innermost = innermost.env_params
        limit = int(np.min(innermost.max_steps_in_episode))
        limit = None if limit == NO_TIME_LIMIT else limit
        return cls(env.without_overrides, params, limit, env.observation_space(params), env.action_space(params))

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.env.name
