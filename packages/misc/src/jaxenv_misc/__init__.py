"""Mazes, bandits, Reacher, Swimmer, Pong and FrozenLake: small tasks of meta-learning and exploration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv_misc.bernoulli_bandit import BernoulliBandit, BernoulliBanditParams, BernoulliBanditState
    from jaxenv_misc.errors import FieldValueError
    from jaxenv_misc.four_rooms import FourRooms, FourRoomsParams, FourRoomsState
    from jaxenv_misc.frozen_lake import FrozenLake, FrozenLakeParams, FrozenLakeState
    from jaxenv_misc.frozen_lake_maps import MAPS, random_map
    from jaxenv_misc.gaussian_bandit import GaussianBandit, GaussianBanditParams, GaussianBanditState
    from jaxenv_misc.meta_maze import MetaMaze, MetaMazeParams, MetaMazeState
    from jaxenv_misc.point_robot import PointRobot, PointRobotParams, PointRobotState
    from jaxenv_misc.pong import Pong, PongParams, PongState
    from jaxenv_misc.reacher import Reacher, ReacherParams, ReacherState
    from jaxenv_misc.swimmer import Swimmer, SwimmerParams, SwimmerState

__all__ = [
    "MAPS",
    "BernoulliBandit",
    "BernoulliBanditParams",
    "BernoulliBanditState",
    "FieldValueError",
    "FourRooms",
    "FourRoomsParams",
    "FourRoomsState",
    "FrozenLake",
    "FrozenLakeParams",
    "FrozenLakeState",
    "GaussianBandit",
    "GaussianBanditParams",
    "GaussianBanditState",
    "MetaMaze",
    "MetaMazeParams",
    "MetaMazeState",
    "PointRobot",
    "PointRobotParams",
    "PointRobotState",
    "Pong",
    "PongParams",
    "PongState",
    "Reacher",
    "ReacherParams",
    "ReacherState",
    "Swimmer",
    "SwimmerParams",
    "SwimmerState",
    "random_map",
]

__getattr__, __dir__ = exports(
    __name__,
    bernoulli_bandit=("BernoulliBandit", "BernoulliBanditParams", "BernoulliBanditState"),
    errors=("FieldValueError",),
    four_rooms=("FourRooms", "FourRoomsParams", "FourRoomsState"),
    frozen_lake=("FrozenLake", "FrozenLakeParams", "FrozenLakeState"),
    frozen_lake_maps=("MAPS", "random_map"),
    gaussian_bandit=("GaussianBandit", "GaussianBanditParams", "GaussianBanditState"),
    meta_maze=("MetaMaze", "MetaMazeParams", "MetaMazeState"),
    point_robot=("PointRobot", "PointRobotParams", "PointRobotState"),
    pong=("Pong", "PongParams", "PongState"),
    reacher=("Reacher", "ReacherParams", "ReacherState"),
    swimmer=("Swimmer", "SwimmerParams", "SwimmerState"),
)
