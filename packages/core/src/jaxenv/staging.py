"""Stages: results that a CPU computes once and keeps.

On a CPU the compiler fuses an intermediate result into every array that depends on it, and so compiles and runs it anew for each.
Where one long computation feeds several results, such as a random word that moves four numbers of a state, or a chain of rules
that ends in dozens of small arrays, that multiplies both compile time and run time. ``lax.optimization_barrier`` does not help: it
is gone before the compiler fuses. A stage is a cut in that chain: its arguments and results go through a call that the compiler
does not inline. Stages that are used many times with the same shapes are also compiled only once, as equal kernels are.

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


def once(value: T) -> T:
    """Return ``value``, a tree of arrays, which a CPU then computes once for all that depends on it."""
    return jax.tree.map(_jax_compat.once, value)


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

    @jax.jit
    @functools.wraps(function)
    def staged(*args: P.args, **kwargs: P.kwargs) -> T:
        args, kwargs = once((args, kwargs))
        return once(function(*args, **kwargs))

    return staged
