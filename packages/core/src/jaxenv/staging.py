"""Stages: results that a CPU computes once and keeps.

On a CPU the compiler fuses an intermediate result into every array that depends on it, and so compiles and runs it anew for each.
Where one long computation feeds several results, such as a random word that moves four numbers of a state, or a chain of rules
that ends in dozens of small arrays, that multiplies both compile time and run time. ``lax.optimization_barrier`` does not help: it
is gone before the compiler fuses. A stage is a cut in that chain: its arguments and results go through a call that the compiler
does not inline. Stages that are used many times with the same shapes are also compiled only once, as equal kernels are.

A stage that is small and used once costs more than it saves, as its arguments and results pass through memory. On a GPU, where a
further kernel is dearer than the arithmetic of most steps, a stage is compiled like any other function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
from jax import Array
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir, partial_eval

P = ParamSpec("P")
T = TypeVar("T")


# One operation, and not ``lax.platform_dependent``, which is traced once for each platform.
_kept_p = Primitive("jaxenv_kept")
_kept_p.multiple_results = True


def once(value: T) -> T:
    """Return ``value``, a tree of arrays, which a CPU then computes once for all that depends on it."""
    leaves, structure = jax.tree.flatten(value)
    return jax.tree.unflatten(structure, _kept_p.bind(*leaves))


def _same(*leaves: Array) -> list[Array]:
    return list(leaves)


_call = jax.jit(_same)


def _not_inlined(*leaves: Array) -> list[Array]:
    with set_xla_metadata(inlineable="false"):
        return _call(*leaves)


def _without_unused(used: list[bool], equation: Any) -> tuple[list[bool], Any]:
    if not any(used):
        return used, None
    invars, outvars = ([x for x, use in zip(some, used, strict=True) if use] for some in (equation.invars, equation.outvars))
    return used, equation.replace(invars=invars, outvars=outvars)


_kept_p.def_impl(_same)
_kept_p.def_abstract_eval(_same)
mlir.register_lowering(_kept_p, lambda ctx, *leaves: leaves)
mlir.register_lowering(_kept_p, mlir.lower_fun(_not_inlined, multiple_results=True), platform="cpu")
batching.primitive_batchers[_kept_p] = lambda leaves, axes: (_kept_p.bind(*leaves), axes)
ad.primitive_jvps[_kept_p] = lambda leaves, tangents: (_kept_p.bind(*leaves), tangents)
partial_eval.dce_rules[_kept_p] = _without_unused


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
