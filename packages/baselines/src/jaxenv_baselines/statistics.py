"""Running means and variances of batches (Chan, Golub & LeVeque 1983)."""

from __future__ import annotations

import jax.numpy as jnp
from flax import struct
from jax import Array


@struct.dataclass
class Statistics:
    """Of everything seen so far."""

    count: Array
    """How many, float32[]."""
    mean: Array
    """Their mean, float32[...]."""
    variance: Array
    """Their variance, float32[...]; 1 before there are any."""

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Statistics:
        """Return the statistics of nothing."""
        return cls(jnp.float32(0.0), jnp.zeros(shape, jnp.float32), jnp.ones(shape, jnp.float32))

    def add(self, batch: Array, axes: int) -> Statistics:
        """Return the statistics of what was seen and of a batch, which has so many leading axes."""
        over = tuple(range(axes))
        count = jnp.float32(jnp.size(batch) // max(1, self.mean.size))
        mean, variance = batch.mean(over), batch.var(over)
        total = self.count + count
        shift, share = mean - self.mean, count / total
        merged = (1 - share) * self.variance + share * variance + share * (1 - share) * jnp.square(shift)
        return Statistics(total, self.mean + share * shift, merged)

    def scaling(self) -> dict[str, Array]:
        """Return the mean to subtract and the deviation to divide by; a deviation below 0.0001 is 1, as nothing varies."""
        deviation = jnp.sqrt(self.variance)
        return {"mean": self.mean, "deviation": jnp.where(deviation < 1e-4, 1.0, deviation)}
