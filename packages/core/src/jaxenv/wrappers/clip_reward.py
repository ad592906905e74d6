"""Rewards between bounds."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import ranges
from jaxenv.environment import Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.wrappers.base import ParametricWrapper, WrapperParams


@struct.dataclass
class ClipRewardParams(WrapperParams):
    """Parameters of :class:`ClipReward`."""

    min_reward: Array | float = ranges.number(-math.inf, infinite=True)
    """The smallest reward, -inf for no bound."""
    max_reward: Array | float = ranges.number(math.inf, infinite=True)
    """The largest reward, inf for no bound."""


class ClipReward(ParametricWrapper):
    """Clip every reward to [``min_reward``, ``max_reward``], two leaves of the parameters.

    >>> env = ClipReward(env, -1.0, 1.0)
    >>> params = env.default_params.replace(max_reward=2.0)
    """

    min_reward: float | None = ranges.number(None, infinite=True)
    """The default of the parameter ``min_reward``; ``None`` for no bound."""
    max_reward: float | None = ranges.number(None, infinite=True)
    """The default of the parameter ``max_reward``; ``None`` for no bound."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_reward is None and self.max_reward is None:
            raise WrapperSettingError("ClipReward got neither min_reward nor max_reward, so it would change nothing. Pass one.")
        if self.min_reward is not None and self.max_reward is not None and self.min_reward > self.max_reward:
            raise WrapperSettingError(
                f"ClipReward got min_reward = {self.min_reward} above max_reward = {self.max_reward}. Exchange them."
            )

    @property
    def default_params(self) -> ClipRewardParams:
        return ClipRewardParams(
            env_params=self.env.default_params,
            min_reward=-math.inf if self.min_reward is None else float(self.min_reward),
            max_reward=math.inf if self.max_reward is None else float(self.max_reward),
        )

    def advance(self, key: Array, state: Any, action: Any, params: ClipRewardParams) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        low, high = (jnp.asarray(bound, jnp.float32) for bound in (params.min_reward, params.max_reward))
        return out.replace(reward=jnp.clip(out.reward, low, high))  # type: ignore[attr-defined]
