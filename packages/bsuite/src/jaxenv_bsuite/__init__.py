"""The whole Behaviour Suite for jaxenv: ten tasks, 23 experiments, 468 ids, and the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv_bsuite.bandit import SimpleBandit
    from jaxenv_bsuite.base import BsuiteEnvironment, bsuite_info
    from jaxenv_bsuite.cartpole import Cartpole
    from jaxenv_bsuite.cartpole_swingup import CartpoleSwingup
    from jaxenv_bsuite.catch import Catch
    from jaxenv_bsuite.deep_sea import DeepSea
    from jaxenv_bsuite.discounting_chain import DiscountingChain
    from jaxenv_bsuite.experiments import Batch, load_batches, load_experiment, load_from_id
    from jaxenv_bsuite.memory_chain import MemoryChain
    from jaxenv_bsuite.mnist_bandit import MNISTBandit
    from jaxenv_bsuite.mountain_car import MountainCar
    from jaxenv_bsuite.sweep import EPISODES, EXPERIMENTS, SETTINGS, SWEEP, TAGS, TESTING
    from jaxenv_bsuite.umbrella_chain import UmbrellaChain

__all__ = [
    "EPISODES",
    "EXPERIMENTS",
    "SETTINGS",
    "SWEEP",
    "TAGS",
    "TESTING",
    "Batch",
    "BsuiteEnvironment",
    "Cartpole",
    "CartpoleSwingup",
    "Catch",
    "DeepSea",
    "DiscountingChain",
    "MNISTBandit",
    "MemoryChain",
    "MountainCar",
    "SimpleBandit",
    "UmbrellaChain",
    "bsuite_info",
    "load_batches",
    "load_experiment",
    "load_from_id",
]

__getattr__, __dir__ = exports(
    __name__,
    bandit=("SimpleBandit",),
    base=("BsuiteEnvironment", "bsuite_info"),
    cartpole=("Cartpole",),
    cartpole_swingup=("CartpoleSwingup",),
    catch=("Catch",),
    deep_sea=("DeepSea",),
    discounting_chain=("DiscountingChain",),
    experiments=("Batch", "load_batches", "load_experiment", "load_from_id"),
    memory_chain=("MemoryChain",),
    mnist_bandit=("MNISTBandit",),
    mountain_car=("MountainCar",),
    sweep=("EPISODES", "EXPERIMENTS", "SETTINGS", "SWEEP", "TAGS", "TESTING"),
    umbrella_chain=("UmbrellaChain",),
)
