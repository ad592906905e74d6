"""Every input bit of the generator reaches every output bit, related blocks are unrelated, and no two keys of a tree are equal."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jax import Array
from jax.random import fold_in, key_data, split
from jaxenv.random import generator
from jaxenv.random.generator import BITS, FOLD, IMPL, SPLIT

Function = Callable[[Array], Array]
"""From an input, uint32[n], to a block, uint32[4]."""

SAMPLES = 4096

random_words = partial(jax.random.bits, dtype=jnp.uint32)
numbers = partial(jnp.arange, dtype=jnp.uint32)


def wrap(data: Array) -> Array:
    return jax.random.wrap_key_data(data, impl=IMPL)


def counted(tag: int) -> Function:
    """The block of a key at a counter: the key's four words, then the counter."""
    return lambda x: jnp.stack(generator.block(x[:4], x[4], tag))


def binary(block: Array) -> Array:
    """The bits of a block, lowest first, uint32[128]."""
    return jax.vmap(lambda word: word >> numbers(32) & 1)(block).ravel()


# -- avalanche -----------------------------------------------------------------------------------------------------


def avalanche(function: Function, inputs: Array) -> Array:
    """How often each output bit flips with each input bit, float32[32 n, 128]."""

    def flips(one: Array) -> Array:
        before, width = function(one), one.size * 32
        masks = jnp.zeros((width, one.size), jnp.uint32).at[numbers(width), numbers(width) // 32].set(1 << numbers(width) % 32)
        return jax.vmap(lambda mask: binary(function(one ^ mask) ^ before))(masks)

    flipped = jax.lax.map(lambda chunk: jax.vmap(flips)(chunk).sum(0), inputs.reshape(16, SAMPLES // 16, -1))
    return flipped.sum(0).astype(jnp.float32) / SAMPLES


# The flips of 4,096 samples have a standard deviation of 1/128, so 0.05 is 6.4 of them.
mixes = partial(np.allclose, 0.5, rtol=0, atol=0.05)


def random_inputs(width: int) -> Array:
    return random_words(jaxenv.random.key(7), (SAMPLES, width))


def small_inputs(width: int) -> Array:
    """Keys as they come, the last word a small number."""
    return random_inputs(width).at[:, -1].set(numbers(SAMPLES) % 64)


@pytest.mark.parametrize("inputs", [random_inputs, small_inputs])
@pytest.mark.parametrize("tag", [BITS, SPLIT, FOLD])
def test_every_bit_of_key_and_counter_reaches_every_bit(tag: int, inputs: Callable[[int], Array]) -> None:
    assert mixes(jax.jit(partial(avalanche, counted(tag)))(inputs(5)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: random_words(wrap(x), (4,)),
        lambda x: key_data(split(wrap(x)))[1],
        lambda x: key_data(fold_in(wrap(x), 3)),
        lambda x: random_words(fold_in(wrap(x), 3), (4,)),
    ],
    ids=["bits", "split", "fold_in", "bits of fold_in"],
)
def test_every_bit_of_a_key_reaches_every_bit(function: Function) -> None:
    assert mixes(jax.jit(partial(avalanche, function))(random_inputs(4)))


@pytest.mark.parametrize("inputs", [random_inputs, small_inputs])
def test_every_bit_of_a_number_that_is_folded_in_reaches_every_bit(inputs: Callable[[int], Array]) -> None:
    def folded(x: Array) -> Array:
        return random_words(fold_in(wrap(x[:4]), x[4]), (4,))

    assert mixes(jax.jit(partial(avalanche, folded))(inputs(5)))


@pytest.mark.parametrize("high", [0, 0xFFFFFFFF])
def test_every_bit_of_a_small_seed_reaches_every_bit_of_its_key(high: int) -> None:
    seeds = jnp.stack([numbers(SAMPLES) ^ np.uint32(high), jnp.full(SAMPLES, high, jnp.uint32)], axis=1)
    assert mixes(jax.jit(partial(avalanche, lambda x: generator._seeded(x[0], x[1])))(seeds))


def test_pcg4d_without_the_xorshifts_would_fail() -> None:
    flips = jax.jit(partial(avalanche, lambda x: jnp.stack(generator._pcg4d(*x))))(random_inputs(4))
    assert not mixes(flips)
    assert np.asarray(flips)[31, 0] == 0.0  # the highest bit of word 0 never reaches the lowest


# -- related blocks ------------------------------------------------------------------------------------------------


def largest_deviation(function: Callable[[Array], Array], step: int) -> float:
    """In standard deviations, of any bit or pair of bits of the exclusive or of blocks that are ``step`` counters apart."""
    count = 1 << 16

    def deviation(counters: Array) -> Array:
        changes = jax.vmap(lambda n: binary(function(n) ^ function(n + np.uint32(step))))(counters).astype(jnp.float32) * 2 - 1
        table = (changes.T @ changes) * (1 - jnp.eye(128))
        return jnp.maximum(jnp.abs(table).max(), jnp.abs(changes.sum(0)).max()) / np.sqrt(count)

    return float(jax.jit(deviation)(numbers(count)))


STEPS = [1, 2, 3, 1 << 8, 1 << 16, 1 << 31]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("words", [(1, 2, 3, 4), (0, 0, 0, 0), (0x80000000,) * 4], ids=str)
def test_neighbouring_blocks_differ_at_random(words: tuple[int, ...], step: int) -> None:
    key = jnp.asarray(words, jnp.uint32)
    assert largest_deviation(lambda counter: jnp.stack(generator.block(key, counter, BITS)), step) < 6.5


def test_a_counter_in_one_word_alone_would_fail() -> None:
    x, y, z, w = numbers(5)[1:]

    def block(counter: Array) -> Array:
        return jnp.stack(generator.permutation(x + counter, y, z, w))

    assert max(largest_deviation(block, step) for step in STEPS) > 20


# -- collisions ----------------------------------------------------------------------------------------------------


def distinct(rows: Array) -> bool:
    rows = np.asarray(rows).reshape(-1, rows.shape[-1])
    return len(np.unique(rows, axis=0)) == len(rows)


def test_blocks_of_one_key_never_meet() -> None:
    counters = numbers(1 << 16)
    key = key_data(jaxenv.random.key(0))
    blocks = [jnp.stack(generator.block(key, counters, tag), axis=1) for tag in (BITS, SPLIT, FOLD)]
    assert distinct(jnp.concatenate([*blocks, key[None]]))


def test_bits_children_and_folds_are_those_of_the_block() -> None:
    key, counters = jaxenv.random.key(0), numbers(64)
    blocks = {tag: jnp.stack(generator.block(key_data(key), counters, tag), axis=1) for tag in (BITS, SPLIT, FOLD)}
    assert (random_words(key, (256,)).reshape(64, 4) == blocks[BITS]).all()
    assert (key_data(split(key, 64)) == blocks[SPLIT]).all()
    assert (key_data(jax.vmap(partial(fold_in, key))(counters)) == blocks[FOLD]).all()


def test_pcg4d_is_the_published_one() -> None:
    """The function of the paper's listing, in Python's integers."""
    v = [0x12345678, 0x9ABCDEF0, 0x0F1E2D3C, 0xFFFFFFFF]
    expected = generator._pcg4d(*jnp.asarray(v, jnp.uint32))
    v = [a * 1664525 + 1013904223 for a in v]
    for shift in (16, 0):
        for target, left, right in ((0, 1, 3), (1, 2, 0), (2, 0, 1), (3, 1, 2)):
            v[target] = (v[target] + v[left] * v[right]) % 2**32
        v = [a ^ a >> shift for a in v] if shift else v
    assert v == [int(a) for a in expected]


def test_the_permutation_is_one() -> None:
    inputs = jnp.stack(jnp.meshgrid(*[numbers(20) << 27] * 2, *[numbers(20)] * 2), axis=-1)
    assert distinct(jnp.stack(generator.permutation(*jnp.moveaxis(inputs, -1, 0)), axis=-1))


@pytest.mark.parametrize("half", [slice(0, 2), slice(2, 4)])
def test_no_two_keys_of_a_tree_are_equal(half: slice) -> None:
    """Not even in half of their bits."""

    def children(key: Array) -> Array:
        return jnp.concatenate([split(key, 16), jax.vmap(partial(fold_in, key))(numbers(16))])

    level, tree = jaxenv.random.key(0)[None], []
    for _ in range(3):
        level = jax.vmap(children)(level).ravel()
        tree.append(key_data(level))
    seeds = jax.vmap(partial(jax.random.key, impl=IMPL))(jnp.arange(-(1 << 16), 1 << 16))
    assert distinct(jnp.concatenate([*tree, key_data(seeds)])[:, half])
