"""Vectors in the text of a kernel: what a warp, whose threads play a few environments together, computes for all of them.

A thread of the warp owns an environment: ``own`` is its number among the ``ENVS`` of the warp, and several threads own the same,
doing the same. Of a vector with ``n`` elements every thread holds some, *slots*, of all the warp's environments:

* of a wide one (n >= 32) slot ``s`` is element ``LANE + 32 * (s / ENVS)`` of environment ``s % ENVS``;
* of a narrow one slot ``s`` is number ``LANE + 32 * s`` of all environments' elements, one environment's after the other's.

Whoever needs elements of another thread reads them in shared memory, where a vector is stored once if anybody does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxenv.engine.cuda.expressions import C_TYPES, expression, name
from jaxenv.engine.scalar.program import Instruction, Operand, Register, ScalarProgram, UnsupportedError

LANES = 32
"""Threads of a warp."""
HELD = 160
"""Weights that a thread holds in registers; those of other matrices are read at every step."""
MOST_HELD = 128
"""Elements of a vector that threads hold from step to step, such as biases."""
AT_ONCE = 8
"""Rows of a matrix that are read before any is added."""
MOST_SHARED = 40_000
"""Bytes of shared memory for a block."""

Address = Callable[[int, str], str]
"""From the number of an argument and a place in it, as C, to the expression that reads it for the environment ``e`` of the warp."""


@dataclass
class Warp:
    """Writes what a program does with vectors.

    Args:
        text: where to; with a method ``add(*lines)``.
        program: the program.
        envs: environments of a warp, a power of two.
        address: how arguments are read.
    """

    text: Any
    program: ScalarProgram
    envs: int
    address: Address
    _stored: dict[int, str] = field(default_factory=dict)
    _held: dict[int, str] = field(default_factory=dict)
    _before: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._read_by_others = read_by_others(self.program)

    # -- where elements are --------------------------------------------------------------------------------------

    def slots(self, size: int) -> int:
        """Return how many elements of vectors a thread holds."""
        return -(-size // LANES) * self.envs if size >= LANES else -(-size * self.envs // LANES)

    def each(self, size: int, *lines: str, env: bool = False, guard: bool = False) -> None:
        """Write lines for every slot ``s``: with its environment ``e`` and element ``j`` if asked for, only where there is one."""
        wide = size >= LANES
        self.text.add(f"UNROLL for (int32_t s = 0; s < {self.slots(size)}; ++s) {{")
        if env or guard:
            if wide:
                self.text.add(f"const int32_t e = s % {self.envs}, j = LANE + {LANES} * (s / {self.envs});")
            else:
                self.text.add(f"const int32_t p = LANE + {LANES} * s, e = p / {size} % {self.envs}, j = p % {size};")
        full = size % LANES == 0 if wide else size * self.envs % LANES == 0
        condition = f"if ({'j' if wide else 'p'} < {size if wide else size * self.envs}) " if guard and not full else ""
        self.text.add(*(f"{condition}{line}" if condition and i == len(lines) - 1 else line for i, line in enumerate(lines)))
        self.text.add("}")

    def buffer(self, variable: str, size: int, dtype: np.dtype[Any]) -> str:
        """Declare shared memory for ``size`` numbers of each environment; return it, for the warp, as ``[envs][size]``."""
        padded, kind = -(-size // 4) * 4, "int32_t" if dtype.kind == "b" else C_TYPES[dtype.name]
        self.text.add(f"SHARED ALIGNED(16) {kind} {variable}_all[WARPS][{self.envs}][{padded}];")
        self.text.add(f"{kind} (*{variable})[{padded}] = {variable}_all[WARP_IN_BLOCK];")
        return variable

    # -- before the first step -----------------------------------------------------------------------------------

    def hold(self, shared: Callable[[int], bool]) -> None:
        """Read what threads hold in registers, of what is ``shared`` by all environments.

        These are short vectors, and the weights of as many matrices as there is room for, smallest first.
        """
        for instruction in self.program.instructions:
            if instruction.op == "vector" and shared(instruction.leaf) and instruction.results[0].size <= MOST_HELD:
                self.declare(instruction.results[0])
                self._vector(instruction)
                self._before.add(instruction.results[0].number)
        room = HELD
        matrices = {
            i.leaf: i
            for i in self.program.instructions
            if i.op == "dense" and not _of_flags(i) and (i.results[0].size >= LANES or self.slots(i.results[0].size) == 1)
        }
        for leaf, instruction in sorted(matrices.items(), key=lambda item: self._weights(item[1])):
            count = self._weights(instruction)
            if count > room:
                break
            room -= count
            rows, width = _rows(instruction), instruction.results[0].size
            variable = f"held{leaf}"
            self._held[leaf] = variable
            self.text.add(f"float {variable}[{count}];")
            if width >= LANES:
                per = -(-width // LANES)
                place = f"k * {width} + min(LANE + {LANES} * q, {width - 1})"
                self.text.add(
                    f"UNROLL for (int32_t k = 0; k < {rows}; ++k)",
                    f"  UNROLL for (int32_t q = 0; q < {per}; ++q) {variable}[k * {per} + q] = {self.address(leaf, place)};",
                )
            else:
                groups = self._groups(width)
                place = f"min(k * {groups} + LANE % {groups}, {rows - 1}) * {width} + LANE / {groups} % {width}"
                self.text.add(
                    f"UNROLL for (int32_t k = 0; k < {-(-rows // groups)}; ++k) {variable}[k] = {self.address(leaf, place)};"
                )

    def _weights(self, instruction: Instruction) -> int:
        """Return how many weights of a matrix a thread needs."""
        rows, width = _rows(instruction), instruction.results[0].size
        return rows * -(-width // LANES) if width >= LANES else -(-rows // self._groups(width))

    def _groups(self, width: int) -> int:
        """Return how many threads share a product of a narrow matrix."""
        groups = 1
        while groups * 2 * width * self.envs <= LANES:
            groups *= 2
        return groups

    def declare(self, register: Register) -> None:
        """Declare a vector."""
        self.text.add(f"{C_TYPES[register.dtype.name]} v{register.number}[{self.slots(register.size)}];")

    # -- instructions ----------------------------------------------------------------------------------------------

    def write(self, instruction: Instruction) -> None:
        """Write an instruction whose result or operand is a vector."""
        (result,) = instruction.results
        op = instruction.op
        if op == "element":
            (vector,) = instruction.operands
            kind = C_TYPES[result.dtype.name]
            read = f"{self._stored_of(vector)}[own][{instruction.element}]"
            self.text.add(f"const {kind} {name(result)} = {read}{' != 0' if result.dtype.kind == 'b' else ''};")
            return
        if op.startswith("reduce_"):
            self._reduce(instruction)
            return
        if result.number not in self._before:
            self.declare(result)
        if op == "vector":
            if result.number not in self._before:
                self._vector(instruction)
        elif op == "pack":
            buffer = self._inputs(instruction)
            self.each(result.size, f"v{result.number}[s] = {buffer}[e][j];", env=True, guard=True)
            self._stored[result.number] = buffer
        elif op == "slice":
            (vector,) = instruction.operands
            read = f"{self._stored_of(vector)}[e][j + {instruction.element}]"
            self.each(result.size, f"v{result.number}[s] = {read};", env=True, guard=True)
        elif op == "dense":
            if _of_flags(instruction):
                self._dense_of_flags(instruction)
            elif result.size >= LANES:
                self._dense(instruction)
            else:
                self._narrow_dense(instruction)
        else:
            self._elementwise(instruction)
        if result.number in self._read_by_others and result.number not in self._stored:
            self.store(result)

    def store(self, vector: Register) -> None:
        """Store a vector in shared memory."""
        buffer = self.buffer(f"x{vector.number}", vector.size, vector.dtype)
        self._stored[vector.number] = buffer
        self.each(vector.size, f"{buffer}[e][j] = v{vector.number}[s];", env=True, guard=True)
        self.text.add("SYNC_WARP;")

    def _stored_of(self, vector: Operand) -> str:
        assert isinstance(vector, Register)
        return self._stored[vector.number]

    def _vector(self, instruction: Instruction) -> None:
        (result,) = instruction.results
        place = f"j + {instruction.element}" if instruction.element else "j"
        flag = " != 0" if result.dtype.kind == "b" else ""
        read = self.address(instruction.leaf, place)
        self.each(result.size, f"v{result.number}[s] = {read}{flag};", env=True, guard=True)

    def _elementwise(self, instruction: Instruction) -> None:
        (result,) = instruction.results
        operands = list(dict.fromkeys(x for x in instruction.operands if isinstance(x, Register)))
        scalars = [x for x in operands if not x.size]
        self.text.add("{")
        self.text.add(*(f"const {C_TYPES[x.dtype.name]} own_{name(x)} = {name(x)};" for x in scalars))
        # Within the loop an operand's name means what this slot has of it, so that the expression is the usual one.
        values = {x: f"v{x.number}[s]" if x.size else f"SHUFFLE(own_{name(x)}, e)" for x in operands}
        lines = [f"const {C_TYPES[x.dtype.name]} {name(x)} = {read};" for x, read in values.items()]
        quick = instruction.op == "tanh" and result.dtype == np.float32
        computed = f"tanh_of_many({name(instruction.operands[0])})" if quick else expression(instruction)
        self.each(result.size, *lines, f"v{result.number}[s] = {computed};", env=bool(scalars))
        self.text.add("}")

    def _reduce(self, instruction: Instruction) -> None:
        (vector,), (result,) = instruction.operands, instruction.results
        assert isinstance(vector, Register)
        kind, buffer = C_TYPES[result.dtype.name], self._stored_of(vector)
        combine = _COMBINED.get((instruction.op, result.dtype.kind))
        if combine is None:
            raise UnsupportedError(f"{instruction.op} of a vector of dtype {result.dtype}")
        self.text.add(f"{kind} {name(result)} = {buffer}[own][0];")
        step = combine.format(name(result), f"{buffer}[own][j]")
        self.text.add(f"for (int32_t j = 1; j < {vector.size}; ++j) {name(result)} = {step};")

    def _inputs(self, instruction: Instruction) -> str:
        """Store inputs, one after the other, in shared memory; return it."""
        (result,) = instruction.results
        (only, *more) = instruction.operands
        if not more and isinstance(only, Register) and only.size:
            return self._stored_of(only)
        size = sum(max(1, x.size) if isinstance(x, Register) else 1 for x in instruction.operands)
        buffer = self.buffer(f"in{result.number}", size, only.dtype)
        place = 0
        scalars: list[str] = []
        for x in instruction.operands:
            if isinstance(x, Register) and x.size:
                self.each(x.size, f"{buffer}[e][{place} + j] = v{x.number}[s];", env=True, guard=True)
                place += x.size
            else:
                scalars.append(f"{buffer}[own][{place}] = {name(x)};")
                place += 1
        if scalars:
            self.text.add(f"if (LANE < {self.envs}) {{", *scalars, "}")
        self.text.add("SYNC_WARP;")
        return buffer

    def _dense(self, instruction: Instruction) -> None:
        """Write a product of which every thread computes some columns, for all environments."""
        (result,) = instruction.results
        rows, width, envs, v = _rows(instruction), result.size, self.envs, f"v{result.number}"
        buffer, per, held = self._inputs(instruction), -(-width // LANES), self._held.get(instruction.leaf)
        add = self.text.add
        add(f"UNROLL for (int32_t s = 0; s < {self.slots(width)}; ++s) {v}[s] = 0.0f;")
        whole = rows // 4 * 4

        def weight(k: str) -> str:
            if held:
                return f"{held}[({k}) * {per} + q]"
            return self.address(instruction.leaf, f"({k}) * {width} + column[q]")

        add("{")
        if not held:
            self._columns(width)
        if whole:
            add(f"{'UNROLL' if held else 'UNROLL_4'} for (int32_t k = 0; k < {whole}; k += 4) {{")
            add(f"float w[4][{per}];")
            add(f"UNROLL for (int32_t r = 0; r < 4; ++r) UNROLL for (int32_t q = 0; q < {per}; ++q) w[r][q] = {weight('k + r')};")
            add(f"UNROLL for (int32_t e = 0; e < {envs}; ++e) {{")
            add(f"const floats4 x = *(const floats4*)&{buffer}[e][k];")
            add("UNROLL for (int32_t r = 0; r < 4; ++r)")
            add(f"  UNROLL for (int32_t q = 0; q < {per}; ++q) {v}[q * {envs} + e] += x.floats[r] * w[r][q];")
            add("}", "}")
        for k in range(whole, rows):
            add(f"UNROLL for (int32_t q = 0; q < {per}; ++q) {{")
            add(f"const float w = {weight(str(k))};")
            add(f"UNROLL for (int32_t e = 0; e < {envs}; ++e) {v}[q * {envs} + e] += {buffer}[e][{k}] * w;")
            add("}")
        add("}")

    def _narrow_dense(self, instruction: Instruction) -> None:
        """Write a product of which several threads compute each element together."""
        (result,) = instruction.results
        rows, width, envs, v = _rows(instruction), result.size, self.envs, f"v{result.number}"
        groups, held = self._groups(width), self._held.get(instruction.leaf)
        buffer = self._inputs(instruction)
        add, unroll = self.text.add, "UNROLL" if held else "UNROLL_8"
        if groups == 1:
            weight = f"{held}[k]" if held else self.address(instruction.leaf, f"k * {width} + j")
            add(f"UNROLL for (int32_t s = 0; s < {self.slots(width)}; ++s) {{")
            add(f"const int32_t p = LANE + {LANES} * s, e = p / {width} % {envs}, j = p % {width};")
            add("float sum = 0.0f;")
            add(f"{unroll} for (int32_t k = 0; k < {rows}; ++k) sum += {buffer}[e][k] * {weight};")
            add(f"{v}[s] = sum;", "}")
            return
        add("{")
        add(f"const int32_t p = LANE / {groups}, e = p / {width} % {envs}, j = p % {width}, g = LANE % {groups};")
        add("float sum = 0.0f;")
        steps, rest = divmod(rows, groups)
        weight = f"{held}[k]" if held else self.address(instruction.leaf, f"(k * {groups} + g) * {width} + j")
        if steps:
            add(f"{unroll} for (int32_t k = 0; k < {steps}; ++k) sum += {buffer}[e][k * {groups} + g] * {weight};")
        if rest:
            last = f"{held}[{steps}]" if held else self.address(instruction.leaf, f"({steps * groups} + g) * {width} + j")
            add(f"if (g < {rest}) sum += {buffer}[e][{steps * groups} + g] * {last};")
        mask = groups // 2
        while mask:
            add(f"sum += SHUFFLE_XOR(sum, {mask});")
            mask //= 2
        add(f"{v}[0] = SHUFFLE(sum, LANE * {groups} % {LANES});", "}")

    def _dense_of_flags(self, instruction: Instruction) -> None:
        """Write a product with flags: a sum of the rows of those that are set, whose numbers are listed first."""
        (result,) = instruction.results
        width, envs, v = result.size, self.envs, f"v{result.number}"
        per, add = -(-width // LANES), self.text.add
        rows, count = f"rows{result.number}", f"count{result.number}"
        add(f"SHARED uint16_t {rows}_all[WARPS][{envs}][{_rows(instruction) + AT_ONCE}];")
        add(f"SHARED int32_t {count}_all[WARPS][{envs}];")
        add(f"uint16_t (*{rows})[{_rows(instruction) + AT_ONCE}] = {rows}_all[WARP_IN_BLOCK];")
        add(f"int32_t *{count} = {count}_all[WARP_IN_BLOCK];")
        add("{")
        words = self._words(instruction.operands)
        add(f"UNROLL for (int32_t e = 0; e < {envs}; ++e) {{", "int32_t found = 0;")
        for first, word in words:
            add("{", f"const uint32_t word = {word};")
            add("const int32_t place = found + __popc(word & ((1u << LANE) - 1u));")
            add(f"if (word >> LANE & 1u) {rows}[e][place] = {first} + LANE;")
            add("found += __popc(word);", "}")
        add(f"if (LANE < {AT_ONCE}) {rows}[e][found + LANE] = 0;", f"if (LANE == 0) {count}[e] = found;", "}", "SYNC_WARP;")
        add(f"UNROLL for (int32_t s = 0; s < {self.slots(width)}; ++s) {v}[s] = 0.0f;")
        each = f"UNROLL for (int32_t r = 0; r < {AT_ONCE}; ++r)"
        if width >= LANES:
            self._columns(width)
            add(f"UNROLL for (int32_t e = 0; e < {envs}; ++e) for (int32_t i = 0; i < {count}[e]; i += {AT_ONCE}) {{")
            read = self.address(instruction.leaf, f"{rows}[e][i + r] * {width} + column[q]")
            add(f"float w[{AT_ONCE}][{per}];")
            add(f"{each} UNROLL for (int32_t q = 0; q < {per}; ++q) w[r][q] = i + r < {count}[e] ? {read} : 0.0f;")
            add(f"{each} UNROLL for (int32_t q = 0; q < {per}; ++q) {v}[q * {envs} + e] += w[r][q];", "}")
        else:
            add(f"UNROLL for (int32_t s = 0; s < {self.slots(width)}; ++s) {{")
            add(f"const int32_t p = LANE + {LANES} * s, e = p / {width} % {envs}, j = p % {width};")
            read = self.address(instruction.leaf, f"{rows}[e][i] * {width} + j")
            add(f"UNROLL_4 for (int32_t i = 0; i < {count}[e]; ++i) {v}[s] += {read};", "}")
        add("}")

    def _words(self, flags: Sequence[Operand]) -> list[tuple[int, str]]:
        """Write words of 32 flags; return the number of each word's first flag, and the word of environment ``e`` as C."""
        (only, *more), words = flags, list[tuple[int, str]]()
        if not more and isinstance(only, Register) and only.size >= LANES:
            count = -(-only.size // LANES)
            within = f"LANE + {LANES} * (s / {self.envs}) < {only.size} && v{only.number}[s]"
            self.text.add(f"uint32_t set[{self.slots(only.size)}];")
            self.text.add(f"UNROLL for (int32_t s = 0; s < {self.slots(only.size)}; ++s) set[s] = BALLOT({within});")
            return [(i * LANES, f"set[{i * self.envs} + e]") for i in range(count)]
        if not more and isinstance(only, Register) and only.size:
            texts = [f"({self._stored_of(only)}[own][{i}] != 0)" for i in range(only.size)]
        else:
            texts = [name(x) if isinstance(x, Register) or x else "" for x in flags]
        for first in range(0, len(texts), LANES):
            bits = [f"((uint32_t){x} << {i})" for i, x in enumerate(texts[first : first + LANES]) if x]
            if bits:
                self.text.add(f"const uint32_t set{first} = {' | '.join(bits)};")
                words.append((first, f"SHUFFLE(set{first}, e)"))
        return words

    def _columns(self, width: int) -> None:
        """Write which columns of a matrix a thread computes; beyond the last, the last."""
        per = -(-width // LANES)
        place = f"min(LANE + {LANES} * q, {width - 1})" if width % LANES else f"LANE + {LANES} * q"
        self.text.add(f"int32_t column[{per}];", f"UNROLL for (int32_t q = 0; q < {per}; ++q) column[q] = {place};")


_COMBINED = {
    ("reduce_sum", "f"): "{0} + {1}",
    ("reduce_max", "f"): "max_f32({0}, {1})",
    ("reduce_min", "f"): "min_f32({0}, {1})",
    ("reduce_sum", "i"): "{0} + {1}",
    ("reduce_and", "b"): "{0} & ({1} != 0)",
    ("reduce_or", "b"): "{0} | ({1} != 0)",
}
"""What two elements come to, by reduction and kind of number."""


def _rows(instruction: Instruction) -> int:
    """Return how many inputs a product has."""
    return sum(max(1, x.size) if isinstance(x, Register) else 1 for x in instruction.operands)


def _of_flags(instruction: Instruction) -> bool:
    """Whether a product's inputs are flags."""
    return instruction.op == "dense" and all(x.dtype.kind == "b" for x in instruction.operands)


def read_by_others(program: ScalarProgram) -> set[int]:
    """Return the numbers of vectors of which threads need elements that others hold."""
    return {
        x.number
        for i in program.instructions
        for x in i.operands
        if isinstance(x, Register) and x.size
        if i.op in ("slice", "element")
        or i.op.startswith("reduce_")
        or (i.op == "dense" and len(i.operands) == 1 and not (_of_flags(i) and x.size >= LANES))
    }


def products(program: ScalarProgram) -> int:
    """Return how many multiplications the matrix products of an environment take; rows of flags are only added up."""
    return sum(_rows(i) * i.results[0].size for i in program.instructions if i.op == "dense" and not _of_flags(i))


def shared_numbers(program: ScalarProgram) -> int:
    """Return how many numbers of an environment are in shared memory."""
    stored = read_by_others(program)
    vectors = [i for i in program.instructions if i.results[0].size]
    own = sum(i.results[0].size + 4 for i in vectors if i.results[0].number in stored)
    return own + sum(_rows(i) + 4 for i in vectors if i.op == "pack" or (i.op == "dense" and len(i.operands) > 1) or _of_flags(i))
