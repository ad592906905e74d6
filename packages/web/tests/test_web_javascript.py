"""Every operation in JavaScript gives what JAX gives, at the edges of its dtype, too."""

import functools
import itertools
import json
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jaxenv.engine.scalar import Instruction, Leaf, Register, ScalarProgram, UnsupportedError, scalarize
from jaxenv_web import javascript
from jaxenv_web.assets import asset
from jaxenv_web.expressions import decimal, literal, loose, wrapped

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")

EDGES = {
    "int32": [0, 1, -1, 2, 7, -13, 31, 32, 33, 65_537, 2**31 - 1, -(2**31), 1_103_515_245],
    "uint32": [0, 1, 2, 7, 31, 32, 33, 65_537, 2**31, 2**32 - 1, 2_654_435_761],
    "int8": [0, 1, -1, 7, 8, 127, -128, 100],
    "uint8": [0, 1, 7, 8, 255, 200],
    "int16": [0, 1, -1, 15, 16, 32_767, -32_768],
    "uint16": [0, 1, 15, 16, 65_535, 40_000],
    "float32": [0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 3.7, -7.25, 1e-8, 1e8, 20.0, np.inf, -np.inf, np.nan, 3e9, -3e9],
    "bool": [False, True],
}
INTEGERS = ["int32", "uint32", "int8", "uint8", "int16", "uint16"]
NUMBERS = [*INTEGERS, "float32"]
EXACT = {
    "add": (lax.add, NUMBERS), "sub": (lax.sub, NUMBERS), "mul": (lax.mul, NUMBERS), "div": (lax.div, NUMBERS),
    "max": (lax.max, [*NUMBERS, "bool"]), "min": (lax.min, [*NUMBERS, "bool"]), "and": (lax.bitwise_and, [*INTEGERS, "bool"]),
    "or": (lax.bitwise_or, [*INTEGERS, "bool"]), "xor": (lax.bitwise_xor, [*INTEGERS, "bool"]), "eq": (lax.eq, [*NUMBERS, "bool"]),
    "ne": (lax.ne, [*NUMBERS, "bool"]), "lt": (lax.lt, NUMBERS), "ge": (lax.ge, NUMBERS), "rem": (lax.rem, NUMBERS),
    "shift_left": (lax.shift_left, INTEGERS), "shift_right_logical": (lax.shift_right_logical, INTEGERS),
    "shift_right_arithmetic": (lax.shift_right_arithmetic, INTEGERS),
    "shift_left_7": (lambda a, b: lax.shift_left(a, a.dtype.type(7)), INTEGERS),
    "shift_right_logical_3": (lambda a, b: lax.shift_right_logical(a, a.dtype.type(3)), INTEGERS),
    "shift_right_arithmetic_3": (lambda a, b: lax.shift_right_arithmetic(a, a.dtype.type(3)), INTEGERS),
    "div_7": (lambda a, b: lax.div(a, a.dtype.type(7)), INTEGERS), "rem_7": (lambda a, b: lax.rem(a, a.dtype.type(7)), NUMBERS),
    "not": (lambda a, b: lax.bitwise_not(a), [*INTEGERS, "bool"]), "neg": (lambda a, b: lax.neg(a), ["int32", "float32"]),
    "abs": (lambda a, b: lax.abs(a), ["int32", "int8", "float32"]),
    "sign": (lambda a, b: lax.sign(a), ["int32", "uint32", "float32"]),
    "square": (lambda a, b: a * a, NUMBERS), "cube": (lambda a, b: lax.integer_pow(a + b, 3), ["float32", "int32"]),
    "clamp": (lambda a, b: lax.clamp(jnp.asarray(1, a.dtype), a, jnp.asarray(100, a.dtype)), NUMBERS),
    "select": (lambda a, b: jnp.where(a < b, a, b), NUMBERS), "count": (lambda a, b: lax.population_count(a), INTEGERS),
    "clz": (lambda a, b: lax.clz(a), INTEGERS),
    "floor": (lambda a, b: lax.floor(a), ["float32"]), "ceil": (lambda a, b: lax.ceil(a), ["float32"]),
    "round": (lambda a, b: lax.round(a), ["float32"]), "round_even": (lambda a, b: jnp.round(a), ["float32"]),
    "sqrt": (lambda a, b: lax.sqrt(a), ["float32"]), "is_finite": (lambda a, b: lax.is_finite(a), ["float32"]),
    "bits": (lambda a, b: lax.bitcast_convert_type(a, jnp.uint32), ["float32", "int32"]),
    "floats": (lambda a, b: lax.bitcast_convert_type(a & a.dtype.type(0x3FFFFFFF), jnp.float32), ["int32", "uint32"]),
    "low_bits": (lambda a, b: ((a ^ b) & (a | b)) + (~a ^ b) * a, ["uint32"]),
    "low_bits_compared": (lambda a, b: ((a ^ b) & ~b) > b, ["uint32"]),
}  # fmt: skip
ROUNDED = {
    "acos": lax.acos, "asin": lax.asin, "atan": lax.atan, "cbrt": lax.cbrt, "cos": lax.cos, "cosh": lax.cosh,
    "erf_inv": lax.erf_inv,
    "exp": lax.exp, "exp2": lax.exp2, "expm1": lax.expm1, "log": lax.log, "log1p": lax.log1p, "logistic": lax.logistic,
    "rsqrt": lax.rsqrt, "sin": lax.sin, "sinh": lax.sinh, "tan": lax.tan, "tanh": lax.tanh, "acosh": lax.acosh, "asinh": lax.asinh,
    "atanh": lax.atanh,
}  # fmt: skip
SMALL = [0.0, 1.0, -1.0, 0.5, -0.5, 0.1, -0.9, 0.99, 1.5, -2.5, 3.0, 7.25, 1e-4]


