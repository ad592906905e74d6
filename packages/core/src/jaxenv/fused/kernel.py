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
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from jaxenv.fused.deferred import deferred
from jaxenv.fused.lanes import Key, Lanes, Later, Operation, Table, UnsupportedError, Value, box, check_size
from jaxenv.fused.parcels import MOST_WORDS, Loose, Parcels, join, part, spread
from jaxenv.fused.rules import RULES

if not hasattr(plgpu, "store"):
    raise ImportError(f"JAX {jax.__version__}, whose Pallas is too old")

WARP = 32
"""Threads that a GPU steps together; each program of the grid plays so many environments, one in each thread."""

LONG = 200
"""Operations of a tape above which elements travel in parcels."""

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
    loop = _Loop(_elements(carry), _elements(state), _elements(results[: len(carry)]), _elements(results[len(carry) :]), lanes.tape)
    last, told = loop.play(_dtypes(shape_carry), _dtypes(shape_outputs), length, envs, interpret)
    outputs = jax.tree.unflatten(jax.tree.structure(after[1]), _gathered(told, shape_outputs, (length, envs)))
    return (
        jax.tree.unflatten(jax.tree.structure(after[0]), _gathered(last, shape_carry, (envs,))),
        outputs,
        _detailed(prepared, _traced(detail, begin[0], after[1], _one(xs)), inputs, outputs, xs),
    )


