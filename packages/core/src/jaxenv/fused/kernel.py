"""A scan over steps of many environments as one GPU kernel.

``lax.scan`` over a vmapped step launches a few kernels for each step, and each costs microseconds, however little it computes.
Here the whole loop is inside one Pallas kernel: each program of its grid keeps a few environments in registers, plays all of
their steps, and writes down what happened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr
from jax.interpreters import partial_eval as pe

from jaxenv.fused import rules as _rules  # noqa: F401 - registers them
from jaxenv.fused.lanes import Lanes, Table, UnsupportedError, box, inner_jaxprs, opened

WARP = 32
"""Lanes that a GPU steps together: the environments of one program, one a thread."""
INLINE = 4
"""Elements up to which a constant array is written into the program; a larger one is read from memory."""
PRELOAD = 16
"""Elements up to which what environments share is read once, before the first step."""

Step = Callable[[Any, Any, Any], tuple[Any, Any]]
"""``step(fixed, carry, x) -> (carry, outputs)`` of one environment: a JAX function of unbatched values."""


def scan(step: Step, fixed: Any, carry: Any, xs: Any, *, interpret: bool = False) -> tuple[Any, Any]:
    """Do what a ``lax.scan`` over a vmapped ``step`` does, in one kernel.

    Args:
        step: one step of one environment. What it closes over, such as parameters, all environments share.
        fixed: what each environment has of its own and keeps, such as the data of its key; leaves ``[lanes, ...]``.
        carry: what goes from step to step; leaves ``[lanes, ...]``.
        xs: what all environments share at one time, such as the number of the step; leaves ``[length, ...]``.
        interpret: whether Pallas only pretends, for tests on a CPU.

    Returns:
        The last carry, leaves ``[lanes, ...]``, and the outputs of every step, leaves ``[length, ..., lanes]``: the lanes come last.

    Raises:
        UnsupportedError: the step has something that can't be split into lanes.
    """
    lanes, length = jax.tree.leaves(carry)[0].shape[0], jax.tree.leaves(xs)[0].shape[0]
    closed, shapes = jax.make_jaxpr(step, return_shape=True)(_one(fixed), _one(carry), _one(xs))
    jaxpr, _ = pe.dce_jaxpr(closed.jaxpr, [True] * len(closed.out_avals), instantiate=True)
    closed = ClosedJaxpr(jaxpr, closed.consts)
    shape_carry, shape_outputs = (jax.tree.leaves(shape) for shape in shapes)
    constants = [c for c in _constants(closed) if isinstance(c, Tracer) or np.size(c) > INLINE]
    given = [jax.tree.leaves(tree) for tree in (fixed, carry, xs, list(map(jnp.asarray, constants)))]
    sizes = [len(leaves) for leaves in given]
    num_carry = sizes[1]
    padded = -(-lanes // WARP) * WARP

    def kernel(*refs: Any) -> None:
        refs_fixed, refs_carry, refs_xs, refs_constants, refs_out = _parted(refs, sizes)
        here = pl.ds(pl.program_id(0) * WARP, WARP)
        tables = [_table(ref, x) for ref, x in zip(refs_constants, given[3], strict=True)]
        interpreter = Lanes(WARP, dict(zip(map(id, constants), tables, strict=True)))
        own = [_loaded(ref, x, here) for ref, x in zip(refs_fixed, given[0], strict=True)]
        begin = [_loaded(ref, x, here) for ref, x in zip(refs_carry, given[1], strict=True)]

        def body(i: Array, elements: Sequence[Array]) -> list[Array]:
            carried = _shaped(elements, shape_carry)
            now = [_row(ref, x, i) for ref, x in zip(refs_xs, given[2], strict=True)]
            results = interpreter.run(closed, [*own, *carried, *now])
            for ref, value in zip(refs_out[num_carry :], results[num_carry :], strict=True):
                for j, element in enumerate(value.reshape(-1)):
                    ref[i, j, here] = _stored(interpreter.spread(element))
            return [interpreter.spread(element) for element in _elements(results[: num_carry])]

        last = lax.fori_loop(jnp.int32(0), jnp.int32(length), body, _elements(begin))
        for ref, value in zip(refs_out[: num_carry], _shaped(last, shape_carry), strict=True):
            for j, element in enumerate(value.reshape(-1)):
                ref[j, here] = _stored(element)

    out_shape = [jax.ShapeDtypeStruct((_rows(x), padded), _memory(x.dtype)) for x in shape_carry]
    out_shape += [jax.ShapeDtypeStruct((length, _rows(x), padded), _memory(x.dtype)) for x in shape_outputs]
    results = pl.pallas_call(
        kernel,
        out_shape=out_shape,
        grid=(padded // WARP,),
        compiler_params=plgpu.CompilerParams(num_warps=1, num_stages=1),
        interpret=interpret,
        name="jaxenv_fused_scan",
    )(
        *(_lanes_last(x, padded) for x in (*given[0], *given[1])),
        *(_flat(x) for x in (*given[2], *given[3])),
    )
    last = [
        jnp.moveaxis(x[: math.prod(leaf.shape), :lanes].reshape(*leaf.shape, lanes), -1, 0).astype(leaf.dtype)
        for x, leaf in zip(results[: num_carry], shape_carry, strict=True)
    ]
    outputs = [
        x[:, : math.prod(leaf.shape), :lanes].reshape(length, *leaf.shape, lanes).astype(leaf.dtype)
        for x, leaf in zip(results[num_carry :], shape_outputs, strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(shapes[0]), last), jax.tree.unflatten(jax.tree.structure(shapes[1]), outputs)


def _one(tree: Any) -> Any:
    """Return the shapes of one row of a tree."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), tree)


