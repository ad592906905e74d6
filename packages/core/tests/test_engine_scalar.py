"""A function taken apart into scalars, written out as C, and run by the host's compiler, does what the function does."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jaxenv import random
from jaxenv.engine.cuda import host
from jaxenv.engine.cuda.elementwise import elementwise
from jaxenv.engine.cuda.expressions import literal
from jaxenv.engine.scalar import Instruction, Leaf, Register, ScalarProgram, UnsupportedError, scalarize
from jaxenv.testing import enable_x64

ENVS = 7
TABLE = np.arange(40, dtype=np.float32).reshape(8, 5) ** 2

pytestmark = pytest.mark.skipif(host.compiler() is None, reason="no C compiler (gcc) is installed")


def run(function: Any, *args: Any) -> list[np.ndarray]:
    """Return what a kernel makes of a batch of arguments."""
    one = [jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for x in args]
    program, _ = scalarize(lambda *args: (function(*args),), *one, names=[f"x{i}" for i in range(len(args))], results=["y"])
    kernel, used = elementwise("test", program, [True] * len(args) + [False] * len(program.constants))
    arrays = [*(np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x) for x in args)]
    operands = [(*arrays, *program.constants)[i] for i in used]
    shapes = [jax.ShapeDtypeStruct((ENVS, *leaf.shape), leaf.dtype) for leaf in program.results]
    return host.run(kernel, [ENVS], ENVS, operands, shapes)


def numbers(shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    return jax.random.normal(jax.random.key(0), (ENVS, *shape), jnp.float32).astype(dtype)


def whole(shape: tuple[int, ...], dtype: Any = jnp.int32) -> jax.Array:
    return jax.random.randint(jax.random.key(1), (ENVS, *shape), 0, 1000).astype(dtype)


def place(x: jax.Array) -> jax.Array:
    """A place that depends on the state."""
    return jnp.sum(jnp.abs(x) * 10).astype(jnp.int32) % 7 - 1


FLOATS = {
    "arithmetic": lambda x: jnp.sin(x) * 0.5 + jnp.exp(-jnp.abs(x)) - x**3 / 7,
    "a negative power": lambda x: (x + 5) ** -3,
    "broadcasting": lambda x: (x.reshape(1, 3) + x.reshape(3, 1) * x.reshape(1, 3))[0] * 0.3,
    "a constant": lambda x: x * 0.5 + jnp.array([1.0, 2.0, 3.0], jnp.float32),
    "concatenate and slice": lambda x: jnp.concatenate([x[1:], x[:1]])[::-1],
    "stack and transpose": lambda x: jnp.stack([x, x * 2, x + 1]).T[1] * 0.5,
    "tile": lambda x: jnp.tile(x, 2)[1:4] * 0.5,
    "pad": lambda x: jnp.pad(x, (1, 2), constant_values=0.25)[2:5],
    "sum, max and product": lambda x: x * 0.1 + jnp.stack([x.sum(), x.max(), jnp.prod(x * 0.5)]),
    "argmax and argmin": lambda x: x * 0.9 + jnp.argmax(x).astype(jnp.float32) - jnp.argmin(x).astype(jnp.float32),
    "the first of equal ones": lambda x: x * 0.9 + (3 * jnp.argmax(x // 10) - jnp.argmin(x // 10)).astype(jnp.float32),
    "running sums": lambda x: jnp.cumsum(x) * 0.5 - lax.cummax(x, reverse=True) * 0.25,
    "matrix product": lambda x: jnp.tanh(x @ jnp.arange(9, dtype=jnp.float32).reshape(3, 3) * 0.1),
    "flags": lambda x: jnp.where((x > 0).any() & ~(x > 1).all(), x * 0.5, x + 0.1),
    "an element at a place": lambda x: x * 0.5 + x[place(x)],
    "a row of a table": lambda x: x * 0.5 + 0.01 * jnp.asarray(TABLE)[place(x), 1:4],
    "an update at a place": lambda x: lax.dynamic_update_slice(x, x[:1] * 0.5, (place(x),)),
    "a branch": lambda x: lax.cond(x[0] > 0, lambda x: x * 0.5, lambda x: x + 1, x),
    "several branches": lambda x: lax.switch(place(x), [lambda x: x, lambda x: x * 0.5, lambda x: x + 1], x),
    "a costly branch": lambda x: jnp.where(x.sum() > 0, jnp.cumsum(jnp.cumprod(jnp.cumsum(jnp.cumsum(x * 3) - 1)) ** 5), x),
    "an inner scan": lambda x: lax.scan(lambda c, y: (c * 0.5 + y, c), x[0], x)[1],
    "an inner reverse scan": lambda x: lax.scan(lambda c, y: (c * 0.5 + y, c), x[0], x, reverse=True)[1],
    "an inner scan with constants": lambda x: lax.scan(lambda c, y: (c * x[1] + y, c), x[0], x)[1],
    "a jitted function": lambda x: jax.nn.relu(x) * 0.5 + jax.nn.sigmoid(x),
    "a custom derivative": lambda x: jax.nn.silu(x) + jax.nn.softplus(x),
    "a checkpoint": lambda x: jax.checkpoint(lambda x: jnp.sin(jnp.sin(x)))(x),
}
FUNCTIONS = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "erf_inv",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "log",
    "log1p",
    "logistic",
    "neg",
    "rsqrt",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "lgamma",
    "is_finite",
]
PAIRS = ["add", "atan2", "div", "max", "min", "mul", "nextafter", "pow", "rem", "sub", "eq", "ge", "gt", "le", "lt", "ne"]
INTEGERS = {
    "bits": lambda x: (x ^ (x << 3)) & 0xFFFF | (x >> 2),
    "division": lambda x: (x // 3) * 2 + x % 7,
    "division by anything": lambda x: lax.div(x, x[::-1] - 500) + lax.rem(x, x[::-1] - x),
    "counts of bits": lambda x: x * 3 + lax.population_count(x) - lax.clz(x),
    "shifts by anything": lambda x: (
        lax.shift_left(x, x % 40) ^ lax.shift_right_arithmetic(x, x % 50) ^ lax.shift_right_logical(x, x % 60)
    ),
    "wrapping": lambda x: (x * x * x * 77 + x) * x - lax.neg(x),
    "clamps at 0": lambda x: (
        lax.max(lax.min(x - 300, x.dtype.type(9)), x.dtype.type(0))
        + lax.clamp(x.dtype.type(0), x - 500, x.dtype.type(9)) * 10
        + lax.clamp(x.dtype.type(0), x - 400, x[::-1] % 5) * 100
    ),
    "clamps": lambda x: jnp.clip(x, 3, 700) + lax.max(x, x[::-1]) - lax.min(x, x[::-1]) + lax.sign(x),
    "folded constants": lambda x: x + (jnp.arange(2, dtype=jnp.int32) * 3 - 1).astype(x.dtype),
}
EXTREMES = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan], np.float32)


@pytest.mark.parametrize("name", FLOATS)
def test_floats_come_out_as_from_jax(name: str) -> None:
    x = numbers((3,))
    (got,) = run(FLOATS[name], x)
    np.testing.assert_allclose(got, jax.vmap(FLOATS[name])(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_one_number(name: str) -> None:
    function = getattr(lax, name)
    for x in (numbers(()), jnp.abs(numbers(())) + 1, numbers(()) * 0.1, jnp.asarray(EXTREMES)):
        (got,) = run(function, x)
        np.testing.assert_allclose(got, jax.vmap(function)(x), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_functions_of_two_numbers(name: str) -> None:
    function = getattr(lax, name)
    for x, y in ((numbers(()), numbers(())[::-1]), (jnp.asarray(EXTREMES), jnp.asarray(EXTREMES[::-1].copy()))):
        (got,) = run(function, x, y)
        np.testing.assert_allclose(got, jax.vmap(function)(x, y), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("dtype", [jnp.int32, jnp.uint32])
def test_integers_come_out_as_from_jax(name: str, dtype: Any) -> None:
    x = whole((2,), dtype)
    (got,) = run(lambda x: INTEGERS[name](x).astype(dtype), x)
    np.testing.assert_array_equal(got, jax.vmap(lambda x: INTEGERS[name](x).astype(dtype))(x))


@pytest.mark.parametrize("to", [jnp.bool_, jnp.int8, jnp.int16, jnp.int32, jnp.uint8, jnp.uint32, jnp.float32])
@pytest.mark.parametrize("of", [jnp.bool_, jnp.int8, jnp.int32, jnp.uint16, jnp.uint32, jnp.float32])
def test_conversions(of: Any, to: Any) -> None:
    x = (
        (numbers(()) * 1e3).astype(jnp.int32).astype(of)
        if of != jnp.float32
        else jnp.float32([0.5, -1.5, 3e9, -3e9, 1e20, np.nan, 200.7])
    )
    (got,) = run(lambda x: lax.convert_element_type(x, to), x)
    np.testing.assert_array_equal(got, jax.vmap(lambda x: lax.convert_element_type(x, to))(x))


def test_bits_of_floats() -> None:
    (got,) = run(lambda x: lax.bitcast_convert_type(x, jnp.uint32) ^ lax.bitcast_convert_type(x + 1, jnp.uint32), numbers(()))
    np.testing.assert_array_equal(got, (numbers(()).view(jnp.uint32) ^ (numbers(()) + 1).view(jnp.uint32)))


def test_zeros_of_both_signs_are_told_apart() -> None:
    function = lambda x: jnp.stack([x[0] * 0.0, lax.atan2(x[1], 0.0), lax.atan2(x[1], -0.0)])  # noqa: E731
    np.testing.assert_allclose(run(function, numbers((3,)))[0], jax.vmap(function)(numbers((3,))), rtol=1e-6)


def test_double_precision() -> None:
    with enable_x64():
        x = jnp.asarray(np.random.default_rng(0).normal(size=(ENVS, 3)))
        function = lambda x: jnp.cumsum(jnp.sin(x) / 3) + x.sum() ** 3  # noqa: E731
        np.testing.assert_allclose(run(function, x)[0], jax.vmap(function)(x), rtol=1e-14)


KEYS = {"threefry": jax.random.key, "jaxenv": random.key}
DRAWS = {
    "bits": lambda key: jax.random.bits(key, (5,)),
    "children": lambda key: jnp.stack([jax.random.key_data(k) for k in jax.random.split(key, 3)]),
    "fold_in": lambda key: jax.random.key_data(jax.random.fold_in(key, 7)),
    "words": lambda key: random.words(key, 7),
    "an array of words": lambda key: random.words(key, (3, 7)),
    "streams": lambda key: random.words(random.stream_key(random.fold_in(key, 3), 5), 3),
}


@pytest.mark.parametrize("make_key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("name", DRAWS)
def test_random_words_are_jaxs_bit_for_bit(name: str, make_key: Any) -> None:
    keys = jax.random.split(make_key(0), ENVS)
    np.testing.assert_array_equal(run(DRAWS[name], keys)[0], jax.vmap(DRAWS[name])(keys))


def test_random_numbers_need_a_branch_only_where_they_are_needed() -> None:
    key = jax.ShapeDtypeStruct((), jax.random.key(0).dtype)
    flag, x = jax.ShapeDtypeStruct((), jnp.bool_), jax.ShapeDtypeStruct((), jnp.float32)
    program, _ = scalarize(
        lambda key, flag, x: (jnp.where(flag, jax.random.uniform(key), x),),
        key,
        flag,
        x,
        names=("key", "flag", "x"),
        results=("y",),
    )
    source = elementwise("test", program, [True] * 3)[0].source
    before, branch = source.split("if (r", 1)
    assert "threefry2x32(" not in before
    assert "threefry2x32(" in branch


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (jnp.sort, "the operation sort"),
        (lambda x: lax.reduce_precision(x, 5, 2), "reduce_precision"),
        (lambda x: lax.while_loop(lambda y: y.sum() < 1, lambda y: y + 1, x), "the operation while"),
        (lambda x: lax.scan(lambda c, _: (c * 0.5, None), x, None, length=100)[0], "a scan of 100 iterations"),
        (lambda x: x + jnp.tile(x, 20)[place(x)], "a place chosen among 60 elements"),
        (lambda x: x + (jnp.zeros((70, 70), jnp.float32) + x[0]).sum(), "an array of 4,900 elements"),
        (lambda x: x + (x @ jnp.arange(1200, dtype=jnp.float32).reshape(3, 400)).sum(), "matrix products of more than 1,024"),
        (
            lambda x: x + sum(jnp.sin(jnp.arange(4000, dtype=jnp.float32) * x[0] + i).sum() for i in range(4)),
            "more than 12,000 operations",
        ),
        (lambda x: x.astype(jnp.bfloat16), "numbers of dtype bfloat16"),
        (lambda x: lax.bitcast_convert_type(x, jnp.uint8), "the bits of float32 as uint8"),
    ],
)
def test_what_cannot_be_taken_apart_is_named(function: Any, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        run(function, numbers((3,)))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (np.float32(0.1), "0.100000001f"),
        (np.float32(-2), "(-2.0f)"),
        (np.float64(0.1), "0.10000000000000001"),
        (np.float32(np.inf), "INFINITY"),
        (np.float32(np.nan), "NAN"),
        (np.int32(-(2**31)), "(-2147483647 - 1)"),
        (np.uint32(7), "7u"),
        (np.bool_(True), "true"),
        (np.float32(1e-38), "9.99999935e-39f"),
    ],
)
def test_literals(number: Any, text: str) -> None:
    assert literal(number) == text


def test_a_program_can_be_written_by_hand_and_read() -> None:
    x, y, z = (Register(i, np.dtype(np.int32)) for i in range(3))
    program = ScalarProgram(
        arguments=(Leaf("x", (2,), x.dtype),),
        results=(Leaf("y", (), y.dtype), Leaf("z", (), z.dtype)),
        instructions=(
            Instruction("argument", (), (x,), leaf=0, element=1),
            Instruction("add", (x, np.int32(3)), (y,)),
            Instruction("load", (x,), (z,), leaf=0),
        ),
        outputs=((y,), (z,)),
    )
    assert str(program).splitlines() == [
        "(x int32[2]) -> (y int32[], z int32[])",
        "  %0 int32 = argument 0[1]",
        "  %1 int32 = add %0, 3",
        "  %2 int32 = load 0[%0]",
        "  y = %1",
        "  z = %2",
    ]
    assert len(program.only([0]).instructions) == 2
    kernel, _ = elementwise("test", program, [True])
    given = np.array([[5, 0], [7, 1]], np.int32)
    shapes = [jax.ShapeDtypeStruct((2,), np.int32)] * 2
    assert [x.tolist() for x in host.run(kernel, [2], 2, [given], shapes)] == [[3, 4], [5, 1]]


def test_states_may_be_trees_with_flags_and_with_nothing() -> None:
    def step(flag: jax.Array, none: jax.Array, scalar: jax.Array) -> Any:
        return {"flag": ~flag, "none": none, "scalar": scalar + flag.astype(jnp.int32)}

    flag, none, scalar = whole(()) % 2 == 0, numbers((0,)), whole(())
    got = run(step, flag, none, scalar)
    for a, b in zip(got, jax.tree.leaves(jax.vmap(step)(flag, none, scalar)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_result_may_be_written_over_the_argument_of_its_name() -> None:
    """A thread reads all that it needs before it writes: here each of two leaves goes where the other was."""
    one = jax.ShapeDtypeStruct((), jnp.int32)
    program, _ = scalarize(lambda s: ({"a": s["b"], "b": s["a"] + s["b"]},), {"a": one, "b": one}, names=["s"], results=["s"])
    kernel, _ = elementwise("test", program, [True, True])
    assert kernel.aliases == ((0, 0), (1, 1))
    a, b = np.arange(ENVS, dtype=np.int32), np.arange(ENVS, dtype=np.int32) * 10
    shapes = [jax.ShapeDtypeStruct((ENVS,), np.int32)] * 2
    got = host.run(kernel, [ENVS], ENVS, [a, b], shapes)
    assert [x.tolist() for x in got] == [b.tolist(), (a + b).tolist()]
    assert a.tolist() == list(range(ENVS)), "what was given stays as it was"


def test_rows_become_vectors_where_that_is_asked_for() -> None:
    x = jax.ShapeDtypeStruct((6, 8), jnp.float32)
    program, _ = scalarize(lambda x: (x * 2.0 + 1.0,), x, names=("x",), results=("y",), shortest_row=8)
    assert program.has_vectors
    assert {i.results[0].size for i in program.instructions if i.op == "mul"} == {8}
    for shortest_row in (None, 9):
        program, _ = scalarize(lambda x: (x * 2.0 + 1.0,), x, names=("x",), results=("y",), shortest_row=shortest_row)
        assert not program.has_vectors


def test_an_operation_on_nothing_is_no_vector() -> None:
    x = jax.ShapeDtypeStruct((0, 8), jnp.float32)
    program, _ = scalarize(lambda x: (x * 2.0,), x, names=("x",), results=("y",), shortest_row=1)
    assert program.instructions == ()
    assert program.outputs == ((),)


@pytest.mark.parametrize("make_key", [random.key, jax.random.key], ids=["pcg4d", "threefry"])
def test_a_key_is_made_of_a_seed(make_key: Any) -> None:
    seeds = jnp.array([0, 1, 2, 5, 1000, 2**31, 2**32 - 1], jnp.uint32)
    found = run(lambda seed: jax.random.key_data(make_key(seed)), seeds)
    np.testing.assert_array_equal(found[0], jax.vmap(lambda seed: jax.random.key_data(make_key(seed)))(seeds))


def test_a_key_is_made_of_no_signed_seed() -> None:
    seed = jax.ShapeDtypeStruct((), jnp.int32)
    with pytest.raises(UnsupportedError, match=r"a key of a seed that is no uint32\[\]"):
        scalarize(lambda seed: (random.key(seed),), seed, names=("seed",), results=("key",))


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int8, np.uint16])
@pytest.mark.parametrize("shift", [lax.shift_left, lax.shift_right_arithmetic])
@pytest.mark.parametrize("places", [0, 3, 7, 8, 31, 32, 100])
def test_shifts_of_constants_are_folded(shift: Any, dtype: Any, places: int) -> None:
    number = np.asarray(-5 if np.issubdtype(dtype, np.signedinteger) else 200, dtype)
    by = np.asarray(places, dtype)
    program, _ = scalarize(lambda: (shift(number, by),), names=(), results=("y",))
    assert program.instructions == ()
    assert program.outputs[0][0] == np.asarray(jax.jit(shift)(number, by))
