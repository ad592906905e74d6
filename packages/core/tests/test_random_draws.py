"""Words, and what is made of them."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from generators import GENERATORS
from jax import Array
from jaxenv import random
from jaxenv.errors import IntegerRangeError, WordCountError
from jaxenv.testing import enable_x64
from scipy import stats

COUNT = 1 << 18
ALPHA = 1e-6
LARGEST = 2**32 - 1


def word(*values: int) -> Array:
    return jnp.asarray(values, jnp.uint32)


# -- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", GENERATORS.values(), ids=GENERATORS)
@pytest.mark.parametrize("count", [0, 1, 2, 5, 16, 17, 40])
def test_words_are_as_many_as_asked_for(make: Callable[[int], Array], count: int) -> None:
    words = random.words(make(0), count)
    assert (words.shape, words.dtype) == ((count,), jnp.uint32)


@pytest.mark.parametrize("count", [1, 2, 5, 16, 17, 40])
def test_words_of_threefry_are_the_halves_of_its_blocks(count: int) -> None:
    """JAX shows the blocks as the data of ``split``'s keys. A raw key gives what the typed one gives."""
    key = jax.random.key(6)
    blocks = jax.random.key_data(jax.random.split(key, count))
    assert (random.words(key, count) == blocks.ravel()[:count]).all()
    assert (random.words(jax.random.PRNGKey(6), count) == blocks.ravel()[:count]).all()


@pytest.mark.parametrize("name", [name for name in GENERATORS if "threefry" not in name])
@pytest.mark.parametrize("count", [1, 5, 40])
def test_words_of_another_generator_are_its_bits(name: str, count: int) -> None:
    make = GENERATORS[name]
    assert (random.words(make(6), count) == jax.random.bits(make(6), (count,))).all()


@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize("make", [random.key, jax.random.key, jax.random.PRNGKey], ids=["jaxenv", "threefry", "raw threefry"])
def test_words_are_the_same_in_a_batch(make: Callable[[int], Array], count: int) -> None:
    keys = random.split(make(6), 3)
    expected = jnp.stack([random.words(key, count) for key in keys])
    assert (jax.jit(jax.vmap(lambda key: random.words(key, count)))(keys) == expected).all()


# -- exact results at the edges ------------------------------------------------------------------------------------


def test_uniform_at_the_edges() -> None:
    unit = random.uniform(word(0, 255, 256, LARGEST))
    assert unit.dtype == jnp.float32
    assert unit.tolist() == [0.0, 0.0, 2.0**-24, 1.0 - 2.0**-24]
    assert random.uniform(word(0, 1 << 31), -0.5, 1.5).tolist() == [-0.5, 0.5]


def test_uniform_takes_arrays_of_bounds() -> None:
    low, high = jnp.array([0.0, 1.0]), jnp.array([1.0, 3.0])
    assert jax.jit(random.uniform)(word(1 << 31, 1 << 31), low, high).tolist() == [0.5, 2.0]


def test_uniform_from_zero_stays_below_high() -> None:
    high = jnp.concatenate([jnp.linspace(1.0, 2.0, 1001), jnp.array([3.0, 10.0, 1e-30, 1e30])])
    assert (random.uniform(jnp.full_like(high, LARGEST, jnp.uint32), 0.0, high) < high).all()


def test_uniform_under_x64_has_the_same_steps() -> None:
    words = random.words(random.key(0), 100)
    single = random.uniform(words)
    with enable_x64():
        double = random.uniform(words)
        assert double.dtype == jnp.float64
    assert double.tolist() == single.tolist()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 1000, 65535, 65536])
