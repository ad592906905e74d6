"""gymnax's wrappers. Those for Gymnasium, dm_env and Brax are in modules of their own, which need these libraries."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jaxenv.adapters.gymnax.wrappers import compat, purerl
from jaxenv.adapters.gymnax.wrappers.compat import LegacyStepAPIWrapper
from jaxenv.adapters.gymnax.wrappers.purerl import FlattenObservationWrapper, LogWrapper, StickyActionWrapper

if TYPE_CHECKING:
    from jaxenv.adapters.gymnax.wrappers.dm_env import GymnaxToDmEnvWrapper
    from jaxenv.adapters.gymnax.wrappers.gym import GymnaxToGymWrapper, GymnaxToVectorGymWrapper

__all__ = [
    "FlattenObservationWrapper",
    "GymnaxToDmEnvWrapper",
    "GymnaxToGymWrapper",
    "GymnaxToVectorGymWrapper",
    "LegacyStepAPIWrapper",
    "LogWrapper",
    "StickyActionWrapper",
    "compat",
    "purerl",
]

_MODULE_OF = {"GymnaxToDmEnvWrapper": "dm_env", "GymnaxToGymWrapper": "gym", "GymnaxToVectorGymWrapper": "gym"}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
