"""Observations and rewards normalised by statistics that stay as they are: for evaluating what was trained with running ones."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import _overrides, ranges, spaces
from jaxenv._jax_compat import is_traced
from jaxenv.environment import Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.errors.wording import short
from jaxenv.wrappers.base import ParametricWrapper, WrapperParams
from jaxenv.wrappers.statistics import RunningStatistics


@struct.dataclass
class FrozenParams(WrapperParams):
    """Parameters of :class:`FrozenNormalizeObservation` and :class:`FrozenNormalizeReward`."""

    statistics: RunningStatistics
    """Mean and variance to normalise by: replace them to evaluate with others, without another compilation."""


class _Frozen(ParametricWrapper):
    """What both share: statistics, as a setting that can be hashed and as the default of a leaf of the params."""

    statistics: Any
    """The default of the parameter ``statistics``."""
    epsilon: float = ranges.number(1e-8, at_least=0)
    """Added to the variance before its root is taken."""

    def __post_init__(self) -> None:
        if not isinstance(self.statistics, RunningStatistics):
            raise WrapperSettingError(
                f"{type(self).__name__} got statistics = {short(self.statistics)}. Pass the RunningStatistics of a training state."
            )
        if any(is_traced(leaf) for leaf in jax.tree.leaves(self.statistics)):
            raise WrapperSettingError(
                f"{type(self).__name__} got statistics that are being traced, which an environment can't hold. "
                "Make the environment outside of jax.jit, and put the statistics into its params there: "
                "params.replace(statistics=statistics)."
            )
        object.__setattr__(self, "statistics", _overrides.freeze(self.statistics))
        super().__post_init__()
        shape, expected = jnp.shape(self._thawed.mean), self._shape
        if shape != expected:
            raise WrapperSettingError(
                f"{type(self).__name__} got statistics of shape {shape}, but {self.env.name} needs {expected}. "
                "Pass statistics that were taken of this environment."
            )

    @property
    def _thawed(self) -> RunningStatistics:
        return _overrides.thaw(self.statistics)

    @property
    def _shape(self) -> tuple[int, ...]:
        return ()

    @property
    def default_params(self) -> FrozenParams:
        return FrozenParams(env_params=self.env.default_params, statistics=self._thawed)


class FrozenNormalizeObservation(_Frozen):
    """Normalise observations as ``NormalizeObservation`` does, by statistics that stay as they are.

    Made by ``NormalizeObservation.frozen(env, state)``, where ``state`` is one of a training run.

    >>> obs, state = NormalizeObservation(env).reset(jax.random.key(0))
    >>> evaluation = NormalizeObservation.frozen(env, state)
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_box("observation", "bool", "integer", "float", advice="Put FlattenObservation around the environment first.")

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.env.observation_space(self.env.default_params).shape

    def observe(self, state: Any, params: FrozenParams) -> Array:
        return normalized(self.inner_observation(state, params), params.statistics, self.epsilon)

    def observation_space(self, params: FrozenParams) -> spaces.Box:
        return spaces.Box(-math.inf, math.inf, self.env.observation_space(self.inner_params(params)).shape)


class FrozenNormalizeReward(_Frozen):
    """Divide rewards as ``NormalizeReward`` does, by statistics that stay as they are.

    Made by ``NormalizeReward.frozen(env, state)``, where ``state`` is one of a training run.

    >>> obs, state = NormalizeReward(env).reset(jax.random.key(0))
    >>> evaluation = NormalizeReward.frozen(env, state)
    """

    def transition(self, key: Array, state: Any, action: Any, params: FrozenParams) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        return out.replace(reward=scaled(jnp.asarray(out.reward), params.statistics, self.epsilon))  # type: ignore[attr-defined]


def normalized(observation: Array, statistics: RunningStatistics, epsilon: float) -> Array:
    """Return an observation less the mean, divided by the standard deviation, float32."""
    observation = observation.astype(statistics.mean.dtype)
    centred = (observation - statistics.mean) - statistics.mean_residual
    return (centred / jnp.sqrt(statistics.variance + epsilon)).astype(jnp.float32)


def scaled(reward: Array, statistics: RunningStatistics, epsilon: float) -> Array:
    """Return a reward divided by the standard deviation, float32."""
    return (reward.astype(statistics.mean.dtype) / jnp.sqrt(statistics.variance + epsilon)).astype(jnp.float32)
