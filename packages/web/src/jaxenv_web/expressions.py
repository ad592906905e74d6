"""One instruction of a :class:`~jaxenv.engine.scalar.ScalarProgram` as one JavaScript expression.

Every JavaScript number is a double, so each operation rounds its result to the dtype of its register: ``| 0`` for int32, ``>>> 0``
for uint32, ``f`` (``Math.fround``) for float32. A sum, product, quotient or square root of float32 that is computed in double
precision and then rounded is the correctly rounded float32 result. Functions such as ``sin`` are rounded from double precision,
so they differ from XLA's by a few units in the last place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxenv.engine.scalar import Instruction, UnsupportedError
from jaxenv.engine.scalar.text import power, selection

_COMPARED = {"eq": "===", "ne": "!==", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_INFIX = {"add": "+", "add_any": "+", "sub": "-", "mul": "*", "div": "/", "rem": "%", "and": "&", "or": "|", "xor": "^"}
_NAMES = "acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 log log1p pow sin sinh sqrt tan tanh"
_MATH = frozenset(_NAMES.split())
_EXACT = {"abs": "abs", "ceil": "ceil", "floor": "floor", "max": "max", "min": "min", "sign": "sign"}
"""Functions of floats whose results need no rounding."""

DTYPES = frozenset(["bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32"])
"""Dtypes that a JavaScript number holds and whose arithmetic it can do."""


def literal(value: Any) -> str:
    """Return a constant of a dtype as JavaScript, exactly."""
    number = np.asarray(value)
    item = number.item()
    if number.dtype.kind == "b":
        return "true" if item else "false"
    if number.dtype.kind in "iu":
        return str(item)
    if math.isnan(item):
        return "NaN"
    if math.isinf(item):
        return "Infinity" if item > 0 else "-Infinity"
    return _short(item)


def decimal(value: Any) -> str:
    """Return a float32 in as few digits as give it back when they are rounded to float32."""
    item = float(value)
    return _short(float(str(np.float32(item)))) if math.isfinite(item) else literal(np.float32(item))


def _short(item: float) -> str:
    text = repr(item).removesuffix(".0")
    return re.sub(r"^(-?)0\.", r"\1.", re.sub(r"e([-+])0*(\d)", lambda m: f"e{m[1].strip('+')}{m[2]}", text))


def check_dtype(dtype: np.dtype[Any]) -> None:
    """Refuse a dtype that a page can't compute with.

    Raises:
        UnsupportedError: the dtype is of 64 bits.
    """
    if dtype.name not in DTYPES:
        raise UnsupportedError(f"numbers of dtype {dtype}, which JavaScript's numbers can't hold")


def wrapped(text: str, dtype: np.dtype[Any]) -> str:
    """Return an expression whose value is rounded, or wrapped around, to a dtype."""
    match dtype.name:
        case "float32":
            return f"f({bare(text)})"
        case "int32":
            return f"({text} | 0)"
        case "uint32":
            return f"({text} >>> 0)"
        case "int8" | "int16":
            shift = 32 - 8 * dtype.itemsize
            return f"({text} << {shift} >> {shift})"
        case "uint8" | "uint16":
            return f"({text} & {(1 << 8 * dtype.itemsize) - 1})"
        case _:
            check_dtype(dtype)
            return text


def bare(text: str) -> str:
    """Return an expression without parentheses that enclose all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 else text
    return text


def _is_tight(text: str) -> bool:
    """Whether an expression is a name, a call, or enclosed in parentheses."""
    call = re.match(r"[\w.]*(?=\()", text)
    rest = text[call.end() :] if call else text
    return re.fullmatch(r"[\w.]+", text) is not None or (call is not None and bare(rest) is not rest)


def loose(text: str) -> str:
    """Return an expression without a final ``| 0`` or ``>>> 0``, for operators that only see its lowest 32 bits."""
    inner = bare(text)
    for end in (" >>> 0", " | 0"):
        if inner is not text and inner.endswith(end):
            kept = inner.removesuffix(end)
            return kept if _is_tight(kept) else f"({kept})"
    return text


