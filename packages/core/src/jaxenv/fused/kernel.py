"""A scan over steps of many environments as one GPU kernel.

``lax.scan`` over a vmapped step launches a few kernels for each step, and each costs microseconds, however little it computes.
Here what depends on no state is computed for all steps at once, and the rest, as a loop, is one Pallas kernel: each program of
its grid keeps a few environments in registers, plays all of their steps, and writes down what happened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu
from jax.extend.core import ClosedJaxpr
from jax.interpreters import partial_eval as pe

from jaxenv.fused import rules as _rules  # noqa: F401 - registers them
from jaxenv.fused.lanes import Lanes, Later, Operation, Table, UnsupportedError, Value, box

WARP = 32
"""Threads that a GPU steps together; each program of the grid plays so many environments, one in each thread."""

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
        inputs: what ``prepare`` is given; leaves ``[environments, ...]``.
        xs: what all environments share at one time, such as the number of the step; leaves ``[length, ...]``.
        interpret: whether Pallas only pretends, for tests on a CPU.

    Returns:
        The last carry, leaves ``[environments, ...]``, and the outputs of every step, leaves ``[length, environments, ...]``.

    Raises:
        UnsupportedError: something in a step can't be taken apart.
    """
    envs, length = jax.tree.leaves(inputs)[0].shape[0], jax.tree.leaves(xs)[0].shape[0]
    lanes = Lanes()
    prepared, begin = _traced(prepare, _one(inputs))
    stepped, after = _traced(step, *begin, _one(xs))
    shape_carry, shape_outputs = (jax.tree.leaves(shape) for shape in after)
    start = lanes.run(prepared, [_rows(x, lambda row: row[None, :]) for x in jax.tree.leaves(inputs)])
    fixed, carry = start[: len(start) - len(shape_carry)], start[len(start) - len(shape_carry) :]
    if any(jnp.issubdtype(x.dtype, jax.dtypes.prng_key) for x in shape_carry):
        raise UnsupportedError("a key in its state")
    state = [box([Later() for _ in range(math.prod(x.shape))], x.shape) for x in shape_carry]
    now = [_rows(x, lambda row: row[:, None]) for x in jax.tree.leaves(xs)]
    results = lanes.run(stepped, [*fixed, *state, *now])
    loop = _Loop(_elements(carry), _elements(state), _elements(results[: len(carry)]), lanes.tape)
    wanted = _elements(results[len(carry) :])
    last, told = loop.play(wanted, _dtypes(shape_carry), _dtypes(shape_outputs), length, envs, interpret)
    return (
        jax.tree.unflatten(jax.tree.structure(after[0]), _gathered(last, shape_carry, (envs,))),
        jax.tree.unflatten(jax.tree.structure(after[1]), _gathered(told, shape_outputs, (length, envs))),
    )


