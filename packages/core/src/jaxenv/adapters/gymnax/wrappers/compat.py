"""Five values of a step, for environments that give six."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
from jax import Array

from jaxenv.adapters.gymnax.wrappers.purerl import GymnaxWrapper


class LegacyStepAPIWrapper(GymnaxWrapper):
    """An environment whose ``step`` returns five values, whether that of ``env`` returns five or six; ``info`` stays as it is."""

    step_values = 5

    @partial(jax.jit, static_argnames=("self",))
    def reset(self, key: Array, params: Any = None) -> tuple[Any, Any]:
        """Begin an episode."""
        return self._env.reset(key, params)

    @partial(jax.jit, static_argnames=("self",))
    def step(self, key: Array, state: Any, action: Any, params: Any = None) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take a step: ``(obs, state, reward, done, info)``."""
        obs, state, reward, *flags, info = self._env.step(key, state, action, params)
        return obs, state, reward, flags[0] if len(flags) == 1 else flags[0] | flags[1], info
