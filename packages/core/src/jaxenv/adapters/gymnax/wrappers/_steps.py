"""What several wrappers need: both flags and the final observation of a step, and the state beneath."""

from __future__ import annotations

import copy
from typing import Any

from jax import Array

from jaxenv.adapters.gymnax.environments.adapted import AdaptedEnvironment
from jaxenv.adapters.gymnax.wrappers.purerl import LogWrapper

Step = tuple[Any, Any, Any, Any, Any, dict[str, Any]]


def telling_all(env: Any) -> Any:
    """Return a copy of an environment, wrapped or not, that tells the final observation.

    Its ``step`` returns six values if an environment of :func:`~jaxenv.adapters.gymnax.make` is beneath.
    """
    env = copy.copy(env)
    if isinstance(env, AdaptedEnvironment):
        env.step_values = 6
    elif "_env" in vars(env):
        env._env = telling_all(env._env)
        if isinstance(env, LogWrapper):
            env._final_observation = True
    return env


def step(env: Any, key: Array, state: Any, action: Any, params: Any) -> Step:
    """Take a step; an environment that returns five values calls every end a termination, and its ``obs`` the final one."""
    obs, state, reward, *flags, info = env.step(key, state, action, params)
    terminated, truncated = flags if len(flags) == 2 else (flags[0], flags[0] & ~flags[0])
    return obs, state, reward, terminated, truncated, {"final_observation": obs, **info}


def own_state(state: Any) -> Any:
    """Return the environment's state within those of gymnax's wrappers."""
    while hasattr(state, "env_state") and not hasattr(state, "time"):
        state = state.env_state
    return state
