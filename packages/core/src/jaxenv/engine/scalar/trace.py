"""The jaxpr of a function of one environment, taken apart into instructions on single numbers.

``vmap`` gives every array of a step one more axis, and with it concatenations, slices and transposes of whole batches. Here an
array of shape ``S`` becomes ``S`` separate elements, so that whatever only moves elements around (slicing, stacking, reshaping)
costs nothing, and what is left is arithmetic: what a thread of a GPU does.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

# Documented, but JAX 0.12 does not say so to type checkers.
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal  # pyright: ignore[reportPrivateImportUsage]

from jaxenv._jax_compat import is_traced
from jaxenv.engine.scalar.program import (
    DTYPES,
    Derived,
    Instruction,
    Leaf,
    Operand,
    Register,
    ScalarProgram,
    UnsupportedError,
    needed,
)

Value = np.ndarray
"""Operands, in the shape of the array that they stand for."""

MOST_ELEMENTS = 4_096
"""Elements of an array beyond which it is not taken apart."""
MOST_INSTRUCTIONS = 12_000
"""Instructions beyond which a program takes longer to compile than it saves."""

MOST_PRODUCTS = 1_024
"""Multiplications in matrix products beyond which they are not taken apart into scalars."""
FEW_PRODUCTS = 128
"""Multiplications in matrix products up to which they are taken apart although they could be kept whole."""
MOST_IN_VECTORS = 16_384
"""Elements of an array beyond which it is not taken apart into vectors."""
SHORTEST_ROW = 48
"""Elements of a row from which an operation is on vectors, wherever there are vectors: an observation that a network sees."""
SHORTEST_TABLE = 8
"""Neighbouring constants from which they are read from memory."""
SMALLEST_VECTOR = 16
"""Numbers of a policy's carry from which it is a vector."""


class Key:
    """An element of an array of typed keys: the words of its data."""

    def __init__(self, words: Value) -> None:
        self.words = words


class Element:
    """An element of a vector, which is read where a scalar is needed."""

    __slots__ = ("place", "vector")

    def __init__(self, vector: Register, place: int) -> None:
        self.vector, self.place = vector, place

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the vector."""
        return self.vector.dtype


class Table:
    """An argument that stays in memory, where its elements can be read at computed places.

    Args:
        scalars: the interpreter.
        leaf: the number of the argument.
        dtype: that of its elements.
        shape: the shape in which they are seen.
        known: the elements, if they are known while tracing.
        shared: whether it is the same for all environments, so that what follows from it alone can be computed for all at once.
    """

    def __init__(
        self,
        scalars: Scalarizer,
        leaf: int,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        known: np.ndarray | None = None,
        shared: bool = False,
    ) -> None:
        self.scalars, self.leaf, self.dtype, self.shape, self.known, self.shared = scalars, leaf, dtype, shape, known, shared

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    def reshape(self, shape: Sequence[int]) -> Table:
        """Return the same elements in another shape."""
        return Table(self.scalars, self.leaf, self.dtype, tuple(shape), self.known, self.shared)

    @property
    def elements(self) -> Value:
        """The elements, each read by itself."""
        check_size(self.shape)
        if self.known is not None:
            return constant(self.known.reshape(self.shape))
        return box([self.scalars.argument(self.leaf, i, self.dtype) for i in range(math.prod(self.shape))], self.shape)


Rule = Callable[["Scalarizer", Any, Sequence[Any]], Sequence[Any]]
"""From the interpreter, an equation and its operands to its results."""

RULES: dict[str, Rule] = {}
"""How primitives other than elementwise ones are interpreted, by name."""

CALLS: dict[str, Callable[[Scalarizer, Sequence[Any]], Sequence[Any]]] = {}
"""Instructions for what jitted functions of jaxenv compute, by the name of the function."""

_NAMES = (
    "abs acos acosh add add_any and asin asinh atan atan2 atanh bitcast_convert_type cbrt ceil clamp clz convert_element_type cos "
    "cosh div eq erf erf_inv erfc exp exp2 expm1 floor ge gt integer_pow is_finite le lgamma log log1p logistic lt max min mul ne "
    "neg nextafter not or population_count pow rem round rsqrt select_n shift_left shift_right_arithmetic shift_right_logical "
    "sign sin sinh sqrt square sub tan tanh xor"
)
ELEMENTWISE = frozenset(_NAMES.split())
"""Primitives that act on each element alone."""

COMPARISONS = frozenset(["eq", "ge", "gt", "is_finite", "le", "lt", "ne"])


def _arithmetic(number: Any, places: Any) -> Any:
    """Shift right with the sign, whether the number has one or not."""
    signed = np.dtype(f"int{8 * number.dtype.itemsize}")
    return np.right_shift(number.astype(signed), signed.type(places)).astype(number.dtype)


def _shifted(shift: Callable[[Any, Any], Any], beyond: Callable[[Any, int], Any]) -> Callable[[Any, Any], Any]:
    """Return a shift of a constant; NumPy leaves open what shifts by the width and more are."""

    def folded(number: Any, places: Any) -> Any:
        bits = 8 * number.dtype.itemsize
        return shift(number, places) if 0 <= places < bits else beyond(number, bits)

    return folded


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
    "neg": np.negative,
    "not": np.invert,
    "or": np.bitwise_or,
    "shift_left": _shifted(np.left_shift, lambda x, bits: x.dtype.type(0)),
    "shift_right_arithmetic": _shifted(_arithmetic, lambda x, bits: _arithmetic(x, bits - 1)),
    "sub": np.subtract,
    "xor": np.bitwise_xor,
}
"""What is computed while tracing where all operands are constants, by numpy's functions that do the very same."""

