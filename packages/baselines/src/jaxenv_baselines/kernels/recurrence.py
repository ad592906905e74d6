"""First-order linear recurrences along time: one kernel on a GPU, a scan elsewhere.

Advantage estimates and discounted returns are such recurrences. A scan of a few numbers a step is bound by launches on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv import _jax_compat
from jaxenv.engine.cuda.source import Kernel, Text
from jaxenv.engine.scalar import Leaf

from jaxenv_baselines.kernels.operation import batched_over_members, kernel_or, launched, shapes_of

THREADS = 128


@dataclass(frozen=True)
class RecurrenceCall:
    """The operation. Its arguments: factors, terms, and the value before the first step."""

    steps: int
    size: int
    """Recurrences side by side."""
    reverse: bool
    members: int = 0
    """Length of a leading axis of all arguments and results; 0 for none."""

    @property
    def shapes(self) -> Sequence[jax.ShapeDtypeStruct]:
        """Shape and dtype of the values after each step."""
        return shapes_of(self.members, ((self.steps, self.size), jnp.float32))

    def plain(self, *args: Array) -> Sequence[Array]:
        """Return the values by a scan."""
        return [jax.vmap(self._plain)(*args) if self.members else self._plain(*args)]

    def _plain(self, factors: Array, terms: Array, first: Array) -> Array:
        def step(value: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            value = now[0] * value + now[1]
            return value, value

        return jax.lax.scan(step, first, (factors, terms), reverse=self.reverse)[1]

    def lower(self, platform: str, *args: Array) -> Sequence[Array]:
        """Return the values in the way that suits a platform."""

        def run() -> Sequence[Array]:
            kernel, threads = _kernel(self.steps, self.size, self.reverse), self.size * max(1, self.members)
            return launched(kernel, platform, [threads], threads, args, self.shapes)

        return kernel_or("a recurrence along time", platform, run, lambda: self.plain(*args))

    def batch(self, size: int, axes: Sequence[int | None], *args: Array) -> tuple[Sequence[Array], Sequence[int]]:
        """Return the values for members that have their own arguments."""
        return batched_over_members(self, size, axes, args)


def recurrence(factors: Array, terms: Array, first: Array, *, reverse: bool = False) -> Array:
    """Return the values ``x[i] = factors[i] * x[i - 1] + terms[i]``; with ``reverse``, of ``x[i + 1]``.

    Args:
        factors: float32[steps, size].
        terms: float32[steps, size].
        first: the value before the first step (with ``reverse``, after the last), float32[size].
        reverse: whether time runs backwards.

    Returns:
        float32[steps, size].
    """
    steps, size = factors.shape
    (values,) = _jax_compat.call(RecurrenceCall(steps, size, reverse), factors, terms, first)
    return values


@cache
def _kernel(steps: int, size: int, reverse: bool) -> Kernel:
    text = Text()
    text.add(
        f"KERNEL({THREADS}) jaxenv_recurrence(const int32_t* __restrict__ sizes, const float* __restrict__ factors, "
        "const float* __restrict__ terms, const float* __restrict__ first, float* __restrict__ values) {",
        "if (THREAD >= sizes[0]) return;",
        f"const int64_t begin = (int64_t)(THREAD / {size}) * {steps * size} + THREAD % {size};",
        "float value = first[THREAD];",
        "UNROLL_8",
        f"for (int32_t i = 0; i < {steps}; ++i) {{",
        f"const int64_t at = begin + (int64_t)({f'{steps - 1} - i' if reverse else 'i'}) * {size};",
        "value = factors[at] * value + terms[at];",
        "values[at] = value;",
        "}",
        "}",
    )
    f32 = np.dtype("float32")
    operands = (Leaf("factors", (steps, size), f32), Leaf("terms", (steps, size), f32), Leaf("first", (size,), f32))
    return Kernel("jaxenv_recurrence", str(text), operands, (Leaf("values", (steps, size), f32),), THREADS)
