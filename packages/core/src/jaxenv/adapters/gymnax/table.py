"""gymnax's environments: where it keeps them, and what it takes to make ours look like them. No task is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxenv.registry.known import known_distributions


@dataclass(frozen=True)
class Row:
    """One of gymnax's environments."""

    name: str
    """Its id, which is our short id too."""
    module: str
    """Its module, below ``gymnax.environments``."""
    class_name: str
    """Its class."""
    time_limit: int | str | None = None
    """gymnax's time limit where ours is none: a number of steps, or the field that has it."""
    flat: bool = False
    """Whether an observation is a vector where ours has a first axis of length one."""
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields of ours that have another value than by default."""
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Arguments of gymnax's constructor that have other names here."""
    variants: Mapping[str, Mapping[Any, str]] = field(default_factory=dict[str, Mapping[Any, str]])
    """Arguments of gymnax's constructor whose values have ids of their own here: by argument, the id for each value."""
    not_kept: tuple[str, ...] = ()
    """Fields of gymnax's state that have no part in the task, and that ours has not."""

    @property
    def id(self) -> str:
        """Our full id."""
        return full_id(self.name)


def full_id(name: str) -> str:
    """Return the full id of one of our short ids, which stays the same whatever plugins are installed."""
    own = (known.namespace for known in known_distributions() if known.requires is None and name in known.names)
    return "/".join([*own, name])


_ACTIONS = {"use_minimal_action_set": "minimal_actions"}
_MAPS = {"4x4": "FrozenLake-misc", "8x8": "FrozenLake8x8-misc"}

ROWS = (
    Row("CartPole-v1", "classic_control.cartpole", "CartPole"),
    Row("Pendulum-v1", "classic_control.pendulum", "Pendulum", not_kept=("last_u",)),
    Row("Acrobot-v1", "classic_control.acrobot", "Acrobot"),
    Row("MountainCar-v0", "classic_control.mountain_car", "MountainCar"),
    Row("MountainCarContinuous-v0", "classic_control.continuous_mountain_car", "ContinuousMountainCar"),
    Row("Asterix-MinAtar", "minatar.asterix", "MinAsterix", 1000, renamed=_ACTIONS),
    Row("Breakout-MinAtar", "minatar.breakout", "MinBreakout", 1000, renamed=_ACTIONS),
    Row("Freeway-MinAtar", "minatar.freeway", "MinFreeway", 2500, renamed=_ACTIONS),
    Row("Seaquest-MinAtar", "minatar.seaquest", "MinSeaquest", 1000, renamed=_ACTIONS),
    Row("SpaceInvaders-MinAtar", "minatar.space_invaders", "MinSpaceInvaders", 1000, renamed=_ACTIONS),
    Row("Catch-bsuite", "bsuite.catch", "Catch", 1000),
    Row("DeepSea-bsuite", "bsuite.deep_sea", "DeepSea", "size"),
    Row("MemoryChain-bsuite", "bsuite.memory_chain", "MemoryChain", 1000, flat=True),
    Row("UmbrellaChain-bsuite", "bsuite.umbrella_chain", "UmbrellaChain", 100, flat=True),
    Row("DiscountingChain-bsuite", "bsuite.discounting_chain", "DiscountingChain", 100, flat=True),
    Row("MNISTBandit-bsuite", "bsuite.mnist", "MNISTBandit", 1),
    Row("SimpleBandit-bsuite", "bsuite.bandit", "SimpleBandit", 100),
    Row("FourRooms-misc", "misc.rooms", "FourRooms"),
    Row("MetaMaze-misc", "misc.meta_maze", "MetaMaze", renamed={"rf_size": "receptive_field"}),
    Row("PointRobot-misc", "misc.point_robot", "PointRobot"),
    Row("BernoulliBandit-misc", "misc.bernoulli_bandit", "BernoulliBandit"),
    Row("GaussianBandit-misc", "misc.gaussian_bandit", "GaussianBandit"),
    Row("Reacher-misc", "misc.reacher", "Reacher"),
    Row("Swimmer-misc", "misc.swimmer", "Swimmer"),
    Row("Pong-misc", "misc.pong", "Pong", fields={"opponent": "greedy"}),
    Row("FrozenLake-misc", "misc.frozen_lake", "FrozenLake", variants={"map_name": _MAPS}),
)
"""In gymnax's order."""
