"""One environment's program, played by many at once: every scalar of a jaxpr becomes a vector of lanes.

``vmap`` gives every array of an unbatched program one more axis, and with it concatenations, slices and transposes of whole
batches. Here an array of shape ``S`` becomes ``S`` separate values, each a vector with one element for each environment. What
only moves elements around (slicing, stacking, reshaping) then costs nothing at all, and what is left is arithmetic of equal
shapes: what a GPU kernel is made of.

A value is a numpy array of objects, of the unbatched value's shape. An object is one *element*: a numpy scalar (a constant), a
JAX scalar (the same in every lane), a vector ``[lanes]``, or a :class:`Key`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

Value = np.ndarray
"""Elements, in the shape of the value that they stand for."""
Rule = Callable[["Lanes", Any, Sequence[Any]], Sequence[Any]]
"""From the interpreter, an equation and its operands to its results."""

RULES: dict[str, Rule] = {}
"""How primitives other than elementwise ones are interpreted, by name."""


MOST_OPERATIONS = 20_000
"""Operations of a step beyond which it is left to vmap: they would take long to compile."""


class UnsupportedError(NotImplementedError):
    """A program has something that can't be split into lanes; the message names it."""


class Key:
    """An element of an array of typed keys: the words of its data."""

    def __init__(self, words: Value) -> None:
        self.words = words


class Table:
    """A value that all lanes share, in memory: elements are read when they are used, at a place that lanes may choose."""

    def __init__(self, shape: tuple[int, ...], read: Callable[[Any], Any], preload: bool = False) -> None:
        self.shape, self.read = shape, read
        self._loaded = self._load() if preload else None

    def elements(self) -> Value:
        """Return every element."""
        return self._load() if self._loaded is None else self._loaded

    def reshape(self, shape: Sequence[int]) -> Table:
        """Return the same elements in another shape."""
        return Table(tuple(shape), self.read)

    def _load(self) -> Value:
        return box([self.read(i) for i in range(math.prod(self.shape))], self.shape)


def box(elements: Sequence[Any], shape: tuple[int, ...]) -> Value:
    """Arrange elements as a value."""
    value = np.empty(len(elements), object)
    for i, element in enumerate(elements):
        value[i] = element
    return value.reshape(shape)


def constant(array: Any) -> Value:
    """Return the value of an array that is known."""
    array = np.asarray(array)
    return box([array.dtype.type(element) for element in array.reshape(-1)], array.shape)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register how primitives are interpreted."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def inner_jaxprs(equation: Any) -> list[Any]:
    """Return all programs within an equation."""
    params = jax.tree.leaves(list(equation.params.values()), is_leaf=lambda x: isinstance(x, ClosedJaxpr | Jaxpr))
    return [x for x in params if isinstance(x, ClosedJaxpr | Jaxpr)]


def inner_jaxpr(equation: Any) -> Any:
    """Return the program that an equation merely calls, or None."""
    if equation.primitive.name in ("jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint"):
        return equation.params.get("jaxpr") or equation.params.get("call_jaxpr")
    if equation.primitive.name in ("custom_jvp_call", "custom_vjp_call"):
        return equation.params["call_jaxpr"]
    return None


def opened(jaxpr: Any) -> tuple[Jaxpr, Sequence[Any]]:
    """Return a program and its constants, whether it is closed over them or has none."""
    return (jaxpr.jaxpr, jaxpr.consts) if isinstance(jaxpr, ClosedJaxpr) else (jaxpr, ())


