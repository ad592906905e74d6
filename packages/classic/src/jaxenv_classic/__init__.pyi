from .acrobot import Acrobot as Acrobot, AcrobotParams as AcrobotParams, AcrobotState as AcrobotState
from .cartpole import CartPole as CartPole, CartPoleParams as CartPoleParams, CartPoleState as CartPoleState
from .mountain_car import MountainCar as MountainCar
from .mountain_car_continuous import (
    MountainCarContinuous as MountainCarContinuous,
    MountainCarContinuousParams as MountainCarContinuousParams,
)
from .pendulum import Pendulum as Pendulum, PendulumParams as PendulumParams, PendulumState as PendulumState
from .valley import MountainCarParams as MountainCarParams, MountainCarState as MountainCarState
