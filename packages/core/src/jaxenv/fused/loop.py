"""The kernel itself: each program of its grid plays all steps of a few environments by a tape, and writes down what happened.

Triton's compiler takes time for every access to memory, as much as the square of the number of operations that are *linked* with
it: those that it depends on, those that depend on it, those linked with these, and so on. (Its pass ``coalesce`` looks there for
accesses that belong together.) A constant links all that use it. What a ``while`` loop hands from round to round links nothing. So
no access here is linked with the tape: what is written, where, and whether, is what a round was handed, combined without a constant
that the tape might have; and what is read comes out of a loop of its own, of one round. That made Seaquest's kernel of 1,300
operations and 90 accesses compile in 0.7 s instead of 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu

if not hasattr(plgpu, "store"):
    raise ImportError(f"JAX {jax.__version__}, whose Pallas is too old")

WARP = 32
"""Threads that a GPU steps together; each program of the grid plays so many environments, one in each thread."""

Name = int
"""An element or a table in a kernel, which goes by a number there.

JAX keeps a kernel for as long as the program that it is part of, so it must hold on to no array.
"""


class Move(NamedTuple):
    """An operation of the tape."""

    function: Callable[..., Any]
    """A JAX function of scalars or, for a look-up, of a table's elements and a place."""
    operands: tuple[Name, ...]
    """What it is applied to."""
    result: Name
    """What its result goes by."""


@dataclass(frozen=True, eq=False)
class Loop:
    """What a kernel has to play."""

    length: int
    """Steps."""
    envs: int
    """Environments."""
    begin: list[Name]
    """The state before the first step."""
    before: list[Name]
    """The state that a step begins with."""
    after: list[Name]
    """The state that it leaves."""
    tape: list[Move]
    """How to come from one to the other."""
    constants: dict[Name, np.generic]
    """What is a number known while tracing."""
    fixed: list[Name]
    """What is known and alike for all steps and environments."""
    timed: list[Name]
    """What is known of each step and alike for all environments."""
    tables: list[Name]
    """Arrays to look things up in."""
    by_lane: list[Name]
    """What is known of each environment and alike for all steps."""
    by_time: list[Name]
    """What is known of each environment and step."""
    flags: frozenset[Name]
    """Which of the latter two are flags: a kernel is given bytes instead, since to read a flag takes a constant."""
    rows: list[int]
    """Which elements of the state to write down before every step, and after the last."""
    shown: list[Name]
    """What else to write down of every step."""
    shown_dtypes: list[Any]
    """The dtypes of that."""
    ends: list[int]
    """Which elements of the state to write down after the last step only."""

    @property
    def every(self) -> int:
        """How often all environments step."""
        return self.length * self.envs

    def call(self, shapes: Sequence[jax.ShapeDtypeStruct], interpret: bool) -> Callable[..., Sequence[Array]]:
        """Return a function of flat arrays: of what is known, in the order of the fields, to what is written down, likewise.

        Args:
            shapes: those of its results, ``[(length + 1) * envs]``, ``[length * envs]`` and ``[envs]`` each.
            interpret: whether Pallas only pretends.
        """
        return pl.pallas_call(
            self.kernel,
            out_shape=shapes,
            grid=(-(-self.envs // WARP),),
            compiler_params=plgpu.CompilerParams(num_warps=1, num_stages=1),
            interpret=interpret,
            name="jaxenv_fused_scan",
        )

    def kernel(self, *refs: Any) -> None:
        """Play what a program of the grid plays.

        The loop goes round once more than there are steps, and a round begins by writing what it was handed: the state, and what
        the round before put out. So a state is written at one place of the program, whether a step begins with it or none does.
        """
        length, envs, every = self.length, np.int32(self.envs), np.int32(self.every)
        groups = self.fixed, self.timed, self.tables, self.by_lane, self.by_time, self.rows, self.shown
        of_fixed, of_timed, of_tables, of_lane, of_time, of_rows, of_shown, of_ends = parted(refs, list(map(len, groups)))
        # Behind the last environment come copies of it, which write what it writes.
        lane = jnp.minimum(pl.program_id(0) * WARP + jnp.arange(WARP, dtype=jnp.int32), envs - 1)
        last = lane + (every - envs)
        own, first = parted(_fetched([*of_lane, *of_time], lane), [len(of_lane)])
        always = self.constants | dict(zip(self.fixed, (ref[0] for ref in of_fixed), strict=True))
        always |= dict(zip(self.tables, of_tables, strict=True)) | self._read(self.by_lane, own)

        def body(carried: tuple[Any, ...]) -> tuple[Any, ...]:
            step, (behind, place, ahead), state, told, (alike, apart) = carried
            for ref, k in zip(of_rows, self.rows, strict=True):
                ref[place] = state[k]
            for ref, element in zip(of_shown, told, strict=True):
                plgpu.store(ref.at[behind], element, mask=behind < place)
            for ref, k in zip(of_ends, self.ends, strict=True):
                plgpu.store(ref.at[place - every], state[k], mask=place >= every)
            # What the next step reads is fetched while this one computes.
            next_step = jnp.minimum(step + 1, np.int32(length - 1))
            later = [ref[next_step] for ref in of_timed], _fetched(of_time, ahead)
            found = _Found(always | dict(zip(self.before, state, strict=True)) | dict(zip(self.timed, alike, strict=True)))
            found.known |= self._read(self.by_time, apart)
            for function, operands, result in self.tape:
                found.known[result] = function(*found.all(operands))
            places = place, place + envs, jnp.minimum(ahead + envs, last)
            return step + 1, places, found.all(self.after), found.all(self.shown), later

        nothing = [jnp.zeros(WARP, dtype) for dtype in self.shown_dtypes]
        now = [ref[0] for ref in of_timed], first
        places = lane, lane, jnp.minimum(lane + envs, last)
        carried = jnp.int32(0), places, _Found(always).all(self.begin), nothing, now
        lax.while_loop(lambda carried: carried[0] <= length, body, carried)

    def _read(self, names: Sequence[Name], elements: Sequence[Array]) -> dict[Name, Array]:
        """Return elements that were read, by name: bytes as the flags that they are."""
        return {
            name: element != np.uint8(0) if name in self.flags else element for name, element in zip(names, elements, strict=True)
        }


class _Found:
    """Elements by name, as numbers of all environments of a program, ``[WARP]``, and tables."""

    def __init__(self, known: dict[Name, Any]) -> None:
        self.known = dict(known)

    def all(self, names: Iterable[Name]) -> list[Array]:
        """Return several elements."""
        return [self.find(name) for name in names]

    def find(self, name: Name) -> Array:
        """Return an element, or a table; where it is one number for all, spread it out once."""
        if np.ndim(self.known[name]) == 0:
            self.known[name] = lax.broadcast_in_dim(jnp.asarray(self.known[name]), (WARP,), ())
        return self.known[name]


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


def parted(items: Sequence[Any], counts: Sequence[int]) -> list[Sequence[Any]]:
    """Cut a sequence into parts of given lengths, and the rest."""
    ends = np.cumsum(counts).tolist()
    return [items[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]
