"""A scan over steps of many environments as one GPU kernel.

``lax.scan`` over a vmapped step launches a few kernels for each step, and each costs microseconds, however little it computes.
Here what depends on no state is computed for all steps at once, and the rest, as a loop, is one Pallas kernel: each program of
its grid keeps a few environments in registers, plays all of their steps, and writes down what happened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from jaxenv.fused.deferred import deferred
from jaxenv.fused.elements import Key, Later, Operation, Table, UnsupportedError, Value, box, check_size
from jaxenv.fused.lanes import Lanes
from jaxenv.fused.loop import Loop, Move, parted
from jaxenv.fused.rules import RULES

Prepare = Callable[[Any], tuple[Any, Any]]
"""``prepare(inputs) -> (fixed, carry)`` of one environment: what it keeps, and what goes from step to step."""
Step = Callable[[Any, Any, Any], tuple[Any, Any]]
"""``step(fixed, carry, x) -> (carry, outputs)`` of one environment."""
Detail = Callable[[Any, Any, Any], Any]
"""``detail(fixed, outputs, x) -> details`` of one environment: what can be told of a step once its outputs are known."""


def scan(prepare: Prepare, step: Step, detail: Detail, inputs: Any, xs: Any, *, interpret: bool = False) -> tuple[Any, Any, Any]:
    """Do what a ``lax.scan`` over a vmapped ``step`` does, in one kernel.

    ``prepare``, ``step`` and ``detail`` are JAX functions of one environment. What they close over, such as parameters, all share.

    Args:
        prepare: makes what an environment begins with.
        step: takes one step.
        detail: works out more about a step, for all steps at once, where its results are used.
        inputs: what ``prepare`` is given; leaves ``[environments, ...]``.
        xs: what all environments share at one time, such as the number of the step; leaves ``[length, ...]``.
        interpret: whether Pallas only pretends, for tests on a CPU.

    Returns:
        The last carry, leaves ``[environments, ...]``, and the outputs and the details of every step, leaves
        ``[length, environments, ...]``.

    Raises:
        UnsupportedError: something in a step can't be taken apart.
    """
    envs, length = jax.tree.leaves(inputs)[0].shape[0], jax.tree.leaves(xs)[0].shape[0]
    lanes = Lanes(RULES)
    prepared, begin = _traced(prepare, _one(inputs))
    stepped, after = _traced(step, *begin, _one(xs))
    shape_carry, shape_outputs = (jax.tree.leaves(shape) for shape in after)
    start = lanes.run(prepared, [_rows(x, lambda row: row[None, :]) for x in jax.tree.leaves(inputs)])
    fixed, carry = start[: len(start) - len(shape_carry)], start[len(start) - len(shape_carry) :]
    if any(jnp.issubdtype(x.dtype, jax.dtypes.prng_key) for x in shape_carry):
        raise UnsupportedError("a key in its state")
    for leaf in shape_carry:
        check_size(leaf.shape)
    state = [box([Later() for _ in range(math.prod(x.shape))], x.shape) for x in shape_carry]
    now = [_rows(x, lambda row: row[:, None]) for x in jax.tree.leaves(xs)]
    results = lanes.run(stepped, [*fixed, *state, *now])
    parts = _Parts(
        _elements(carry), _elements(state), _elements(results[: len(carry)]), _elements(results[len(carry) :]), lanes.tape
    )
    last, told = parts.play(_dtypes(shape_carry), _dtypes(shape_outputs), length, envs, interpret)
    outputs = jax.tree.unflatten(jax.tree.structure(after[1]), _gathered(told, shape_outputs, (length, envs)))
    return (
        jax.tree.unflatten(jax.tree.structure(after[0]), _gathered(last, shape_carry, (envs,))),
        outputs,
        _detailed(prepared, _traced(detail, begin[0], after[1], _one(xs)), inputs, outputs, xs),
    )


class _Parts(NamedTuple):
    """A step taken apart, and what it begins with: elements."""

    begin: list[Any]
    """The state before the first step."""
    before: list[Any]
    """The state that a step begins with."""
    after: list[Any]
    """The state that it leaves."""
    wanted: list[Any]
    """What it puts out."""
    tape: list[Operation]
    """How to come from ``before`` to ``after`` and ``wanted``."""

    def play(
        self, dtypes: list[Any], wanted_dtypes: list[Any], length: int, envs: int, interpret: bool
    ) -> tuple[list[Array], list[Any]]:
        """Return the elements after the last step, ``[environments]``, and those wanted of every step.

        What is wanted and known stays as it is; the rest is ``[length, environments]``.
        """
        if (length + 1) * envs >= 2**31:
            raise UnsupportedError(f"{length:,} steps of {envs:,} environments, too many for 32-bit places")
        states = {id(x): i for i, x in enumerate(self.before)}
        rows = sorted({states[id(x)] for x in self.wanted if id(x) in states})
        ends = [i for i in range(len(self.before)) if i not in rows]
        shown = [i for i, x in enumerate(self.wanted) if isinstance(x, Later) and id(x) not in states]
        tape = _needed(self.tape, [*self.after, *self.wanted])
        used = [operand for operation in tape for operand in operation.operands]
        known = _distinct(x for x in (*self.begin, *self.after, *used) if isinstance(x, Array))
        tables = _distinct(x.array for x in used if isinstance(x, Table))
        fixed, timed = ([x for x in known if x.shape[1] == 1 and (x.shape[0] == 1) == one] for one in (True, False))
        by_lane, by_time = ([x for x in known if x.shape[1] > 1 and (x.shape[0] == 1) == one] for one in (True, False))
        name = _Names()
        loop = Loop(
            length=length,
            envs=envs,
            begin=name.all(self.begin),
            before=name.all(self.before),
            after=name.all(self.after),
            tape=[Move(function, tuple(name.all(operands)), name(result)) for function, operands, result in tape],
            fixed=name.all(fixed),
            timed=name.all(timed),
            tables=name.all(tables),
            by_lane=name.all(by_lane),
            by_time=name.all(by_time),
            flags=frozenset(name(x) for x in (*by_lane, *by_time) if x.dtype == np.bool_),
            rows=rows,
            shown=name.all(self.wanted[k] for k in shown),
            shown_dtypes=[wanted_dtypes[k] for k in shown],
            ends=ends,
            constants=name.constants,
        )
        shapes = [
            *(jax.ShapeDtypeStruct(((length + 1) * envs,), dtypes[k]) for k in rows),
            *(jax.ShapeDtypeStruct((length * envs,), wanted_dtypes[k]) for k in shown),
            *(jax.ShapeDtypeStruct((envs,), dtypes[k]) for k in ends),
        ]
        given = [x.reshape(-1) for x in (*fixed, *timed, *tables)] + [_bytes(x.reshape(-1)) for x in (*by_lane, *by_time)]
        of_rows, of_shown, of_ends = parted(deferred(loop.call(shapes, interpret), shapes, *given), [len(rows), len(shown)])
        whole = {k: x.reshape(length + 1, envs) for k, x in zip(rows, of_rows, strict=True)}
        final = {k: x[length] for k, x in whole.items()} | dict(zip(ends, of_ends, strict=True))
        told = {id(self.before[k]): x[:length] for k, x in whole.items()}
        told |= {id(self.wanted[k]): x.reshape(length, envs) for k, x in zip(shown, of_shown, strict=True)}
        return [final[k] for k in range(len(final))], [told.get(id(x), x) for x in self.wanted]


class _Names:
    """Numbers for elements and tables, by which a kernel knows them."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self.constants: dict[int, np.generic] = {}

    def __call__(self, element: Any) -> int:
        """Return the number of an element or a table; equal constants have one."""
        if isinstance(element, np.generic):
            number = self._numbers.setdefault((element.dtype, element.tobytes()), len(self._numbers))
            self.constants[number] = element
            return number
        return self._numbers.setdefault(id(element.array if isinstance(element, Table) else element), len(self._numbers))

    def all(self, elements: Iterable[Any]) -> list[int]:
        """Return several names."""
        return [self(element) for element in elements]


