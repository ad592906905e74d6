"""Computations that are traced only where something depends on them.

Under ``jax.jit`` what nobody uses costs no run time, but it is traced all the same: much of what can be told of a rollout is wanted
by few and as large as the step itself. JAX drops operations whose results are not used before it lowers a program, so here such a
computation is one operation, and is looked into no sooner than when it is lowered.

Then JAX also says of every kernel that Pallas's Triton is deprecated. Whoever plays a rollout can do nothing about that, and a test
suite that takes warnings for errors would fail, so it isn't passed on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

_deferred_p = Primitive("jaxenv_deferred")
_deferred_p.multiple_results = True


def deferred(function: Callable[..., Sequence[Any]], shapes: Sequence[jax.ShapeDtypeStruct], *args: Any) -> Sequence[Any]:
    """Return ``function(*args)``, but call it only if a result is used.

    Args:
        function: from trees of arrays to a sequence of arrays; it must not close over arrays that are being traced.
        shapes: those of its results.
        args: its arguments.
    """
    leaves, structure = jax.tree.flatten(args)

    def of_leaves(*leaves: Any) -> Sequence[Any]:
        return function(*jax.tree.unflatten(structure, leaves))

    return _deferred_p.bind(*leaves, function=of_leaves, shapes=tuple(shapes))


def _call(*args: Any, function: Callable[..., Sequence[Any]], shapes: Any) -> Sequence[Any]:
    return function(*args)


def _shapes(*args: Any, function: Callable[..., Sequence[Any]], shapes: Sequence[jax.ShapeDtypeStruct]) -> list[ShapedArray]:
    return [ShapedArray(shape.shape, shape.dtype) for shape in shapes]


def _batched(args: Sequence[Any], axes: Sequence[Any], *, function: Any, shapes: Any) -> tuple[Sequence[Any], Sequence[int]]:
    (size, *_) = (arg.shape[axis] for arg, axis in zip(args, axes, strict=True) if axis is not None)
    every = tuple(jax.ShapeDtypeStruct((size, *shape.shape), shape.dtype) for shape in shapes)
    results = _deferred_p.bind(*args, function=jax.vmap(function, in_axes=tuple(axes)), shapes=every)
    return results, (0,) * len(shapes)


def _lower(context: mlir.LoweringRuleContext, *args: Any, **params: Any) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The Pallas Triton backend is deprecated", DeprecationWarning)
        return mlir.lower_fun(_call, multiple_results=True)(context, *args, **params)


_deferred_p.def_impl(_call)
_deferred_p.def_abstract_eval(_shapes)
mlir.register_lowering(_deferred_p, _lower)
batching.primitive_batchers[_deferred_p] = _batched
