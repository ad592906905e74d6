"""Random keys and generators: words are made where they are used, bit for bit as JAX makes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxenv._jax_compat import generator_of
from jaxenv.engine.scalar.program import UnsupportedError
from jaxenv.engine.scalar.trace import CALLS, Scalarizer, Value, as_keys, box, constant, elements, key_words, rule, value


@rule("random_wrap")
def _random_wrap(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [as_keys(value(operands[0]), equation.outvars[0].aval.shape)]


@rule("random_unwrap")
def _random_unwrap(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [box(list(elements(value(operands[0]))), equation.outvars[0].aval.shape)]


@rule("random_seed")
def _random_seed(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    seed, aval = value(operands[0]), equation.outvars[0].aval
    generator = generator_of(aval.dtype)
    if generator is None or seed.shape or equation.invars[0].aval.dtype != np.uint32:
        raise UnsupportedError("a key of a seed that is no uint32[]")
    (words,) = scalars.trace(generator.seed, seed)
    return [as_keys(words, ())]


@rule("random_bits", "random_split", "random_fold_in")
def _generate(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    keys, params, aval = value(operands[0]), equation.params, equation.invars[0].aval
    generator = generator_of(aval.dtype)
    if generator is None:
        raise UnsupportedError("random keys, whose generator this JAX does not show")
    if keys.shape:
        raise UnsupportedError(f"{equation.primitive.name} of several keys")
    data = box(list(elements(keys)), (key_words(aval),))
    if equation.primitive.name == "random_bits":
        return scalars.trace(lambda key: generator.random_bits(key, params["bit_width"], params["shape"]), data)
    if equation.primitive.name == "random_split":
        (words,) = scalars.trace(lambda key: generator.split(key, params["shape"]), data)
    else:
        (words,) = scalars.trace(generator.fold_in, data, value(operands[1]))
    return [as_keys(words, equation.outvars[0].aval.shape)]


@rule("iota_2x32_shape")
def _iota_2x32_shape(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    shape = equation.params["shape"]
    counts = np.arange(math.prod(shape), dtype=np.uint64).reshape(shape)
    return [constant((counts >> np.uint64(32)).astype(np.uint32)), constant(counts.astype(np.uint32))]


@rule("threefry2x32")
def _threefry2x32(scalars: Scalarizer, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    values: Any = np.broadcast_arrays(*map(value, operands))
    words: list[list[Any]] = [x.reshape(-1).tolist() for x in values]
    pairs = [scalars.threefry(*block) for block in zip(*words, strict=True)]
    return [box([pair[i] for pair in pairs], values[0].shape) for i in range(2)]


def _threefry_block(scalars: Scalarizer, operands: Sequence[Any]) -> Sequence[Value]:
    """Encrypt a counter as one instruction, which ``jaxenv.random.threefry`` writes out."""
    first, second, counter = (value(x).item() for x in operands)
    return [box([word], ()) for word in scalars.threefry(first, second, np.uint32(0), counter)]


CALLS["threefry_block"] = _threefry_block
