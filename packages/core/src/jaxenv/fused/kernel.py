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
from jax.core import Tracer
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu
from jax.extend.core import ClosedJaxpr
from jax.interpreters import partial_eval as pe

from jaxenv.fused import rules as _rules  # noqa: F401 - registers them
from jaxenv.fused.lanes import Key, Lanes, Table, Value, box, inner_jaxprs, opened

WARP = 32
"""Lanes that a GPU steps together: the environments of one program, one a thread."""
INLINE = 4
"""Elements up to which a constant array is written into the program; a larger one is read from memory."""
PRELOAD = 16
"""Elements up to which what environments share is read once, before the first step."""

Prepare = Callable[[Any], tuple[Any, Any]]
"""``prepare(inputs) -> (fixed, carry)`` of one environment: what it keeps, and what goes from step to step."""
Step = Callable[[Any, Any, Any], tuple[Any, Any]]
"""``step(fixed, carry, x) -> (carry, outputs)`` of one environment."""


def scan(prepare: Prepare, step: Step, inputs: Any, xs: Any, *, interpret: bool = False) -> tuple[Any, Any]:
    """Do what a ``lax.scan`` over a vmapped ``step`` does, in one kernel.

    ``prepare`` and ``step`` are JAX functions of one environment. What they close over, such as parameters, all share.

    Args:
        prepare: makes what an environment begins with.
        step: takes one step.
        inputs: what ``prepare`` is given; leaves ``[lanes, ...]``.
        xs: what all environments share at one time, such as the number of the step; leaves ``[length, ...]``.
        interpret: whether Pallas only pretends, for tests on a CPU.

    Returns:
        The last carry, leaves ``[lanes, ...]``, and the outputs of every step, leaves ``[length, ..., lanes]``: the lanes come last.

    Raises:
        UnsupportedError: something in a step can't be split into lanes.
    """
    lanes, length = jax.tree.leaves(inputs)[0].shape[0], jax.tree.leaves(xs)[0].shape[0]
    prepared, begin = _traced(prepare, _one(inputs))
    stepped, after = _traced(step, *begin, _one(xs))
    num_fixed = len(jax.tree.leaves(begin[0]))
    shape_carry, shape_outputs = (jax.tree.leaves(shape) for shape in after)
    constants = [c for c in {id(c): c for c in (*_constants(prepared), *_constants(stepped))}.values() if _in_memory(c)]
    own, shared, tables = jax.tree.leaves(inputs), jax.tree.leaves(xs), [_data(c) for c in constants]

    def kernel(*refs: Any) -> None:
        refs_own, refs_shared, refs_tables, refs_carry, refs_outputs = _parted(
            refs, [len(own), len(shared), len(tables), len(shape_carry)]
        )
        # Past the last environment come copies of it, which write what it writes.
        lane = jnp.minimum(pl.program_id(0) * WARP + jnp.arange(WARP, dtype=jnp.int32), np.int32(lanes - 1))
        known = {id(c): _table(ref, x, c) for ref, x, c in zip(refs_tables, tables, constants, strict=True)}
        interpreter = Lanes(WARP, known)

        def write(ref: Any, value: Value, *place: Any) -> None:
            for j, element in enumerate(value.reshape(-1)):
                ref[(*place, j, lane)] = interpreter.spread(element)

        given = [_value(lambda j, ref=ref: ref[j, lane], x.shape[1:]) for ref, x in zip(refs_own, own, strict=True)]
        start = interpreter.run(prepared, given)
        fixed = start[:num_fixed]

        def body(i: Array, elements: Sequence[Array]) -> list[Array]:
            now = [_value(lambda j, ref=ref: ref[i, j], x.shape[1:]) for ref, x in zip(refs_shared, shared, strict=True)]
            results = interpreter.run(stepped, [*fixed, *_shaped(elements, shape_carry), *now])
            for ref, value in zip(refs_outputs, results[len(shape_carry) :], strict=True):
                write(ref, value, i)
            return _elements(results[: len(shape_carry)])

        def _elements(values: Sequence[Value]) -> list[Array]:
            return [interpreter.spread(element) for value in values for element in value.reshape(-1)]

        last = lax.fori_loop(jnp.int32(0), jnp.int32(length), body, _elements(start[num_fixed:]))
        for ref, value in zip(refs_carry, _shaped(last, shape_carry), strict=True):
            write(ref, value)

    results = pl.pallas_call(
        kernel,
        out_shape=[
            *(jax.ShapeDtypeStruct((_rows(x.shape), lanes), x.dtype) for x in shape_carry),
            *(jax.ShapeDtypeStruct((length, _rows(x.shape), lanes), x.dtype) for x in shape_outputs),
        ],
        grid=(-(-lanes // WARP),),
        compiler_params=plgpu.CompilerParams(num_warps=1, num_stages=1),
        interpret=interpret,
        name="jaxenv_fused_scan",
    )(
        *(_in_rows(jnp.moveaxis(x, 0, -1).reshape(-1, lanes)) for x in own),
        *(_in_rows(x.reshape(length, -1)) for x in shared),
        *(_in_rows(x.reshape(-1)) for x in tables),
    )
    carry = [
        jnp.moveaxis(x[: math.prod(leaf.shape)].reshape(*leaf.shape, lanes), -1, 0)
        for x, leaf in zip(results[: len(shape_carry)], shape_carry, strict=True)
    ]
    outputs = [
        x[:, : math.prod(leaf.shape)].reshape(length, *leaf.shape, lanes)
        for x, leaf in zip(results[len(shape_carry) :], shape_outputs, strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(after[0]), carry), jax.tree.unflatten(jax.tree.structure(after[1]), outputs)


def _traced(function: Callable[..., Any], *shapes: Any) -> tuple[ClosedJaxpr, Any]:
    """Return the program of a function, without what its results don't need, and their shapes."""
    closed, results = jax.make_jaxpr(function, return_shape=True)(*shapes)
    jaxpr, _ = pe.dce_jaxpr(closed.jaxpr, [True] * len(closed.out_avals), instantiate=True)
    return ClosedJaxpr(jaxpr, closed.consts), results


def _one(tree: Any) -> Any:
    """Return the shapes of one row of a tree."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), tree)


def _constants(jaxpr: Any) -> list[Any]:
    """Return the constant arrays of a program and of those within it."""
    jaxpr, consts = opened(jaxpr)
    return [*consts, *(c for equation in jaxpr.eqns for inner in inner_jaxprs(equation) for c in _constants(inner))]


def _in_memory(constant: Any) -> bool:
    return isinstance(constant, Tracer) or _is_key(constant) or np.size(constant) > INLINE


def _is_key(array: Any) -> bool:
    return isinstance(array, Array) and jnp.issubdtype(array.dtype, jax.dtypes.prng_key)


def _data(constant: Any) -> Array:
    return jax.random.key_data(constant) if _is_key(constant) else jnp.asarray(constant)


def _table(ref: Any, data: Array, constant: Any) -> Table | Value:
    table = Table(data.shape, lambda place: ref[place], preload=data.size <= PRELOAD)
    if not _is_key(constant):
        return table
    words, shape = table.elements(), constant.shape
    return box([Key(words[place]) for place in np.ndindex(*shape)], shape)


def _parted(refs: Sequence[Any], counts: Sequence[int]) -> list[Sequence[Any]]:
    ends = np.cumsum(counts).tolist()
    return [refs[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]


def _value(read: Callable[[int], Any], shape: tuple[int, ...]) -> Value:
    return box([read(j) for j in range(math.prod(shape))], shape)


def _shaped(elements: Sequence[Array], leaves: Sequence[Any]) -> list[Value]:
    """Arrange elements as values of the shapes of ``leaves``."""
    values: list[Value] = []
    for leaf in leaves:
        size = math.prod(leaf.shape)
        values.append(box(elements[:size], leaf.shape))
        elements = elements[size:]
    return values


def _rows(shape: tuple[int, ...]) -> int:
    """Return how many rows of memory a leaf has: one even where it has no elements, since empty arrays are no operands."""
    return max(1, math.prod(shape))


def _in_rows(array: Array) -> Array:
    return array if array.size else jnp.zeros([max(1, n) for n in array.shape], array.dtype)
