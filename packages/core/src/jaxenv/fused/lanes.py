"""The step of one environment, taken apart into operations on single numbers.

``vmap`` gives every array of a step one more axis, and with it concatenations, slices and transposes of whole batches. Here an
array of shape ``S`` becomes ``S`` separate *elements*, so that whatever only moves elements around (slicing, stacking,
reshaping) costs nothing, and what is left is arithmetic: what a GPU kernel is made of.

A value is a numpy array of objects, of the unbatched value's shape. Its elements are

* numpy scalars: constants;
* JAX arrays of two axes, ``[steps, environments]``, either of which may have size 1: what is known before the first step because
  it depends on no state, such as random numbers. It is computed at once, by XLA;
* :class:`Later`: what depends on the state. It is not computed but written to a tape, which a kernel plays at every step;
* :class:`Key`: a random key, whose words are elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

Value = np.ndarray
"""Elements, in the shape of the value that they stand for."""
Rule = Callable[["Lanes", Any, Sequence[Any]], Sequence[Any]]
"""From the interpreter, an equation and its operands to its results."""

RULES: dict[str, Rule] = {}
"""How primitives other than elementwise ones are interpreted, by name."""

Shortcut = Callable[["Lanes", Any, Sequence[Any]], Sequence[Value] | None]
"""The same for the call of a jitted function; None to decline."""

SHORTCUTS: dict[str, Shortcut] = {}
"""Other ways to compute what jitted functions do, by name."""

_NAMES = (
    "abs acos acosh add add_any and asin asinh atan atan2 atanh bitcast_convert_type cbrt ceil clamp convert_element_type "
    "cos cosh div eq erf_inv exp exp2 expm1 floor ge gt integer_pow is_finite le log log1p logistic lt max min mul ne neg "
    "nextafter not or pow rem rsqrt select_n shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt "
    "square sub tan tanh xor "
)
ELEMENTWISE = frozenset(_NAMES.split())
"""Primitives that act on each element alone and that Pallas compiles for a GPU."""

FOLDED: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "and": np.bitwise_and,
    "eq": np.equal,
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "not": np.invert,
    "or": np.bitwise_or,
    "sub": np.subtract,
    "xor": np.bitwise_xor,
}
"""What is computed while tracing where all operands are constants, by numpy's functions that do the very same."""

MOST_OPERATIONS = 4_000
"""Length of a tape beyond which a step is left to ``lax.scan``: the kernel would take long to compile."""


MOST_ELEMENTS = 4_096
"""Size of an array beyond which a step is left to ``lax.scan``: its elements would be operated on one by one."""


class UnsupportedError(NotImplementedError):
    """A step has something that can't be taken apart; the message names it."""


class Later:
    """An element that depends on the state: the result of an operation on the tape, or an element of the state itself."""


class Key:
    """An element of an array of typed keys: the words of its data."""

    def __init__(self, words: Value) -> None:
        self.words = words


class Table:
    """A value that all environments share, as an array: its elements can be read at places that are found out later."""

    def __init__(self, array: Array) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.array.shape

    def reshape(self, shape: Sequence[int]) -> Table:
        """Return the same elements in another shape."""
        return Table(self.array.reshape(shape))

    @cached_property
    def elements(self) -> Value:
        """The elements: constants if they are known while tracing, else ``[1, 1]`` each."""
        if not isinstance(self.array, Tracer):
            return constant(self.array)
        check_size(self.shape)
        flat = self.array.reshape(-1, 1, 1)
        return box([flat[i] for i in range(flat.shape[0])], self.shape)


class Operation(NamedTuple):
    """What the tape says to do at every step."""

    function: Callable[..., Any]
    """A JAX function of scalars or, for a look-up, of a table's elements and a place."""
    operands: tuple[Any, ...]
    """Elements; for a look-up, a :class:`Table` and the place."""
    result: Later
    """What it is called afterwards."""