class _Loop:
    """What a kernel has to play: elements that begin it, that a step reads, and that it leaves, with the tape between."""

    def __init__(self, begin: list[Any], before: list[Any], after: list[Any], tape: list[Operation]) -> None:
        self.begin, self.before, self.after, self.tape = begin, before, after, tape

    def play(
        self, wanted: list[Any], dtypes: list[Any], wanted_dtypes: list[Any], length: int, envs: int, interpret: bool
    ) -> tuple[list[Array], list[Array]]:
        """Return the elements after the last step, ``[environments]``, and those wanted of every step, ``[length, environments]``."""
        told = [i for i, element in enumerate(wanted) if isinstance(element, Later)]
        tape = _needed(self.tape, [*self.after, *wanted])
        used = [operand for operation in tape for operand in operation.operands]
        known = _distinct(x for x in (*self.begin, *self.after, *used) if isinstance(x, Array))
        tables = _distinct(x.array for x in used if isinstance(x, Table))

        def kernel(*refs: Any) -> None:
            inputs = dict(zip(map(id, (*known, *tables)), refs, strict=False))
            refs_last, refs_told = refs[len(inputs) : len(inputs) + len(dtypes)], refs[len(inputs) + len(dtypes) :]
            # Behind the last environment come copies of it, which write what it writes.
            lane = jnp.minimum(pl.program_id(0) * WARP + jnp.arange(WARP, dtype=jnp.int32), np.int32(envs - 1))

            def read(x: Array, i: Any) -> Any:
                return inputs[id(x)][i if x.shape[0] > 1 else 0, lane if x.shape[1] > 1 else 0]

            def spread(x: Any) -> Any:
                return x if np.ndim(x) else lax.broadcast_in_dim(x, (WARP,), ())

            always = {id(x): read(x, 0) for x in known if x.shape[0] == 1}

            def body(i: Array, carried: Sequence[Array]) -> list[Array]:
                found: dict[int, Any] = dict(zip(map(id, self.before), carried, strict=True)) | always

                def find(x: Any) -> Any:
                    if isinstance(x, np.generic):
                        return x
                    if id(x) not in found:
                        found[id(x)] = read(x, i)
                    return found[id(x)]

                for function, operands, result in tape:
                    if isinstance(operands[0], Table):
                        found[id(result)] = function(inputs[id(operands[0].array)], find(operands[1]))
                    else:
                        found[id(result)] = function(*(spread(find(x)) for x in operands))
                for ref, place in zip(refs_told, told, strict=True):
                    ref[i, lane] = spread(find(wanted[place]))
                return [spread(find(x)) for x in self.after]

            begin = [spread(x if isinstance(x, np.generic) else always[id(x)]) for x in self.begin]
            last = lax.fori_loop(jnp.int32(0), jnp.int32(length), body, begin)
            for ref, element in zip(refs_last, last, strict=True):
                ref[lane] = element

        results = pl.pallas_call(
            kernel,
            out_shape=[
                *(jax.ShapeDtypeStruct((envs,), dtype) for dtype in dtypes),
                *(jax.ShapeDtypeStruct((length, envs), wanted_dtypes[i]) for i in told),
            ],
            grid=(-(-envs // WARP),),
            compiler_params=plgpu.CompilerParams(num_warps=1, num_stages=1),
            interpret=interpret,
            name="jaxenv_fused_scan",
        )(*known, *(x.reshape(-1) for x in tables))
        whole = dict(zip(told, results[len(dtypes) :], strict=True))
        every = [whole[i] if i in whole else jnp.broadcast_to(x, (length, envs)) for i, x in enumerate(wanted)]
        return results[: len(dtypes)], every


def _traced(function: Callable[..., Any], *shapes: Any) -> tuple[ClosedJaxpr, Any]:
    """Return the program of a function, without what its results don't need, and their shapes."""
    closed, results = jax.make_jaxpr(function, return_shape=True)(*shapes)
    jaxpr, _ = pe.dce_jaxpr(closed.jaxpr, [True] * len(closed.out_avals), instantiate=True)
    return ClosedJaxpr(jaxpr, closed.consts), results


def _one(tree: Any) -> Any:
    """Return the shapes of one row of a tree."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), tree)


def _rows(array: Array, arrange: Callable[[Array], Array]) -> Value:
    """Return the value of an array ``[n, ...]`` whose first axis is that of steps or of environments."""
    flat = array.reshape(array.shape[0], -1)
    return box([arrange(flat[:, j]) for j in range(flat.shape[1])], array.shape[1:])


def _elements(values: Sequence[Value]) -> list[Any]:
    return [element for value in values for element in value.reshape(-1)]


def _dtypes(leaves: Sequence[Any]) -> list[Any]:
    return [leaf.dtype for leaf in leaves for _ in range(math.prod(leaf.shape))]


def _distinct(arrays: Iterable[Array]) -> list[Array]:
    return list({id(x): x for x in arrays}.values())


def _needed(tape: list[Operation], results: Sequence[Any]) -> list[Operation]:
    """Return the operations that results depend on."""
    needed, kept = set(map(id, results)), []
    for operation in reversed(tape):
        if id(operation.result) in needed:
            needed.update(map(id, operation.operands))
            kept.append(operation)
    return kept[::-1]


def _gathered(elements: list[Array], leaves: Sequence[Any], before: tuple[int, ...]) -> list[Array]:
    """Arrange elements of shape ``before`` as leaves ``[*before, ...]``."""
    gathered: list[Array] = []
    for leaf in leaves:
        size = math.prod(leaf.shape)
        flat = jnp.stack(elements[:size], -1) if size else jnp.zeros((*before, 0), leaf.dtype)
        gathered.append(flat.reshape(*before, *leaf.shape))
        elements = elements[size:]
    return gathered
