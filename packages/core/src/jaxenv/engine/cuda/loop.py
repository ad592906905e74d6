"""The kernel of a rollout: each thread begins an episode, plays all steps, and writes down what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jaxenv.engine.cuda.expressions import C_TYPES, name
from jaxenv.engine.cuda.source import Kernel, Text, distinct, pointer, signature, statements, store
from jaxenv.engine.scalar.program import Leaf, ScalarProgram

BLOCK = 64
"""Threads in a block."""


@dataclass(frozen=True)
class Array:
    """An operand of the kernel."""

    leaf: Leaf
    """What an environment reads of it."""
    by_env: bool
    """Whether every environment has its own, along a leading axis."""
    by_member: bool = False
    """Whether every member of a population has its own, along a further leading axis."""


Source = tuple[Literal["array", "carry", "time"], int]
"""Where an argument of a program comes from: an array or an element of what is carried, by number, or the number of the step."""


@dataclass(frozen=True)
class Loop:
    """What a thread plays."""

    arrays: tuple[Array, ...]
    """What there is in memory."""
    carry: tuple[Leaf, ...]
    """What goes from step to step, in registers."""
    elapsed: int
    """The array that has the number of steps played before, uint32[]."""
    begin: ScalarProgram
    """Makes the first leaves of what is carried."""
    begin_sources: tuple[Source, ...]
    """Where the arguments of ``begin`` come from."""
    first: int
    """The arrays from this number on have what is carried and ``begin`` doesn't make."""
    step: ScalarProgram
    """Takes a step. Its first results are what is carried and changes; the others are written down."""
    step_sources: tuple[Source, ...]
    """Where the arguments of ``step`` come from."""
    kept: int
    """How many leaves at the front of what is carried stay as they are (the key); ``step`` gives the others."""

    def kernel(self, population: bool) -> tuple[Kernel, list[int]]:
        """Return the kernel, and the arrays that it reads.

        The kernel finds in ``sizes`` the numbers of environments, of steps and, for a population, of members. It writes what is
        carried after the last step and changes, then a row for every step of what else ``step`` gives.
        """
        changing = self.carry[self.kept :]
        rows = self.step.results[len(changing) :]
        used = self._used()
        names = distinct(
            [
                *(self.arrays[i].leaf for i in used),
                *(Leaf(f"last_{leaf.name}", leaf.shape, leaf.dtype) for leaf in changing),
                *(Leaf(f"rows_{leaf.name}", leaf.shape, leaf.dtype) for leaf in rows),
                *(Leaf(f"now_{leaf.name}", leaf.shape, leaf.dtype) for leaf in self.carry),
            ]
        )
        arrays, names = dict(zip(used, names, strict=False)), names[len(used) :]
        last, names = names[: len(changing)], names[len(changing) :]
        written, now = names[: len(rows)], names[len(rows) :]
        elements = [[f"{v}_{j}" if leaf.size > 1 else v for j in range(leaf.size)] for v, leaf in zip(now, self.carry, strict=True)]

        text = Text()
        text.add(
            signature(
                "jaxenv_rollout",
                BLOCK,
                [pointer(self.arrays[i].leaf, arrays[i]) for i in used],
                [pointer(leaf, v, written=True) for leaf, v in zip((*changing, *rows), (*last, *written), strict=True)],
            )
        )
        text.add("const int32_t i = THREAD, num_envs = sizes[0], num_steps = sizes[1];")
        if population:
            text.add("if (i >= num_envs * sizes[2]) return;", "const int32_t member = i / num_envs, env = i % num_envs;")
        else:
            text.add("if (i >= num_envs) return;", "const int32_t env = i;")

        def read_array(number: int, place: str) -> str:
            array, size, variable = self.arrays[number], self.arrays[number].leaf.size, arrays[number]
            row = {
                (False, False): "",
                (True, False): "env",
                (False, True): "member",
                (True, True): "i",
            }[array.by_env, array.by_member]
            if not row:
                return f"{variable}[{place}]"
            return f"{variable}[{row}]" if size == 1 else f"{variable}[(int64_t){row} * {size} + {place}]"

        def read(sources: Sequence[Source], argument: int, place: str) -> str:
            kind, number = sources[argument]
            if kind == "array":
                return read_array(number, place)
            return "time" if kind == "time" else elements[number][int(place)]

        text.add("// What goes from step to step.")
        for leaf, variables in zip(self.carry, elements, strict=True):
            text.add(f"{C_TYPES[leaf.dtype.name]} {', '.join(variables)};")
        text.add("{")
        statements(text, self.begin, lambda argument, place: read(self.begin_sources, argument, place))
        for outputs, variables in zip(self.begin.outputs, elements, strict=False):
            text.add(*(f"{v} = {name(x)};" for v, x in zip(variables, outputs, strict=True)))
        for number, leaf, variables in self._read():
            flag = " != 0" if leaf.dtype.kind == "b" else ""
            text.add(
                *(f"{v} = {read_array(number, str(j))}{flag};" for j, v in zip(range(leaf.size), elements[variables], strict=True))
            )
        text.add("}")
        text.add(f"const uint32_t first = {arrays[self.elapsed]}[0] + 1u;")
        text.add(f"int64_t at = {'(int64_t)member * num_steps * num_envs + env' if population else 'env'};")
        text.add("for (int32_t step = 0; step < num_steps; ++step, at += num_envs) {", "const uint32_t time = first + step;")
        statements(text, self.step, lambda argument, place: read(self.step_sources, argument, place))
        for leaf, outputs, variable in zip(rows, self.step.outputs[len(changing) :], written, strict=True):
            store(text, leaf, outputs, variable, "at")
        for outputs, variables in zip(self.step.outputs[: len(changing)], elements[self.kept :], strict=True):
            text.add(*(f"{v} = {name(x)};" for v, x in zip(variables, outputs, strict=True)))
        text.add("}", "// What the last step left.")
        for leaf, variables, variable in zip(changing, elements[self.kept :], last, strict=True):
            text.add(*(f"{variable}[(int64_t)i * {leaf.size} + {j}] = {v};" for j, v in enumerate(variables)))
        text.add("}")
        operands = tuple(self.arrays[i].leaf for i in used)
        return Kernel("jaxenv_rollout", str(text), operands, (*changing, *rows), BLOCK), used

    def _read(self) -> list[tuple[int, Leaf, int]]:
        """Return arrays that have what is carried at the beginning: number, leaf, and its place among what is carried."""
        made = len(self.begin.results)
        return [(self.first + i, leaf, made + i) for i, leaf in enumerate(self.carry[made:])]

    def _used(self) -> list[int]:
        used = {self.elapsed, *(number for number, _, _ in self._read())}
        used.update(self._arrays(self.begin, self.begin_sources))
        used.update(self._arrays(self.step, self.step_sources))
        return sorted(used)

    @staticmethod
    def _arrays(program: ScalarProgram, sources: Sequence[Source]) -> set[int]:
        return {sources[i][1] for i in program.used_arguments() if sources[i][0] == "array"}