def run(functions, tmp_path):
    """Return what functions of two numbers give for all pairs of numbers, in Node."""
    tables, texts, calls = javascript.Tables(), [], []
    for name, (function, dtype, numbers) in functions.items():
        given = [jax.ShapeDtypeStruct((), dtype)] * 2
        program, _ = scalarize(lambda a, b, f=function: (f(a, b),), *given, names=("a", "b"), results=("y",))
        texts.append(javascript.function(name, program, {"a": "a", "b": "b"}, tables))
        listed = f"[{', '.join(literal(np.asarray(x, dtype)) for x in numbers)}]"
        calls.append(f"{name}: {listed}.map(a => {listed}.map(b => String(+{name}(a, b))))")
    out = f"console.log(JSON.stringify({{{', '.join(calls)}}}));"
    file = tmp_path / "operations.js"
    file.write_text("\n".join([asset("arithmetic.js"), *tables.lines, *texts, out]))
    found = subprocess.run([NODE, file], check=True, capture_output=True, text=True, timeout=60).stdout
    return {name: np.array(rows, object).astype(np.float64) for name, rows in json.loads(found).items()}


def pairs(function, dtype, numbers):
    """Return what JAX gives for all pairs of numbers."""
    a, b = (x.reshape(-1) for x in np.meshgrid(np.array(numbers, dtype), np.array(numbers, dtype), indexing="ij"))
    out = np.asarray(jax.jit(jax.vmap(function))(a, b))
    return out.reshape(len(numbers), len(numbers)).astype(np.float64)


def fits(x, dtype):
    """Whether a float can be an integer of a dtype; what others become is up to the platform."""
    limits = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(np.float32)
    return bool(limits.min <= x <= limits.max)