def expression(instruction: Instruction, x: Sequence[str]) -> str:
    """Return what an elementwise instruction computes.

    Args:
        instruction: one with a single result, that is a primitive on scalars.
        x: its operands as JavaScript, each of which binds as tightly as a name.

    Returns:
        An expression in parentheses, or a call.

    Raises:
        UnsupportedError: the operation, or its dtype, has no JavaScript.
    """
    op, dtype, of = instruction.op, instruction.results[0].dtype, instruction.operands[0].dtype
    check_dtype(dtype)
    check_dtype(of)
    if op == "select_n":
        return selection(x, of, _choose)
    if op in _COMPARED:
        sign = _COMPARED[op]
        return f"({x[0]} {sign[:2] if of.kind == 'b' and len(sign) == 3 else sign} {x[1]})"
    if op == "is_finite":
        return f"isFinite({bare(x[0])})"
    if op == "convert_element_type":
        return _converted(x[0], of, dtype)
    if op == "bitcast_convert_type":
        return _bits(x[0], of, dtype)
    if op in ("population_count", "clz"):
        return _counted(op, x[0], of)
    if dtype.kind == "f":
        return _of_floats(instruction, x)
    if dtype.kind == "b":
        return _of_flags(op, x)
    return _of_integers(instruction, x, dtype)


def _choose(condition: str, on_true: str, on_false: str) -> str:
    return f"({condition} ? {on_true} : {on_false})"


def _of_floats(instruction: Instruction, x: Sequence[str]) -> str:
    op, arguments = instruction.op, ", ".join(map(bare, x))
    if op in _EXACT:
        return f"{_EXACT[op]}({arguments})"
    if op in _MATH:
        return f"f({op}({arguments}))"
    if op in ("add", "add_any", "sub", "mul", "div"):
        return f"f({x[0]} {_INFIX[op]} {x[1]})"
    match op:
        case "rem":
            return f"({x[0]} % {x[1]})"
        case "clamp":
            return f"min(max({bare(x[1])}, {bare(x[0])}), {bare(x[2])})"
        case "neg":
            return f"(-{x[0]})"
        case "square":
            return _power(x[0], 2)
        case "exp2":
            return f"f(2 ** {x[0]})"
        case "rsqrt":
            return f"f(1 / sqrt({bare(x[0])}))"
        case "logistic":
            return f"f(1 / (1 + exp(-{x[0]})))"
        case "round":  # the exponent holds JAX's rounding method
            return f"{'roundToEven' if instruction.exponent else 'roundFromZero'}({bare(x[0])})"
        case "integer_pow":
            return _power(x[0], instruction.exponent)
        case "erf_inv":
            return f"erfInv({bare(x[0])})"
        case _:
            raise UnsupportedError(f"the operation {op}, which JavaScript lacks")


def _power(x: str, exponent: int) -> str:
    """Return a power; an operand that is no name is computed once."""
    if not re.fullmatch(r"[\w.\[\]]+", x):
        return f"power({bare(x)}, {exponent})"
    product = power(x, abs(exponent), lambda a, b: f"f({a} * {b})") or "1"
    return f"f(1 / {product})" if exponent < 0 else product


def _of_flags(op: str, x: Sequence[str]) -> str:
    match op:
        case "and" | "mul" | "min":
            return f"({x[0]} && {x[1]})"
        case "or" | "add" | "add_any" | "max":
            return f"({x[0]} || {x[1]})"
        case "xor":
            return f"(!{x[0]} !== !{x[1]})"
        case "not":
            return f"!{x[0]}"
        case _:
            raise UnsupportedError(f"the operation {op} of flags")