def test_uniform_int_cuts_the_words_into_equal_parts(count: int) -> None:
    """Value v begins with word ceil(v * 2**32 / count), so no two values differ by more than one word of 2**32."""
    values = np.unique(np.linspace(0, count - 1, 200).astype(np.int64))
    begin = [-(-int(v) * 2**32 // count) for v in values]
    end = [-(-(int(v) + 1) * 2**32 // count) - 1 for v in values]
    for words in (begin, end):
        result = random.uniform_int(word(*words), -5, count - 5)
        assert result.dtype == jnp.int32
        assert result.tolist() == (values - 5).tolist()


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 2), (0, 65537)])
def test_uniform_int_refuses_other_ranges(low: int, high: int) -> None:
    with pytest.raises(IntegerRangeError, match=f"low = {low} and high = {high} were given. Choose another range"):
        random.uniform_int(word(0), low, high)


def test_bernoulli_at_the_edges() -> None:
    assert random.bernoulli(word(0, LARGEST), 0.0).tolist() == [False, False]
    assert random.bernoulli(word(0, LARGEST), 1.0).tolist() == [True, True]
    assert random.bernoulli(word((1 << 30) - 1, 1 << 30), 0.25).tolist() == [True, False]
    assert random.bernoulli(word(0)).dtype == jnp.bool_


def test_normal_at_the_edges() -> None:
    assert random.normal(word(0), word(0)).tolist() == [0.0]
    largest = math.sqrt(2 * 24 * math.log(2))
    np.testing.assert_allclose(random.normal(word(LARGEST, LARGEST), word(0, 1 << 31)), [largest, -largest], rtol=1e-5)


# -- distributions -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["jaxenv", "threefry"])
def words(request: Any) -> Array:
    """As in a rollout: four words of each of many keys, uint32[4, n]."""
    keys = random.split(GENERATORS[request.param](12), COUNT)
    return jax.jit(jax.vmap(lambda key: random.words(key, 4), out_axes=1))(keys)


def test_uniform_is_uniform(words: Array) -> None:
    for row in random.uniform(words, -2.0, 3.0):
        assert stats.kstest(np.asarray(row, np.float64), stats.uniform(-2.0, 5.0).cdf).pvalue > ALPHA


@pytest.mark.parametrize("count", [2, 3, 10, 1000])
def test_uniform_int_is_uniform(words: Array, count: int) -> None:
    for row in random.uniform_int(words, 0, count):
        assert stats.chisquare(np.bincount(row, minlength=count)).pvalue > ALPHA


@pytest.mark.parametrize("probability", [0.001, 1 / 3, 0.9])
def test_bernoulli_has_its_probability(words: Array, probability: float) -> None:
    for row in random.bernoulli(words, probability):
        assert stats.binomtest(int(row.sum()), COUNT, probability).pvalue > ALPHA


def test_normal_is_normal(words: Array) -> None:
    for left, right in ((0, 1), (1, 2), (3, 0)):
        assert stats.kstest(np.asarray(random.normal(words[left], words[right]), np.float64), stats.norm.cdf).pvalue > ALPHA


def test_words_of_one_key_are_independent(words: Array) -> None:
    table = np.corrcoef(np.asarray(random.uniform(words), np.float64))[np.triu_indices(4, 1)]
    assert np.abs(table).max() < 5 / math.sqrt(COUNT)


def test_a_bad_draw_would_be_rejected(words: Array) -> None:
    """Taking the remainder favours small values, and a normal needs two words."""
    row = np.asarray(words[0])
    assert stats.chisquare(np.bincount((row >> 24) % 10)).pvalue < 1e-12
    assert stats.kstest(np.asarray(random.normal(words[0], words[0]), np.float64), stats.norm.cdf).pvalue < 1e-12


def test_words_takes_whole_numbers_of_any_kind() -> None:
    key = jax.random.key(3)
    for count in (np.int64(3), np.asarray(3), jnp.int32(3)):
        np.testing.assert_array_equal(random.words(key, count), random.words(key, 3))
    np.testing.assert_array_equal(random.words(key, (np.int64(2), jnp.int32(3))), random.words(key, (2, 3)))


@pytest.mark.parametrize("count", [2.0, "2", None, -1, (2, -1), (2, 0.5), True])
def test_words_refuses_what_is_no_whole_number(count: Any) -> None:
    with pytest.raises(WordCountError, match=r"a whole number or a tuple of them, but .* was given"):
        random.words(jax.random.key(3), count)


def test_words_refuses_a_count_that_is_computed_while_tracing() -> None:
    with pytest.raises(WordCountError, match="Pass Python integers: they are part of the program"):
        jax.jit(lambda count: random.words(jax.random.key(3), count))(3)
