"""Every exception of jaxenv and every message it can carry.

A message is a sentence that ends in an action: what was given, what was expected, what to do. Each class derives from
:class:`JaxenvError` and from the builtin that a caller would expect to catch. One file for each room of the package, and all
of them are named here.
"""

from __future__ import annotations

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.benchmark import BenchmarkBaselineError, BenchmarkPeerError, BenchmarkPolicyError, UnknownContenderError
from jaxenv.errors.command_line import (
    CommandClashError,
    NoControlsError,
    NoOracleError,
    NoTerminalError,
    NothingToCheckError,
    PluginNameError,
    ProjectExistsError,
    SettingError,
)
from jaxenv.errors.conformance import ConformanceError, UnknownCheckError
from jaxenv.errors.pictures import CumRewardsError, EncoderMissingError, PictureFormatError, StateSequenceError
from jaxenv.errors.plugins import (
    DiscoveryError,
    DuplicateNameError,
    HookResultError,
    InvalidCommandError,
    InvalidSpecError,
    NamespaceClashError,
    NamespaceError,
    NoHookError,
    PluginError,
    PluginWarning,
)
from jaxenv.errors.protocol import (
    ArgumentTypeError,
    BatchError,
    CheckError,
    EnvironmentTypeError,
    KeyTypeError,
    ParamsLeafError,
    ParamsTypeError,
    RangeError,
    RenderNotSupportedError,
    StateMismatchError,
    StateTypeError,
    TracedParamError,
    TransitionValueError,
)
from jaxenv.errors.random import IntegerRangeError, RandomSizeError, SeedRangeError, SeedTypeError
from jaxenv.errors.registry import (
    AmbiguousEnvError,
    AmbiguousOverrideError,
    ConstructionError,
    EntryPointError,
    OverrideValueError,
    RegisterTypeError,
    UnavailableEnvError,
    UnknownEnvError,
    UnknownOverrideError,
)
from jaxenv.errors.rollouts import RolloutArgumentError, RolloutEnvError, RolloutFusedError, RolloutLengthError, RolloutMeshError
from jaxenv.errors.spaces import FrozenSpaceError, MissingExtraError, SpaceConversionError, SpaceDefinitionError, SpaceMismatchError
from jaxenv.errors.wrappers import WrappedTypeError, WrapperSettingError, WrapperSpaceError

__all__ = [
    "AmbiguousEnvError",
    "AmbiguousOverrideError",
    "ArgumentTypeError",
    "BatchError",
    "BenchmarkBaselineError",
    "BenchmarkPeerError",
    "BenchmarkPolicyError",
    "CheckError",
    "CommandClashError",
    "ConformanceError",
    "ConstructionError",
    "CumRewardsError",
    "DiscoveryError",
    "DuplicateNameError",
    "EncoderMissingError",
    "EntryPointError",
    "EnvironmentTypeError",
    "FrozenSpaceError",
    "HookResultError",
    "IntegerRangeError",
    "InvalidCommandError",
    "InvalidSpecError",
    "JaxenvError",
    "KeyTypeError",
    "MissingExtraError",
    "NamespaceClashError",
    "NamespaceError",
    "NoControlsError",
    "NoHookError",
    "NoOracleError",
    "NoTerminalError",
    "NothingToCheckError",
    "OverrideValueError",
    "ParamsLeafError",
    "ParamsTypeError",
    "PictureFormatError",
    "PluginError",
    "PluginNameError",
    "PluginWarning",
    "ProjectExistsError",
    "RandomSizeError",
    "RangeError",
    "RegisterTypeError",
    "RenderNotSupportedError",
    "RolloutArgumentError",
    "RolloutEnvError",
    "RolloutFusedError",
    "RolloutLengthError",
    "RolloutMeshError",
    "SeedRangeError",
    "SeedTypeError",
    "SettingError",
    "SpaceConversionError",
    "SpaceDefinitionError",
    "SpaceMismatchError",
    "StateMismatchError",
    "StateSequenceError",
    "StateTypeError",
    "TracedParamError",
    "TransitionValueError",
    "UnavailableEnvError",
    "UnknownCheckError",
    "UnknownContenderError",
    "UnknownEnvError",
    "UnknownOverrideError",
    "WrappedTypeError",
    "WrapperSettingError",
    "WrapperSpaceError",
]
