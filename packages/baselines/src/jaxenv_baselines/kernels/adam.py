"""Adam (Kingma & Ba 2015) with clipping by the global norm, on flat vectors: one kernel on a GPU, plain JAX elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv import _jax_compat
from jaxenv.engine.cuda.source import Kernel, Text
from jaxenv.engine.scalar import Leaf

from jaxenv_baselines.kernels.operation import batched_over_members, kernel_or, launched, shapes_of

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-5
THREADS = 256


class Optimizer(NamedTuple):
    """Weights and the state of Adam."""

    weights: Array
    """float32[size]."""
    mean: Array
    """Moving average of gradients, float32[size]."""
    square: Array
    """Moving average of their squares, float32[size]."""
    steps: Array
    """Number of updates, int32[]."""

    @classmethod
    def begin(cls, weights: Array) -> Optimizer:
        """Return the state before the first update."""
        return cls(weights, jnp.zeros_like(weights), jnp.zeros_like(weights), jnp.int32(0))


@dataclass(frozen=True)
class AdamCall:
    """The operation. Its arguments: weights, means, squares, count, gradient, squares of parts of its norm, numbers.

    The numbers are the learning rate and the largest norm of a gradient.
    """

    size: int
    """Length of the vectors."""
    parts: int
    """Number of squares whose sum is the squared norm."""
    members: int = 0
    """Length of a leading axis of all arguments and results; 0 for none."""

    @property
    def shapes(self) -> Sequence[jax.ShapeDtypeStruct]:
        """Shapes and dtypes of an :class:`Optimizer`."""
        vector = ((self.size,), jnp.float32)
        return shapes_of(self.members, vector, vector, vector, ((), jnp.int32))

    def plain(self, *args: Array) -> Sequence[Array]:
        """Return the results by JAX's own operations."""
        return jax.vmap(self._plain)(*args) if self.members else self._plain(*args)

    def _plain(
        self, weights: Array, mean: Array, square: Array, count: Array, gradient: Array, squares: Array, numbers: Array
    ) -> Sequence[Array]:
        gradient = gradient * jnp.minimum(1.0, numbers[1] / (jnp.sqrt(squares.sum()) + 1e-9))
        count = count + 1
        steps = count.astype(jnp.float32)
        mean = FIRST_DECAY * mean + (1 - FIRST_DECAY) * gradient
        square = SECOND_DECAY * square + (1 - SECOND_DECAY) * jnp.square(gradient)
        step = mean / (1 - FIRST_DECAY**steps) / (jnp.sqrt(square / (1 - SECOND_DECAY**steps)) + EPSILON)
        return weights - numbers[0] * step, mean, square, count

    def lower(self, platform: str, *args: Array) -> Sequence[Array]:
        """Return the results in the way that suits a platform."""

        def run() -> Sequence[Array]:
            threads = -(-self.size // THREADS) * THREADS * max(1, self.members)
            return launched(_kernel(self.size, self.parts), platform, [0], threads, args, self.shapes)

        return kernel_or("an update by Adam", platform, run, lambda: self.plain(*args))

    def batch(self, size: int, axes: Sequence[int | None], *args: Array) -> tuple[Sequence[Array], Sequence[int]]:
        """Return the results for members that have their own arguments."""
        return batched_over_members(self, size, axes, args)


def updated(state: Optimizer, gradient: Array, squares: Array, learning_rate: Array | float, max_norm: Array | float) -> Optimizer:
    """Return the state after an update.

    Args:
        state: weights and Adam's state.
        gradient: float32[size].
        squares: numbers whose sum is the gradient's squared norm, float32[parts].
        learning_rate: float32[].
        max_norm: largest norm of a gradient, float32[]; larger ones are scaled down.
    """
    call = AdamCall(gradient.size, squares.size)
    numbers = jnp.stack([jnp.float32(learning_rate), jnp.float32(max_norm)])
    return Optimizer(*_jax_compat.call(call, *state, gradient, squares, numbers))


@cache
def _kernel(size: int, parts: int) -> Kernel:
    blocks = -(-size // THREADS)
    text = Text()
    vectors = ", ".join(f"const float* {name}" for name in ("weights", "mean", "square"))
    text.add(
        f"KERNEL({THREADS}) jaxenv_adam(const int32_t* __restrict__ sizes, {vectors}, const int32_t* __restrict__ count, "
        "const float* __restrict__ gradient, const float* __restrict__ squares, const float* __restrict__ numbers, "
        "float* weights_out, float* mean_out, float* square_out, int32_t* __restrict__ count_out) {",
        f"SHARED float sums[{THREADS // 32}];",
        f"const int32_t member = BLOCK_NUMBER / {blocks}, i = BLOCK_NUMBER % {blocks} * {THREADS} + THREAD_IN_BLOCK;",
        f"const int64_t at = (int64_t)member * {size} + i;",
        "float norm = 0.0f;",
        f"for (int32_t j = THREAD_IN_BLOCK; j < {parts}; j += {THREADS}) norm += squares[member * {parts} + j];",
        "norm = sum_of_warp(norm);",
        "if (LANE == 0) sums[WARP_IN_BLOCK] = norm;",
        "SYNC_BLOCK;",
        "norm = 0.0f;",
        "UNROLL",
        f"for (int32_t j = 0; j < {THREADS // 32}; ++j) norm += sums[j];",
        f"if (i >= {size}) return;",
        "const float scale = numbers[2 * member + 1] / (sqrtf(norm) + 1e-9f);",
        "const float slope = gradient[at] * (scale < 1.0f ? scale : 1.0f);",
        "const float steps = (float)(count[member] + 1);",
        f"const float m = {FIRST_DECAY:.9g}f * mean[at] + {1 - FIRST_DECAY:.9g}f * slope;",
        f"const float v = {SECOND_DECAY:.9g}f * square[at] + {1 - SECOND_DECAY:.9g}f * (slope * slope);",
        f"const float first = m / (1.0f - powf({FIRST_DECAY:.9g}f, steps));",
        f"const float second = v / (1.0f - powf({SECOND_DECAY:.9g}f, steps));",
        f"weights_out[at] = weights[at] - numbers[2 * member] * (first / (sqrtf(second) + {EPSILON:.9g}f));",
        "mean_out[at] = m;",
        "square_out[at] = v;",
        "if (i == 0) count_out[member] = count[member] + 1;",
        "}",
    )
    f32, i32 = np.dtype("float32"), np.dtype("int32")
    flat = tuple(Leaf(name, (size,), f32) for name in ("weights", "mean", "square"))
    count = Leaf("count", (), i32)
    more = (Leaf("gradient", (size,), f32), Leaf("squares", (parts,), f32), Leaf("numbers", (2,), f32))
    results, aliases = (*flat, count), ((0, 0), (1, 1), (2, 2))
    return Kernel("jaxenv_adam", str(text), (*results, *more), results, THREADS, aliases, cooperative=True)