class _Loop:
    """What a kernel has to play: elements that begin it, that a step reads, leaves and puts out, with the tape between."""

    def __init__(self, begin: list[Any], before: list[Any], after: list[Any], wanted: list[Any], tape: list[Operation]) -> None:
        self.begin, self.before, self.after, self.wanted = begin, before, after, wanted
        self.tape = _needed(tape, [*after, *wanted])

    def play(
        self, dtypes: list[Any], wanted_dtypes: list[Any], length: int, envs: int, interpret: bool
    ) -> tuple[list[Array], list[Any]]:
        """Return the elements after the last step, ``[environments]``, and those wanted of every step.

        What is wanted and known stays as it is; the rest is ``[length, environments]``.

        The loop goes round once more than there are steps, and a round begins by writing what it was handed: the state, and what
        the round before put out. So a state is written at one place of the program, whether a step begins with it or none does.
        """
        states = {id(x): i for i, x in enumerate(self.before)}
        rows = sorted({states[id(x)] for x in self.wanted if id(x) in states})
        ends = [i for i in range(len(self.before)) if i not in rows]
        shown = [i for i, x in enumerate(self.wanted) if isinstance(x, Later) and id(x) not in states]
        every = length * envs
        if every + envs >= 2**31:
            raise UnsupportedError(f"{length:,} steps of {envs:,} environments, too many for 32-bit places")
        written = [dtypes[k] for k in rows], [wanted_dtypes[k] for k in shown], [dtypes[k] for k in ends]
        kind: type[Loose] = Loose
        if len(self.tape) > LONG and (every + envs) * max(MOST_WORDS, *(sum(Parcels(x).sizes) for x in written)) < 2**31:
            kind = Parcels
        to_rows, to_shown, to_ends = map(kind, written)
        used = [operand for operation in self.tape for operand in operation.operands]
        known = _distinct(x for x in (*self.begin, *self.after, *used) if isinstance(x, Array))
        tables = _distinct(x.array for x in used if isinstance(x, Table))
        shared = [x for x in known if x.shape[1] == 1]
        by_lane = _Given(kind, [x for x in known if x.shape[0] == 1 < x.shape[1]])
        by_time = _Given(kind, [x for x in known if min(x.shape) > 1])
        outputs = [to_rows.shapes(every + envs), to_shown.shapes(every), to_ends.shapes(envs)]

        def kernel(*refs: Any) -> None:
            counts = [len(shared) + len(tables), len(by_lane.arrays), len(by_time.arrays), *map(len, outputs[:2])]
            refs_shared, refs_lane, refs_time, refs_rows, refs_shown, refs_ends = _parted(refs, counts)
            inputs = dict(zip(map(id, (*shared, *tables)), refs_shared, strict=True))
            # Behind the last environment come copies of it, which write what it writes.
            lane = jnp.minimum(pl.program_id(0) * WARP + jnp.arange(WARP, dtype=jnp.int32), np.int32(envs - 1))

            def fill(x: Any, dtype: Any = None) -> Any:
                return x if np.ndim(x) else lax.broadcast_in_dim(jnp.asarray(x, dtype), (WARP,), ())

            def read(step: Any) -> list[Any]:
                """Fetch what is known of a step: parcels of each environment, and elements that all share."""
                alike = [inputs[id(x)][step] for x in shared if x.shape[0] > 1]
                return [by_time.read(refs_time, lane + step * np.int32(envs)), alike]

            def write(to: Loose, spots: list[tuple[Any, Array]], elements: list[Any], when: Any = True) -> None:
                for (ref, spot), parcel in zip(spots, to.pack(elements), strict=True):
                    plgpu.store(ref.at[spot], join(parcel), mask=lax.broadcast_in_dim(when, spot.shape, ()))

            always = {id(x): inputs[id(x)][0] for x in shared if x.shape[0] == 1} | by_lane.named(by_lane.read(refs_lane, lane))

            def body(i: Array, carried: tuple[Any, ...]) -> tuple[Any, ...]:
                state, told, (parcels, alike) = carried
                place = lane + i * np.int32(envs)
                write(to_rows, to_rows.spots(refs_rows, place, every + envs), [state[k] for k in rows])
                write(to_shown, to_shown.spots(refs_shown, place - np.int32(envs), every), told, i > 0)
                write(to_ends, to_ends.spots(refs_ends, lane, envs), [state[k] for k in ends], i == length)
                # What the next step reads is fetched while this one computes.
                later = read(jnp.minimum(i + 1, np.int32(length - 1)))
                found = always | by_time.named(parcels) | dict(zip(map(id, self.before), state, strict=True))
                found |= dict(zip((id(x) for x in shared if x.shape[0] > 1), alike, strict=True))

                def find(x: Any) -> Any:
                    return x if isinstance(x, np.generic) else found[id(x)]

                for function, operands, result in self.tape:
                    if isinstance(operands[0], Table):
                        found[id(result)] = function(inputs[id(operands[0].array)], find(operands[1]))
                    else:
                        found[id(result)] = function(*(fill(find(x)) for x in operands))
                after = [fill(find(x)) for x in self.after]
                return after, [fill(find(self.wanted[k])) for k in shown], later

            begin = [fill(x if isinstance(x, np.generic) else always[id(x)]) for x in self.begin]
            nothing = [fill(0, wanted_dtypes[k]) for k in shown]
            lax.fori_loop(jnp.int32(0), jnp.int32(length + 1), body, (begin, nothing, read(0)))

        results = pl.pallas_call(
            kernel,
            out_shape=[*outputs[0], *outputs[1], *outputs[2]],
            grid=(-(-envs // WARP),),
            compiler_params=plgpu.CompilerParams(num_warps=1, num_stages=1),
            interpret=interpret,
            name="jaxenv_fused_scan",
        )(*(x.reshape(-1) for x in (*shared, *tables)), *by_lane.arrays, *by_time.arrays)
        arrays = _parted(results, list(map(len, outputs[:2])))
        whole = {k: x.reshape(length + 1, envs) for k, x in zip(rows, to_rows.elements(arrays[0], every + envs), strict=True)}
        last = {k: x[length] for k, x in whole.items()} | dict(zip(ends, to_ends.elements(arrays[2], envs), strict=True))
        told = {id(self.before[k]): x[:length] for k, x in whole.items()}
        for k, x in zip(shown, to_shown.elements(arrays[1], every), strict=True):
            told[id(self.wanted[k])] = x.reshape(length, envs)
        return [last[k] for k in range(len(last))], [told.get(id(x), x) for x in self.wanted]


class _Given:
    """What is known of each environment before the first step."""

    def __init__(self, kind: type[Loose], elements: list[Array]) -> None:
        self.elements, self.carrier = elements, kind([x.dtype for x in elements])
        self.arrays = self.carrier.arrays([x.reshape(-1) for x in elements])

    def read(self, refs: Sequence[Any], place: Array) -> list[Any]:
        """Fetch parcels."""
        return [part(ref[spread(place, size)]) for ref, size in zip(refs, self.carrier.sizes, strict=True)]

    def named(self, parcels: list[Any]) -> dict[int, Any]:
        """Return the elements that parcels hold, by what they are."""
        return dict(zip(map(id, self.elements), self.carrier.unpack(parcels), strict=True))


def _traced(function: Callable[..., Any], *shapes: Any) -> tuple[ClosedJaxpr, Any]:
    """Return the program of a function, and the shapes of its results."""
    return jax.make_jaxpr(function, return_shape=True)(*shapes)


def _detailed(prepared: ClosedJaxpr, detailed: tuple[ClosedJaxpr, Any], inputs: Any, outputs: Any, xs: Any) -> Any:
    """Work out the details of all steps, if anything depends on them."""
    details, shapes = detailed
    flat = jax.tree.leaves
    count = len(details.in_avals) - len(flat(outputs)) - len(flat(xs))  # leaves of what an environment keeps

    def work_out(consts: Any, *args: Any) -> list[Array]:
        inputs, outputs, xs = args
        fixed = jax.vmap(jaxpr_as_fun(ClosedJaxpr(prepared.jaxpr, consts[0])))(*inputs)[:count]
        tell = jaxpr_as_fun(ClosedJaxpr(details.jaxpr, consts[1]))
        of_step = jax.vmap(lambda fixed, outputs, x: tell(*fixed, *outputs, *x), in_axes=(0, 0, None))
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


def _parted(items: Sequence[Any], counts: Sequence[int]) -> list[Sequence[Any]]:
    """Cut a sequence into parts of given lengths, and the rest."""
    ends = np.cumsum(counts).tolist()
    return [items[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]


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


def _gathered(elements: Sequence[Any], leaves: Sequence[Any], before: tuple[int, ...]) -> list[Array]:
    """Make arrays ``[*before, ...]`` of leaves, whose elements have the shape ``before`` or one that broadcasts to it."""
    gathered: list[Array] = []
    for leaf, value in zip(leaves, _shaped(elements, leaves), strict=True):
        flat = [jnp.broadcast_to(element, before) for element in value.reshape(-1)]
        stacked = jnp.stack(flat, -1) if flat else jnp.zeros((*before, 0), leaf.dtype)
        gathered.append(stacked.reshape(*before, *leaf.shape))
    return gathered
