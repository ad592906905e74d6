"""The tasks whose rewards some experiments blur with noise or stretch by a factor, as functions that ``make`` can call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from jaxenv import Environment
from jaxenv.wrappers import RewardNoise, ScaleReward

from jaxenv_bsuite.bandit import SimpleBandit
from jaxenv_bsuite.cartpole import Cartpole
from jaxenv_bsuite.catch import Catch
from jaxenv_bsuite.mnist_bandit import MNISTBandit
from jaxenv_bsuite.mountain_car import MountainCar

_Factory = Callable[..., Environment[Any, Any]]


def _within(wrapper: type[RewardNoise] | type[ScaleReward], task: _Factory) -> _Factory:
    def make(**fields: Any) -> Environment[Any, Any]:
        return wrapper(task(**fields), 1.0)

    cast("Any", make).__signature__ = inspect.signature(task)  # so that make() knows the fields of the task
    return make


SimpleBandit_noise, SimpleBandit_scale = _within(RewardNoise, SimpleBandit), _within(ScaleReward, SimpleBandit)
Cartpole_noise, Cartpole_scale = _within(RewardNoise, Cartpole), _within(ScaleReward, Cartpole)
Catch_noise, Catch_scale = _within(RewardNoise, Catch), _within(ScaleReward, Catch)
MNISTBandit_noise, MNISTBandit_scale = _within(RewardNoise, MNISTBandit), _within(ScaleReward, MNISTBandit)
MountainCar_noise, MountainCar_scale = _within(RewardNoise, MountainCar), _within(ScaleReward, MountainCar)
