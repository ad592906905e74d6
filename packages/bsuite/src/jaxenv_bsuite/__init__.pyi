from .bandit import SimpleBandit as SimpleBandit
from .base import BsuiteEnvironment as BsuiteEnvironment, bsuite_info as bsuite_info
from .cartpole import Cartpole as Cartpole
from .cartpole_swingup import CartpoleSwingup as CartpoleSwingup
from .catch import Catch as Catch
from .deep_sea import DeepSea as DeepSea
from .discounting_chain import DiscountingChain as DiscountingChain
from .experiments import (
    Batch as Batch,
    load_batches as load_batches,
    load_experiment as load_experiment,
    load_from_id as load_from_id,
)
from .memory_chain import MemoryChain as MemoryChain
from .mnist_bandit import MNISTBandit as MNISTBandit
from .mountain_car import MountainCar as MountainCar
from .sweep import (
    EPISODES as EPISODES,
    EXPERIMENTS as EXPERIMENTS,
    SETTINGS as SETTINGS,
    SWEEP as SWEEP,
    TAGS as TAGS,
    TESTING as TESTING,
)
from .umbrella_chain import UmbrellaChain as UmbrellaChain
