"""The kernel of a rollout: each thread begins an episode, plays all steps, and writes down what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jaxenv.engine.cuda.expressions import C_TYPES, name
from jaxenv.engine.cuda.source import Kernel, Text, distinct, pointer, signature, statements, store
from jaxenv.engine.cuda.warp import LANES, MOST_SHARED, Warp, shared_numbers
from jaxenv.engine.scalar.program import Leaf, Register, ScalarProgram

BLOCK = 64
"""Threads in a block."""
MOST_HELD = 2_048
"""Numbers of a vector that a warp holds for its environments."""


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
    until: int | None
    """Which leaf of what is carried is a flag without which no further step is taken; None for so many steps."""
    kept: int
    """How many leaves at the front of what is carried stay as they are (the key); ``step`` gives the others."""

    def kernel(self, population: bool, envs: int = 0) -> tuple[Kernel, list[int]]:
        """Return the kernel, and the arrays that it reads.

        The kernel finds in ``sizes`` the numbers of environments, of steps and, for a population, of members. It writes what is
        carried after the last step and changes, then a row for every step of what else ``step`` gives.

        Args:
            population: whether there are members.
            envs: environments that the threads of a warp play together, which a step with vectors needs; all of one member, so
                that the number of a member's environments must be a multiple of it. 0 for a thread each.
        """
        return _Writer(self, population, envs).kernel()

    @property
    def envs_together(self) -> int:
        """The most environments that a warp can play together; 0 if the step has no vectors."""
        if not self.step.has_vectors:
            return 0
        longest = max(i.results[0].size for i in self.step.instructions)
        together = 8
        while together > 1 and (together * self.shared_bytes > MOST_SHARED or together * longest > MOST_HELD):
            together //= 2
        return together

    @property
    def shared_bytes(self) -> int:
        """Bytes of shared memory that an environment needs, those with which what is carried begins included."""
        begun = sum(leaf.size + 4 for number, leaf in enumerate(self.carry) if self.is_vector(number))
        return 4 * (shared_numbers(self.step) + begun)

    def is_vector(self, number: int) -> bool:
        """Whether a leaf of what is carried is a vector."""
        outputs = self.step.outputs[number - self.kept] if number >= self.kept else ()
        return len(outputs) == 1 and isinstance(outputs[0], Register) and outputs[0].size > 0

    def read_at_first(self) -> list[tuple[int, Leaf, int]]:
        """Return arrays that have what is carried at the beginning: number, leaf, and its place among what is carried."""
        made = len(self.begin.results)
        return [(self.first + i, leaf, made + i) for i, leaf in enumerate(self.carry[made:])]

    def used(self) -> list[int]:
        used = {self.elapsed, *(number for number, _, _ in self.read_at_first())}
        used.update(self._arrays(self.begin, self.begin_sources))
        used.update(self._arrays(self.step, self.step_sources))
        return sorted(used)

    @staticmethod
    def _arrays(program: ScalarProgram, sources: Sequence[Source]) -> set[int]:
        return {sources[i][1] for i in program.used_arguments() if sources[i][0] == "array"}


class _Writer:
    """Writes the kernel of a loop."""

    def __init__(self, loop: Loop, population: bool, envs: int) -> None:
        self.loop, self.population, self.envs = loop, population, envs
        self.changing = loop.carry[loop.kept :]
        self.rows = loop.step.results[len(self.changing) :]
        self.used = loop.used()
        names = distinct(
            [
                *(loop.arrays[i].leaf for i in self.used),
                *(Leaf(f"last_{leaf.name}", leaf.shape, leaf.dtype) for leaf in self.changing),
                *(Leaf(f"rows_{leaf.name}", leaf.shape, leaf.dtype) for leaf in self.rows),
                *(Leaf(f"now_{leaf.name}", leaf.shape, leaf.dtype) for leaf in loop.carry),
            ]
        )
        rest = iter(names)
        self.arrays = {i: next(rest) for i in self.used}
        self.last = [next(rest) for _ in self.changing]
        self.written = [next(rest) for _ in self.rows]
        self.now = [next(rest) for _ in loop.carry]
        self.vectors = [loop.is_vector(number) for number in range(len(loop.carry))]
        self.elements = [
            [f"{v}_{j}" if leaf.size > 1 else v for j in range(leaf.size)] for v, leaf in zip(self.now, loop.carry, strict=True)
        ]
        self.text = Text()
        self.warp = Warp(self.text, loop.step, envs, self._address) if envs else None

    def kernel(self) -> tuple[Kernel, list[int]]:
        """Return the kernel, and the arrays that it reads."""
        loop, text = self.loop, self.text
        warps = self._warps()
        block = LANES * warps if self.envs else BLOCK
        if self.envs:
            text.add("#ifndef WARPS", f"#define WARPS {warps}", "#endif")
        text.add(
            signature(
                "jaxenv_rollout",
                block,
                [pointer(loop.arrays[i].leaf, self.arrays[i]) for i in self.used],
                [
                    pointer(leaf, v, written=True)
                    for leaf, v in zip((*self.changing, *self.rows), (*self.last, *self.written), strict=True)
                ],
            )
        )
        self._where()
        self._begin()
        if self.warp is not None:
            self.warp.hold(self._is_shared)
        text.add(f"const uint32_t first = {self.arrays[loop.elapsed]}[0] + 1u;")
        text.add(f"int64_t at = {'(int64_t)member * num_steps * num_envs + env' if self.population else 'env'};")
        goes_on = "step < num_steps"
        if loop.until is not None:
            goes_on += f" && {f'ANY({self.now[loop.until]})' if self.envs else self.now[loop.until]}"
        text.add(f"for (int32_t step = 0; {goes_on}; ++step, at += num_envs) {{", "const uint32_t time = first + step;")
        self._step()
        text.add("}", "// What the last step left.")
        self._end()
        text.add("}")
        operands = tuple(loop.arrays[i].leaf for i in self.used)
        kernel = Kernel("jaxenv_rollout", str(text), operands, (*self.changing, *self.rows), block, envs=self.envs)
        return kernel, self.used

    def _warps(self) -> int:
        """Return how many warps make up a block."""
        warps = 4
        while warps > 1 and self.envs and warps * self.envs * self.loop.shared_bytes > MOST_SHARED:
            warps //= 2
        return warps

    def _where(self) -> None:
        """Write which environment a thread plays."""
        text = self.text
        if not self.envs:
            text.add("const int32_t i = THREAD, num_envs = sizes[0], num_steps = sizes[1];")
            total = "num_envs * sizes[2]" if self.population else "num_envs"
            text.add(f"if (i >= {total}) return;")
        else:
            text.add(
                "const int32_t num_envs = sizes[0], num_steps = sizes[1];",
                f"const int32_t total = {'num_envs * sizes[2]' if self.population else 'num_envs'};",
                f"const int32_t own = LANE % {self.envs}, base = WARP * {self.envs}, i = min(base + own, total - 1);",
                "if (base >= total) return;",
                f"const bool writes = LANE < {self.envs} && base + own < total;",
            )
        if self.population:
            text.add("const int32_t member = i / num_envs, env = i % num_envs;")
        else:
            text.add("const int32_t env = i;")

    # -- what is read ----------------------------------------------------------------------------------------------

    def _element(self, number: int, place: str, env: str = "env", i: str = "i") -> str:
        """Return the element of an array that an environment reads."""
        array, size, variable = self.loop.arrays[number], self.loop.arrays[number].leaf.size, self.arrays[number]
        rows = {(False, False): "", (True, False): env, (False, True): "member", (True, True): i}
        row = rows[array.by_env, array.by_member]
        if not row:
            return f"{variable}[{place}]"
        return f"{variable}[{row}]" if size == 1 else f"{variable}[(int64_t){row} * {size} + {place}]"

    def _read(self, sources: Sequence[Source], argument: int, place: str) -> str:
        kind, number = sources[argument]
        if kind == "array":
            return self._element(number, place)
        return "time" if kind == "time" else self.elements[number][int(place)]

    def _address(self, argument: int, place: str) -> str:
        """Return what environment ``e`` of the warp reads; of a vector that is carried, slot ``s``."""
        kind, number = self.loop.step_sources[argument]
        if kind == "carry":
            return f"{self.now[number]}[s]"
        other = "min(base + e, total - 1)"
        return self._element(number, place, f"({other} % num_envs)" if self.population else other, other)

    def _is_shared(self, argument: int) -> bool:
        """Whether all environments of a warp read the same of an argument."""
        kind, number = self.loop.step_sources[argument]
        return kind == "array" and not self.loop.arrays[number].by_env

    # -- what is done ----------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        loop, text = self.loop, self.text
        text.add("// What goes from step to step.")
        for leaf, variable, elements, vector in zip(loop.carry, self.now, self.elements, self.vectors, strict=True):
            size = self.warp.slots(leaf.size) if vector and self.warp else 0
            text.add(f"{C_TYPES[leaf.dtype.name]} {f'{variable}[{size}]' if size else ', '.join(elements)};")
        text.add("{")
        statements(text, loop.begin, lambda argument, place: self._read(loop.begin_sources, argument, place))
        for number, outputs in enumerate(loop.begin.outputs):
            if self.vectors[number]:
                self._spread(loop.carry[number], self.now[number], [name(x) for x in outputs])
            else:
                text.add(*(f"{v} = {name(x)};" for v, x in zip(self.elements[number], outputs, strict=True)))
        for number, leaf, place in loop.read_at_first():
            flag = " != 0" if leaf.dtype.kind == "b" else ""
            if self.vectors[place] and self.warp:
                other = "min(base + e, total - 1)"
                read = self._element(number, "j", f"({other} % num_envs)" if self.population else other, other)
                self.warp.each(leaf.size, f"{self.now[place]}[s] = {read};", env=True, guard=True)
            else:
                elements = [self._element(number, str(j)) for j in range(leaf.size)]
                text.add(*(f"{v} = {read}{flag};" for v, read in zip(self.elements[place], elements, strict=True)))
        text.add("}")

    def _spread(self, leaf: Leaf, variable: str, elements: Sequence[str]) -> None:
        """Write the elements that each environment's thread has into a vector."""
        assert self.warp is not None
        buffer = self.warp.buffer(f"first_{variable}", leaf.size, leaf.dtype)
        self.text.add(f"if (LANE < {self.envs}) {{", *(f"{buffer}[own][{j}] = {x};" for j, x in enumerate(elements)), "}")
        self.text.add("SYNC_WARP;")
        self.warp.each(leaf.size, f"{variable}[s] = {buffer}[e][j];", env=True, guard=True)

    def _step(self) -> None:
        loop, text, changing = self.loop, self.text, len(self.changing)
        statements(text, loop.step, lambda argument, place: self._read(loop.step_sources, argument, place), self.warp)
        if self.envs:
            text.add("if (writes) {")
        for leaf, outputs, variable in zip(self.rows, loop.step.outputs[changing:], self.written, strict=True):
            store(text, leaf, outputs, variable, "at")
        if self.envs:
            text.add("}")
        for number, outputs in enumerate(loop.step.outputs[:changing], loop.kept):
            if self.vectors[number] and self.warp:
                (vector,) = outputs
                assert isinstance(vector, Register)
                self.warp.each(vector.size, f"{self.now[number]}[s] = v{vector.number}[s];")
            else:
                text.add(*(f"{v} = {name(x)};" for v, x in zip(self.elements[number], outputs, strict=True)))

    def _end(self) -> None:
        for number, (leaf, variable) in enumerate(zip(self.changing, self.last, strict=True), self.loop.kept):
            if self.vectors[number] and self.warp:
                place = f"(int64_t)(base + e) * {leaf.size} + j"
                self.warp.each(
                    leaf.size, f"if (base + e < total) {variable}[{place}] = {self.now[number]}[s];", env=True, guard=True
                )
            else:
                elements = self.elements[number]
                lines = [f"{variable}[(int64_t)i * {leaf.size} + {j}] = {v};" for j, v in enumerate(elements)]
                self.text.add(*(["if (writes) {", *lines, "}"] if self.envs else lines))