class Lanes:
    """An interpreter of jaxprs on lanes.

    Args:
        count: how many lanes there are.
        tables: constant arrays that are in memory, by their ``id``.
    """

    def __init__(self, count: int, tables: dict[int, Table]) -> None:
        self.count, self.tables = count, tables
        self.operations = 0

    def run(self, jaxpr: Any, args: Sequence[Value | Table]) -> list[Value]:
        """Return the results of a program."""
        jaxpr, consts = opened(jaxpr)
        values: dict[Any, Any] = dict(zip(jaxpr.invars, args, strict=True))
        for var, const in zip(jaxpr.constvars, consts, strict=True):
            values[var] = self.tables[id(const)] if id(const) in self.tables else constant(const)

        def read(atom: Any) -> Value | Table:
            return constant(np.asarray(atom.val, atom.aval.dtype)) if isinstance(atom, Literal) else values[atom]

        for equation in jaxpr.eqns:
            results = self._equation(equation, [read(atom) for atom in equation.invars])
            values.update(zip(equation.outvars, results, strict=True))
        return [self.value(read(atom)) for atom in jaxpr.outvars]

    def trace(self, function: Callable[..., Any], *args: Value | Table) -> list[Value]:
        """Run a JAX function of unbatched uint32 arrays, such as a generator's, on values."""
        shapes = [jax.ShapeDtypeStruct(arg.shape, jnp.uint32) for arg in args]
        return self.run(jax.make_jaxpr(function)(*shapes), args)

    def _equation(self, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
        inner = inner_jaxpr(equation)
        if inner is not None:
            return self.run(inner, operands)
        name = equation.primitive.name
        if name in RULES:
            return RULES[name](self, equation, operands)
        if name in ELEMENTWISE:
            return [self.map(equation.outvars[0].aval.shape, equation.primitive, [self.value(x) for x in operands], equation.params)]
        raise UnsupportedError(name)

    @staticmethod
    def value(operand: Value | Table) -> Value:
        """Return the elements of an operand."""
        return operand.elements() if isinstance(operand, Table) else operand

    def map(self, shape: tuple[int, ...], primitive: Any, operands: Sequence[Value], params: Any) -> Value:
        """Apply an elementwise primitive; operands are broadcast."""
        done: dict[tuple[int, ...], Any] = {}  # elements that stand in several places are computed once
        out = np.empty(shape, object)
        operands = [np.broadcast_to(x, shape) for x in operands]
        for place in np.ndindex(shape):
            elements = [x[place] for x in operands]
            identity = tuple(map(id, elements))
            if identity not in done:
                done[identity] = self.bind(primitive, elements, params)
            out[place] = done[identity]
        return out

    def bind(self, primitive: Any, elements: Sequence[Any], params: Any) -> Any:
        """Apply an elementwise primitive to one element of each operand."""
        keys = [x for x in elements if isinstance(x, Key)]
        if keys:  # a choice between keys: word by word
            words = [[x.words[i] if isinstance(x, Key) else x for x in elements] for i in range(len(keys[0].words))]
            return Key(box([self.bind(primitive, word, params) for word in words], keys[0].words.shape))
        self.operations += 1
        if self.operations > MOST_OPERATIONS:
            raise UnsupportedError(f"more than {MOST_OPERATIONS} operations a step")
        if any(np.ndim(x) for x in elements):
            elements = [self.spread(x) for x in elements]
        return primitive.bind(*elements, **params)

    def spread(self, element: Any) -> Any:
        """Give an element that lanes may share a place in each of them."""
        return element if np.ndim(element) else lax.broadcast_in_dim(element, (self.count,), ())

    def fold(self, function: Callable[[Any, Any], Any], elements: Iterator[Any]) -> Any:
        """Combine elements, two at a time."""
        result = next(elements)
        for element in elements:
            result = function(result, element)
        return result

    def apply(self, function: Callable[..., Any], *elements: Any) -> Any:
        """Apply a JAX function of scalars to elements."""
        if any(np.ndim(x) for x in elements):
            elements = tuple(self.spread(x) for x in elements)
        return function(*elements)


ELEMENTWISE = frozenset(
    """
    abs acos acosh add add_any and asin asinh atan atan2 atanh bitcast_convert_type cbrt ceil clamp clz convert_element_type cos cosh
    div eq erf_inv exp exp2 expm1 floor ge gt integer_pow is_finite le log log1p logistic lt max min mul ne neg nextafter not or
    population_count pow rem rsqrt select_n shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt square sub tan
    tanh xor
    """.split()
)
"""Primitives that act on each element alone and that Pallas can compile for a GPU."""