_LOOPS = frozenset({"cond", "scan", "while"})


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register how primitives are interpreted."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def check_size(shape: Sequence[int], most: int = MOST_ELEMENTS) -> None:
    """Refuse what has too many elements."""
    if math.prod(shape) > most:
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
    check_dtype(array.dtype)
    return box([array.dtype.type(element) for element in array.reshape(-1)], array.shape)


def check_dtype(dtype: Any) -> None:
    """Refuse what no register can hold."""
    if np.dtype(dtype) not in DTYPES:
        raise UnsupportedError(f"numbers of dtype {dtype}")


def value(operand: Value | Table) -> Value:
    """Return the elements of an operand."""
    return operand.elements if isinstance(operand, Table) else operand


def opened(jaxpr: Any) -> tuple[Jaxpr, Sequence[Any]]:
    """Return a jaxpr and its constants."""
    return (jaxpr.jaxpr, jaxpr.consts) if hasattr(jaxpr, "consts") else (jaxpr, ())


def called(equation: Any) -> Any:
    """Return the jaxpr that an equation merely calls, or None: that of ``jit``, ``custom_jvp``, ``custom_vmap``, ``checkpoint``."""
    if equation.primitive.name in _LOOPS:
        return None
    for parameter in equation.params.values():
        if isinstance(parameter, ClosedJaxpr | Jaxpr):
            program, _ = opened(parameter)
            if len(program.invars) == len(equation.invars) and len(program.outvars) == len(equation.outvars):
                return parameter
    return None


def uses(program: Jaxpr, wanted: tuple[bool, ...]) -> tuple[list[tuple[bool, ...]], tuple[bool, ...]]:
    """Return which results of each equation, and which inputs, the ``wanted`` results of a jaxpr depend on."""
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


