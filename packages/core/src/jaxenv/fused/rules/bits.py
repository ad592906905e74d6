"""Counts of bits, for which Triton has no instruction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxenv.fused.elements import UnsupportedError, Value, box, value
from jaxenv.fused.lanes import Lanes, rule


@rule("population_count")
def _population_count(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [_each(lanes, _ones, equation, operands)]


@rule("clz")
def _clz(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [_each(lanes, _leading_zeros, equation, operands)]


def _each(lanes: Lanes, function: Callable[[Any], Any], equation: Any, operands: Sequence[Any]) -> Value:
    x, dtype = value(operands[0]), equation.invars[0].aval.dtype
    if dtype.itemsize != 4:
        raise UnsupportedError(f"{equation.primitive.name} of {dtype}")
    return box([lanes.apply(function, element) for element in x.reshape(-1)], x.shape)


def _ones(x: Any) -> Any:
    """Count the ones of 32-bit words by adding ever wider fields: Triton has no such instruction."""
    bits = lax.bitcast_convert_type(x, jnp.uint32)
    bits -= (bits >> 1) & np.uint32(0x55555555)
    bits = (bits & np.uint32(0x33333333)) + ((bits >> 2) & np.uint32(0x33333333))
    bits = (bits + (bits >> 4)) & np.uint32(0x0F0F0F0F)
    return lax.bitcast_convert_type((bits * np.uint32(0x01010101)) >> 24, x.dtype)


def _leading_zeros(x: Any) -> Any:
    """Count what lies above the first one of 32-bit words: fill everything below it, and count the ones."""
    bits = lax.bitcast_convert_type(x, jnp.uint32)
    for shift in (1, 2, 4, 8, 16):
        bits |= bits >> shift
    return lax.bitcast_convert_type(_ones(~bits), x.dtype)