def _traced(function: Callable[..., Any], *shapes: Any) -> tuple[ClosedJaxpr, Any]:
    """Return the program of a function, and the shapes of its results."""
    return jax.make_jaxpr(function, return_shape=True)(*shapes)


def _detailed(prepared: ClosedJaxpr, detailed: tuple[ClosedJaxpr, Any], inputs: Any, outputs: Any, xs: Any) -> Any:
    """Work out the details of all steps, if anything depends on them."""
    details, shapes = detailed
    flat = jax.tree.leaves
    count = len(details.in_avals) - len(flat(outputs)) - len(flat(xs))  # leaves of what an environment keeps
    begin, tell = prepared.jaxpr, details.jaxpr  # without their constants: JAX keeps the function, which must hold on to no array

    def work_out(consts: Any, *args: Any) -> list[Array]:
        inputs, outputs, xs = args
        fixed = jax.vmap(jaxpr_as_fun(ClosedJaxpr(begin, consts[0])))(*inputs)[:count]
        tell_step = jaxpr_as_fun(ClosedJaxpr(tell, consts[1]))
        of_step = jax.vmap(lambda fixed, outputs, x: tell_step(*fixed, *outputs, *x), in_axes=(0, 0, None))
        return jax.vmap(of_step, in_axes=(None, 0, 0))(fixed, outputs, xs)

    every = [jax.ShapeDtypeStruct((*flat(outputs)[0].shape[:2], *leaf.shape), leaf.dtype) for leaf in flat(shapes)]
    consts = [prepared.consts, details.consts]
    return jax.tree.unflatten(jax.tree.structure(shapes), deferred(work_out, every, consts, flat(inputs), flat(outputs), flat(xs)))


