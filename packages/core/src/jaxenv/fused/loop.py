"""The kernel itself: each program of its grid plays all steps of a few environments by a tape, and writes down what happened.

Triton's compiler takes time for every access to memory, as much as the square of the number of operations that are *linked* with
it: those that it depends on, those that depend on it, those linked with these, and so on. (Its pass ``coalesce`` looks there for
accesses that belong together.) A constant links all that use it. What a ``while`` loop hands from round to round links nothing. So
no access here is linked with the tape: what is written, where, and whether, is what a round was handed, combined without a constant
that the tape might have; and what is read comes out of a loop of its own, of one round. That made Seaquest's kernel of 1,300
operations and 90 accesses compile in 0.7 s instead of 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu

from jaxenv.fused.deferred import deferred
from jaxenv.fused.elements import Later, Operation, Table, UnsupportedError

if not hasattr(plgpu, "store"):
    raise ImportError(f"JAX {jax.__version__}, whose Pallas is too old")

WARP = 32
"""Threads that a GPU steps together; each program of the grid plays so many environments, one in each thread."""


class Sizes(NamedTuple):
    """How much is played."""

    length: int
    """Steps."""
    envs: int
    """Environments."""
    interpret: bool
    """Whether Pallas only pretends."""


class Loop:
    """What a kernel has to play.

    Args:
        begin: the elements of the state before the first step.
        before: the elements that a step reads as its state.
        after: the elements of the state that it leaves.
        wanted: the elements that it puts out.
        tape: how to come from ``before`` to ``after`` and ``wanted``.
    """

    def __init__(self, begin: list[Any], before: list[Any], after: list[Any], wanted: list[Any], tape: list[Operation]) -> None:
        self.begin, self.before, self.after, self.wanted = begin, before, after, wanted
        self.tape = _needed(tape, [*after, *wanted])

    def play(self, dtypes: Sequence[Any], wanted_dtypes: Sequence[Any], sizes: Sizes) -> tuple[list[Array], list[Any]]:
        """Return the elements after the last step, ``[environments]``, and those wanted of every step.

        What is wanted and known stays as it is; the rest is ``[length, environments]``.

        The loop goes round once more than there are steps, and a round begins by writing what it was handed: the state, and what
        the round before put out. So a state is written at one place of the program, whether a step begins with it or none does.

        Args:
            dtypes: those of the state.
            wanted_dtypes: those of what is wanted.
            sizes: how much is played.
        """
        length, envs, interpret = sizes
        every = length * envs
        if every + envs >= 2**31:
            raise UnsupportedError(f"{length:,} steps of {envs:,} environments, too many for 32-bit places")
        states = {id(x): i for i, x in enumerate(self.before)}
        rows = sorted({states[id(x)] for x in self.wanted if id(x) in states})
        ends = [i for i in range(len(self.before)) if i not in rows]
        shown = [i for i, x in enumerate(self.wanted) if isinstance(x, Later) and id(x) not in states]
        used = [operand for operation in self.tape for operand in operation.operands]
        known = _distinct(x for x in (*self.begin, *self.after, *used) if isinstance(x, Array))
        tables = _distinct(x.array for x in used if isinstance(x, Table))
        fixed, timed = ([x for x in known if x.shape[1] == 1 and (x.shape[0] == 1) == one] for one in (True, False))
        by_lane, by_time = ([x for x in known if x.shape[1] > 1 and (x.shape[0] == 1) == one] for one in (True, False))

        def kernel(*refs: Any) -> None:
            counts = list(map(len, [fixed, timed, tables, by_lane, by_time, rows, shown]))
            of_fixed, of_timed, of_tables, of_lane, of_time, of_rows, of_shown, of_ends = parted(refs, counts)
            # Behind the last environment come copies of it, which write what it writes.
            lane = jnp.minimum(pl.program_id(0) * WARP + jnp.arange(WARP, dtype=jnp.int32), np.int32(envs - 1))
            last = lane + np.int32(every - envs)
            own, first = parted(_fetched([*of_lane, *of_time], lane), [len(of_lane)])
            always = _named(fixed, [ref[0] for ref in of_fixed]) | _named(tables, of_tables) | _named(by_lane, _flags(by_lane, own))

            def body(carried: tuple[Any, ...]) -> tuple[Any, ...]:
                step, (behind, place, ahead), state, told, (alike, apart) = carried
                for ref, k in zip(of_rows, rows, strict=True):
                    ref[place] = state[k]
                for ref, element in zip(of_shown, told, strict=True):
                    plgpu.store(ref.at[behind], element, mask=behind < place)
                for ref, k in zip(of_ends, ends, strict=True):
                    plgpu.store(ref.at[place - np.int32(every)], state[k], mask=place >= np.int32(every))
                # What the next step reads is fetched while this one computes.
                next_step = jnp.minimum(step + 1, np.int32(length - 1))
                later = [ref[next_step] for ref in of_timed], _fetched(of_time, ahead)
                found = _Found(always | _named(self.before, state) | _named(timed, alike) | _named(by_time, _flags(by_time, apart)))
                for operation in self.tape:
                    found.follow(operation)
                places = place, place + np.int32(envs), jnp.minimum(ahead + np.int32(envs), last)
                return step + 1, places, found.all(self.after), found.all(self.wanted[k] for k in shown), later

            nothing = [jnp.zeros(WARP, wanted_dtypes[k]) for k in shown]
            now = [ref[0] for ref in of_timed], first
            places = lane, lane, jnp.minimum(lane + np.int32(envs), last)
            carried = jnp.int32(0), places, _Found(always).all(self.begin), nothing, now
            lax.while_loop(lambda carried: carried[0] <= length, body, carried)

        shapes = [
            *(jax.ShapeDtypeStruct((every + envs,), dtypes[k]) for k in rows),
            *(jax.ShapeDtypeStruct((every,), wanted_dtypes[k]) for k in shown),
            *(jax.ShapeDtypeStruct((envs,), dtypes[k]) for k in ends),
        ]
        call = pl.pallas_call(
            kernel,
            out_shape=shapes,
            grid=(-(-envs // WARP),),
            compiler_params=plgpu.CompilerParams(num_warps=1, num_stages=1),
            interpret=interpret,
            name="jaxenv_fused_scan",
        )
        results = deferred(call, shapes, *(x.reshape(-1) for x in (*fixed, *timed, *tables)), *map(_flat, (*by_lane, *by_time)))
        results_rows, results_shown, results_ends = parted(results, [len(rows), len(shown)])
        whole = {k: x.reshape(length + 1, envs) for k, x in zip(rows, results_rows, strict=True)}
        final = {k: x[length] for k, x in whole.items()} | dict(zip(ends, results_ends, strict=True))
        told = {id(self.before[k]): x[:length] for k, x in whole.items()}
        told |= {id(self.wanted[k]): x.reshape(length, envs) for k, x in zip(shown, results_shown, strict=True)}
        return [final[k] for k in range(len(final))], [told.get(id(x), x) for x in self.wanted]


class _Found:
    """Elements in a kernel, by what they stand for: as numbers of all environments of a program, ``[WARP]``."""

    def __init__(self, known: dict[int, Any]) -> None:
        self._known, self._constants = dict(known), {}

    def follow(self, operation: Operation) -> None:
        """Do what the tape says."""
        function, operands, result = operation
        if isinstance(operands[0], Table):
            self._known[id(result)] = function(self._known[id(operands[0].array)], self.find(operands[1]))
        else:
            self._known[id(result)] = function(*self.all(operands))

    def all(self, elements: Iterable[Any]) -> list[Array]:
        """Return several elements."""
        return [self.find(x) for x in elements]

    def find(self, element: Any) -> Array:
        """Return an element."""
        if isinstance(element, np.generic):
            name = element.dtype, element.tobytes()
            if name not in self._constants:
                self._constants[name] = _fill(element)
            return self._constants[name]
        found = self._known[id(element)]
        if found.ndim == 0:
            found = self._known[id(element)] = _fill(found)
        return found


def _fetched(refs: Sequence[Any], place: Array) -> list[Array]:
    """Read elements in a loop of one round, as the module's text says.

    Nothing in the round is a constant, nor stays as it is (the compiler would take it out of the loop).
    """
    if not refs:
        return []

    def fetch(carried: tuple[Any, ...]) -> tuple[Any, ...]:
        more, none, place, nowhere, _ = carried
        return none, more, nowhere, place, [ref[place] for ref in refs]

    nothing = [jnp.zeros(WARP, ref.dtype) for ref in refs]
    carried = jnp.int32(1), jnp.int32(0), place, jnp.zeros_like(place), nothing
    return lax.while_loop(lambda carried: carried[0] > 0, fetch, carried)[-1]


def _named(elements: Sequence[Any], found: Sequence[Any]) -> dict[int, Any]:
    """Return what was found for elements, by element."""
    return dict(zip(map(id, elements), found, strict=True))


def _flat(array: Array) -> Array:
    """Return what is known of each environment as a kernel's argument: flags as bytes, since to read a flag takes a constant."""
    return (array.astype(jnp.uint8) if array.dtype == np.bool_ else array).reshape(-1)


def _flags(arrays: Sequence[Array], read: Sequence[Array]) -> list[Array]:
    """Return elements that were read: bytes as the flags that they are."""
    return [x != np.uint8(0) if array.dtype == np.bool_ else x for array, x in zip(arrays, read, strict=True)]


def _fill(x: Any) -> Array:
    return lax.broadcast_in_dim(jnp.asarray(x), (WARP,), ())


def parted(items: Sequence[Any], counts: Sequence[int]) -> list[Sequence[Any]]:
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
