"""Primitives that read and write at computed places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxenv.engine.scalar.program import UnsupportedError
from jaxenv.engine.scalar.trace import Scalarizer, Table, Value, rule, value

LONGEST_CHAIN = 32
"""Elements up to which a place is found by comparing, where the elements are not in memory."""


def look_up(scalars: Scalarizer, operand: Value | Table, place: Any) -> Any:
    """Return the element of ``operand`` whose number in row-major order is ``place``, int32."""
    if isinstance(operand, Table):
        return scalars.load(operand, place)
    if isinstance(place, np.generic):
        return operand.reshape(-1)[int(place)]
    elements = operand.reshape(-1)
    if len(elements) > LONGEST_CHAIN:
        raise UnsupportedError(f"a place chosen among {len(elements)} elements")
    found = elements[0]
    for i, element in enumerate(elements[1:], 1):
        found = scalars.where(scalars.op("eq", place, np.int32(i)), element, found)
    return found


def clamped(scalars: Scalarizer, start: Any, highest: int) -> Any:
    """Return a start index as int32 within what the operand allows."""
    if isinstance(start, np.generic):
        return np.int32(min(max(int(start), 0), highest))
    if start.dtype.kind == "u":  # a large unsigned number would become a negative one
        start = scalars.op("min", start, start.dtype.type(highest))
    start = scalars.op("convert_element_type", start, dtype=np.int32)
    return scalars.op("min", scalars.op("max", start, np.int32(0)), np.int32(highest))


def row_major(scalars: Scalarizer, places: Sequence[Any], shape: Sequence[int]) -> Any:
    """Return the number of an element from its place along each axis."""
    place: Any = np.int32(0)
    for axis, index in enumerate(places):
        stride = np.int32(math.prod(shape[axis + 1 :]))
        place = scalars.op("add", place, scalars.op("mul", index, stride))
    return place


def _shift(scalars: Scalarizer, start: Any, by: int) -> Any:
    return scalars.op("add", start, np.int32(by))


@rule("dynamic_slice")
def _dynamic_slice(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    operand, *starts = operands
    sizes = equation.params["slice_sizes"]
    limits = [n - size for n, size in zip(operand.shape, sizes, strict=True)]
    starts = [clamped(scalars, value(start)[()], limit) for start, limit in zip(starts, limits, strict=True)]
    out = np.empty(sizes, object)
    for place in np.ndindex(*sizes):
        indices = [_shift(scalars, start, i) for start, i in zip(starts, place, strict=True)]
        out[place] = look_up(scalars, operand, row_major(scalars, indices, operand.shape))
    return [out]


@rule("dynamic_update_slice")
def _dynamic_update_slice(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    operand, update, *starts = map(value, operands)
    limits = [n - size for n, size in zip(operand.shape, update.shape, strict=True)]
    starts = [clamped(scalars, start[()], limit) for start, limit in zip(starts, limits, strict=True)]
    if operand.size * update.size > LONGEST_CHAIN**2:
        raise UnsupportedError(f"an update of {update.size} elements at a chosen place among {operand.size}")
    out = operand.copy()
    for offset in np.ndindex(*update.shape):
        places = [_shift(scalars, start, i) for start, i in zip(starts, offset, strict=True)]
        number = row_major(scalars, places, operand.shape)
        for flat, place in enumerate(np.ndindex(*operand.shape)):
            here = scalars.op("eq", number, np.int32(flat))
            out[place] = scalars.where(here, update[offset], out[place])
    return [out]
