"""What is trained for: an environment with its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from flax import struct
from jaxenv import spaces
from jaxenv.environment import NO_TIME_LIMIT, Environment


@struct.dataclass
class Task:
    """An environment and its parameters. Its shape is static, so it may be an argument of a jitted function."""

    env: Environment[Any, Any] = struct.field(pytree_node=False)
    """The environment."""
    params: Any
    """Its parameters, one set."""
    time_limit: int | None = struct.field(pytree_node=False)
    """Steps after which an episode is truncated, at the least; None if none ever is."""
    observation_space: spaces.Space = struct.field(pytree_node=False)
    """The space of observations; its bounds are known numbers, also where the params are traced."""
    action_space: spaces.Space = struct.field(pytree_node=False)
    """The space of actions."""

    @classmethod
    def of(cls, env: Environment[Any, Any], params: Any) -> Task:
        """Return the task of an environment and its params, whose numbers are known."""
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
