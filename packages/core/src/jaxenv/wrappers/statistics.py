"""Running mean and variance that stay exact in float32."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array, lax

from jaxenv.errors import WrapperSettingError

_PRIOR_COUNT = 1e-4
"""The weight of the prior, mean 0 and variance 1, that the first values are divided by (Gymnasium's choice)."""
_MOST = 2**31 - 1


@struct.dataclass
class RunningStatistics:
    """Mean and variance of all values seen, by the updates of Chan, Golub & LeVeque (1979).

    The two sums carry along what rounding took from them, so their error does not grow with the number of values. Where an axis
    is named, the values of all its lanes are counted together and every lane holds the same statistics.
    """

    count: Array
    """Values counted, int32[]; stops at 2**31 - 1."""
    mean: Array
    """The mean, as the nearest float."""
    mean_residual: Array
    """What rounding took from the mean."""
    deviation: Array
    """The sum of squared deviations from the mean, the prior's included, as the nearest float."""
    deviation_residual: Array
    """What rounding took from the sum of squared deviations."""

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> RunningStatistics:
        """Return the statistics before any value: mean 0, variance 1.

        Args:
            shape: the shape of a value.
        """
        zeros = jnp.zeros(shape, jnp.result_type(float))
        return cls(jnp.zeros((), jnp.int32), zeros, zeros, zeros + _PRIOR_COUNT, zeros)

    @classmethod
    def of(cls, state: Any, kind: type[Any]) -> RunningStatistics:
        """Return the statistics that a layer of ``state`` holds. Those of a batch are merged into one.

        Args:
            state: a state of a stack of wrappers, or a batch of states.
            kind: the class of the layer's state; the outermost layer of it is meant.

        Raises:
            WrapperSettingError: no layer is of this class.
        """
        layer = state
        while not isinstance(layer, kind):
            if not hasattr(layer, "env_state"):
                raise WrapperSettingError(
                    f"There are no statistics in a state of type {type(state).__name__}: no layer of it is a {kind.__name__}. "
                    "Pass the state of an environment with this wrapper."
                )
            layer = layer.env_state
        statistics = layer.statistics
        for _ in range(statistics.count.ndim):
            statistics = statistics.merged()
        return statistics

    @property
    def variance(self) -> Array:
        """The variance."""
        return (self.deviation + self.deviation_residual) / (self.count.astype(self.deviation.dtype) + _PRIOR_COUNT)

    def merged(self) -> RunningStatistics:
        """Return one statistics of a batch of them along a first axis: of all values that any of them counted."""
        weight = self.count.astype(self.mean.dtype) + _PRIOR_COUNT
        whole = jnp.sum(weight)

        def of_all(x: Array) -> Array:
            return jnp.sum(x * weight.reshape(-1, *[1] * (x.ndim - 1)), 0) / whole

        means = self.mean + self.mean_residual
        mean = of_all(means)
        spread = jax.vmap(lambda one: one.variance)(self) + jnp.square(means - mean[None])
        # Whole numbers are added with care: their sum may not fit.
        count = jnp.minimum(jnp.sum(self.count.astype(jnp.float32)), np.float32(2**31 - 128)).astype(jnp.int32)
        count = jnp.where(jnp.sum(self.count.astype(jnp.float32)) < 2**30, jnp.sum(self.count), count)
        zeros = jnp.zeros_like(mean)
        deviation = of_all(spread) * (count.astype(mean.dtype) + _PRIOR_COUNT)
        return RunningStatistics(count, mean, zeros, deviation, zeros)

    def update(self, value: Array, counted: Array | bool = True, axis_name: str | None = None) -> RunningStatistics:
        """Return the statistics with one more value counted.

        Args:
            value: the value, of the shape of ``mean``.
            counted: whether it counts, bool[].
            axis_name: the mapped axis of which all values are counted; None counts this one.
        """
        value = value.astype(self.mean.dtype)
        number, mean, deviation = _moments(value, jnp.asarray(counted), axis_name)
        weight = number.astype(value.dtype)
        before = self.count.astype(value.dtype) + _PRIOR_COUNT
        share = weight / (before + weight)
        delta = (mean - self.mean) - self.mean_residual
        new_mean, mean_residual = _add(self.mean, self.mean_residual, delta * share)
        scatter = deviation + jnp.square(delta) * before * share
        new_deviation, deviation_residual = _add(self.deviation, self.deviation_residual, scatter)
        return RunningStatistics(
            count=jnp.minimum(self.count, _MOST - number) + number,
            mean=new_mean,
            mean_residual=mean_residual,
            deviation=new_deviation,
            deviation_residual=deviation_residual,
        )


def _moments(value: Array, counted: Array, axis_name: str | None) -> tuple[Array, Array, Array]:
    """Return how many values are counted, their mean, and the sum of squared deviations from it."""
    number = counted.astype(jnp.int32)
    if axis_name is None:
        return number, value, jnp.zeros_like(value)
    weight = number.astype(value.dtype)
    number = _sum(number, axis_name)
    mean = _sum(value * weight, axis_name) / jnp.maximum(number, 1).astype(value.dtype)
    return number, mean, _sum(jnp.square(value - mean) * weight, axis_name)


def _sum(x: Array, axis_name: str) -> Any:
    try:
        return lax.psum(x, axis_name)
    except NameError as error:
        raise WrapperSettingError(
            f"Statistics are to be shared over the axis {axis_name!r}, but no axis of that name is mapped. "
            f"Step the environment through Vectorize(env, num_envs, {axis_name!r}), "
            f"or through jax.vmap(..., axis_name={axis_name!r})."
        ) from error


def _add(total: Array, residual: Array, increment: Array) -> tuple[Array, Array]:
    """Add to a sum that is carried as its float and what rounding took from it."""
    total, lost = _two_sum(total, increment)
    return _two_sum(total, residual + lost)


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return a + b and what rounding took from it (Knuth)."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)
