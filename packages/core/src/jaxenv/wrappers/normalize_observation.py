"""Observations of mean 0 and variance 1."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import spaces
from jaxenv.environment import Environment, Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.wrappers.base import StatefulWrapper, WrapperState
from jaxenv.wrappers.frozen import FrozenNormalizeObservation, normalized
from jaxenv.wrappers.statistics import RunningStatistics


@struct.dataclass
class NormalizeObservationState(WrapperState):
    """State of :class:`NormalizeObservation`."""

    statistics: RunningStatistics
    """Mean and variance of every element of the observation; they outlive episodes."""
    pending: Array
    """Whether the observation of this state waits to be counted, bool[]; only where statistics are shared."""


class NormalizeObservation(StatefulWrapper):
    """Subtract the running mean from every element of the observation and divide by its running standard deviation.

    Every observation counts once, before it is normalised: the ones that begin and the ones that end an episode too. The
    statistics are those of Gymnasium's wrapper, whose prior (mean 0, variance 1, weight 1e-4) they begin with, and they are kept
    over resets. Observations are float32 and unbounded; those of the wrapped environment must be a ``Box``.

    Each environment has statistics of its own, under ``jax.vmap`` too, unless ``axis_name`` names the mapped axis (as in
    ``flax.linen.BatchNorm``): then all lanes count together. ``Vectorize`` calls its axis "envs". There, an observation that
    begins an episode is counted together with the step that follows it. It stores what its lanes share once.

    To evaluate, take the statistics out of a training state and put them into an environment: a reset begins with fresh ones.

    >>> training = NormalizeObservation(env)
    >>> obs, state = training.reset(jax.random.key(0))
    >>> evaluation = NormalizeObservation.frozen(env, state)  # plays with the statistics of a training state, unchanged
    """

    epsilon: float = 1e-8
    """Added to the variance before its root is taken."""
    update_running_mean: bool = True
    """Whether new observations are counted."""
    axis_name: str | None = None
    """The mapped axis over which the statistics are shared; ``None`` shares nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        advice = "Put FlattenObservation around the environment first."
        self.require_box("observation", "bool", "integer", "float", advice=advice)
        if self.epsilon < 0:
            raise WrapperSettingError(f"NormalizeObservation got epsilon = {self.epsilon}. Pass a number of at least 0.")

    @classmethod
    def statistics(cls, state: Any) -> RunningStatistics:
        """Return the statistics within a state. Those of a batch are merged into one.

        Args:
            state: a state of an environment with this wrapper, in any layer, or a batch of states.
        """
        return RunningStatistics.of(state, NormalizeObservationState)

    @classmethod
    def frozen(cls, env: Environment[Any, Any], state: Any, epsilon: float = 1e-8) -> FrozenNormalizeObservation:
        """Return ``env`` with observations normalised by the statistics of a training run, which stay as they are.

        Args:
            env: the environment within, without this wrapper.
            state: a state of training, of one environment or of a batch, with further wrappers or not; or its statistics.
            epsilon: what the training added to the variance.

        To evaluate with newer statistics without another compilation, replace the leaf:
        ``env.default_params.replace(statistics=NormalizeObservation.statistics(state))``.
        """
        return FrozenNormalizeObservation(env, state if isinstance(state, RunningStatistics) else cls.statistics(state), epsilon)

    def lane_axes(self, state: Any, axis_name: str) -> Any:
        axes = super().lane_axes(state, axis_name)
        return axes.replace(statistics=None) if self.axis_name == axis_name else axes

    def begin(self, env_state: Any, params: Any) -> NormalizeObservationState:
        shape = self.env.observation_space(self.inner_params(params)).shape
        return NormalizeObservationState(env_state, RunningStatistics.empty(shape), jnp.asarray(False))

    def init(self, key: Array, params: Any) -> NormalizeObservationState:
        return self._count(super().init(key, params), params)

    def keep(self, begun: Any, ended: NormalizeObservationState, params: Any) -> NormalizeObservationState:
        state = begun.replace(statistics=ended.statistics)
        # A reset happens in some lanes only, and there the lanes cannot count together.
        return self._count(state, params) if self.axis_name is None else state.replace(pending=jnp.asarray(True))

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        if self.axis_name is not None:
            state = self._count(state, params, counted=state.pending)
        state = state.replace(env_state=out.state, pending=jnp.asarray(False))
        return out.replace(state=self._count(state, params))  # type: ignore[attr-defined]

    def observe(self, state: Any, params: Any) -> Array:
        return normalized(self.inner_observation(state.env_state, params), state.statistics, self.epsilon)

    def observation_space(self, params: Any) -> spaces.Box:
        return spaces.Box(-math.inf, math.inf, self.env.observation_space(self.inner_params(params)).shape)

    def _count(self, state: NormalizeObservationState, params: Any, counted: Array | bool = True) -> Any:
        if not self.update_running_mean:
            return state
        observation = self.inner_observation(state.env_state, params)
        return state.replace(statistics=state.statistics.update(observation, counted, self.axis_name))  # type: ignore[attr-defined]