def _constants(jaxpr: Any) -> list[Any]:
    """Return the constant arrays of a program and of those that it calls, each once."""
    found: dict[int, Any] = {}
    jaxpr, consts = opened(jaxpr)
    found.update((id(c), c) for c in consts)
    for equation in jaxpr.eqns:
        for inner in inner_jaxprs(equation):
            found.update((id(c), c) for c in _constants(inner))
    return list(found.values())


def _parted(refs: Sequence[Any], counts: Sequence[int]) -> list[Sequence[Any]]:
    ends = np.cumsum(counts).tolist()
    return [refs[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]


def _memory(dtype: Any) -> Any:
    """Return how a dtype is kept in memory: flags as bytes."""
    return jnp.uint8 if dtype == jnp.bool_ else dtype


def _stored(element: Array) -> Array:
    return element.astype(_memory(element.dtype))


def _read(ref: Any, place: Any, dtype: Any) -> Any:
    element = ref[place]
    return element != 0 if dtype == jnp.bool_ else element


def _table(ref: Any, array: Array) -> Table:
    return Table(array.shape, lambda place: _read(ref, place, array.dtype), preload=array.size <= PRELOAD)


def _loaded(ref: Any, array: Array, here: Any) -> Any:
    shape = array.shape[1:]
    return box([_read(ref, (j, here), array.dtype) for j in range(math.prod(shape))], shape)


def _row(ref: Any, array: Array, i: Array) -> Any:
    shape = array.shape[1:]
    size = math.prod(shape)
    return box([_read(ref, i * np.int32(size) + np.int32(j), array.dtype) for j in range(size)], shape)


def _elements(values: Sequence[Any]) -> list[Any]:
    return [element for value in values for element in value.reshape(-1)]


def _shaped(elements: Sequence[Array], leaves: Sequence[Any]) -> list[Any]:
    """Arrange elements as values of the shapes of ``leaves``."""
    values: list[Any] = []
    for leaf in leaves:
        size = math.prod(leaf.shape)
        values.append(box(elements[:size], leaf.shape))
        elements = elements[size:]
    return values


def _rows(leaf: Any) -> int:
    """Return how many rows of memory a leaf has: one even where it has no elements, since empty arrays are no operands."""
    return max(1, math.prod(leaf.shape))


def _flat(array: Array) -> Array:
    return (array if array.size else jnp.zeros(1, array.dtype)).reshape(-1).astype(_memory(array.dtype))


def _lanes_last(array: Array, padded: int) -> Array:
    """Return leaves ``[lanes, ...]`` as ``[elements, padded]``; what is padded is a copy of the last lane, so that it plays on."""
    rows = jnp.moveaxis(array, 0, -1).reshape(math.prod(array.shape[1:]), array.shape[0])
    if not rows.size:
        return jnp.zeros((1, padded), _memory(array.dtype))
    return jnp.pad(rows, ((0, 0), (0, padded - rows.shape[1])), mode="edge").astype(_memory(array.dtype))


__all__ = ["UnsupportedError", "scan"]
