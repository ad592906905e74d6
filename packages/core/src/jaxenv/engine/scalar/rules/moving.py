"""Primitives that only move elements: they cost nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxenv.engine.scalar.program import UnsupportedError
from jaxenv.engine.scalar.trace import Scalarizer, Value, box, constant, rule, value


def moving(*names: str) -> Callable[[Callable[[Value, Any], Any]], None]:
    """Register a rule that only moves elements: a numpy function of the operand and the equation's parameters."""

    def register(function: Callable[[Value, Any], Any]) -> None:
        @rule(*names)
        def move(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
            return [function(value(operands[0]), equation.params)]

        del move

    return register


@rule("reshape")
def _reshape(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    return [operands[0].reshape(equation.params["new_sizes"])]


moving("squeeze")(lambda x, p: np.squeeze(x, tuple(p["dimensions"])))
moving("transpose")(lambda x, p: x.transpose(p["permutation"]))
moving("rev")(lambda x, p: np.flip(x, p["dimensions"]))
moving("copy", "copy_p", "stop_gradient")(lambda x, p: x)


@moving("tile")
def _tile(x: Value, params: Any) -> Value:
    return np.tile(x, params["reps"])


@moving("slice")
def _slice(x: Value, params: Any) -> Value:
    strides = params["strides"] or (1,) * x.ndim
    return x[tuple(map(slice, params["start_indices"], params["limit_indices"], strides))]


@moving("broadcast_in_dim")
def _broadcast_in_dim(x: Value, params: Any) -> Value:
    shape, kept = params["shape"], params["broadcast_dimensions"]
    sizes = [1] * len(shape)
    for axis, size in zip(kept, x.shape, strict=True):
        sizes[axis] = size
    return np.broadcast_to(x.reshape(sizes), shape)


@rule("jaxenv_materialize", "optimization_barrier", "device_put")
def _barrier(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    return operands


@rule("concatenate")
def _concatenate(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [np.concatenate([value(x) for x in operands], equation.params["dimension"])]


@rule("stack")
def _stack(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [np.stack([value(x) for x in operands], equation.params["axis"])]


@rule("unstack")
def _unstack(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    x, axis = value(operands[0]), equation.params["axis"]
    return [x.take([i], axis).reshape(equation.outvars[0].aval.shape) for i in range(x.shape[axis])]


@rule("split")
def _split(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    ends = np.cumsum(equation.params["sizes"])[:-1]
    return np.split(value(operands[0]), ends, equation.params["axis"])


@rule("iota")
def _iota(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    shape, axis = equation.params["shape"], equation.params["dimension"]
    sizes = [1] * len(shape)
    sizes[axis] = shape[axis]
    numbers = np.arange(shape[axis], dtype=equation.params["dtype"]).reshape(sizes)
    return [constant(np.broadcast_to(numbers, shape))]


@rule("pad")
def _pad(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    x, filler = map(value, operands)
    config = equation.params["padding_config"]
    if any(low < 0 or high < 0 for low, high, _ in config):
        raise UnsupportedError("pad with negative widths")
    shape = equation.outvars[0].aval.shape
    out = box([filler[()]] * math.prod(shape), shape)
    out[tuple(slice(low, low + (n - 1) * (gap + 1) + 1, gap + 1) for n, (low, _, gap) in zip(x.shape, config, strict=True))] = x
    return [out]
