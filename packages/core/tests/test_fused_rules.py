"""A step taken apart into scalars does what the step does: each kind of operation against ``lax.scan`` over ``vmap``."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jaxenv import random
from jaxenv.fused.elements import UnsupportedError

try:
    from jaxenv.fused import kernel
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

ENVS, STEPS = 5, 4
TABLE = np.arange(40, dtype=np.float32).reshape(8, 5) ** 2


def both(step, carry):
    """Return what the kernel and what a scan make of ``step(carry, x) -> carry``, with every state in between."""

    def scanned(carry, x):
        return jax.vmap(step, in_axes=(0, None))(carry, x), carry

    xs = jnp.arange(STEPS, dtype=jnp.int32)
    expected = lax.scan(scanned, carry, xs)
    last, outputs, details = kernel.scan(
        lambda carry: ((), carry),
        lambda fixed, carry, x: (step(carry, x), carry),
        lambda fixed, outputs, x: jax.tree.map(lambda leaf: leaf, outputs),
        carry,
        xs,
        interpret=True,
    )
    return (last, outputs), expected, details


def numbers(shape, dtype=jnp.float32):
    return jax.random.normal(jax.random.key(0), (ENVS, *shape), jnp.float32).astype(dtype)


def whole(shape, dtype=jnp.int32):
    return jax.random.randint(jax.random.key(1), (ENVS, *shape), 0, 1000).astype(dtype)


def place(x):
    """A place that depends on the state."""
    return jnp.sum(jnp.abs(x) * 10).astype(jnp.int32) % 7 - 1


FLOATS = {
    "arithmetic": lambda x, t: jnp.sin(x) * 0.5 + jnp.exp(-jnp.abs(x)) - x**3 / 7,
    "broadcasting": lambda x, t: (x.reshape(1, 3) + x.reshape(3, 1) * x.reshape(1, 3))[0] * 0.3,
    "a constant": lambda x, t: x * 0.5 + jnp.array([1.0, 2.0, 3.0], jnp.float32),
    "the time": lambda x, t: x * 0.5 + t.astype(jnp.float32),
    "concatenate and slice": lambda x, t: jnp.concatenate([x[1:], x[:1]])[::-1],
    "stack and transpose": lambda x, t: jnp.stack([x, x * 2, x + 1]).T[1] * 0.5,
    "tile": lambda x, t: jnp.tile(x, 2)[1:4] * 0.5,
    "pad": lambda x, t: jnp.pad(x, (1, 2), constant_values=0.25)[2:5],
    "sum, max and product": lambda x, t: x * 0.1 + jnp.stack([x.sum(), x.max(), jnp.prod(x * 0.5)]),
    "argmax and argmin": lambda x, t: x * 0.9 + jnp.argmax(x).astype(jnp.float32) - jnp.argmin(x).astype(jnp.float32),
    "running sums": lambda x, t: jnp.cumsum(x) * 0.5 - lax.cummax(x, reverse=True) * 0.25,
    "matrix product": lambda x, t: jnp.tanh(x @ jnp.arange(9, dtype=jnp.float32).reshape(3, 3) * 0.1),
    "flags": lambda x, t: jnp.where((x > 0).any() & ~(x > 1).all(), x * 0.5, x + 0.1),
    "an element at a place": lambda x, t: x * 0.5 + x[place(x)],
    "a row of a table": lambda x, t: x * 0.5 + 0.01 * jnp.asarray(TABLE)[place(x), 1:4],
    "an update at a place": lambda x, t: lax.dynamic_update_slice(x, x[:1] * 0.5, (place(x),)),
    "a branch": lambda x, t: lax.cond(x[0] > 0, lambda x: x * 0.5, lambda x: x + 1, x),
    "several branches": lambda x, t: lax.switch(place(x), [lambda x: x, lambda x: x * 0.5, lambda x: x + 1], x),
    "an inner scan": lambda x, t: lax.scan(lambda c, y: (c * 0.5 + y, c), x[0], x)[1],
    "an inner reverse scan": lambda x, t: lax.scan(lambda c, y: (c * 0.5 + y, c), x[0], x, reverse=True)[1],
    "a jitted function": lambda x, t: jax.nn.relu(x) * 0.5 + jax.nn.sigmoid(x),
}
INTEGERS = {
    "bits": lambda x, t: (x ^ (x << 3)) & 0xFFFF | (x >> 2),
    "division": lambda x, t: (x // 3) * 2 + x % 7,
    "counts of bits": lambda x, t: x * 3 + lax.population_count(x) - lax.clz(x),
    "folded constants": lambda x, t: x + (jnp.arange(2, dtype=jnp.int32) * 3 - 1).astype(x.dtype),
}


@pytest.mark.parametrize("name", FLOATS)
def test_floats_come_out_as_in_a_scan(name):
    got, expected, details = both(FLOATS[name], numbers((3,)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), got, expected)
    np.testing.assert_array_equal(details, got[1])


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("dtype", [jnp.int32, jnp.uint32])
def test_integers_come_out_as_in_a_scan(name, dtype):
    got, expected, _ = both(lambda x, t: INTEGERS[name](x, t).astype(dtype), whole((2,), dtype))
    jax.tree.map(np.testing.assert_array_equal, got, expected)


def test_zeros_of_both_signs_are_told_apart():
    got, expected, _ = both(lambda x, t: jnp.stack([x[0] * 0.0, lax.atan2(x[1], 0.0), lax.atan2(x[1], -0.0)]), numbers((3,)))
    jax.tree.map(np.testing.assert_allclose, got, expected)


def test_states_may_be_trees_with_flags_and_with_nothing():
    def step(state, time):
        return {"flag": ~state["flag"], "none": state["none"], "scalar": state["scalar"] + state["flag"].astype(jnp.int32)}

    carry = {"flag": whole(()) % 2 == 0, "none": numbers((0,)), "scalar": whole(())}
    got, expected, _ = both(step, carry)
    jax.tree.map(np.testing.assert_array_equal, got, expected)


def test_what_depends_on_no_state_is_computed_before_the_loop():
    """The step's draws cost the kernel nothing: it reads one word."""
    played = []
    keys = jax.random.split(jax.random.key(0), ENVS)

    def step(key, carry, time):
        return carry + jax.random.bits(jax.random.fold_in(key, time)), ()

    original = kernel._needed
    kernel._needed = lambda tape, results: played.append(original(tape, results)) or played[-1]
    try:
        last, _, _ = kernel.scan(
            lambda i: (keys[i], jnp.uint32(0)),
            step,
            lambda *_: (),
            jnp.arange(ENVS),
            jnp.arange(STEPS, dtype=jnp.uint32),
            interpret=True,
        )
    finally:
        kernel._needed = original
    words = jax.vmap(lambda key: jnp.stack([jax.random.bits(jax.random.fold_in(key, t)) for t in range(STEPS)]))(keys)
    np.testing.assert_array_equal(last, words.sum(1, dtype=jnp.uint32))
    assert len(played[0]) == 1


