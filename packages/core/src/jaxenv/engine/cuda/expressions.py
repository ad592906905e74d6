"""One instruction as one C expression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxenv.engine.scalar.program import Instruction, Operand, Register, UnsupportedError
from jaxenv.engine.scalar.text import power, selection

C_TYPES = {
    "bool": "bool",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
    "uint64": "uint64_t",
    "float32": "float",
    "float64": "double",
}
"""What a register of a dtype is declared as."""

_INFIX = {"add": "+", "add_any": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^"}
_COMPARED = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_MATH = {
    "abs": "fabs", "acos": "acos", "acosh": "acosh", "asin": "asin", "asinh": "asinh", "atan": "atan", "atan2": "atan2",
    "atanh": "atanh", "cbrt": "cbrt", "ceil": "ceil", "cos": "cos", "cosh": "cosh", "erf": "erf", "erfc": "erfc", "exp": "exp",
    "exp2": "exp2", "expm1": "expm1", "floor": "floor", "lgamma": "lgamma", "log": "log", "log1p": "log1p",
    "nextafter": "nextafter", "pow": "pow", "rem": "fmod", "rsqrt": "rsqrt", "sin": "sin", "sinh": "sinh", "sqrt": "sqrt",
    "tan": "tan", "tanh": "tanh",
}  # fmt: skip
"""Functions of C's and CUDA's mathematical library, without the ``f`` of those on single precision."""


def name(operand: Operand) -> str:
    """Return how an operand is written: the variable of a register, or a literal."""
    return f"r{operand.number}" if isinstance(operand, Register) else literal(operand)


def literal(number: np.generic) -> str:
    """Return a constant of a dtype, exactly."""
    kind, value = number.dtype.kind, number.item()
    if kind == "b":
        return "true" if value else "false"
    if kind == "f":
        if not math.isfinite(value):
            return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "(-INFINITY)"
        text = f"{value:.9g}" if number.dtype.itemsize == 4 else f"{value:.17g}"
        text += "" if "." in text or "e" in text else ".0"
        text += "f" if number.dtype.itemsize == 4 else ""
        return f"({text})" if text[0] == "-" else text
    if kind == "u":
        return f"{value}{'ull' if number.dtype.itemsize == 8 else 'u'}"
    if value == np.iinfo(number.dtype.name).min and number.dtype.itemsize >= 4:  # a literal of its own would not fit its type
        return f"({value + 1}{'ll' if number.dtype.itemsize == 8 else ''} - 1)"
    text = f"{value}{'ll' if number.dtype.itemsize == 8 else ''}"
    return f"({text})" if value < 0 else text


def expression(instruction: Instruction) -> str:
    """Return the C expression of what a single-result instruction other than a read computes."""
    op, operands = instruction.op, instruction.operands
    x = [name(operand) for operand in operands]
    dtype, of = instruction.results[0].dtype, operands[0].dtype
    if op == "select_n":
        return selection(x, of, _choose)
    if op in _COMPARED:
        return f"{x[0]} {_COMPARED[op]} {x[1]}"
    if op == "is_finite":
        return f"fabs{_suffix(of)}({x[0]}) < INFINITY"
    if op == "convert_element_type":
        return _converted(x[0], of, dtype)
    if op == "bitcast_convert_type":
        return _bits(x[0], of, dtype)
    if op in ("population_count", "clz"):
        return _counted(op, x[0], of)
    if dtype.kind == "f":
        return _of_floats(instruction, x, dtype)
    return _of_integers(op, operands, x, dtype)


def _suffix(dtype: np.dtype[Any]) -> str:
    return "f" if dtype.itemsize == 4 else ""


def _choose(condition: str, on_true: str, on_false: str) -> str:
    return f"{condition} ? {on_true} : {on_false}"


def _of_floats(instruction: Instruction, x: Sequence[str], dtype: np.dtype[Any]) -> str:
    op, f, size = instruction.op, _suffix(dtype), 8 * dtype.itemsize
    one = "1.0f" if f else "1.0"
    if op in _MATH:
        return f"{_MATH[op]}{f}({', '.join(x)})"
    if op in ("add", "add_any", "sub", "mul"):
        return f"{x[0]} {_INFIX[op]} {x[1]}"
    if op == "div":
        return f"{x[0]} / {x[1]}"
    if op in ("max", "min"):
        return f"{op}_f{size}({x[0]}, {x[1]})"
    if op == "clamp":
        return f"min_f{size}(max_f{size}({x[1]}, {x[0]}), {x[2]})"
    if op == "neg":
        return f"-{x[0]}"
    if op == "square":
        return f"{x[0]} * {x[0]}"
    if op == "sign":
        return f"{x[0]} > 0 ? {one} : {x[0]} < 0 ? -{one} : {x[0]}"
    if op == "logistic":
        return f"{one} / ({one} + exp{f}(-{x[0]}))"
    if op == "round":  # the exponent holds JAX's rounding method
        return f"{'rint' if instruction.exponent else 'round'}{f}({x[0]})"
    if op == "integer_pow":
        return _power(x[0], instruction.exponent, one)
    if op == "erf_inv" and f:
        return f"erf_inv_f32({x[0]})"
    raise UnsupportedError(f"the operation {op} of {dtype}")


def _power(x: str, exponent: int, one: str) -> str:
    product = power(x, abs(exponent), lambda a, b: f"({a} * {b})") or one
    return f"{one} / {product}" if exponent < 0 else product


def _of_integers(op: str, operands: Sequence[Operand], x: Sequence[str], dtype: np.dtype[Any]) -> str:
    kind, bits, c = dtype.kind, 8 * dtype.itemsize, C_TYPES[dtype.name]
    unsigned = f"uint{bits}_t"
    if kind == "b" and op in ("add", "max", "add_any"):
        op = "or"
    if kind == "b" and op in ("mul", "min"):
        op = "and"
    if op in ("and", "or", "xor"):
        return f"{x[0]} {_INFIX[op]} {x[1]}"
    if op == "not":
        return f"!{x[0]}" if kind == "b" else f"({c})~{x[0]}"
    if op in ("add", "add_any", "sub", "mul"):  # modulo 2**bits, which C defines for unsigned numbers alone
        if kind == "u" and bits >= 32:
            return f"{x[0]} {_INFIX[op]} {x[1]}"
        wide = "uint64_t" if bits == 64 else "uint32_t"
        return f"({c})(({wide}){x[0]} {_INFIX[op]} ({wide}){x[1]})"
    if op == "neg":
        return f"({c})(0 - ({unsigned}){x[0]})"
    if op == "square":
        return f"({c})(({'uint64_t' if bits == 64 else 'uint32_t'}){x[0]} * {x[0]})"
    if op == "abs":
        return x[0] if kind == "u" else f"{x[0]} < 0 ? ({c})(0 - ({unsigned}){x[0]}) : {x[0]}"
    if op == "sign":
        return f"({c})(({x[0]} > 0) - ({x[0]} < 0))"
    if op == "max" and kind == "i" and bits == 32 and "0" in x:
        return f"at_least_0({x[1] if x[0] == '0' else x[0]})"
    if op in ("max", "min"):
        return f"{x[0]} {'>' if op == 'max' else '<'} {x[1]} ? {x[0]} : {x[1]}"
    if op == "clamp":
        low, value, high = x
        if kind == "i" and bits == 32 and low == "0":
            return f"from_0_to({high}, {value})"
        return f"{value} < {low} ? ({low} < {high} ? {low} : {high}) : {value} > {high} ? {high} : {value}"
    if op in ("div", "rem"):
        divisor = operands[1]
        if isinstance(divisor, np.generic) and divisor.item() not in (0, -1):
            return f"({c})({x[0]} {'/' if op == 'div' else '%'} {x[1]})"
        return f"({c}){op}_{'u' if kind == 'u' else 'i'}{64 if bits == 64 else 32}({x[0]}, {x[1]})"
    if op.startswith("shift"):
        return _shifted(op, operands, x, dtype)
    raise UnsupportedError(f"the operation {op} of {dtype}")


def _shifted(op: str, operands: Sequence[Operand], x: Sequence[str], dtype: np.dtype[Any]) -> str:
    """Shift, by any number: beyond the width everything is shifted out."""
    bits, c, by = 8 * dtype.itemsize, C_TYPES[dtype.name], operands[1]
    if op == "shift_right_arithmetic":
        number, beyond = f"(int{bits}_t){x[0]}", f"({c})((int{bits}_t){x[0]} >> {bits - 1})"
    else:
        number, beyond = f"(uint{bits}_t){x[0]}", f"({c})0"
    within = f"({c})({number} {'<<' if op == 'shift_left' else '>>'} {x[1]})"
    if isinstance(by, np.generic):
        return within if 0 <= by.item() < bits else beyond
    return f"(uint{bits}_t){x[1]} < {bits}u ? {within} : {beyond}"


def _converted(x: str, of: np.dtype[Any], dtype: np.dtype[Any]) -> str:
    if dtype.kind == "b":
        return f"{x} != 0"
    if of.kind == "f" and dtype.kind in "iu":
        source = "float" if of.itemsize == 4 else "double"
        if dtype.itemsize == 4:
            return f"__{source}2{'u' if dtype.kind == 'u' else ''}int_rz({x})"
        if dtype.name == "int64":
            return f"__double2ll_rz((double){x})"
        if dtype.itemsize < 4:
            low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
            return f"({C_TYPES[dtype.name]})__{source}2int_rz({x} < {low} ? {low} : {x} > {high} ? {high} : {x})"
        raise UnsupportedError(f"a conversion from {of} to {dtype}")
    return f"({C_TYPES[dtype.name]}){x}"


def _bits(x: str, of: np.dtype[Any], dtype: np.dtype[Any]) -> str:
    if of.itemsize != dtype.itemsize:
        raise UnsupportedError(f"the bits of {of} as {dtype}")
    size = 8 * of.itemsize
    words = f"f{size}_to_bits({x})" if of.kind == "f" else f"(uint{size}_t){x}"
    return f"bits_to_f{size}({words})" if dtype.kind == "f" else f"({C_TYPES[dtype.name]}){words}"


def _counted(op: str, x: str, of: np.dtype[Any]) -> str:
    size = 8 * of.itemsize
    function = {"population_count": "__popc", "clz": "__clz"}[op] + ("ll" if size == 64 else "")
    count = f"{function}((uint{size}_t){x})"
    less = f" - {32 - size}" if op == "clz" and size < 32 else ""
    return f"({C_TYPES[of.name]})({count}{less})"
