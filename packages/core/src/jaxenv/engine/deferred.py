"""Functions that are looked into only where something depends on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from jaxenv import _jax_compat
from jaxenv.engine.operation import as_words, from_words


@dataclass(frozen=True, eq=False)
class _Deferred:
    """A function that is called only if a result is used: an ``Operation`` of :mod:`jaxenv._jax_compat`."""

    function: Callable[..., Sequence[Array]]
    shapes: Sequence[jax.ShapeDtypeStruct]

    def plain(self, *args: Array) -> Sequence[Array]:
        return self.function(*args)

    def lower(self, platform: str, *args: Array) -> Sequence[Array]:
        return self.function(*args)

    def batch(self, size: int, axes: Sequence[int | None], *args: Array) -> tuple[Sequence[Array], Sequence[int]]:
        shapes = [jax.ShapeDtypeStruct((size, *x.shape), x.dtype) for x in self.shapes]
        batched = _Deferred(jax.vmap(self.function, in_axes=tuple(axes)), shapes)
        return _jax_compat.call(batched, *args), (0,) * len(shapes)


def deferred(function: Callable[..., Any], shapes: Any, *args: Any) -> Any:
    """Return ``function(*args)``, a tree like ``shapes``, but call it only if a result is used.

    Under ``jax.jit`` what nobody uses costs no run time, but would be traced all the same. ``function`` must not close over arrays
    that are being traced.
    """
    leaves, structure = jax.tree.flatten(args)
    out, out_structure = jax.tree.flatten(shapes)
    dtypes = [leaf.dtype for leaf in leaves]

    def flat(*words: Array) -> tuple[Array, ...]:
        given = [from_words(x, dtype) for x, dtype in zip(words, dtypes, strict=True)]
        return tuple(map(as_words, jax.tree.leaves(function(*jax.tree.unflatten(structure, given)))))

    operation = _Deferred(flat, [jax.eval_shape(as_words, x) for x in out])
    results = _jax_compat.call(operation, *map(as_words, leaves))
    return jax.tree.unflatten(out_structure, [from_words(x, y.dtype) for x, y in zip(results, out, strict=True)])
