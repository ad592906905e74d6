"""Stages: results that a CPU computes once.

On a CPU the compiler computes an intermediate result anew for every array that depends on it. A step that ends in dozens of small
arrays, each of them the last link of one long chain, is then compiled and run dozens of times over. A stage is a cut in that chain.
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
    """Make a function of arrays a stage: on a CPU its results are computed once and kept; elsewhere nothing changes."""
    jitted = jax.jit(function)

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
