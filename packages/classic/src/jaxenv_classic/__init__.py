"""Classic control, step for step Gymnasium's: CartPole, Pendulum, Acrobot, MountainCar and MountainCarContinuous."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv_classic.acrobot import Acrobot, AcrobotParams, AcrobotState
    from jaxenv_classic.cartpole import CartPole, CartPoleParams, CartPoleState
    from jaxenv_classic.mountain_car import MountainCar
    from jaxenv_classic.mountain_car_continuous import MountainCarContinuous, MountainCarContinuousParams
    from jaxenv_classic.pendulum import Pendulum, PendulumParams, PendulumState
    from jaxenv_classic.valley import MountainCarParams, MountainCarState

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

__getattr__, __dir__ = exports(
    __name__,
    acrobot=("Acrobot", "AcrobotParams", "AcrobotState"),
    cartpole=("CartPole", "CartPoleParams", "CartPoleState"),
    mountain_car=("MountainCar",),
    mountain_car_continuous=("MountainCarContinuous", "MountainCarContinuousParams"),
    pendulum=("Pendulum", "PendulumParams", "PendulumState"),
    valley=("MountainCarParams", "MountainCarState"),
)
