"""Primitives that combine the elements of a value: reductions, running ones, searches and products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from jaxenv.engine.scalar.trace import Scalarizer, Table, Value, box, constant, has_elements, rule, value

VECTOR_REDUCTIONS = ("reduce_sum", "reduce_max", "reduce_min", "reduce_and", "reduce_or")
"""What a vector can be reduced by."""


def reducing(name: str, operation: str, empty: Any) -> None:
    """Register a reduction over axes by an operation on two elements."""

    @rule(name)
    def reduced(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
        x, axes = value(operands[0]), equation.params["axes"]
        kept = equation.outvars[0].aval.shape
        if name in VECTOR_REDUCTIONS and math.prod(kept) == 1 and has_elements(x):
            return [box([scalars.reduce(name, scalars.vector(x))], kept)]
        if has_elements(x):
            rows = np.moveaxis(x, axes, range(len(axes))).reshape(-1, *kept)
            return [reduce(lambda a, b: scalars.apply(operation, (a, b), kept, equation.outvars[0].aval.dtype), rows)]
        rows = np.moveaxis(x, axes, range(-len(axes), 0)).reshape(math.prod(kept), math.prod(x.shape[a] for a in axes))
        if not rows.shape[1]:
            return [constant(np.full(kept, empty, equation.outvars[0].aval.dtype))]
        return [box([reduce(partial(scalars.op, operation), row) for row in rows], kept)]

    del reduced


reducing("reduce_sum", "add", 0)
reducing("reduce_prod", "mul", 1)
reducing("reduce_max", "max", -np.inf)
reducing("reduce_min", "min", np.inf)
reducing("reduce_and", "and", True)
reducing("reduce_or", "or", False)
reducing("reduce_xor", "xor", 0)


def choosing(name: str, better: str) -> None:
    """Register the search for the first of the best elements along an axis."""

    @rule(name)
    def choose(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
        (axis,), dtype = equation.params["axes"], equation.params["index_dtype"]
        x = np.moveaxis(value(operands[0]), axis, -1)

        def first(row: Value) -> Any:
            best, place = row[0], np.zeros((), dtype)[()]
            for i, element in enumerate(row[1:], 1):
                wins = scalars.op(better, element, best)
                best = scalars.where(wins, element, best)
                place = scalars.where(wins, np.asarray(i, dtype)[()], place)
            return place

        kept = equation.outvars[0].aval.shape
        return [box([first(row) for row in x.reshape(math.prod(kept), x.shape[-1])], kept)]

    del choose


choosing("argmax", "gt")
choosing("argmin", "lt")


def accumulating(name: str, operation: str) -> None:
    """Register a running reduction along an axis."""

    @rule(name)
    def accumulate(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
        axis, reverse = equation.params["axis"], equation.params["reverse"]
        x = np.moveaxis(value(operands[0]), axis, 0)
        x = x[::-1] if reverse else x
        rows = [x[:1]]
        for i in range(1, len(x)):
            pairs = zip(rows[-1].reshape(-1), x[i : i + 1].reshape(-1), strict=True)
            rows.append(box([scalars.op(operation, a, b) for a, b in pairs], rows[0].shape))
        out = np.concatenate(rows)
        return [np.moveaxis(out[::-1] if reverse else out, 0, axis)]

    del accumulate


accumulating("cumsum", "add")
accumulating("cumprod", "mul")
accumulating("cummax", "max")
accumulating("cummin", "min")


def _matrix(scalars: Scalarizer, weights: Table, contracted: Sequence[int]) -> Table:
    """Return weights as a matrix whose rows are contracted."""
    axes = (*contracted, *(a for a in range(len(weights.shape)) if a not in contracted))
    length = math.prod(weights.shape[a] for a in contracted)
    shape = (length, weights.size // length)
    if axes == tuple(range(len(axes))):
        return weights.reshape(shape)
    return scalars.derive(lambda x: x.transpose(axes).reshape(shape), shape, weights.dtype, weights)


@rule("dot_general")
def _dot_general(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    (contract_left, contract_right), (batch_left, batch_right) = equation.params["dimension_numbers"]
    dtype, shape = equation.outvars[0].aval.dtype, equation.outvars[0].aval.shape
    if scalars.vectors and not batch_left:
        for row, over, matrix, along in (
            (operands[0], contract_left, operands[1], contract_right),
            (operands[1], contract_right, operands[0], contract_left),
        ):
            length = math.prod(row.shape[a] for a in over)
            numbers = {x.aval.dtype for x in (*equation.invars, *equation.outvars)}
            if isinstance(matrix, Table) and matrix.shared and length == row.size and numbers == {np.dtype(np.float32)}:
                inputs = np.transpose(value(row), (*over, *(a for a in range(len(row.shape)) if a not in over)))
                return [scalars.dense(inputs, _matrix(scalars, matrix, along), shape)]

    def arranged(x: Value, batch: Sequence[int], contract: Sequence[int]) -> tuple[Value, tuple[int, ...]]:
        free = [a for a in range(x.ndim) if a not in (*batch, *contract)]
        sizes = [math.prod(x.shape[a] for a in axes) for axes in (batch, free, contract)]
        return x.transpose(*batch, *free, *contract).reshape(sizes), tuple(x.shape[a] for a in free)

    left, right = map(value, operands)
    shape_batch = tuple(left.shape[a] for a in batch_left)
    (left, shape_left), (right, shape_right) = (
        arranged(left, batch_left, contract_left),
        arranged(right, batch_right, contract_right),
    )

    scalars.count_products(left.shape[0] * left.shape[1] * left.shape[2] * right.shape[1])

    def product(a: Any, b: Any) -> Any:
        return scalars.op("mul", *(scalars.op("convert_element_type", x, dtype=dtype) for x in (a, b)))

    def dot(row: Value, column: Value) -> Any:
        products = (product(a, b) for a, b in zip(row, column, strict=True))
        return reduce(partial(scalars.op, "add"), products)

    dots = [dot(row, column) for rows, columns in zip(left, right, strict=True) for row in rows for column in columns]
    return [box(dots, (*shape_batch, *shape_left, *shape_right))]
