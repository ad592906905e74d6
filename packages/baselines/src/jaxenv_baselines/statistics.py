"""Running means and variances of batches (Chan, Golub & LeVeque 1983)."""

from __future__ import annotations

import jax.numpy as jnp
from flax import struct
from jax import Array


@struct.dataclass
class Statistics:
    """Running statistics of a stream of arrays."""

    count: Array
    """Number of arrays, float32[]."""
    mean: Array
    """Mean, float32[...]."""
    variance: Array
    """Variance, float32[...]; 1 while ``count`` is 0."""

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Statistics:
        """Return statistics with ``count`` 0."""
        return cls(jnp.float32(0.0), jnp.zeros(shape, jnp.float32), jnp.ones(shape, jnp.float32))

    def add(self, batch: Array, axes: int) -> Statistics:
        """Return the statistics updated with a batch; ``axes`` is its number of leading axes."""
        over = tuple(range(axes))
        count = jnp.float32(jnp.size(batch) // max(1, self.mean.size))
        mean, variance = batch.mean(over), batch.var(over)
        total = self.count + count
        shift, share = mean - self.mean, count / total
        merged = (1 - share) * self.variance + share * variance + share * (1 - share) * jnp.square(shift)
        return Statistics(total, self.mean + share * shift, merged)

    def scaling(self) -> dict[str, Array]:
        """Return mean and standard deviation; a deviation below 0.0001 counts as 1, so that constants are not amplified."""
        deviation = jnp.sqrt(self.variance)
        return {"mean": self.mean, "deviation": jnp.where(deviation < 1e-4, 1.0, deviation)}