class Scalarizer:
    """An interpreter of jaxprs that writes instructions.

    Args:
        rules: how primitives other than elementwise ones are interpreted, by name.
        vectors: whether matrix products are kept whole.
        shortest_row: elements of a row from which an operation is on vectors, where there are vectors.
    """

    def __init__(self, rules: Mapping[str, Rule] = RULES, vectors: bool = False, shortest_row: int = SHORTEST_ROW) -> None:
        self.rules, self.vectors, self.shortest_row = rules, vectors, shortest_row
        self.instructions: list[Instruction] = []
        self.leaves: list[Leaf] = []
        self.constants: list[Any] = []
        self._registers = self._products = 0
        self._computed: dict[Any, Any] = {}
        self._makers: dict[int, Instruction] = {}
        self._tables: dict[Any, int] = {}

    # -- what is read ------------------------------------------------------------------------------------------

    def leaf(self, name: str, shape: Sequence[int], dtype: Any) -> int:
        """Add an argument; return its number."""
        check_dtype(dtype)
        self.leaves.append(Leaf(name, tuple(shape), np.dtype(dtype)))
        return len(self.leaves) - 1

    def argument(self, leaf: int, element: int, dtype: np.dtype[Any]) -> Operand:
        """Read an element of an argument."""
        return self._emit("argument", (), dtype, leaf=leaf, element=element)

    def load(self, table: Table, place: Operand) -> Operand:
        """Read the element of a table at a place in row-major order, int32, which must be within it."""
        if isinstance(place, np.generic):
            return table.elements.reshape(-1)[int(place)]
        return self._emit("load", (place,), table.dtype, leaf=table.leaf)

    def input(self, name: str, aval: Any, carried: bool = False) -> Value | Table:
        """Add an argument that is like an array; return what stands for it.

        Args:
            name: what it is called.
            aval: its shape and dtype.
            carried: whether it will be in registers, not in memory.
        """
        shape, words, dtype = tuple(aval.shape), key_words(aval), aval.dtype
        if self.vectors and carried and _is_vector(name, shape, dtype):
            leaf = self.leaf(name, shape, dtype)
            return self.elements_of(self._vector("vector", (), np.dtype(dtype), math.prod(shape), leaf=leaf, element=0), shape)
        if words:
            leaf = self.leaf(name, (*shape, words), np.uint32)
            return as_keys(Table(self, leaf, np.dtype(np.uint32), (*shape, words)).elements, shape)
        table = Table(self, self.leaf(name, shape, dtype), np.dtype(dtype), shape, shared=name.startswith("policy_params"))
        return table.elements if carried or math.prod(shape) == 1 else table

    def constant(self, array: Any) -> Value | Table:
        """Return what stands for a constant of a jaxpr."""
        if isinstance(array, Array) and jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
            return as_keys(value(self.constant(jax.random.key_data(array))), array.shape)
        known = None if is_traced(array) else np.asarray(array)
        if known is not None and known.size <= 1:
            return constant(known)
        self.constants.append(array)
        dtype = np.dtype(array.dtype)
        leaf = self.leaf(f"constant{len(self.constants)}", np.shape(array), dtype)
        return Table(self, leaf, dtype, np.shape(array), known, shared=True)

    def derive(self, function: Callable[..., Any], shape: Sequence[int], dtype: Any, *tables: Table) -> Table:
        """Return what a function of shared tables gives, computed once for all environments."""

        def of(*arrays: Any) -> Any:
            return function(*(x.reshape(table.shape) for x, table in zip(arrays, tables, strict=True)))

        self.constants.append(Derived(of, tuple(table.leaf for table in tables), tuple(shape), np.dtype(dtype)))
        leaf = self.leaf(f"derived{len(self.constants)}", shape, dtype)
        return Table(self, leaf, np.dtype(dtype), tuple(shape), shared=True)

    # -- what is computed --------------------------------------------------------------------------------------

    def run(self, jaxpr: ClosedJaxpr | Jaxpr, args: Sequence[Any], wanted: tuple[bool, ...] | None = None) -> list[Any]:
        """Return the results of a jaxpr; None for those that are not wanted."""
        program, consts = opened(jaxpr)
        wanted = (True,) * len(program.outvars) if wanted is None else wanted
        values: dict[Any, Any] = dict(zip(program.invars, args, strict=True))
        values.update(zip(program.constvars, map(self.constant, consts), strict=True))

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
        """Run a JAX function of uint32 arrays, such as a generator's, on values."""
        shapes = [jax.ShapeDtypeStruct(arg.shape, jnp.uint32) for arg in args]
        return self.run(jax.make_jaxpr(function)(*shapes), args)

    def _equation(self, equation: Any, operands: Sequence[Any], wanted: tuple[bool, ...]) -> Sequence[Any]:
        name = equation.primitive.name
        if self.vectors and _derivable(equation, operands):
            tables = [x for x in operands if isinstance(x, Table)]

            def again(*arrays: Any) -> Any:
                rest = iter(arrays)
                given = [next(rest) if isinstance(x, Table) else jnp.asarray(x.astype(x.item().dtype)) for x in operands]
                return equation.primitive.bind(*given, **equation.params)

            aval = equation.outvars[0].aval
            return [self.derive(again, aval.shape, aval.dtype, *tables)]
        if name in self.rules:
            return self.rules[name](self, equation, operands)
        program = called(equation)
        if program is not None:
            instruction = CALLS.get(equation.params.get("name", ""))
            return instruction(self, operands) if instruction else self.run(program, operands, wanted)
        if name not in ELEMENTWISE:
            raise UnsupportedError(f"the operation {name}")
        return [self._map(equation, list(map(value, operands)))]

    def _map(self, equation: Any, operands: Sequence[Value]) -> Value:
        """Apply an elementwise primitive."""
        aval, params = equation.outvars[0].aval, equation.params
        if equation.primitive.name == "bitcast_convert_type" and operands[0].shape != aval.shape:
            raise UnsupportedError(f"the bits of {equation.invars[0].aval.dtype} as {aval.dtype}")
        exponent = int(params.get("y", params.get("rounding_method", 0)))
        return self.apply(equation.primitive.name, operands, aval.shape, aval.dtype, exponent)

    def apply(self, name: str, operands: Sequence[Value], shape: Sequence[int], dtype: Any, exponent: int = 0) -> Value:
        """Return an elementwise primitive of values, broadcast to a shape."""
        given = [np.broadcast_to(x, shape) for x in operands]
        if self.vectors:
            check_size(shape, MOST_IN_VECTORS)
            if self._wants_vectors(given):
                return self._apply_to_vectors(name, given, dtype, exponent)
        check_size(shape)
        out = np.empty(shape, object)
        for place in np.ndindex(*shape):
            out[place] = self.op(name, *(x[place] for x in given), dtype=dtype, exponent=exponent)
        return out

    def _wants_vectors(self, operands: Sequence[Value]) -> bool:
        """Whether an operation on values of one shape is one on vectors: any of them is one, or it is long and not known."""
        if any(has_elements(x) for x in operands):
            return True
        shape = operands[0].shape
        if not shape or 0 in shape or shape[-1] < self.shortest_row or any(isinstance(x.flat[0], Key) for x in operands):
            return False
        return any(isinstance(x, Register) for value in operands for x in value.reshape(-1, shape[-1])[:, 0])

    def _apply_to_vectors(self, name: str, operands: Sequence[Value], dtype: Any, exponent: int) -> Value:
        """Apply an elementwise primitive to whole values, or row by row where a value is made of many parts."""
        check_dtype(dtype)
        shape = operands[0].shape
        if len(shape) > 1 and shape[-1] >= self.shortest_row and not all(map(self._is_whole, operands)):
            rows = [x.reshape(-1, shape[-1]) for x in operands]
            parts = [self._apply_to_vectors(name, row, dtype, exponent) for row in zip(*rows, strict=True)]
            return np.stack(parts).reshape(shape)
        given = [self.vector_or_same(x) for x in operands]
        if not any(isinstance(x, Register) and x.size for x in given):  # one number, many times
            element = self.op(name, *given, dtype=dtype, exponent=exponent)
            return box([element] * math.prod(shape), shape)
        return self.elements_of(self._vector(name, given, np.dtype(dtype), math.prod(shape), exponent=exponent), shape)

    def _is_whole(self, value: Value) -> bool:
        """Whether a value is one number, known, or neighbours in one vector."""
        row = value.reshape(-1)
        first, last = row[0], row[-1]
        if isinstance(first, Element):
            return isinstance(last, Element) and first.vector is last.vector and last.place - first.place == len(row) - 1
        return all(x is first for x in row) or all(isinstance(x, np.generic) for x in row)

    def op(self, name: str, *operands: Any, dtype: Any = None, exponent: int = 0) -> Any:
        """Return the result of an elementwise primitive on one element of each operand.

        Args:
            name: the primitive.
            operands: registers and constants, or keys to choose between.
            dtype: that of the result; that of the last operand if None, and bool of a comparison.
            exponent: of ``integer_pow``; of ``round``, the rounding method.
        """
        if any(isinstance(x, Key) for x in operands):
            count = next(x.words.size for x in operands if isinstance(x, Key))
            words = [[x.words[i] if isinstance(x, Key) else x for x in operands] for i in range(count)]
            return Key(box([self.op(name, *word) for word in words], (count,)))
        if dtype is None:
            dtype = np.bool_ if name in COMPARISONS else operands[-1].dtype
        check_dtype(dtype)
        dtype = np.dtype(dtype)
        if all(isinstance(x, np.generic) for x in operands):
            if name in FOLDED:
                with np.errstate(over="ignore", invalid="ignore"):
                    return dtype.type(FOLDED[name](*operands))
            if name == "convert_element_type" and not (operands[0].dtype.kind == "f" and dtype.kind in "iu"):
                with np.errstate(over="ignore", invalid="ignore"):
                    return np.asarray(operands[0]).astype(dtype)[()]
        simpler = _simplified(name, operands, dtype)
        return self._emit(name, operands, dtype, exponent=exponent) if simpler is None else simpler

    def where(self, condition: Operand, new: Any, old: Any) -> Any:
        """Choose between two elements, which may be keys."""
        return self.op("select_n", condition, old, new)

    def threefry(self, *operands: Operand) -> tuple[Register, Register]:
        """Return the words of a threefry block, of two words of a key and two of a counter."""
        return self._emit("threefry2x32", operands, np.dtype(np.uint32), count=2)

    def count_products(self, count: int) -> None:
        """Refuse more multiplications in matrix products than XLA's own would take longer for."""
        self._products += count
        if self._products > MOST_PRODUCTS:
            raise UnsupportedError(f"matrix products of more than {MOST_PRODUCTS:,} multiplications, as of a network")

    # -- vectors -----------------------------------------------------------------------------------------------

    def elements_of(self, vector: Register, shape: Sequence[int]) -> Value:
        """Return a vector as the value of an array."""
        return box([Element(vector, i) for i in range(vector.size)], shape)

    def dense(self, inputs: Value, weights: Table, shape: Sequence[int]) -> Value:
        """Return the product of a row of inputs with a matrix, in the shape that it is to have."""
        row = inputs.reshape(-1)
        parts = self._parts(row) if has_elements(row) else []
        flags = [self._flag(x) for x in (parts if len(parts) == 1 else row)]
        operands: Any = flags if all(x is not None for x in flags) else parts or self._parts(row)
        vector = self._vector("dense", operands, weights.dtype, weights.shape[1], leaf=weights.leaf)
        return self.elements_of(vector, shape)

    def reduce(self, op: str, vector: Register) -> Register:
        """Return what the elements of a vector come to: ``reduce_sum``, ``reduce_max`` or ``reduce_min``."""
        return self._emit(op, (vector,), vector.dtype)

    def vector_or_same(self, value: Value) -> Operand:
        """Return the vector of a value's elements, or the element if they are all the same."""
        row = value.reshape(-1)
        first = row[0]
        if all(x is first or _same_constant(x, first) for x in row):
            return self._scalar(first)
        return self.vector(value)

    def vector(self, value: Value) -> Register:
        """Return the vector of a value's elements."""
        parts = self._parts(value.reshape(-1))
        if len(parts) == 1 and isinstance(parts[0], Register) and parts[0].size:
            return parts[0]
        return self._vector("pack", parts, parts[0].dtype, value.size)

    def _parts(self, row: Value) -> list[Operand]:
        """Return elements as vectors, as far as they are neighbours in one or in an argument, and scalars."""
        parts: list[Operand] = []
        start = 0
        while start < len(row):
            first, end = self._place(row[start]), start + 1
            while isinstance(row[start], np.generic) and end < len(row) and isinstance(row[end], np.generic):
                end += 1
            while first is not None and end < len(row) and self._place(row[end]) == (first[0], first[1] + end - start):
                end += 1
            vector = row[start].vector if isinstance(row[start], Element) else None
            if vector is not None and end - start == vector.size:
                parts.append(vector)
            elif vector is not None and end - start > 1:
                parts.append(self._vector("slice", (vector,), vector.dtype, end - start, element=first[1]))  # pyright: ignore[reportOptionalSubscript]
            elif first is not None and end - start > 1:
                leaf, element = first
                parts.append(self._vector("vector", (), row[start].dtype, end - start, leaf=leaf, element=element))
            elif end - start >= SHORTEST_TABLE:
                known = np.array([x.item() for x in row[start:end]], row[start].dtype)
                parts.append(self._vector("vector", (), known.dtype, known.size, leaf=self._known(known), element=0))
            else:
                parts += [self._scalar(x) for x in row[start:end]]
            start = end
        return parts

    def _known(self, array: np.ndarray) -> int:
        """Return the argument that has an array that is known, the same for equal ones."""
        name = array.dtype.char, array.tobytes()
        if name not in self._tables:
            self.constants.append(array)
            self._tables[name] = self.leaf(f"constant{len(self.constants)}", array.shape, array.dtype)
        return self._tables[name]

    def _place(self, element: Any) -> tuple[Any, int] | None:
        """Return where an element is: in which vector or argument, and at which place."""
        if isinstance(element, Element):
            return element.vector, element.place
        maker = self._makers.get(element.number) if isinstance(element, Register) else None
        return (maker.leaf, maker.element) if maker is not None and maker.op == "argument" else None

    def _flag(self, element: Any) -> Operand | None:
        """Return the flag that a number is 1 or 0 for, or None if it is another number."""
        if isinstance(element, Element):
            return None
        if isinstance(element, np.generic):
            return np.bool_(element) if element in (0, 1) else None
        maker = self._makers.get(element.number) if isinstance(element, Register) else None
        if maker is None or maker.op != "convert_element_type" or maker.operands[0].dtype.kind != "b":
            return None
        return maker.operands[0]

    def _scalar(self, element: Any) -> Any:
        """Return an element as an operand of an instruction on scalars."""
        if isinstance(element, Element):
            return self._emit("element", (element.vector,), element.dtype, element=element.place)
        return element

    def _vector(self, op: str, operands: Sequence[Operand], dtype: np.dtype[Any], size: int, **places: int) -> Register:
        if dtype.kind == "f" and dtype.itemsize != 4:
            raise UnsupportedError(f"vectors of dtype {dtype}")
        return self._emit(op, operands, dtype, size=size, **places)

    def _emit(self, op: str, operands: Sequence[Any], dtype: np.dtype[Any], count: int = 1, size: int = 0, **places: int) -> Any:
        operands = [self._scalar(x) for x in operands]
        named = tuple((x.dtype.char, x.tobytes()) if isinstance(x, np.generic) else x.number for x in operands)
        name = op, dtype, size, named, tuple(places.values())
        if name not in self._computed:
            if len(self.instructions) == MOST_INSTRUCTIONS:
                raise UnsupportedError(f"more than {MOST_INSTRUCTIONS:,} operations on scalars")
            results = tuple(Register(self._registers + i, dtype, size) for i in range(count))
            self._registers += count
            self.instructions.append(Instruction(op, tuple(operands), results, **places))
            self._makers[results[0].number] = self.instructions[-1]
            self._computed[name] = results if count > 1 else results[0]
        return self._computed[name]


