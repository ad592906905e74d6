"""Programs on scalars: a list of instructions, each of which computes one number (or the two words of a threefry block).

A program is pure data. It knows no device and no JAX: ``print(program)`` is its listing, and tests write programs by hand.

Its arguments and results are arrays, *leaves*, of which it reads and gives single elements:

* ``argument`` reads a given element of an argument;
* ``load`` reads the element of an argument at a computed place, in row-major order;
* every other instruction has the name and the meaning of a JAX primitive on scalars (``add``, ``select_n``, ``threefry2x32``).

Networks would be thousands of scalars, so what they compute may be *vectors*, registers of several numbers:

* ``dense`` is the product of a row of inputs, scalars and vectors one after the other, with a matrix that is an argument;
* ``vector`` reads neighbouring elements of an argument, ``pack`` puts scalars and vectors into one, ``slice`` takes a part of one;
* a primitive on scalars whose result is a vector acts on each element, with scalars the same for all;
* ``element`` is one of a vector's, ``reduce_sum``, ``reduce_max`` and ``reduce_min`` are what its elements come to: scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DTYPES = frozenset(
    np.dtype(name)
    for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
)
"""What a register can hold."""


class UnsupportedError(NotImplementedError):
    """A function has something that can't be taken apart into scalars; the message names it."""


@dataclass(frozen=True, eq=False, slots=True)
class Register:
    """A number that is known when the program runs."""

    number: int
    """Its place among the registers of its program."""
    dtype: np.dtype[Any]
    """One of :data:`DTYPES`."""
    size: int = 0
    """How many numbers a vector has; 0 for a scalar."""

    def __str__(self) -> str:
        return f"%{self.number}"


Operand = Register | np.generic
"""What an instruction computes with: a register, or a constant."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation."""

    op: str
    """The name of a JAX primitive, or one of those above."""
    operands: tuple[Operand, ...]
    """What it is applied to."""
    results: tuple[Register, ...]
    """Where its results go: one register, for ``threefry2x32`` two."""
    leaf: int = -1
    """For ``argument``, ``load``, ``vector`` and ``dense``, which argument is read."""
    element: int = -1
    """For ``argument`` and ``element``, which element, in row-major order; for ``vector`` and ``slice``, the first."""
    exponent: int = 0
    """For ``integer_pow``, the exponent; for ``round``, JAX's rounding method."""

    def __str__(self) -> str:
        left = ", ".join(f"{x} {x.dtype}{f'[{x.size}]' if x.size else ''}" for x in self.results)
        if self.op == "argument":
            return f"{left} = argument {self.leaf}[{self.element}]"
        operands = [_show(x) for x in self.operands]
        if self.op == "load":
            return f"{left} = load {self.leaf}[{operands[0]}]"
        if self.op == "integer_pow":
            operands.append(str(self.exponent))
        if self.op == "dense":
            operands.append(f"argument {self.leaf}")
        if self.op == "vector":
            return f"{left} = vector {self.leaf}[{self.element}:{self.element + self.results[0].size}]"
        if self.op in ("element", "slice"):
            operands.append(str(self.element))
        return f"{left} = {self.op} {', '.join(operands)}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """An array that a program reads or gives."""

    name: str
    """What it is called in listings and in generated source: a path such as ``state.x``."""
    shape: tuple[int, ...]
    """Its shape, for one environment."""
    dtype: np.dtype[Any]
    """Its dtype, one of :data:`DTYPES`."""

    @property
    def size(self) -> int:
        """How many elements it has."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}[{','.join(map(str, self.shape))}]"


@dataclass(frozen=True, eq=False)
class Derived:
    """An array that is the same for all environments and follows from other arguments of a program, such as a matrix transposed."""

    function: Callable[..., Any]
    """What makes it, of arrays."""
    arguments: tuple[int, ...]
    """Of which arguments."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class ScalarProgram:
    """A function of arrays, on scalars.

    >>> import numpy as np
    >>> x, y = Register(0, np.dtype("float32")), Register(1, np.dtype("float32"))
    >>> print(ScalarProgram(
    ...     arguments=(Leaf("x", (), x.dtype),),
    ...     results=(Leaf("y", (), y.dtype),),
    ...     instructions=(Instruction("argument", (), (x,), 0, 0), Instruction("mul", (x, np.float32(2)), (y,))),
    ...     outputs=((y,),),
    ... ))
    (x float32[]) -> (y float32[])
      %0 float32 = argument 0[0]
      %1 float32 = mul %0, 2.0
      y = %1
    """

    arguments: tuple[Leaf, ...]
    """The arrays that it reads."""
    results: tuple[Leaf, ...]
    """The arrays that it gives."""
    instructions: tuple[Instruction, ...]
    """What it does, in order; every register is written once, before it is read."""
    outputs: tuple[tuple[Operand, ...], ...]
    """The elements of each result, in row-major order; or one vector that has them all."""
    constants: tuple[Any, ...] = field(default=(), compare=False)
    """Values of the last of the arguments: arrays that the function closed over, traced or not, and :class:`Derived` ones."""

    def __str__(self) -> str:
        lines = [f"({', '.join(map(str, self.arguments))}) -> ({', '.join(map(str, self.results))})"]
        lines += [f"  {instruction}" for instruction in self.instructions]
        lines += [
            f"  {leaf.name} = {', '.join(map(_show, elements))}" for leaf, elements in zip(self.results, self.outputs, strict=True)
        ]
        return "\n".join(lines)

    def only(self, results: Iterable[int]) -> ScalarProgram:
        """Return the program of some of the results, by number, without the instructions that those do not need."""
        kept = list(results)
        outputs = tuple(self.outputs[i] for i in kept)
        instructions = needed(self.instructions, [x for elements in outputs for x in elements])
        return ScalarProgram(self.arguments, tuple(self.results[i] for i in kept), instructions, outputs, self.constants)

    @property
    def has_vectors(self) -> bool:
        """Whether any instruction is about vectors."""
        return any(i.results[0].size or i.op == "element" for i in self.instructions)

    def used_arguments(self) -> set[int]:
        """Return the numbers of the arguments of which any element is read."""
        return {instruction.leaf for instruction in self.instructions if instruction.leaf >= 0}


def needed(instructions: Sequence[Instruction], results: Iterable[Operand]) -> tuple[Instruction, ...]:
    """Return the instructions that results depend on, in order."""
    wanted = {x for x in results if isinstance(x, Register)}
    kept: list[Instruction] = []
    for instruction in reversed(instructions):
        if not wanted.isdisjoint(instruction.results):
            wanted.update(x for x in instruction.operands if isinstance(x, Register))
            kept.append(instruction)
    return tuple(kept[::-1])


def _show(operand: Operand) -> str:
    return str(operand) if isinstance(operand, Register) else str(operand.item())
