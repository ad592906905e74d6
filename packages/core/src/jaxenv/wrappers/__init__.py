"""Wrappers: environments made from environments. One wrapper a file."""

from jaxenv.wrappers.base import ParametricWrapper, StatefulWrapper, Wrapper, WrapperParams, WrapperState
from jaxenv.wrappers.reward_noise import RewardNoise
from jaxenv.wrappers.scale_reward import ScaleReward

__all__ = [
    "ParametricWrapper",
    "RewardNoise",
    "ScaleReward",
    "StatefulWrapper",
    "Wrapper",
    "WrapperParams",
    "WrapperState",
]
