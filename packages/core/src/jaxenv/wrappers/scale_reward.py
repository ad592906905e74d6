"""Rewards times a factor."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import ranges
from jaxenv.environment import Transition
from jaxenv.wrappers.base import ParametricWrapper, WrapperParams


@struct.dataclass
class ScaleRewardParams(WrapperParams):
    """Parameters of :class:`ScaleReward`."""

    scale: Array | float = 1.0
    """The factor of every reward."""


class ScaleReward(ParametricWrapper):
    """Multiply every reward by ``scale``, a leaf of the parameters.

    >>> env = ScaleReward(env, 0.1)
    >>> params = env.default_params.replace(scale=0.5)
    """

    scale: float = ranges.number()
    """The default of the parameter ``scale``."""

    @property
    def default_params(self) -> ScaleRewardParams:
        return ScaleRewardParams(env_params=self.env.default_params, scale=self.scale)

    def advance(self, key: Array, state: Any, action: Any, params: ScaleRewardParams) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        return out.replace(reward=out.reward * jnp.asarray(params.scale, jnp.float32))  # type: ignore[attr-defined]
