"""Branches, of which all are computed if it is not known which is taken, and short loops, which are unrolled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax

from jaxenv.fused.elements import UnsupportedError, Value, box, constant, value
from jaxenv.fused.lanes import Lanes, rule

LONGEST_LOOP = 16
"""Iterations up to which an inner scan is unrolled."""


@rule("platform_index")
def _platform_index(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    platforms: Sequence[Any] = equation.params["platforms"]
    wanted = [i for i, names in enumerate(platforms) if names is None or "cuda" in names or "gpu" in names]
    return [constant(np.int32(wanted[0]))]


@rule("cond")
def _cond(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    (which, *args), branches = operands, equation.params["branches"]
    index = value(which)[()]
    if isinstance(index, np.generic):
        return lanes.run(branches[min(max(int(index), 0), len(branches) - 1)], args)
    results = [lanes.run(branch, args) for branch in branches]
    chosen = results[0]
    for number, result in enumerate(results[1:], 1):
        last = number == len(results) - 1  # an index beyond the last branch means the last
        here = lanes.apply(lax.ge if last else lax.eq, index, np.asarray(number, equation.invars[0].aval.dtype)[()])
        chosen = [_where(lanes, here, new, old) for new, old in zip(result, chosen, strict=True)]
    return chosen


def _where(lanes: Lanes, condition: Any, new: Value, old: Value) -> Value:
    pairs = zip(new.reshape(-1), old.reshape(-1), strict=True)
    return box([lanes.where(condition, a, b) for a, b in pairs], new.shape)


@rule("scan")
def _scan(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    params = equation.params
    length, fixed, carried = params["length"], params["num_consts"], params["num_carry"]
    if length > LONGEST_LOOP:
        raise UnsupportedError(f"a scan of {length} iterations")
    values = [value(x) for x in operands]
    consts, carry, rows = values[:fixed], values[fixed : fixed + carried], values[fixed + carried :]
    outputs: dict[int, list[Value]] = {}
    for step in reversed(range(length)) if params["reverse"] else range(length):
        results = lanes.run(params["jaxpr"], [*consts, *carry, *(row[step : step + 1].reshape(row.shape[1:]) for row in rows)])
        carry, outputs[step] = results[:carried], results[carried:]
    stacked = [np.stack([outputs[step][i] for step in range(length)]) for i in range(len(equation.outvars) - carried)]
    return [*carry, *stacked]
