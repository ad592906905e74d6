"""Classic control, step for step Gymnasium's: CartPole, Pendulum, Acrobot, MountainCar and MountainCarContinuous."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxenv_classic.acrobot import Acrobot, AcrobotParams, AcrobotState
    from jaxenv_classic.cartpole import CartPole, CartPoleParams, CartPoleState
    from jaxenv_classic.mountain_car import MountainCar
    from jaxenv_classic.mountain_car_continuous import MountainCarContinuous, MountainCarContinuousParams
    from jaxenv_classic.pendulum import Pendulum, PendulumParams, PendulumState
    from jaxenv_classic.valley import MountainCarParams, MountainCarState

_MODULES = {
    "acrobot": ("Acrobot", "AcrobotParams", "AcrobotState"),
    "cartpole": ("CartPole", "CartPoleParams", "CartPoleState"),
    "mountain_car": ("MountainCar",),
    "mountain_car_continuous": ("MountainCarContinuous", "MountainCarContinuousParams"),
    "pendulum": ("Pendulum", "PendulumParams", "PendulumState"),
    "valley": ("MountainCarParams", "MountainCarState"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Acrobot",
    "AcrobotParams",
    "AcrobotState",
    "CartPole",
    "CartPoleParams",
    "CartPoleState",
    "MountainCar",
    "MountainCarContinuous",
    "MountainCarContinuousParams",
    "MountainCarParams",
    "MountainCarState",
    "Pendulum",
    "PendulumParams",
    "PendulumState",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