def _simplified(name: str, operands: Sequence[Any], dtype: np.dtype[Any]) -> Any:
    """Return what an operation comes to where no instruction is needed, else None."""
    if name == "select_n":
        which, *cases = operands
        if isinstance(which, np.generic):
            return cases[min(max(int(which), 0), len(cases) - 1)]
        if all(case is cases[0] or _same_constant(case, cases[0]) for case in cases):
            return cases[0]
    if name == "convert_element_type" and operands[0].dtype == dtype:
        return operands[0]
    if len(operands) == 2 and dtype.kind in "biu":
        for known, other in (operands, operands[::-1]):
            if isinstance(known, np.generic):
                zero = not known.any()
                if (name in ("or", "xor", "add") and zero) or (name == "mul" and known == 1):
                    return other
                if name in ("and", "mul") and zero:
                    return known
                if dtype.kind == "b" and not zero and name in ("and", "or"):
                    return other if name == "and" else known
    return None


def has_elements(value: Any) -> bool:
    """Whether a value has elements of vectors."""
    return isinstance(value, np.ndarray) and any(isinstance(x, Element) for x in value.reshape(-1))


def _is_vector(name: str, shape: Sequence[int], dtype: Any) -> bool:
    """Whether a leaf that is carried is a vector where there are vectors: the carry of a recurrent network."""
    return name.startswith("carry") and math.prod(shape) >= SMALLEST_VECTOR and dtype == np.float32


