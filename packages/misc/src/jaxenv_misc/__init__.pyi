from .bernoulli_bandit import (
    BernoulliBandit as BernoulliBandit,
    BernoulliBanditParams as BernoulliBanditParams,
    BernoulliBanditState as BernoulliBanditState,
)
from .errors import FieldValueError as FieldValueError
from .four_rooms import FourRooms as FourRooms, FourRoomsParams as FourRoomsParams, FourRoomsState as FourRoomsState
from .frozen_lake import FrozenLake as FrozenLake, FrozenLakeParams as FrozenLakeParams, FrozenLakeState as FrozenLakeState
from .frozen_lake_maps import MAPS as MAPS, random_map as random_map
from .gaussian_bandit import (
    GaussianBandit as GaussianBandit,
    GaussianBanditParams as GaussianBanditParams,
    GaussianBanditState as GaussianBanditState,
)
from .meta_maze import MetaMaze as MetaMaze, MetaMazeParams as MetaMazeParams, MetaMazeState as MetaMazeState
from .point_robot import PointRobot as PointRobot, PointRobotParams as PointRobotParams, PointRobotState as PointRobotState
from .pong import Pong as Pong, PongParams as PongParams, PongState as PongState
from .reacher import Reacher as Reacher, ReacherParams as ReacherParams, ReacherState as ReacherState
from .swimmer import Swimmer as Swimmer, SwimmerParams as SwimmerParams, SwimmerState as SwimmerState
