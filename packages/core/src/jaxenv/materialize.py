"""Materialized results: a CPU computes them once and stores them.

On a CPU the compiler fuses an intermediate result into every array that depends on it, and so compiles and runs it anew for each.
Where one long computation feeds several results, such as a random word that moves four numbers of a state, or a chain of rules
that ends in dozens of small arrays, that multiplies both compile time and run time. ``lax.optimization_barrier`` does not help: it
is gone before the compiler fuses. The arguments and results of a materialized function
go through a call that the compiler does not inline. Equal calls with the same shapes are also compiled only once.

A stage that is small and used once costs more than it saves, as its arguments and results pass through memory. On a GPU, where a
further kernel costs more than the arithmetic of most steps, a stage is compiled like any other function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

from jaxenv import _jax_compat

P = ParamSpec("P")
T = TypeVar("T")


def materialize(value: T) -> T:
    """Return ``value``, a tree of arrays. A CPU computes it once for everything that depends on it."""
    return jax.tree.map(_jax_compat.materialize, value)


def materialized(function: Callable[P, T]) -> Callable[P, T]:
    """Materialize the results of a function of arrays: a CPU computes them once and stores them; elsewhere nothing changes.

    The function is traced like one under ``jax.jit``, works under every transformation, and returns the same values as before.
    Results that are not used are not computed.

    >>> import jax.numpy as jnp
    >>> @materialized
    ... def polar(x, y):
    ...     return jnp.hypot(x, y), jnp.arctan2(y, x)
    >>> radius, angle = polar(jnp.float32(3.0), jnp.float32(4.0))
    >>> float(radius)
    5.0
    """

    @jax.jit
    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        args, kwargs = materialize((args, kwargs))
        return materialize(function(*args, **kwargs))

    return wrapper
