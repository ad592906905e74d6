"""Observations as one vector."""

from __future__ import annotations

from typing import Any

from jax import Array

from jaxenv import spaces
from jaxenv.wrappers.base import Wrapper


class FlattenObservation(Wrapper):
    """Make one vector of every observation: choices one-hot, arrays in row-major order, parts one after another.

    >>> env = FlattenObservation(env)
    """

    def observe(self, state: Any, params: Any) -> Array:
        return super().observation_space(params).flatten(super().observe(state, params))

    def observation_space(self, params: Any) -> spaces.Box:
        return spaces.flatten_space(super().observation_space(params))