def _derivable(equation: Any, operands: Sequence[Any]) -> bool:
    """Whether an equation is about large shared arrays alone, so that it can be computed once for all environments."""
    moves = ("broadcast_in_dim", "concatenate", "copy", "pad", "reduce_sum", "rev", "slice", "squeeze", "transpose")
    shared = [x for x in operands if isinstance(x, Table)]
    rest = [x for x in operands if not isinstance(x, Table)]
    return (
        (equation.primitive.name in ELEMENTWISE or equation.primitive.name in moves)
        and bool(shared)
        and all(x.shared for x in shared)
        and all(isinstance(x, np.ndarray) and x.shape == () and isinstance(x.item(), np.generic) for x in rest)
        and math.prod(equation.outvars[0].aval.shape) >= SMALLEST_VECTOR
    )


def products(jaxpr: Any) -> int:
    """Return how many multiplications the matrix products within a jaxpr take."""
    program, total = opened(jaxpr)[0], 0
    for equation in program.eqns:
        if equation.primitive.name == "dot_general":
            (contract, _), _ = equation.params["dimension_numbers"]
            left, out = (x.aval.shape for x in cast("Any", (equation.invars[0], equation.outvars[0])))
            total += math.prod(out) * math.prod(left[axis] for axis in contract)
        for parameter in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda x: isinstance(x, ClosedJaxpr | Jaxpr)):
            if isinstance(parameter, ClosedJaxpr | Jaxpr):
                total += products(parameter)
    return total


