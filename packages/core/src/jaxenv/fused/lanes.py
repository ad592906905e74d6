"""The step of one environment, taken apart into operations on single numbers.

``vmap`` gives every array of a step one more axis, and with it concatenations, slices and transposes of whole batches. Here an
array of shape ``S`` becomes ``S`` separate *elements*, so that whatever only moves elements around (slicing, stacking,
reshaping) costs nothing, and what is left is arithmetic: what a GPU kernel is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxenv.division import divided
from jaxenv.fused.elements import Key, Later, Operation, Table, UnsupportedError, Value, box, check_size, constant, value

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

DIVISIONS: dict[str, Callable[..., Array]] = {
    "div": lambda number, divisor: divided(number, divisor)[0],
    "rem": lambda number, divisor: divided(number, divisor)[1],
}
"""How what is known is divided, for all steps at once."""

MOST_OPERATIONS = 4_000
"""Length of a tape beyond which a step is left to ``lax.scan``: the kernel would take long to compile."""


def _register(table: dict[str, Any], *names: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        table.update(dict.fromkeys(names, function))
        return function

    return register


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register how primitives are interpreted."""
    return _register(RULES, *names)


def shortcut(name: str) -> Callable[[Shortcut], Shortcut]:
    """Register another way to compute what a jitted function does."""
    return _register(SHORTCUTS, name)


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
            act = partial(primitive.bind, **params)
            if not any(isinstance(x, Later) for x in elements):
                act = DIVISIONS.get(primitive.name, act)
            self._bound[name] = self.apply(act, *elements), elements
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


def _constant(array: Any) -> Value | Table:
    """Return the value of a constant of a program: known to numpy, or only to JAX, or a table if it is large."""
    if isinstance(array, Array) and jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        words = Table(jax.random.key_data(array)).elements
        return box([Key(words[place]) for place in np.ndindex(array.shape)], array.shape)
    if isinstance(array, Tracer) or math.prod(np.shape(array)) > 1:
        return Table(jnp.asarray(array))
    return constant(array)
