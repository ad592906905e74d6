"""Wrappers: environments made from environments. One wrapper a file.

Names and meanings are Gymnasium's where Gymnasium has them. Numeric settings that a user may vary are leaves of the wrapped
parameters (``params.scale``), beside the environment's own (``params.env_params``); the constructor sets their defaults.

=============================================  =====================================================================
observations                                   FlattenObservation, FrameStackObservation, DelayObservation,
                                               TimeAwareObservation, NormalizeObservation, RescaleObservation,
                                               DtypeObservation, TransformObservation, PreviousActionAndReward,
                                               PixelObservation
actions                                        ClipAction, RescaleAction, DiscretizeAction, StickyAction, RepeatAction,
                                               TransformAction
rewards                                        ClipReward, ScaleReward, RewardNoise, NormalizeReward, TransformReward
evaluation with trained statistics             NormalizeObservation.frozen, NormalizeReward.frozen
episodes and batches                           RecordEpisodeStatistics (also called LogWrapper), RandomizeParams,
                                               SelectInfo, Vectorize
to write one's own                             Wrapper, StatefulWrapper, ParametricWrapper, WrapperState, WrapperParams,
                                               RunningStatistics
=============================================  =====================================================================
"""

from jaxenv.wrappers.base import ParametricWrapper, StatefulWrapper, Wrapper, WrapperParams, WrapperState
from jaxenv.wrappers.clip_action import ClipAction
from jaxenv.wrappers.clip_reward import ClipReward
from jaxenv.wrappers.delay_observation import DelayObservation
from jaxenv.wrappers.discretize_action import DiscretizeAction
from jaxenv.wrappers.dtype_observation import DtypeObservation
from jaxenv.wrappers.flatten_observation import FlattenObservation
from jaxenv.wrappers.frame_stack_observation import FrameStackObservation
from jaxenv.wrappers.frozen import FrozenNormalizeObservation, FrozenNormalizeReward
from jaxenv.wrappers.normalize_observation import NormalizeObservation
from jaxenv.wrappers.normalize_reward import NormalizeReward
from jaxenv.wrappers.pixel_observation import PixelObservation
from jaxenv.wrappers.previous_action_and_reward import PreviousActionAndReward
from jaxenv.wrappers.randomize_params import RandomizeParams
from jaxenv.wrappers.record_episode_statistics import LogWrapper, RecordEpisodeStatistics
from jaxenv.wrappers.repeat_action import RepeatAction
from jaxenv.wrappers.rescale_action import RescaleAction
from jaxenv.wrappers.rescale_observation import RescaleObservation
from jaxenv.wrappers.reward_noise import RewardNoise
from jaxenv.wrappers.scale_reward import ScaleReward
from jaxenv.wrappers.select_info import SelectInfo
from jaxenv.wrappers.statistics import RunningStatistics
from jaxenv.wrappers.sticky_action import StickyAction
from jaxenv.wrappers.time_aware_observation import TimeAwareObservation
from jaxenv.wrappers.transform_action import TransformAction
from jaxenv.wrappers.transform_observation import TransformObservation
from jaxenv.wrappers.transform_reward import TransformReward
from jaxenv.wrappers.vectorize import Vectorize

__all__ = [
    "ClipAction",
    "ClipReward",
    "DelayObservation",
    "DiscretizeAction",
    "DtypeObservation",
    "FlattenObservation",
    "FrameStackObservation",
    "FrozenNormalizeObservation",
    "FrozenNormalizeReward",
    "LogWrapper",
    "NormalizeObservation",
    "NormalizeReward",
    "ParametricWrapper",
    "PixelObservation",
    "PreviousActionAndReward",
    "RandomizeParams",
    "RecordEpisodeStatistics",
    "RepeatAction",
    "RescaleAction",
    "RescaleObservation",
    "RewardNoise",
    "RunningStatistics",
    "ScaleReward",
    "SelectInfo",
    "StatefulWrapper",
    "StickyAction",
    "TimeAwareObservation",
    "TransformAction",
    "TransformObservation",
    "TransformReward",
    "Vectorize",
    "Wrapper",
    "WrapperParams",
    "WrapperState",
]
