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
    MemoryLimitError,
    NoControlsError,
    NoOracleError,
    NoTerminalError,
    NothingToCheckError,
    PluginNameError,
    PluginTakenError,
    ProjectExistsError,
    SettingError,
)
from jaxenv.errors.conformance import ConformanceError, UnknownCheckError
from jaxenv.errors.engine import EngineSettingError, JaxenvPerformanceWarning
from jaxenv.errors.pictures import CumRewardsError, EncoderMissingError, OutputFileError, PictureFormatError, StateSequenceError
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
    KeyTypeError,
    ParamsLeafError,
    ParamsTypeError,
    RenderNotSupportedError,
    StateMismatchError,
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
    UnknownNamespaceError,
    UnknownOverrideError,
)
from jaxenv.errors.rollouts import (
    RolloutArgumentError,
    RolloutEnvError,
    RolloutFusedError,
    RolloutLengthError,
    RolloutMeshError,
    RolloutStateError,
)
from jaxenv.errors.spaces import FrozenSpaceError, MissingExtraError, SpaceConversionError, SpaceDefinitionError, SpaceMismatchError
from jaxenv.errors.wrappers import WrappedTypeError, WrapperSettingError, WrapperSpaceError

__all__ = [
    "AmbiguousEnvError",
    "AmbiguousOverrideError",
    "BenchmarkBaselineError",
    "BenchmarkPeerError",
    "BenchmarkPolicyError",
    "CommandClashError",
    "ConformanceError",
    "ConstructionError",
    "CumRewardsError",
    "DiscoveryError",
    "DuplicateNameError",
    "EncoderMissingError",
    "EngineSettingError",
    "EntryPointError",
    "FrozenSpaceError",
    "HookResultError",
    "IntegerRangeError",
    "InvalidCommandError",
    "InvalidSpecError",
    "JaxenvError",
    "JaxenvPerformanceWarning",
    "KeyTypeError",
    "MemoryLimitError",
    "MissingExtraError",
    "NamespaceClashError",
    "NamespaceError",
    "NoControlsError",
    "NoHookError",
    "NoOracleError",
    "NoTerminalError",
    "NothingToCheckError",
    "OutputFileError",
    "OverrideValueError",
    "ParamsLeafError",
    "ParamsTypeError",
    "PictureFormatError",
    "PluginError",
    "PluginNameError",
    "PluginTakenError",
    "PluginWarning",
    "ProjectExistsError",
    "RandomSizeError",
    "RegisterTypeError",
    "RenderNotSupportedError",
    "RolloutArgumentError",
    "RolloutEnvError",
    "RolloutFusedError",
    "RolloutLengthError",
    "RolloutMeshError",
    "RolloutStateError",
    "SeedRangeError",
    "SeedTypeError",
    "SettingError",
    "SpaceConversionError",
    "SpaceDefinitionError",
    "SpaceMismatchError",
    "StateMismatchError",
    "StateSequenceError",
    "TransitionValueError",
    "UnavailableEnvError",
    "UnknownCheckError",
    "UnknownContenderError",
    "UnknownEnvError",
    "UnknownNamespaceError",
    "UnknownOverrideError",
    "WrappedTypeError",
    "WrapperSettingError",
    "WrapperSpaceError",
]
