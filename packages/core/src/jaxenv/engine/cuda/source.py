"""From programs on scalars to the text of a kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from jaxenv.engine.cuda.expressions import C_TYPES, expression, name
from jaxenv.engine.cuda.schedule import Branch, schedule
from jaxenv.engine.cuda.warp import LANES, Warp
from jaxenv.engine.scalar.program import Instruction, Leaf, Operand, Register, ScalarProgram

Read = Callable[[int, str], str]
"""From the number of an argument and a place in it, both as C, to the expression that reads it."""


@dataclass(frozen=True)
class Kernel:
    """The text of a kernel, and how it is launched."""

    name: str
    """Its function."""
    source: str
    """CUDA C, which is C for the host as well, without the prelude."""
    operands: tuple[Leaf, ...]
    """The arrays that it reads, after ``sizes``, in the order of its arguments."""
    results: tuple[Leaf, ...]
    """The arrays that it writes, in the order of its arguments."""
    block: int = 128
    """Threads in a block."""
    aliases: tuple[tuple[int, int], ...] = ()
    """Pairs of an operand and a result that may be the same memory, by number."""
    envs: int = 0
    """How many environments the threads of a warp play together; 0 if each thread plays one."""
    cooperative: bool = False
    """Whether threads of a block wait for one another."""
    shared: int = 0
    """Bytes of shared memory that a block is launched with, besides what the text declares."""

    def threads(self, envs: int) -> int:
        """Return how many threads play so many environments."""
        return -(-envs // self.envs) * LANES if self.envs else envs


@cache
def prelude() -> str:
    """Return what every kernel builds on."""
    return resources.files("jaxenv.engine.cuda").joinpath("prelude.h").read_text()


@dataclass
class Text:
    """Lines of C."""

    lines: list[str] = field(default_factory=list)
    depth: int = 0

    def add(self, *lines: str) -> None:
        """Add lines, indented."""
        for line in lines:
            self.depth -= line.startswith("}")
            self.lines.append("  " * self.depth + line if line else "")
            self.depth += line.endswith("{")

    def __str__(self) -> str:
        return "\n".join(self.lines) + "\n"


def identifier(text: str) -> str:
    """Return a path such as ``state.x[0]`` as a name in C."""
    return re.sub(r"\W+", "_", text).strip("_") or "x"


def distinct(leaves: Iterable[Leaf]) -> list[str]:
    """Return names in C for leaves, each another."""
    names: list[str] = []
    for leaf in leaves:
        base = candidate = identifier(leaf.name)
        count = 1
        while candidate in names:
            count += 1
            candidate = f"{base}_{count}"
        names.append(candidate)
    return names


def pointer(leaf: Leaf, variable: str, *, written: bool = False, shared: bool = False) -> str:
    """Declare the argument of a kernel that is an array like a leaf; flags are bytes.

    Args:
        leaf: what the array has one of for each environment.
        variable: its name.
        written: whether it is a result.
        shared: whether another argument may be the same memory.
    """
    c = "uint8_t" if leaf.dtype.kind == "b" else C_TYPES[leaf.dtype.name]
    return f"{'' if written else 'const '}{c}*{'' if shared else ' __restrict__'} {variable}"


def statements(text: Text, program: ScalarProgram, read: Read, warp: Warp | None = None) -> None:
    """Write what a program does; register ``n`` is then the variable ``rn``. Vectors are written by a ``warp``."""
    outputs = [x for row in program.outputs for x in row]
    for item in schedule(program.instructions, outputs):
        if isinstance(item, Branch):
            for instruction in item.instructions:
                for register in instruction.results:
                    text.add(f"{C_TYPES[register.dtype.name]} {name(register)};")
            text.add(f"if ({name(item.condition)}) {{")
            for instruction in item.instructions:
                _statement(text, program, instruction, read, declared=True)
            text.add("}")
        elif warp is not None and any(isinstance(x, Register) and x.size for x in (*item.operands, *item.results)):
            warp.write(item)
        else:
            _statement(text, program, item, read, declared=False)


def _statement(text: Text, program: ScalarProgram, instruction: Instruction, read: Read, declared: bool) -> None:
    results = instruction.results
    declaration = "" if declared else f"{C_TYPES[results[0].dtype.name]} "
    if instruction.op == "threefry2x32":
        if not declared:
            text.add(f"uint32_t {name(results[0])}, {name(results[1])};")
        operands = ", ".join(map(name, instruction.operands))
        text.add(f"threefry2x32({operands}, &{name(results[0])}, &{name(results[1])});")
        return
    if instruction.op in ("argument", "load"):
        place = str(instruction.element) if instruction.op == "argument" else name(instruction.operands[0])
        computed = read(instruction.leaf, place)
        if program.arguments[instruction.leaf].dtype.kind == "b":
            computed += " != 0"
    else:
        computed = expression(instruction)
    text.add(f"{'' if declared else 'const '}{declaration}{name(results[0])} = {computed};")


def store(text: Text, leaf: Leaf, elements: Sequence[Operand], variable: str, place: str) -> None:
    """Write the elements of a result, several at once where they make up words.

    Args:
        text: where to.
        leaf: the result.
        elements: its elements.
        variable: the array that has one such result after the other.
        place: the number of this one, as C.
    """
    size, width = leaf.size, leaf.dtype.itemsize
    words = size * width // 4
    if size > 1 and (size * width) % 8 == 0 and width in (1, 4):
        count = 4 if words % 4 == 0 else 2
        packed = [_word(elements[i : i + 4 // width]) for i in range(0, size, 4 // width)]
        for start in range(0, words, count):
            text.add("{")
            text.add(f"words{count} w;")
            text.add(*(f"w.words[{i}] = {word};" for i, word in enumerate(packed[start : start + count])))
            text.add(f"((words{count}*){variable})[{place} * {words // count} + {start // count}] = w;")
            text.add("}")
        return
    for i, element in enumerate(elements):
        text.add(
            f"{variable}[{place} * {size} + {i}] = {name(element)};" if size > 1 else f"{variable}[{place}] = {name(element)};"
        )


def _word(elements: Sequence[Operand]) -> str:
    """Return 32 bits that hold one element of four bytes, or four of one."""
    if len(elements) == 1:
        (element,) = elements
        return f"f32_to_bits({name(element)})" if element.dtype.kind == "f" else f"(uint32_t){name(element)}"
    known = sum((int(x.item()) & 255) << 8 * i for i, x in enumerate(elements) if not isinstance(x, Register))
    parts = [f"{known}u"] if known else []
    for i, element in enumerate(elements):
        if isinstance(element, Register):
            byte = f"(uint32_t){name(element)}" if element.dtype.kind == "b" else f"(uint32_t)(uint8_t){name(element)}"
            parts.append(f"{byte} << {8 * i}" if i else byte)
    return " | ".join(parts) or "0u"


def signature(kernel_name: str, block: int, operands: Sequence[str], results: Sequence[str]) -> str:
    """Return the first line of a kernel."""
    arguments = ", ".join(["const int32_t* __restrict__ sizes", *operands, *results])
    return f"KERNEL({block}) {kernel_name}({arguments}) {{"
