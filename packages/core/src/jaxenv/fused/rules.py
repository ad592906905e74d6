"""How primitives that move, choose or combine elements are interpreted on lanes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.random import threefry2x32_p

from jaxenv.fused.lanes import SHORTCUTS, Key, Lanes, Later, Table, UnsupportedError, Value, box, constant, fold, rule, value

LONGEST_LOOP = 16
"""Iterations up to which an inner scan is unrolled."""
LONGEST_CHAIN = 32
"""Elements up to which a place that lanes choose is found by comparing, where the elements are not in memory."""


def moving(*names: str) -> Callable[[Callable[[Value, Any], Any]], None]:
    """Register a rule that only moves elements: a numpy function of the operand and the equation's parameters."""

    def register(function: Callable[[Value, Any], Any]) -> None:
        @rule(*names)
        def move(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
            return [function(value(operands[0]), equation.params)]

        del move

    return register


@rule("reshape")
def _reshape(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    return [operands[0].reshape(equation.params["new_sizes"])]


moving("squeeze")(lambda x, p: np.squeeze(x, tuple(p["dimensions"])))
moving("transpose")(lambda x, p: x.transpose(p["permutation"]))
moving("rev")(lambda x, p: np.flip(x, p["dimensions"]))
moving("copy", "copy_p", "reduce_precision", "stop_gradient")(lambda x, p: x)


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


@rule("optimization_barrier")
def _optimization_barrier(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    return operands


@rule("concatenate")
def _concatenate(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [np.concatenate([value(x) for x in operands], equation.params["dimension"])]


@rule("stack")
def _stack(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    return [np.stack([value(x) for x in operands], equation.params["axis"])]


@rule("unstack")
def _unstack(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    x, axis = value(operands[0]), equation.params["axis"]
    return [x.take([i], axis).reshape(equation.outvars[0].aval.shape) for i in range(x.shape[axis])]


@rule("split")
def _split(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    ends = np.cumsum(equation.params["sizes"])[:-1]
    return np.split(value(operands[0]), ends, equation.params["axis"])


@rule("iota")
def _iota(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    shape, axis = equation.params["shape"], equation.params["dimension"]
    sizes = [1] * len(shape)
    sizes[axis] = shape[axis]
    numbers = np.arange(shape[axis], dtype=equation.params["dtype"]).reshape(sizes)
    return [constant(np.broadcast_to(numbers, shape))]


@rule("pad")
def _pad(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    x, filler = map(value, operands)
    config = equation.params["padding_config"]
    if any(low < 0 or high < 0 for low, high, _ in config):
        raise UnsupportedError("pad with negative widths")
    out = np.full(equation.outvars[0].aval.shape, filler[()], object)
    out[tuple(slice(low, low + (n - 1) * (gap + 1) + 1, gap + 1) for n, (low, _, gap) in zip(x.shape, config, strict=True))] = x
    return [out]


# -- combining ---------------------------------------------------------------------------------------------------------


def reducing(name: str, function: Callable[[Any, Any], Any], empty: Any) -> None:
    """Register a reduction over axes by a function of two elements."""

    @rule(name)
    def reduce(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
        x, axes = value(operands[0]), equation.params["axes"]
        kept = equation.outvars[0].aval.shape
        rows = np.moveaxis(x, axes, range(-len(axes), 0)).reshape(math.prod(kept), math.prod(x.shape[a] for a in axes))
        if not rows.shape[1]:
            return [constant(np.full(kept, empty, equation.outvars[0].aval.dtype))]
        return [box([fold(lambda a, b: lanes.apply(function, a, b), iter(row)) for row in rows], kept)]

    del reduce


reducing("reduce_sum", lax.add, 0)
reducing("reduce_prod", lax.mul, 1)
reducing("reduce_max", lax.max, -np.inf)
reducing("reduce_min", lax.min, np.inf)
reducing("reduce_and", lax.bitwise_and, True)
reducing("reduce_or", lax.bitwise_or, False)
reducing("reduce_xor", lax.bitwise_xor, 0)


def choosing(name: str, better: Callable[[Any, Any], Any]) -> None:
    """Register the search for the first of the best elements along an axis."""

    @rule(name)
    def choose(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
        (axis,), dtype = equation.params["axes"], equation.params["index_dtype"]
        x = np.moveaxis(value(operands[0]), axis, -1)

        def first(row: Value) -> Any:
            best, place = row[0], np.zeros((), dtype)[()]
            for i, element in enumerate(row[1:], 1):
                wins = lanes.apply(better, element, best)
                best = lanes.apply(jnp.where, wins, element, best)
                place = lanes.apply(jnp.where, wins, np.asarray(i, dtype)[()], place)
            return place

        kept = equation.outvars[0].aval.shape
        return [box([first(row) for row in x.reshape(math.prod(kept), x.shape[-1])], kept)]

    del choose


choosing("argmax", lax.gt)
choosing("argmin", lax.lt)


def accumulating(name: str, function: Callable[[Any, Any], Any]) -> None:
    """Register a running reduction along an axis."""

    @rule(name)
    def accumulate(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
        axis, reverse = equation.params["axis"], equation.params["reverse"]
        x = np.moveaxis(value(operands[0]), axis, 0)
        x = x[::-1] if reverse else x
        rows = [x[:1]]
        for row in x[1:]:
            pairs = zip(rows[-1].reshape(-1), row.reshape(-1), strict=True)
            rows.append(box([lanes.apply(function, a, b) for a, b in pairs], (1, *row.shape)))
        out = np.concatenate(rows)
        return [np.moveaxis(out[::-1] if reverse else out, 0, axis)]

    del accumulate


accumulating("cumsum", lax.add)
accumulating("cumprod", lax.mul)
accumulating("cummax", lax.max)
accumulating("cummin", lax.min)


@rule("dot_general")
def _dot_general(lanes: Lanes, equation: Any, operands: Sequence[Any]) -> Sequence[Value]:
    (contract_left, contract_right), (batch_left, batch_right) = equation.params["dimension_numbers"]
    dtype = equation.outvars[0].aval.dtype

    def arranged(x: Value, batch: Sequence[int], contract: Sequence[int]) -> tuple[Value, tuple[int, ...]]:
        free = [a for a in range(x.ndim) if a not in (*batch, *contract)]
        sizes = [math.prod(x.shape[a] for a in axes) for axes in (batch, free, contract)]
        return x.transpose(*batch, *free, *contract).reshape(sizes), tuple(x.shape[a] for a in free)

    left, right = map(value, operands)
    shape_batch = tuple(left.shape[a] for a in batch_left)
    (left, shape_left), (right, shape_right) = arranged(left, batch_left, contract_left), arranged(right, batch_right, contract_right)

    def product(a: Any, b: Any) -> Any:
        return lax.convert_element_type(a, dtype) * lax.convert_element_type(b, dtype)

    def dot(row: Value, column: Value) -> Any:
        products: Iterator[Any] = (lanes.apply(product, a, b) for a, b in zip(row, column, strict=True))
        return fold(lambda a, b: lanes.apply(lax.add, a, b), products)

    dots = [dot(row, column) for rows, columns in zip(left, right, strict=True) for row in rows for column in columns]
    return [box(dots, (*shape_batch, *shape_left, *shape_right))]


# -- choosing places ---------------------------------------------------------------------------------------------------


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
        found = lanes.apply(jnp.where, lanes.apply(lax.eq, place, np.int32(i)), element, found)
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
            out[place] = lanes.apply(jnp.where, here, update[offset], out[place])
    return [out]


# -- control -----------------------------------------------------------------------------------------------------------


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
    return box([lanes.bind(lax.select_n_p, (condition, b, a), {}) for a, b in pairs], new.shape)


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


# -- random numbers ----------------------------------------------------------------------------------------------------


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


def _threefry_block(lanes: Lanes, first: Any, second: Any, counter: Any) -> Sequence[Value] | None:
    """Let JAX's own kernel compute a block of ``jaxenv.random.threefry`` that is known: there is nothing to compile then."""
    return _threefry(lanes, (first, second, constant(np.uint32(0)), counter))


SHORTCUTS["threefry_block"] = _threefry_block


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