@needs_node
def test_operations_are_those_of_jax(tmp_path):
    functions = {f"{name}_{dtype}": (f, dtype, EDGES[dtype]) for name, (f, dtypes) in EXACT.items() for dtype in dtypes}
    for to, of in itertools.product([*NUMBERS, "bool"], repeat=2):
        convert = functools.partial(lambda a, b, to: a.astype(to), to=to)
        functions[f"{of}_to_{to}"] = convert, of, [x for x in EDGES[of] if of != "float32" or fits(x, to)]
    found = run(functions, tmp_path)
    wrong = {}
    for name, (function, dtype, numbers) in functions.items():
        expected = pairs(function, dtype, numbers)
        same = (expected == found[name]) | (np.isnan(expected) & np.isnan(found[name]))
        if not same.all():
            i, j = np.argwhere(~same)[0]
            wrong[name] = (numbers[i], numbers[j], expected[i, j], found[name][i, j])
    assert not wrong


@needs_node
def test_functions_of_floats_are_rounded_from_double(tmp_path):
    functions = {name: (functools.partial(lambda a, b, f: f(a), f=f), "float32", SMALL) for name, f in ROUNDED.items()}
    functions["atan2"] = (lax.atan2, "float32", SMALL)
    functions["pow"] = (lambda a, b: lax.pow(jnp.abs(a), b), "float32", SMALL)
    functions = {f"{name}_": value for name, value in functions.items()}
    found = run(functions, tmp_path)
    for name, (function, dtype, numbers) in functions.items():
        np.testing.assert_allclose(found[name], pairs(function, dtype, numbers), rtol=2e-6, atol=1e-6, err_msg=name)


@needs_node
def test_tables_loads_and_vectors(tmp_path):
    table = jnp.asarray(np.arange(30, dtype=np.float32) ** 2)

    def function(x, at):
        board = (jnp.arange(60).reshape(6, 10) * 3 + at) % 7
        return table[at] + x.sum(), jnp.sin(x) * 2.0 + table[:12], board, jnp.max(board, axis=0), x[::3]

    x, at = jnp.linspace(0.0, 1.0, 12), jnp.int32(5)
    program, _ = scalarize(function, x, at, names=("x", "at"), results=("a", "b", "c", "d", "e"), shortest_row=5)
    tables = javascript.Tables()
    text = javascript.function("run", program, {"x": "x", "at": "at"}, tables)
    results = f"Object.values(run([{', '.join(map(literal, np.asarray(x)))}], 5))"
    call = f"console.log(JSON.stringify({results}.map(v => v.length ? Array.from(v) : v)));"
    file = tmp_path / "vectors.js"
    file.write_text("\n".join([asset("arithmetic.js"), *tables.lines, text, call]))
    found = json.loads(subprocess.run([NODE, file], check=True, capture_output=True, text=True, timeout=60).stdout)
    for mine, expected in zip(found, function(x, at), strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(expected).reshape(-1) if np.ndim(expected) else expected, rtol=1e-6)


def test_code_names_fields_and_is_short():
    def move(state, params):
        speed = state["speed"] + params["gravity"] * 0.5
        return ({"speed": speed, "height": state["height"] + speed},)

    float32 = jax.ShapeDtypeStruct((), jnp.float32)
    state, params = {"speed": float32, "height": float32}, {"gravity": float32}
    program, _ = scalarize(move, state, params, names=("state", "params"), results=("state",))
    assert javascript.function("move", program, {"state": "s", "params": "p"}, javascript.Tables()) == (
        "function move(s, p) {\n  const next_speed = f(s.speed + f(p.gravity * .5));\n"
        "  return {height: f(s.height + next_speed), speed: next_speed};\n}"
    )


def test_code_branches_around_what_a_flag_chooses():
    def choose(flag, x):
        return (jnp.where(flag, jnp.sin(x) * jnp.cos(x) + jnp.tan(x) * jnp.sin(x), x),)

    flag, x = jax.ShapeDtypeStruct((), jnp.bool_), jax.ShapeDtypeStruct((), jnp.float32)
    program, _ = scalarize(choose, flag, x, names=("flag", "x"), results=("y",))
    text = javascript.function("choose", program, {"flag": "flag", "x": "x"}, javascript.Tables())
    assert "if (flag) {" in text