def _one(tree: Any) -> Any:
    """Return the shapes of one row of a tree."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), tree)


def _rows(array: Array, arrange: Callable[[Array], Array]) -> Value:
    """Return the value of an array ``[n, ...]`` whose first axis is that of steps or of environments."""
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        words = _rows(jax.random.key_data(array), arrange)
        return box([Key(words[place]) for place in np.ndindex(array.shape[1:])], array.shape[1:])
    flat = array.reshape(array.shape[0], -1)
    return box([arrange(flat[:, j]) for j in range(flat.shape[1])], array.shape[1:])


def _elements(values: Sequence[Value]) -> list[Any]:
    return [element for value in values for element in value.reshape(-1)]


def _shaped(elements: Sequence[Any], leaves: Sequence[Any]) -> list[Value]:
    """Arrange elements as the values of leaves."""
    values: list[Value] = []
    for leaf in leaves:
        size = math.prod(leaf.shape)
        values.append(box(elements[:size], leaf.shape))
        elements = elements[size:]
    return values


def _dtypes(leaves: Sequence[Any]) -> list[Any]:
    return [leaf.dtype for leaf in leaves for _ in range(math.prod(leaf.shape))]


def _gathered(elements: Sequence[Any], leaves: Sequence[Any], before: tuple[int, ...]) -> list[Array]:
    """Make arrays ``[*before, ...]`` of leaves, whose elements have the shape ``before`` or one that broadcasts to it."""
    gathered: list[Array] = []
    for leaf, value in zip(leaves, _shaped(elements, leaves), strict=True):
        flat = [jnp.broadcast_to(element, before) for element in value.reshape(-1)]
        stacked = jnp.stack(flat, -1) if flat else jnp.zeros((*before, 0), leaf.dtype)
        gathered.append(stacked.reshape(*before, *leaf.shape))
    return gathered


def _bytes(array: Array) -> Array:
    """Return flags as bytes, and anything else as it is."""
    return array.astype(jnp.uint8) if array.dtype == np.bool_ else array


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