def check_size(shape: Sequence[int]) -> None:
    """Refuse what has too many elements."""
    if math.prod(shape) > MOST_ELEMENTS:
        raise UnsupportedError(f"an array of {math.prod(shape):,} elements")


def box(elements: Sequence[Any], shape: Sequence[int]) -> Value:
    """Arrange elements as a value."""
    value = np.empty(len(elements), object)
    for i, element in enumerate(elements):
        value[i] = element
    return value.reshape(shape)


def constant(array: Any) -> Value:
    """Return the value of an array that is known to numpy."""
    check_size(np.shape(array))
    array = np.asarray(array)
    return box([array.dtype.type(element) for element in array.reshape(-1)], array.shape)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register how primitives are interpreted."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def shortcut(name: str) -> Callable[[Shortcut], Shortcut]:
    """Register another way to compute what a jitted function does."""

    def register(function: Shortcut) -> Shortcut:
        SHORTCUTS[name] = function
        return function

    return register


def called(equation: Any) -> Any:
    """Return the program that an equation merely calls, or None."""
    if equation.primitive.name in ("jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint"):
        return equation.params.get("jaxpr") or equation.params.get("call_jaxpr")
    if equation.primitive.name in ("custom_jvp_call", "custom_vjp_call"):
        return equation.params["call_jaxpr"]
    return None


def opened(jaxpr: ClosedJaxpr | Jaxpr) -> tuple[Jaxpr, Sequence[Any]]:
    """Return a program and its constants."""
    return (jaxpr.jaxpr, jaxpr.consts) if isinstance(jaxpr, ClosedJaxpr) else (jaxpr, ())


def uses(program: Jaxpr, wanted: tuple[bool, ...]) -> tuple[list[tuple[bool, ...]], tuple[bool, ...]]:
    """Tell which results of each equation, and which inputs, the ``wanted`` results of a program depend on."""
    live = {var for var, use in zip(program.outvars, wanted, strict=True) if use and not isinstance(var, Literal)}
    masks: list[tuple[bool, ...]] = []
    for equation in reversed(program.eqns):
        mask = tuple(var in live for var in equation.outvars)
        masks.append(mask)
        if any(mask):
            inner = called(equation)
            needs = uses(opened(inner)[0], mask)[1] if inner is not None else (True,) * len(equation.invars)
            live.update(var for var, use in zip(equation.invars, needs, strict=True) if use and not isinstance(var, Literal))
    return masks[::-1], tuple(var in live for var in program.invars)