def _of_integers(instruction: Instruction, x: Sequence[str], dtype: np.dtype[Any]) -> str:
    op, operands, unsigned = instruction.op, instruction.operands, dtype.kind == "u"
    if op in ("add", "add_any", "sub", "mul", "square", "and", "or", "xor", "not"):
        x = [loose(operand) for operand in x]
    if op in ("add", "add_any", "sub"):
        return wrapped(f"{x[0]} {_INFIX[op]} {x[1]}" if dtype.itemsize == 4 else f"({x[0]} {_INFIX[op]} {x[1]})", dtype)
    if op in ("mul", "square"):
        product = f"imul({bare(x[0])}, {bare(x[-1])})"
        return product if dtype.name == "int32" else wrapped(product, dtype)
    if op == "xor" and isinstance(operands[1], np.generic) and dtype.name == "uint32" and operands[1] == 0xFFFFFFFF:
        return wrapped(f"~{x[0]}", dtype)
    if op in ("and", "or", "xor"):
        return wrapped(f"({x[0]} {_INFIX[op]} {x[1]})", dtype) if dtype.name == "uint32" else f"({x[0]} {_INFIX[op]} {x[1]})"
    if op.startswith("shift"):
        return _shifted(op, operands[1], x, dtype)
    match op:
        case "not":
            return wrapped(f"~{x[0]}", dtype) if unsigned else f"(~{x[0]})"
        case "neg":
            return wrapped(f"-{x[0]}", dtype)
        case "abs":
            return x[0] if unsigned else wrapped(f"abs({bare(x[0])})", dtype)
        case "sign" | "max" | "min":
            return f"{_EXACT[op]}({', '.join(map(bare, x))})" if op != "sign" else f"sign({bare(x[0])})"
        case "clamp":
            return f"min(max({bare(x[1])}, {bare(x[0])}), {bare(x[2])})"
        case "integer_pow":
            return wrapped(f"integerPower({bare(x[0])}, {instruction.exponent})", dtype)
        case "div" | "rem":
            divisor = operands[1]
            if isinstance(divisor, np.generic) and divisor.item() != 0:
                return wrapped(f"{x[0]} {_INFIX[op]} {x[1]}" if dtype.itemsize == 4 else f"({x[0]} {_INFIX[op]} {x[1]})", dtype)
            return wrapped(f"{op}({bare(x[0])}, {bare(x[1])})", dtype)  # anything by zero is -1, with remainder itself
        case _:
            raise UnsupportedError(f"the operation {op} of {dtype}")


def _shifted(op: str, by: Any, x: Sequence[str], dtype: np.dtype[Any]) -> str:
    """Shift by any number: at the width and beyond, everything is shifted out."""
    bits, arithmetic = 8 * dtype.itemsize, op == "shift_right_arithmetic"
    number = loose(x[0])
    if op == "shift_right_logical" and dtype.kind == "i":
        number = f"({number} & {(1 << bits) - 1})" if bits < 32 else number
    if arithmetic and dtype.kind == "u" and bits < 32:
        number = f"({number} << {32 - bits} >> {32 - bits})"
    sign = {"shift_left": "<<", "shift_right_logical": ">>>"}.get(op, ">>")

    if not isinstance(by, np.generic):
        text = f"{'shiftLeft' if sign == '<<' else 'shiftRight'}({bare(number)}, {bare(x[1])}, {bits})"
        text = f"shiftSigned({bare(number)}, {bare(x[1])}, {bits})" if arithmetic else text
        return text if dtype.name == "int32" and sign != ">>>" else wrapped(text, dtype)
    places = by.item() if 0 <= by.item() < bits else bits - 1 if arithmetic else None
    if places is None:
        return "0"
    text = f"{number} {sign} {places}"
    if (dtype.name, sign) in (("int32", "<<"), ("int32", ">>"), ("uint32", ">>>")):
        return f"({text})"
    return wrapped(text if bits == 32 else f"({text})", dtype)


def _converted(x: str, of: np.dtype[Any], dtype: np.dtype[Any]) -> str:
    if dtype.kind == "b":
        return f"({x} != 0)"
    if of.kind == "b":
        return f"({x} ? 1 : 0)"
    if dtype.kind == "f":
        return x if of.kind == "f" or of.itemsize < 4 else f"f({bare(x)})"
    if of.kind == "f":
        limits = np.iinfo(dtype)
        return f"toInteger({bare(x)}, {limits.min}, {limits.max})"
    narrower = dtype.itemsize > of.itemsize and (of.kind == "u" or dtype.kind == "i")
    return x if narrower or of == dtype else wrapped(x, dtype)


def _bits(x: str, of: np.dtype[Any], dtype: np.dtype[Any]) -> str:
    if of.itemsize != dtype.itemsize:
        raise UnsupportedError(f"the bits of {of} as {dtype}")
    if "f" not in (of.kind, dtype.kind):
        return wrapped(x, dtype)
    if of.kind == "f":
        return f"bitsOf({bare(x)})" if dtype.kind == "i" else f"(bitsOf({bare(x)}) >>> 0)"
    return f"floatOf({bare(x)})"


def _counted(op: str, x: str, of: np.dtype[Any]) -> str:
    bits = 8 * of.itemsize
    number = x if bits == 32 else f"{x} & {(1 << bits) - 1}"
    if op == "clz":
        return f"clz32({bare(number)})" if bits == 32 else f"(clz32({number}) - {32 - bits})"
    return f"countBits({bare(number)})"
