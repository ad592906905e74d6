"""Random keys and generators."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.random import threefry2x32_p

from jaxenv.fused.elements import Key, Later, UnsupportedError, Value, box, constant, value
from jaxenv.fused.lanes import Lanes, rule, shortcut


@rule("random_wrap")
def _random_wrap(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    words, shape = value(operands[0]), equation.outvars[0].aval.shape
    return [box([Key(words[place]) for place in np.ndindex(shape)], shape)]


@rule("random_unwrap")
def _random_unwrap(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [_data(value(operands[0]), equation.outvars[0].aval.shape)]


def _data(keys: Value, shape: tuple[int, ...]) -> Value:
    return box([word for key in keys.reshape(-1) for word in key.words], shape)


@rule("random_bits", "random_split", "random_fold_in")
def _generate(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    keys, params = value(operands[0]), equation.params
    generator = equation.invars[0].aval.dtype._impl  # what JAX itself calls; the same for JAX's generators and registered ones
    if keys.shape:
        raise UnsupportedError(f"{equation.primitive.name} of several keys")
    data = _data(keys, generator.key_shape)
    if equation.primitive.name == "random_bits":
        return lanes.trace(lambda key: generator.random_bits(key, params["bit_width"], params["shape"]), data)
    if equation.primitive.name == "random_split":
        (words,) = lanes.trace(lambda key: generator.split(key, params["shape"]), data)
    else:
        (words,) = lanes.trace(generator.fold_in, data, value(operands[1]))
    shape = equation.outvars[0].aval.shape
    return [box([Key(words[place]) for place in np.ndindex(shape)], shape)]


@rule("iota_2x32_shape")
def _iota_2x32_shape(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    shape = equation.params["shape"]
    counts = np.arange(math.prod(shape), dtype=np.uint64).reshape(shape)
    return [constant((counts >> np.uint64(32)).astype(np.uint32)), constant(counts.astype(np.uint32))]


@shortcut("threefry_block")
def _threefry_block(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value] | None:
    """Let JAX's own code compute a block of ``jaxenv.random.threefry`` that is known."""
    first, second, counter = operands
    return _threefry(lanes, (first, second, constant(np.uint32(0)), counter))


@shortcut("threefry_blocks")
def _threefry_blocks(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value] | None:
    """Compute the blocks of a key that is known as one array: that takes a pass through memory, but one block's compilation."""
    key, count = [value(operand).item() for operand in operands], len(equation.outvars) // 2
    if count == 1 or any(isinstance(word, Later) for word in key):
        return None
    shape = count, *np.broadcast_shapes((1, 1), *map(np.shape, key))
    counters = jnp.arange(count, dtype=jnp.uint32).reshape(-1, 1, 1)
    pair = threefry2x32_p.bind(*(jnp.broadcast_to(x, shape) for x in (*key, np.uint32(0), counters)))
    left, right = lax.optimization_barrier(pair)
    return [box([half[i]], ()) for i in range(count) for half in (left, right)]


@rule("threefry2x32")
def _threefry2x32(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    known = _threefry(lanes, operands)
    if known is None:
        raise UnsupportedError("random numbers from a key that depends on the state")
    return known


def _threefry(lanes: Lanes, operands: Sequence[Any]) -> Sequence[Value] | None:
    values = np.broadcast_arrays(*map(value, operands))
    if any(isinstance(element, Later) for x in values for element in x.reshape(-1)):
        return None
    shape = values[0].shape
    pairs = [lanes.apply(threefry2x32_p.bind, *words) for words in zip(*(x.reshape(-1) for x in values), strict=True)]
    return [box([pair[i] for pair in pairs], shape) for i in range(2)]
