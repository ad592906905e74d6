"""A kernel in which each thread runs one program: a batched step, or a batched reset."""

from __future__ import annotations

from collections.abc import Sequence

from jaxenv.engine.cuda.source import Kernel, Text, distinct, pointer, signature, statements, store
from jaxenv.engine.scalar.program import Leaf, ScalarProgram

BLOCK = 128
"""Threads in a block."""


def elementwise(kernel_name: str, program: ScalarProgram, batched: Sequence[bool]) -> tuple[Kernel, list[int]]:
    """Return the kernel that runs a program for each of ``sizes[0]`` environments.

    Args:
        kernel_name: what its function is called.
        program: what a thread does.
        batched: for each argument, whether every environment has its own, along a leading axis, or all share one.

    A result that is called like an argument of the same shape and dtype, such as the state, may be written over it: a thread reads
    all that it needs before it writes.

    Returns:
        The kernel, and the numbers of the arguments that it reads, in the order of its operands.
    """
    used = sorted(program.used_arguments())
    operands = [program.arguments[i] for i in used]
    names = distinct([*operands, *(Leaf(f"{leaf.name}_out", leaf.shape, leaf.dtype) for leaf in program.results)])
    variables = dict(zip(used, names, strict=False))
    results = names[len(used) :]

    def read(argument: int, place: str) -> str:
        size, variable = program.arguments[argument].size, variables[argument]
        if not batched[argument]:
            return f"{variable}[{place}]"
        return f"{variable}[i]" if size == 1 else f"{variable}[i * {size} + {place}]"

    own = {leaf: i for i, leaf in enumerate(operands) if batched[used[i]]}
    aliases = tuple((own[leaf], i) for i, leaf in enumerate(program.results) if leaf in own)
    over, under = {i for i, _ in aliases}, {i for _, i in aliases}

    text = Text()
    text.add(
        signature(
            kernel_name,
            BLOCK,
            [pointer(leaf, variables[used[i]], shared=i in over) for i, leaf in enumerate(operands)],
            [pointer(leaf, results[i], written=True, shared=i in under) for i, leaf in enumerate(program.results)],
        ),
        "const int32_t i = THREAD;",
        "if (i >= sizes[0]) return;",
    )
    statements(text, program, read)
    for leaf, elements, variable in zip(program.results, program.outputs, results, strict=True):
        store(text, leaf, elements, variable, "i")
    text.add("}")
    return Kernel(kernel_name, str(text), tuple(operands), program.results, BLOCK, aliases), used