def test_expressions_that_differ_by_equal_steps_become_a_loop():
    parts = [f"o[{4 * i}] ? {9 - i} : 0" for i in range(8)]
    assert javascript.rolled(parts) == "Array.from({length: 8}, (_, i) => o[(4 * i)] ? (-i + 9) : 0)"
    assert javascript.rolled([*parts[:-1], "o[1] ? 2 : 0"]) is None
    assert javascript.rolled(["a"] * 8) is None
    assert javascript.rolled(["r1", "r2", "r3", "r4", "r5", "r6"]) is None
    assert javascript.rolled(parts[:3]) is None


def test_equal_tables_are_written_once():
    tables = javascript.Tables()
    first = tables.name(np.array([3, 1, 2], np.int32))
    assert tables.name(np.array([3, 1, 2], np.int32)) == first
    assert tables.name(np.array([3, 1, 2], np.uint8)) != first
    tables.name(np.zeros(9, np.float32))
    tables.name(np.arange(5, 50, 5, dtype=np.int32))
    assert tables.lines[0] == "const TABLE_0 = new Int32Array([3, 1, 2]);"
    assert tables.lines[2:] == [
        "const TABLE_2 = new Float32Array(9).fill(0);",
        "const TABLE_3 = new Int32Array(9).map((_, i) => (5 * i + 5));",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(np.float32(0.1), ".10000000149011612"), (np.float32(-2.0), "-2"), (np.float32(np.inf), "Infinity"),
     (np.float32(np.nan), "NaN"),
     (np.float32(1e-8), "9.99999993922529e-9"), (np.int32(-5), "-5"), (np.uint32(2**32 - 1), "4294967295"),
     (np.bool_(True), "true")],
)  # fmt: skip
def test_literals_are_exact(value, text):
    assert literal(value) == text
    if np.isfinite(value):
        assert type(value)(float(text) if text != "true" else True) == value


def test_decimals_are_short():
    assert decimal(np.float32(0.1)) == ".1"
    assert decimal(-0.25) == "-.25"


def test_loose_expressions_lose_what_the_lowest_bits_do_not_need():
    assert loose(wrapped("a + b", np.dtype("uint32"))) == "(a + b)"
    assert loose(wrapped("(a ^ b)", np.dtype("uint32"))) == "(a ^ b)"
    assert loose(wrapped("imul(a, (b | c))", np.dtype("uint32"))) == "imul(a, (b | c))"
    assert loose("(a ? b : (c >>> 0))") == "(a ? b : (c >>> 0))"


@pytest.mark.parametrize("op", ["lgamma", "nextafter", "erf"])
def test_operations_without_javascript_are_named(op):
    x, y = (Register(i, np.dtype(np.float32)) for i in range(2))
    read = Instruction("argument", (), (x,), 0, 0)
    operands = (x, x) if op == "nextafter" else (x,)
    leaf = Leaf("x", (), x.dtype)
    program = ScalarProgram((leaf,), (Leaf("y", (), y.dtype),), (read, Instruction(op, operands, (y,))), ((y,),))
    with pytest.raises(UnsupportedError, match=f"the operation {op}, which JavaScript lacks"):
        javascript.function("run", program, {"x": "x"}, javascript.Tables())


def test_64_bit_numbers_are_refused():
    x = Register(0, np.dtype(np.float64))
    leaf = Leaf("x", (), x.dtype)
    program = ScalarProgram((leaf,), (leaf,), (Instruction("argument", (), (x,), 0, 0),), ((x,),))
    with pytest.raises(UnsupportedError, match="numbers of dtype float64, which JavaScript's numbers can't hold"):
        javascript.function("run", program, {"x": "x"}, javascript.Tables())