@pytest.mark.parametrize("count", [1, 3, 7])
def test_words_of_many_blocks_are_those_of_each(count):
    """Blocks of one key that is known are computed as one array."""
    keys = jax.random.split(jax.random.key(3), ENVS)

    def step(key, carry, time):
        return carry + jnp.stack(list(random.words(random.lane(key, time), count))), ()

    last, _, _ = kernel.scan(
        lambda i: (keys[i], jnp.zeros(count, jnp.uint32)),
        step,
        lambda *_: (),
        jnp.arange(ENVS),
        jnp.arange(STEPS, dtype=jnp.uint32),
        interpret=True,
    )
    words = [jax.vmap(lambda key, t=t: random.words(random.lane(key, t), count))(keys) for t in range(STEPS)]
    np.testing.assert_array_equal(last, sum(words))


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (lambda x, t: jnp.sort(x), "sort"),
        (lambda x, t: lax.reduce_precision(x, 5, 2), "reduce_precision"),
        (lambda x, t: lax.while_loop(lambda y: y.sum() < 1, lambda y: y + 1, x), "while"),
        (lambda x, t: lax.scan(lambda c, _: (c * 0.5, None), x, None, length=100)[0], "a scan of 100 iterations"),
        (lambda x, t: x + jnp.tile(x, 20)[place(x)], "a place chosen among 60 elements"),
        (lambda x, t: x + (jnp.zeros((70, 70), jnp.float32) + x[0]).sum(), "an array of 4,900 elements"),
        (lambda x, t: x + (x @ jnp.arange(3900, dtype=jnp.float32).reshape(3, 1300)).sum(), "more than 4,000 operations"),
    ],
)
def test_what_cannot_be_taken_apart_is_named(step, reason):
    with pytest.raises(UnsupportedError, match=reason):
        both(step, numbers((3,)))


def test_what_is_known_is_divided_in_a_function_of_its_own():
    """XLA takes long to look at every copy of a constant divisor, which an argument is not."""

    def scan(seeds, times):
        def step(seed, carry, time):
            return carry + lax.div(seed + time, jnp.int32(3)) - lax.rem(seed, jnp.int32(5)), ()

        return kernel.scan(lambda seed: (seed, jnp.int32(0)), step, lambda *_: (), seeds, times, interpret=True)[0]

    seeds, times = jnp.arange(ENVS, dtype=jnp.int32), jnp.arange(STEPS, dtype=jnp.int32)
    np.testing.assert_array_equal(scan(seeds, times), [sum((i + t) // 3 - i % 5 for t in range(STEPS)) for i in range(ENVS)])
    equations = jax.make_jaxpr(scan)(seeds, times).eqns
    assert not {"div", "rem"} & {e.primitive.name for e in equations}
    assert sum(e.params.get("name") == "divided" for e in equations) == 2
