"""Primitives that read and write at places which are found out later."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxenv.fused.elements import Table, UnsupportedError, Value, value
from jaxenv.fused.lanes import Lanes, rule

LONGEST_CHAIN = 32
"""Elements up to which a place is found by comparing, where the elements are not in memory."""


def look_up(lanes: Lanes, operand: Value | Table, place: Any) -> Any:
    """Return the element of ``operand`` whose number in row-major order is ``place``, int32."""
    if isinstance(place, np.generic):
        return value(operand).reshape(-1)[int(place)]
    if isinstance(operand, Table):
        return lanes.look_up(operand, place)
    elements = operand.reshape(-1)
    if len(elements) > LONGEST_CHAIN:
        raise UnsupportedError(f"a place chosen among {len(elements)} elements")
    found = elements[0]
    for i, element in enumerate(elements[1:], 1):
        found = lanes.where(lanes.apply(lax.eq, place, np.int32(i)), element, found)
    return found


def clamped(lanes: Lanes, start: Any, highest: int) -> Any:
    """Return a start index as int32 within what the operand allows."""
    if isinstance(start, np.generic):
        return np.int32(min(max(int(start), 0), highest))
    return lanes.apply(lambda i: jnp.clip(i, 0, highest).astype(jnp.int32), start)


def row_major(lanes: Lanes, places: Sequence[Any], shape: Sequence[int]) -> Any:
    """Return the number of an element from its place along each axis."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    place: Any = np.int32(0)
    for index, stride in zip(places, strides, strict=True):
        if isinstance(index, np.generic) and isinstance(place, np.generic):
            place = np.int32(int(place) + int(index) * stride)
        else:
            place = lanes.apply(lambda a, b, stride=stride: a + b * np.int32(stride), place, index)
    return place


@rule("dynamic_slice")
def _dynamic_slice(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    operand, *starts = operands
    sizes = equation.params["slice_sizes"]
    limits = [n - size for n, size in zip(operand.shape, sizes, strict=True)]
    starts = [clamped(lanes, value(start)[()], limit) for start, limit in zip(starts, limits, strict=True)]
    out = np.empty(sizes, object)
    for place in np.ndindex(*sizes):
        indices = [_shift(lanes, start, i) for start, i in zip(starts, place, strict=True)]
        out[place] = look_up(lanes, operand, row_major(lanes, indices, operand.shape))
    return [out]


def _shift(lanes: Lanes, start: Any, by: int) -> Any:
    if isinstance(start, np.generic):
        return np.int32(int(start) + by)
    return lanes.apply(lambda i: i + np.int32(by), start) if by else start


@rule("dynamic_update_slice")
def _dynamic_update_slice(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    operand, update, *starts = map(value, operands)
    limits = [n - size for n, size in zip(operand.shape, update.shape, strict=True)]
    starts = [clamped(lanes, start[()], limit) for start, limit in zip(starts, limits, strict=True)]
    if operand.size * update.size > LONGEST_CHAIN**2:
        raise UnsupportedError(f"an update of {update.size} elements at a chosen place among {operand.size}")
    out = operand.copy()
    for offset in np.ndindex(*update.shape):
        places = [_shift(lanes, start, i) for start, i in zip(starts, offset, strict=True)]
        number = row_major(lanes, places, operand.shape)
        for flat, place in enumerate(np.ndindex(*operand.shape)):
            here = lanes.apply(lax.eq, number, np.int32(flat))
            out[place] = lanes.where(here, update[offset], out[place])
    return [out]