def _same_constant(a: Any, b: Any) -> bool:
    return isinstance(a, np.generic) and isinstance(b, np.generic) and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def key_words(aval: Any) -> int:
    """Return how many words a typed key has; 0 for what is no key."""
    if not jnp.issubdtype(aval.dtype, jax.dtypes.prng_key):
        return 0
    return jax.eval_shape(jax.random.key_data, jax.ShapeDtypeStruct((), aval.dtype)).shape[-1]


def as_keys(words: Value, shape: Sequence[int]) -> Value:
    """Arrange words, whose last axis is that of a key's words, as keys."""
    return box([Key(words[place]) for place in np.ndindex(*shape)], shape)


def elements(value: Value) -> Iterator[Operand]:
    """Return the numbers of a value, the words of keys among them, in row-major order."""
    for element in value.reshape(-1):
        if isinstance(element, Key):
            yield from element.words
        else:
            yield element


def scalarize(
    function: Callable[..., Any],
    *args: Any,
    names: Sequence[str],
    results: Sequence[str],
    carried: Sequence[str] = (),
    shortest_row: int | None = None,
) -> tuple[ScalarProgram, Any]:
    """Return the program of a function of one environment, and the shapes of its results.

    Args:
        function: from trees of arrays to a tuple of trees of arrays; or a jaxpr of such a function's leaves.
        args: the shapes of its arguments, ``jax.ShapeDtypeStruct`` or arrays.
        names: what the arguments are called; a leaf is called by its path in one of them.
        results: what the members of its result are called.
        carried: the names of arguments that will be in registers, not in memory.
        shortest_row: elements of a row from which an operation is on vectors; None keeps everything on scalars.

    Returns:
        The program, whose arguments and results are the leaves in order, typed keys as their words. After the arguments come the
        arrays that the function closes over and that are traced or have several elements; ``program.constants`` has them.

    Raises:
        UnsupportedError: the function can't be taken apart.
    """
    jaxpr, shapes = jax.make_jaxpr(function, return_shape=True)(*args)
    program = scalarize_jaxpr(jaxpr, args, shapes, names=names, results=results, carried=carried, shortest_row=shortest_row)
    return program, shapes


