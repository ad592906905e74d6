"""A function of one environment, called for a batch of them: one kernel where there are kernels, else what ``vmap`` makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _jax_compat
from jaxenv.engine import select
from jaxenv.engine.cuda import launch
from jaxenv.engine.cuda.elementwise import elementwise
from jaxenv.engine.cuda.source import Kernel
from jaxenv.engine.scalar import ScalarProgram, UnsupportedError, scalarize


@dataclass(frozen=True)
class BatchedCall:
    """A call of a function, of which equal ones are compiled once. Its arguments and results are leaves, keys as their words."""

    what: str
    """What it does, for warnings: ``the step of CartPole``."""
    function: Callable[..., tuple[Any, ...]]
    """From trees of arrays to a tuple of such trees, for one environment; hashable."""
    names: tuple[str, ...]
    """What its arguments are called in the text of a kernel."""
    results: tuple[str, ...]
    """What its results are called."""
    arguments: Any
    """The structure of its arguments."""
    leaves: tuple[tuple[tuple[int, ...], Any], ...]
    """Shape and dtype of each leaf of its arguments, for one environment."""
    batched: tuple[bool, ...] = ()
    """Which leaves have a leading axis of environments; empty for a call of one environment."""
    size: int = 0
    """The length of that axis."""

    @classmethod
    def of(cls, what: str, function: Any, names: Sequence[str], results: Sequence[str], *args: Any) -> Any:
        """Return ``function(*args)``, whose batches are kernels on a GPU."""
        leaves, structure = jax.tree.flatten(args)
        call = cls(what, function, tuple(names), tuple(results), structure, tuple((x.shape, x.dtype) for x in leaves))
        shapes, structure = _flat_shapes(call)
        words: Sequence[Array] = _jax_compat.call(call, *map(as_words, leaves))
        out = [from_words(x, dtype) for x, (_, dtype) in zip(words, shapes, strict=True)]
        return jax.tree.unflatten(structure, out)

    @property
    def shapes(self) -> tuple[jax.ShapeDtypeStruct, ...]:
        """Shapes and dtypes of the results."""
        lead = (self.size,) if self.batched else ()
        return tuple(jax.ShapeDtypeStruct((*lead, *leaf.shape), leaf.dtype) for leaf in _word_shapes(self))

    def plain(self, *words: Array) -> tuple[Array, ...]:
        """Return the results by JAX's own operations."""
        flat = self._flat
        if self.batched and any(self.batched):
            return jax.vmap(flat, in_axes=tuple(0 if b else None for b in self.batched), axis_size=self.size)(*words)
        return flat(*words)

    def _flat(self, *words: Array) -> tuple[Array, ...]:
        leaves = [from_words(x, dtype) for x, (_, dtype) in zip(words, self.leaves, strict=True)]
        return tuple(map(as_words, jax.tree.leaves(self.function(*jax.tree.unflatten(self.arguments, leaves)))))

    def lower(self, platform: str, *words: Array) -> Sequence[Array]:
        """Return the results in the way that suits a platform."""
        where, reason = select.kernels_on(platform)
        if where is None or not self.batched:
            if self.batched and platform == "cuda" and select.setting() != "scan":
                select.warn(self.what, reason)
            return self.plain(*words)
        try:
            kernel, used, constants = _kernel(self)
            every: tuple[Any, ...] = (*words, *constants)
            operands = [every[i] for i in used]
            return select.run(where, kernel, [self.size], self.size, operands, self.shapes)
        except (UnsupportedError, launch.KernelRefusedError) as error:
            select.warn(self.what, str(error))
            return self.plain(*words)

    def batch(self, size: int, axes: Sequence[int | None], *words: Array) -> tuple[Sequence[Array], Sequence[int]]:
        """Return the results for a batch of calls, and their axes: one call whose environments are those of all."""
        front = [x if axis is None else jnp.moveaxis(x, axis, 0) for x, axis in zip(words, axes, strict=True)]
        over = tuple(axis is not None for axis in axes)
        if not self.batched:
            return _jax_compat.call(replace(self, batched=over, size=size), *front), (0,) * len(self.shapes)
        every = tuple(a or b for a, b in zip(over, self.batched, strict=True))
        flat = [flattened(x, size, self.size, outer, inner) for x, outer, inner in zip(front, over, self.batched, strict=True)]
        results = _jax_compat.call(replace(self, batched=every, size=size * self.size), *flat)
        return [x.reshape(size, self.size, *x.shape[1:]) for x in results], (0,) * len(results)


def flattened(x: Array, outer_size: int, inner_size: int, outer: bool, inner: bool) -> Array:
    """Return one axis for two: of an array with the outer axis, the inner one, both or none (which stays as it is)."""
    if not (outer or inner):
        return x
    rest = x.shape[outer + inner :]
    wide = x if outer else x[None]
    wide = wide if inner else wide[:, None]
    return jnp.broadcast_to(wide, (outer_size, inner_size, *rest)).reshape(outer_size * inner_size, *rest)


def is_key(leaf: Any) -> bool:
    """Whether a leaf is an array of typed keys."""
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def as_words(leaf: Any) -> Array:
    """Return an array as it is, and typed keys as their words."""
    return jax.random.key_data(leaf) if is_key(leaf) else leaf


def from_words(words: Array, dtype: Any) -> Array:
    """Return what :func:`as_words` was given, of a dtype."""
    if not jnp.issubdtype(dtype, jax.dtypes.prng_key):
        return words
    return jax.random.wrap_key_data(words, impl=_generator(dtype))


@cache
def _generator(dtype: Any) -> Any:
    """Return the generator of a dtype of keys, as ``impl=`` takes it."""
    found: list[Any] = []
    jax.eval_shape(lambda key: found.append(jax.random.key_impl(key)), jax.ShapeDtypeStruct((), dtype))
    return found[0]


def _structs(call: BatchedCall) -> tuple[Any, ...]:
    return jax.tree.unflatten(call.arguments, [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in call.leaves])


@cache
def _one_shapes(function: Any, arguments: Any, leaves: Any) -> tuple[list[tuple[Any, Any]], Any]:
    structs = jax.tree.unflatten(arguments, [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in leaves])
    flat, structure = jax.tree.flatten(jax.eval_shape(function, *structs))
    return [(x.shape, x.dtype) for x in flat], structure


def _flat_shapes(call: BatchedCall) -> tuple[list[tuple[Any, Any]], Any]:
    return _one_shapes(call.function, call.arguments, call.leaves)


def _word_shapes(call: BatchedCall) -> list[Any]:
    shapes = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in _flat_shapes(call)[0]]
    return [jax.eval_shape(jax.random.key_data, x) if is_key(x) else x for x in shapes]


@cache
def program(call: BatchedCall) -> ScalarProgram:
    """Return what a thread does in the kernel of a call. Raises UnsupportedError."""
    return scalarize(call.function, *_structs(call), names=call.names, results=call.results)[0]


@cache
def _kernel(call: BatchedCall) -> tuple[Kernel, list[int], list[np.ndarray]]:
    """Return the kernel of a call, which of its leaves and constants it reads, and the constants."""
    one = program(replace(call, batched=(), size=0))
    constants = [np.asarray(x) for x in one.constants]
    kernel, used = elementwise("jaxenv_" + call.what.split()[1], one, [*call.batched, *(False for _ in constants)])
    return kernel, used, constants
