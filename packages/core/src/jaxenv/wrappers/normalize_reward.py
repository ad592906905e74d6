"""Rewards scaled so that discounted returns have variance 1."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import ranges
from jaxenv.environment import Environment, Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.wrappers.base import ParametricWrapper, StatefulWrapper, WrapperParams, WrapperState
from jaxenv.wrappers.frozen import FrozenNormalizeReward, scaled
from jaxenv.wrappers.statistics import RunningStatistics


@struct.dataclass
class NormalizeRewardState(WrapperState):
    """State of :class:`NormalizeReward`."""

    statistics: RunningStatistics
    """Mean and variance of the discounted return; they outlive episodes."""
    discounted_return: Array
    """The discounted sum of the rewards so far; it outlives episodes that did not terminate."""


@struct.dataclass
class NormalizeRewardParams(WrapperParams):
    """Parameters of :class:`NormalizeReward`."""

    gamma: Array | float = ranges.number(0.99, at_least=0, at_most=1)
    """The discount of the return whose variance is taken, in [0, 1]."""


class NormalizeReward(StatefulWrapper, ParametricWrapper):
    """Divide every reward by the running standard deviation of the discounted return.

    The return is Gymnasium's: ``g = gamma * g * (1 - terminated) + reward``, so the step that terminates an episode already
    begins a new sum, and a time limit begins none. Its statistics begin with the prior of mean 0, variance 1 and weight 1e-4.
    Rewards are not centred.

    Each environment has statistics of its own, under ``jax.vmap`` too, unless ``axis_name`` names the mapped axis: then all lanes
    count together. ``Vectorize`` calls its axis "envs".

    >>> training = NormalizeReward(env, gamma=0.999)
    >>> obs, state = training.reset(jax.random.key(0))
    >>> evaluation = NormalizeReward.frozen(env, state)  # divides by what a training state has, unchanged
    """

    gamma: float = 0.99
    """The default of the parameter ``gamma``."""
    epsilon: float = 1e-8
    """Added to the variance before its root is taken."""
    update_running_mean: bool = True
    """Whether new returns are counted."""
    axis_name: str | None = None
    """The mapped axis over which the statistics are shared; ``None`` shares nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.gamma <= 1:
            raise WrapperSettingError(f"NormalizeReward got gamma = {self.gamma}. Pass a discount between 0 and 1.")
        if self.epsilon < 0:
            raise WrapperSettingError(f"NormalizeReward got epsilon = {self.epsilon}. Pass a number of at least 0.")

    @property
    def default_params(self) -> NormalizeRewardParams:
        return NormalizeRewardParams(env_params=self.env.default_params, gamma=self.gamma)

    @classmethod
    def statistics(cls, state: Any) -> RunningStatistics:
        """Return the statistics within a state. Those of a batch are merged into one.

        Args:
            state: a state of an environment with this wrapper, in any layer, or a batch of states.
        """
        return RunningStatistics.of(state, NormalizeRewardState)

    @classmethod
    def frozen(cls, env: Environment[Any, Any], state: Any, epsilon: float = 1e-8) -> FrozenNormalizeReward:
        """Return ``env`` with rewards divided by the standard deviation of a training run, which stays as it is.

        Args:
            env: the environment within, without this wrapper.
            state: a state of training, of one environment or of a batch, with further wrappers or not; or its statistics.
            epsilon: what the training added to the variance.
        """
        return FrozenNormalizeReward(env, state if isinstance(state, RunningStatistics) else cls.statistics(state), epsilon)

    def lane_axes(self, state: Any, axis_name: str) -> Any:
        axes = super().lane_axes(state, axis_name)
        return axes.replace(statistics=None) if self.axis_name == axis_name else axes

    def begin(self, env_state: Any, params: Any) -> NormalizeRewardState:
        return NormalizeRewardState(env_state, RunningStatistics.empty(()), jnp.zeros((), jnp.result_type(float)))

    def keep(self, begun: Any, ended: NormalizeRewardState, params: Any) -> NormalizeRewardState:
        return begun.replace(statistics=ended.statistics, discounted_return=ended.discounted_return)

    def transition(self, key: Array, state: Any, action: Any, params: NormalizeRewardParams) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        reward = jnp.asarray(out.reward).astype(state.discounted_return.dtype)
        discounted_return = jnp.where(out.terminated, 0.0, state.discounted_return * params.gamma) + reward
        statistics = state.statistics
        if self.update_running_mean:
            statistics = statistics.update(discounted_return, axis_name=self.axis_name)
        return out.replace(  # type: ignore[attr-defined]
            state=NormalizeRewardState(out.state, statistics, discounted_return),
            reward=scaled(reward, statistics, self.epsilon),
        )
