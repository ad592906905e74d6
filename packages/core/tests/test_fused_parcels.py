"""What elements are packed into gives them back, bit for bit, in and out of a kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

try:
    from jaxenv.fused import kernel, parcels
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

from jaxenv.fused.lanes import UnsupportedError

KINDS = [
    ["bool"],
    ["bool"] * 40,
    ["int32", "float32", "uint32"],
    ["uint8", "bool", "int16", "float32", "int8", "float16", "bool", "uint16"],
    ["int32"] * 4 + ["bool", "float32", "bool"],
]


def numbers(dtypes: list[str], count: int) -> list[jax.Array]:
    """Return arrays of bits drawn at random, NaNs among the floats."""
    random = np.random.default_rng(0)
    drawn = [random.integers(0, 256, count * np.dtype(dtype).itemsize, np.uint8) for dtype in dtypes]
    return [jnp.asarray(x[:count] < 128 if dtype == "bool" else x.view(dtype)) for dtype, x in zip(dtypes, drawn, strict=True)]


def same(some: list[jax.Array], others: list[jax.Array]) -> bool:
    return all(a.dtype == b.dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(some, others, strict=True))


@pytest.mark.parametrize("dtypes", KINDS, ids=lambda dtypes: f"{len(dtypes)}-{dtypes[0]}")
@pytest.mark.parametrize("kind", [parcels.Loose, parcels.Parcels])
def test_elements_come_out_as_they_went_in(kind, dtypes):
    elements, carrier = numbers(dtypes, 6), kind(dtypes)
    assert same(carrier.unpack(carrier.pack(elements)), elements)


def test_elements_of_64_bits_take_two_words():
    with jax.enable_x64(True):
        dtypes = ["float64", "bool", "int64", "float32"]
        elements, carrier = numbers(dtypes, 6), parcels.Parcels(dtypes)
        assert sum(carrier.sizes) == 6
        assert same(carrier.unpack(carrier.pack(elements)), elements)


@pytest.mark.parametrize(("bools", "words", "sizes"), [(1, 0, [1]), (33, 0, [2]), (0, 3, [4]), (2, 4, [4, 1]), (9, 9, [4, 4, 2])])
def test_parcels_are_few(bools, words, sizes):
    assert parcels.Parcels(["bool"] * bools + ["int32"] * words).sizes == sizes


def test_elements_that_no_word_holds_are_refused():
    with pytest.raises(UnsupportedError, match="128 bits"):
        parcels.Parcels(["complex128"])


@pytest.mark.parametrize("count", [1, 2, 4])
def test_words_are_parted_as_they_were_joined(count):
    words = [jnp.arange(5, dtype=jnp.uint32) + 10 * i for i in range(count)]
    joined = parcels.join(words)
    assert same(parcels.part(joined), words)
    assert np.array_equal(joined.reshape(-1), parcels.stack(words))


@pytest.mark.parametrize("long", [0, 10**6], ids=["parcels", "loose"])
def test_a_kernel_writes_and_reads_the_same_in_parcels(monkeypatch, long):
    """State of every kind, what is known of each environment and each step, and outputs that are no state."""
    monkeypatch.setattr(kernel, "LONG", long)
    inputs = {"start": jnp.arange(5, dtype=jnp.float32), "seed": jnp.arange(5, dtype=jnp.uint32) * 7}

    def prepare(inputs):
        return inputs["seed"], (inputs["start"], inputs["seed"] > 9, jnp.int32(3), jnp.uint32(0), jnp.zeros(3, jnp.float32))

    def step(seed, state, x):
        place, flag, count, bits, row = state
        known = (seed ^ x.astype(jnp.uint32)) * np.uint32(2654435761)
        after = (
            jnp.where(flag, place + 1, place * 2),
            flag ^ ((known & 1) == 1),
            count + flag.astype(jnp.int32),
            bits ^ known,
            row * 2 + place,
        )
        return after, (state, place > 3, count * 2)

    xs = jnp.arange(6, dtype=jnp.int32)
    last, outputs, _ = kernel.scan(prepare, step, lambda *given: {}, inputs, xs, interpret=True)
    seeds, state = jax.vmap(prepare)(inputs)
    expected = jax.lax.scan(lambda state, x: jax.vmap(step, in_axes=(0, 0, None))(seeds, state, x), state, xs)
    assert same(jax.tree.leaves((last, outputs)), jax.tree.leaves(expected))