def scalarize_jaxpr(
    jaxpr: ClosedJaxpr,
    args: Sequence[Any],
    shapes: Sequence[Any],
    *,
    names: Sequence[str],
    results: Sequence[str],
    carried: Sequence[str] = (),
    wanted: Callable[[str], bool] = lambda name: True,
    vectors: bool = False,
    shortest_row: int | None = None,
) -> ScalarProgram:
    """Return the program of a jaxpr; see :func:`scalarize`.

    Results whose names are not ``wanted`` are left out. With ``vectors`` a network that is too large to be taken apart is kept
    whole. With ``shortest_row`` there are vectors whether there is a network or not.
    """
    importlib.import_module("jaxenv.engine.scalar.rules")  # registers the rules

    if shortest_row is None:
        scalars = Scalarizer(vectors=vectors and products(jaxpr) > FEW_PRODUCTS)
    else:
        scalars = Scalarizer(vectors=True, shortest_row=shortest_row)
    inputs = [
        scalars.input(name, aval, argument in carried)
        for argument, arg in zip(names, args, strict=True)
        for name, aval in _named([arg], [argument])
    ]
    named = _named(shapes, results)
    chosen = tuple(wanted(name) for name, _ in named)
    values = scalars.run(jaxpr, inputs, chosen)
    outputs = tuple(
        (scalars.vector(x),)
        if scalars.vectors and _is_vector(name, aval.shape, aval.dtype)
        else tuple(map(scalars._scalar, elements(x)))
        for x, (name, aval) in itertools.compress(zip(values, named, strict=True), chosen)
    )
    leaves: list[Leaf] = []
    for name, aval in itertools.compress(named, chosen):
        words = key_words(aval)
        leaves.append(
            Leaf(name, (*aval.shape, words) if words else tuple(aval.shape), np.dtype(np.uint32 if words else aval.dtype))
        )
    instructions = needed(scalars.instructions, [x for row in outputs for x in row])
    return ScalarProgram(tuple(scalars.leaves), tuple(leaves), instructions, outputs, tuple(scalars.constants))


def _named(trees: Sequence[Any], names: Sequence[str]) -> list[tuple[str, Any]]:
    return [
        (name + jax.tree_util.keystr(path), leaf)
        for name, tree in zip(names, trees, strict=True)
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    ]