class Lanes:
    """An interpreter of jaxprs that computes what it can and writes the rest to a tape.

    Args:
        rules: how primitives other than elementwise ones are interpreted, by name.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = rules
        self.tape: list[Operation] = []
        self._bound: dict[Any, Any] = {}  # results, so that none is computed twice; with operands, so that no id is used again

    def run(self, jaxpr: ClosedJaxpr | Jaxpr, args: Sequence[Any], wanted: tuple[bool, ...] | None = None) -> list[Any]:
        """Return the results of a program; None for those that are not wanted."""
        program, consts = opened(jaxpr)
        wanted = (True,) * len(program.outvars) if wanted is None else wanted
        values: dict[Any, Any] = dict(zip(program.invars, args, strict=True))
        values.update(zip(program.constvars, map(_constant, consts), strict=True))

        def read(atom: Any) -> Any:
            if not isinstance(atom, Literal):
                return values.get(atom)
            aval: Any = atom.aval
            return constant(np.asarray(atom.val, aval.dtype))

        for equation, mask in zip(program.eqns, uses(program, wanted)[0], strict=True):
            if any(mask):
                results = self._equation(equation, [read(atom) for atom in equation.invars], mask)
                values.update(zip(equation.outvars, results, strict=True))
        return [value(read(atom)) if use else None for atom, use in zip(program.outvars, wanted, strict=True)]

    def trace(self, function: Callable[..., Any], *args: Value) -> list[Value]:
        """Run a JAX function of unbatched uint32 arrays, such as a generator's, on values."""
        shapes = [jax.ShapeDtypeStruct(arg.shape, jnp.uint32) for arg in args]
        return self.run(jax.make_jaxpr(function)(*shapes), args)

    def _equation(self, equation: Any, operands: Sequence[Any], wanted: tuple[bool, ...]) -> Sequence[Any]:
        program, name = called(equation), equation.primitive.name
        if program is not None:
            other_way = SHORTCUTS.get(equation.params.get("name", ""))
            return (other_way and other_way(self, equation, operands)) or self.run(program, operands, wanted)
        if name in self.rules:
            return self.rules[name](self, equation, operands)
        if name not in ELEMENTWISE:
            raise UnsupportedError(name)
        return [self.map(equation.outvars[0].aval.shape, equation.primitive, list(map(value, operands)), equation.params)]

    def map(self, shape: tuple[int, ...], primitive: Any, operands: Sequence[Value], params: Any) -> Value:
        """Apply an elementwise primitive; operands are broadcast."""
        check_size(shape)
        out = np.empty(shape, object)
        operands = [np.broadcast_to(x, shape) for x in operands]
        for place in np.ndindex(shape):
            out[place] = self.bind(primitive, [x[place] for x in operands], params)
        return out

    def bind(self, primitive: Any, elements: Sequence[Any], params: Any) -> Any:
        """Apply an elementwise primitive to one element of each operand."""
        keys = [x for x in elements if isinstance(x, Key)]
        if keys:  # a choice between keys: word by word
            words = [[x.words[i] if isinstance(x, Key) else x for x in elements] for i in range(len(keys[0].words))]
            return Key(box([self.bind(primitive, word, params) for word in words], keys[0].words.shape))
        if all(isinstance(x, np.generic) for x in elements):
            if primitive.name in FOLDED:
                with np.errstate(over="ignore"):
                    return FOLDED[primitive.name](*elements)
            if primitive.name == "convert_element_type":
                return np.asarray(elements[0]).astype(params["new_dtype"])[()]
        name = primitive, repr(params), *((type(x), x.tobytes()) if isinstance(x, np.generic) else id(x) for x in elements)
        if name not in self._bound:
            self._bound[name] = self.apply(lambda *operands: primitive.bind(*operands, **params), *elements), elements
        return self._bound[name][0]

    def apply(self, function: Callable[..., Any], *operands: Any) -> Any:
        """Apply an elementwise JAX function to elements: now or, if one of them comes later, then."""
        if any(isinstance(x, Later) for x in operands):
            if len(self.tape) == MOST_OPERATIONS:
                raise UnsupportedError(f"more than {MOST_OPERATIONS:,} operations")
            self.tape.append(Operation(function, operands, Later()))
            return self.tape[-1].result
        shape = np.broadcast_shapes(*(np.shape(x) for x in operands)) or (1, 1)
        return function(*(jnp.broadcast_to(x, shape) for x in operands))

    def where(self, condition: Any, new: Any, old: Any) -> Any:
        """Choose between two elements, which may be keys."""
        return self.bind(lax.select_n_p, (condition, old, new), {})

    def look_up(self, table: Table, place: Any) -> Any:
        """Return the element of a table at a place in row-major order, int32."""
        read = lambda elements, place: elements[place]  # noqa: E731
        if isinstance(place, Later):
            self.tape.append(Operation(read, (table, place), Later()))
            return self.tape[-1].result
        return jnp.broadcast_to(read(table.array.reshape(-1), place), np.shape(place) or (1, 1))


def value(operand: Value | Table) -> Value:
    """Return the elements of an operand."""
    return operand.elements if isinstance(operand, Table) else operand


def _constant(array: Any) -> Value | Table:
    """Return the value of a constant of a program: known to numpy, or only to JAX, or a table if it is large."""
    if isinstance(array, Array) and jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        words = Table(jax.random.key_data(array)).elements
        return box([Key(words[place]) for place in np.ndindex(array.shape)], array.shape)
    if isinstance(array, Tracer) or math.prod(np.shape(array)) > 1:
        return Table(jnp.asarray(array))
    return constant(array)
