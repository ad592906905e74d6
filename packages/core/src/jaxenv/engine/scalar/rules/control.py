"""Branches, of which all are computed if it is not known which is taken, and short loops, which are unrolled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxenv.engine.scalar.program import UnsupportedError
from jaxenv.engine.scalar.trace import Scalarizer, Value, box, constant, opened, rule, value

LONGEST_LOOP = 16
"""Iterations up to which an inner scan is unrolled."""


@rule("platform_index")
def _platform_index(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    platforms: Sequence[Any] = equation.params["platforms"]
    wanted = [i for i, names in enumerate(platforms) if names is None or "cuda" in names or "gpu" in names]
    return [constant(np.int32(wanted[0]))]


@rule("cond")
def _cond(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    (which, *args), branches = operands, equation.params["branches"]
    index = value(which)[()]
    if isinstance(index, np.generic):
        return scalars.run(branches[min(max(int(index), 0), len(branches) - 1)], args)
    results = [scalars.run(branch, args) for branch in branches]
    chosen = results[0]
    for number, result in enumerate(results[1:], 1):
        last = number == len(results) - 1  # an index beyond the last branch means the last
        here = scalars.op("ge" if last else "eq", index, np.asarray(number, equation.invars[0].aval.dtype)[()])
        chosen = [_where(scalars, here, new, old) for new, old in zip(result, chosen, strict=True)]
    return chosen


def _where(scalars: Scalarizer, condition: Any, new: Value, old: Value) -> Value:
    pairs = zip(new.reshape(-1), old.reshape(-1), strict=True)
    return box([scalars.where(condition, a, b) for a, b in pairs], new.shape)


@rule("scan")
def _scan(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    params, length = equation.params, equation.params["length"]
    if length > LONGEST_LOOP:
        raise UnsupportedError(f"a scan of {length} iterations")
    # What is carried has the same shape within and without; what is scanned over has one axis more without.
    program: Any = opened(params["jaxpr"])[0]
    carried = sum(a.aval.shape == b.aval.shape for a, b in zip(program.outvars, equation.outvars, strict=True))
    held = sum(a.aval.shape == b.aval.shape for a, b in zip(program.invars, equation.invars, strict=True))
    values = [value(x) for x in operands]
    consts, carry, rows = values[: held - carried], values[held - carried : held], values[held:]
    outputs: dict[int, list[Value]] = {}
    for step in reversed(range(length)) if params["reverse"] else range(length):
        now = [row[step : step + 1].reshape(row.shape[1:]) for row in rows]
        results = scalars.run(params["jaxpr"], [*consts, *carry, *now])
        carry, outputs[step] = results[:carried], results[carried:]
    stacked = [np.stack([outputs[step][i] for step in range(length)]) for i in range(len(equation.outvars) - carried)]
    return [*carry, *stacked]


@rule("jaxenv_call")
def _jaxenv_call(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    """Look into a batched step or reset, of one environment: within a program it is part of that program."""
    operation = equation.params["operation"]
    return scalars.run(jax.make_jaxpr(operation.plain)(*(atom.aval for atom in equation.invars)), operands)
