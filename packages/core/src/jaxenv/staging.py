"""Stages: results that a CPU computes once and keeps.

On a CPU the compiler fuses an intermediate result into every array that depends on it, and so compiles and runs it anew for each.
Where one long computation feeds several results, such as a random word that moves four numbers of a state, or a chain of rules
that ends in dozens of small arrays, that multiplies both compile time and run time. ``lax.optimization_barrier`` does not help: it
is gone before the compiler fuses. A stage is a cut in that chain: a call that the compiler does not inline. Calls of one
stage with the same shapes are also compiled only once, however many there are.

A stage that is small and used once costs more than it saves, as its arguments and results pass through memory. On a GPU, where a
further kernel is dearer than the arithmetic of most steps, a stage is compiled like any other function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import jaxpr_as_fun

P = ParamSpec("P")
T = TypeVar("T")


def stage(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function of arrays a stage: on a CPU its results are computed once and kept; elsewhere nothing changes.

    The function is traced like one under ``jax.jit``, works under every transformation, and returns the same values as before.
    Results that are not used are not computed.

    >>> import jax.numpy as jnp
    >>> @stage
    ... def polar(x, y):
    ...     return jnp.hypot(x, y), jnp.arctan2(y, x)
    >>> radius, angle = polar(jnp.float32(3.0), jnp.float32(4.0))
    >>> float(radius)
    5.0
    """
    jitted = jax.jit(function)

    @jax.jit
    @functools.wraps(function)
    def staged(*args: Any) -> Any:
        # Traced once, for both: tracing is what takes the time.
        traced = jitted.trace(*args)
        run = jaxpr_as_fun(traced.jaxpr)

        @jax.jit
        def apart(*leaves: Any) -> Any:
            with set_xla_metadata(inlineable="true"):  # what the stage itself calls
                return run(*leaves)

        def on_cpu(*leaves: Any) -> Any:
            with set_xla_metadata(inlineable="false"):
                return apart(*leaves)

        results = lax.platform_dependent(*jax.tree.leaves(args), cpu=on_cpu, default=run)
        return jax.tree.unflatten(jax.tree.structure(traced.out_info), results)

    return staged  # type: ignore[return-value]


@stage
def once(value: T) -> T:
    """Return ``value``, which a CPU then computes once for all that depends on it."""
    return value
