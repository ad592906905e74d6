"""``jaxenv.random.key`` is a JAX key like any other, and ``split`` and ``fold_in`` are JAX's own."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from generators import GENERATORS
from jax import Array
from jaxenv import random
from jaxenv.errors import RandomSizeError, SeedRangeError, SeedTypeError
from jaxenv.random.generator import IMPL
from jaxenv.testing import enable_x64


def same(a: Any, b: Any) -> bool:
    """Whether two trees of arrays or keys are equal, bit for bit."""

    def plain(x: Array) -> np.ndarray[Any, Any]:
        return np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)

    def equal(x: Array, y: Array) -> bool:
        return x.dtype == y.dtype and x.shape == y.shape and plain(x).tobytes() == plain(y).tobytes()

    return jax.tree.all(jax.tree.map(equal, a, b))


# -- seeds ---------------------------------------------------------------------------------------------------------


def test_known_answers() -> None:
    """These numbers are a promise: results of a seed do not change between versions."""
    key = random.key(0)
    assert jax.random.key_data(key).tolist() == [4029917198, 2512202026, 3770222946, 1587512001]
    assert jax.random.bits(key, (6,)).tolist() == [3813314767, 545417114, 304856725, 2802581618, 3653412133, 1098099781]
    assert jax.random.bits(key, (5,), jnp.uint8).tolist() == [207, 144, 74, 227, 154]
    assert jax.random.bits(key, (3,), jnp.uint16).tolist() == [37071, 58186, 26522]
    assert jax.random.key_data(jax.random.split(key))[1].tolist() == [2276393706, 2122620548, 1431830183, 1972986806]
    assert jax.random.key_data(jax.random.fold_in(key, 7)).tolist() == [388118901, 3336858461, 828751415, 3058375074]


def test_a_key_is_typed_and_scalar() -> None:
    key = random.key(0)
    assert key.shape == ()
    assert jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    assert jax.random.key_data(key).shape == (4,)
    assert str(key.dtype) == "key<pcg4d>"


SEEDS = [0, 1, 2, -1, -2, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**32 + 1, -(2**32), 2**63 - 1, 2**63 + 5, -(2**63)]


def test_different_seeds_have_different_keys() -> None:
    assert len({tuple(jax.random.key_data(random.key(seed)).tolist()) for seed in SEEDS}) == len(SEEDS)


def test_an_unsigned_seed_is_the_negative_one_of_the_same_64_bits() -> None:
    assert same(random.key(2**64 - 1), random.key(-1))


@pytest.mark.parametrize("seed", [0, 1, -1, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize(
    "convert",
    [np.int64, np.int32, jnp.int32, np.asarray, jnp.asarray],
    ids=["int64", "int32", "jnp.int32", "asarray", "jnp.asarray"],
)
def test_equal_numbers_have_equal_keys(seed: int, convert: Callable[[int], Any]) -> None:
    assert same(random.key(convert(seed)), random.key(seed))
    assert same(jax.random.key(seed, impl=IMPL), random.key(seed))


def test_an_unsigned_array_is_not_taken_for_a_negative_number() -> None:
    assert same(random.key(jnp.uint32(2**32 - 1)), random.key(2**32 - 1))


def test_seeds_can_be_traced() -> None:
    seeds = jnp.arange(-3, 3)
    expected = jnp.stack([random.key(seed) for seed in range(-3, 3)])
    assert same(jax.vmap(random.key)(seeds), expected)
    assert same(jax.jit(jax.vmap(random.key))(seeds), expected)


def test_seeds_of_64_bits_need_no_x64() -> None:
    with enable_x64():
        wide = [random.key(2**40 + 3), jax.random.key(2**40 + 3, impl=IMPL), random.key(jnp.asarray(2**40 + 3))]
        negative = random.key(jnp.asarray(-5))
    assert all(same(key, random.key(2**40 + 3)) for key in wide)
    assert same(negative, random.key(-5))


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_a_seed_that_is_too_large_is_refused(seed: int) -> None:
    with pytest.raises(SeedRangeError, match=f"but {seed} was given. Pass a smaller one"):
        random.key(seed)


@pytest.mark.parametrize("seed", [0.5, "0", None, jnp.float32(1.0), np.float32(1.0)], ids=repr)
def test_a_seed_that_is_no_integer_is_refused(seed: Any) -> None:
    with pytest.raises(SeedTypeError, match="a seed must be an integer"):
        random.key(seed)


# -- every function of jax.random ----------------------------------------------------------------------------------

SAMPLERS: dict[str, Callable[[Array], Any]] = {
    "ball": lambda k: jax.random.ball(k, 3, shape=(2,)),
    "bernoulli": lambda k: jax.random.bernoulli(k, 0.3, (5,)),
    "beta": lambda k: jax.random.beta(k, 2.0, 3.0, (3,)),
    "binomial": lambda k: jax.random.binomial(k, 10.0, 0.4, (3,)),
    "bits8": lambda k: jax.random.bits(k, (3, 7), jnp.uint8),
    "bits16": lambda k: jax.random.bits(k, (3, 7), jnp.uint16),
    "bits32": lambda k: jax.random.bits(k, (3, 7), jnp.uint32),
    "bits of nothing": lambda k: jax.random.bits(k, (0, 3), jnp.uint32),
    "categorical": lambda k: jax.random.categorical(k, jnp.zeros(4), shape=(6,)),
    "cauchy": lambda k: jax.random.cauchy(k, (3,)),
    "chisquare": lambda k: jax.random.chisquare(k, 3.0, shape=(3,)),
    "choice": lambda k: jax.random.choice(k, 10, (4,), replace=False),
    "dirichlet": lambda k: jax.random.dirichlet(k, jnp.ones(3)),
    "double_sided_maxwell": lambda k: jax.random.double_sided_maxwell(k, 0.0, 1.0, (3,)),
    "exponential": lambda k: jax.random.exponential(k, (3,)),
    "f": lambda k: jax.random.f(k, 2.0, 3.0, (3,)),
    "fold_in": lambda k: jax.random.fold_in(k, jnp.int32(-7)),
    "gamma": lambda k: jax.random.gamma(k, 0.7, (3,)),
    "generalized_normal": lambda k: jax.random.generalized_normal(k, 1.5, (3,)),
    "geometric": lambda k: jax.random.geometric(k, 0.3, (3,)),
    "gumbel": lambda k: jax.random.gumbel(k, (3,)),
    "laplace": lambda k: jax.random.laplace(k, (3,)),
    "loggamma": lambda k: jax.random.loggamma(k, 0.7, (3,)),
    "logistic": lambda k: jax.random.logistic(k, (3,)),
    "lognormal": lambda k: jax.random.lognormal(k, 1.0, (3,)),
    "maxwell": lambda k: jax.random.maxwell(k, (3,)),
    "multinomial": lambda k: jax.random.multinomial(k, 5.0, jnp.array([0.25, 0.75])),
    "multivariate_normal": lambda k: jax.random.multivariate_normal(k, jnp.zeros(2), jnp.eye(2)),
    "normal": lambda k: jax.random.normal(k, (3,)),
    "orthogonal": lambda k: jax.random.orthogonal(k, 3),
    "pareto": lambda k: jax.random.pareto(k, 2.0, (3,)),
    "permutation": lambda k: jax.random.permutation(k, 20),
    "rademacher": lambda k: jax.random.rademacher(k, (7,)),
    "randint": lambda k: jax.random.randint(k, (5,), -3, 9),
    "rayleigh": lambda k: jax.random.rayleigh(k, 2.0, (3,)),
    "split": lambda k: jax.random.split(k, 3),
    "split to a shape": lambda k: jax.random.split(k, (2, 5)),
    "split to nothing": lambda k: jax.random.split(k, 0),
    "t": lambda k: jax.random.t(k, 3.0, (3,)),
    "triangular": lambda k: jax.random.triangular(k, 0.0, 0.3, 1.0, (3,)),
    "truncated_normal": lambda k: jax.random.truncated_normal(k, -1.0, 2.0, (3,)),
    "uniform": lambda k: jax.random.uniform(k, (3,)),
    "uniform half": lambda k: jax.random.uniform(k, (3,), jnp.bfloat16),
    "wald": lambda k: jax.random.wald(k, 1.0, (3,)),
    "weibull_min": lambda k: jax.random.weibull_min(k, 1.0, 2.0, (3,)),
    "words": lambda k: random.words(k, 5),
    "many words": lambda k: random.words(k, 50),
}

KEYLESS = {"PRNGKey", "key", "key_data", "key_dtype", "key_impl", "wrap_key_data", "clone", "poisson", "bits", "Key"}


def test_the_table_of_samplers_is_complete() -> None:
    public = {name for name, value in vars(jax.random).items() if callable(value) and not name.startswith("_")}
    assert public - KEYLESS - set(SAMPLERS) == set()


@pytest.mark.parametrize("sample", SAMPLERS.values(), ids=SAMPLERS)
def test_jax_random_takes_the_key(sample: Callable[[Array], Any]) -> None:
    """Lowering a sampler calls everything that a key is made of."""
    keys = random.split(random.key(3), 3)
    jax.jit(jax.vmap(sample)).lower(keys)


@pytest.mark.parametrize(
    "name", ["bits8", "bits16", "bits32", "choice", "fold_in", "many words", "permutation", "randint", "words"]
)
def test_a_batch_of_keys_gives_what_each_gives_alone(name: str) -> None:
    keys = random.split(random.key(3), 3)
    single, batch = jax.jit(SAMPLERS[name]), jax.jit(jax.vmap(SAMPLERS[name]))
    assert same(batch(keys), jnp.stack([single(key) for key in keys]))


def test_poisson_takes_threefry_keys_alone_by_the_word_of_jax() -> None:
    key = random.key(0)
    with pytest.raises(NotImplementedError, match="poisson"):
        jax.random.poisson(key, 3.0)
    jax.random.poisson(jax.random.wrap_key_data(random.words(key, 2), impl="threefry2x32"), 3.0)


# -- transformations -----------------------------------------------------------------------------------------------


def words_of_a_rollout(key: Array) -> Array:
    def step(key: Array, time: Array) -> tuple[Array, Array]:
        key, subkey = jax.random.split(key)
        return key, jax.random.bits(jax.random.fold_in(subkey, time), (3,))

    return jax.lax.scan(step, key, jnp.arange(5, dtype=jnp.uint32))[1]


def test_words_are_the_same_under_every_transformation() -> None:
    keys = random.split(random.key(1), 4)
    with jax.disable_jit():
        expected = jnp.stack([words_of_a_rollout(key) for key in keys])
    assert same(jnp.stack([words_of_a_rollout(key) for key in keys]), expected)
    assert same(jnp.stack([jax.jit(words_of_a_rollout)(key) for key in keys]), expected)
    assert same(jax.jit(jax.vmap(words_of_a_rollout))(keys), expected)
    assert same(jax.lax.map(words_of_a_rollout, keys), expected)
    nested = jax.vmap(jax.vmap(words_of_a_rollout))(keys.reshape(2, 2))
    assert same(nested.reshape(expected.shape), expected)


def test_a_word_does_not_depend_on_how_many_are_drawn() -> None:
    key = random.key(2)
    many = jax.random.bits(key, (3, 1001)).ravel()
    for count in (1, 4, 5, 16, 17, 100):
        assert same(jax.random.bits(key, (count,)), many[:count])
    assert same(jax.random.split(key, 3), jax.random.split(key, 100)[:3])


def test_narrow_and_wide_bits_are_the_bytes_of_the_words() -> None:
    key = random.key(2)
    data = np.asarray(jax.random.bits(key, (8,))).tobytes()
    assert np.asarray(jax.random.bits(key, (32,), jnp.uint8)).tobytes() == data
    assert np.asarray(jax.random.bits(key, (4, 4), jnp.uint16)).tobytes() == data
    with enable_x64():
        assert np.asarray(jax.random.bits(key, (4,), jnp.uint64)).tobytes() == data


def test_too_many_words_are_refused() -> None:
    with pytest.raises(RandomSizeError, match=r"4294967297 were asked for. Split the key"):
        jax.jit(lambda key: jax.random.bits(key, (2**32 + 1,))).lower(random.key(0))


# -- split and fold_in of jaxenv.random ----------------------------------------------------------------------------

KEYS = {name: partial(make, 4) for name, make in GENERATORS.items()}


@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS)
def test_split_is_that_of_jax(make: Callable[[], Array]) -> None:
    key = make()
    assert same(random.split(key), jax.random.split(key))


@pytest.mark.parametrize("num", [1, 8, 9, 100, (2, 3), (4, 5)], ids=str)
def test_every_number_of_children_is_that_of_jax(num: int | tuple[int, ...]) -> None:
    key = jax.random.key(4)
    assert same(random.split(key, num), jax.random.split(key, num))
    keys = jax.random.split(key, 2)
    split = partial(random.split, num=num)
    assert same(jax.jit(jax.vmap(split))(keys), jnp.stack([jax.random.split(k, num) for k in keys]))


@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("data", [0, 2**32 - 1, np.int32(-1), jnp.int32(-5), jnp.uint32(9)], ids=str)
def test_fold_in_is_that_of_jax(make: Callable[[], Array], data: Any) -> None:
    key = make()
    assert same(random.fold_in(key, data), jax.random.fold_in(key, data))
    assert same(jax.jit(lambda key: random.fold_in(key, data))(key), jax.random.fold_in(key, data))


def test_a_raw_key_belongs_to_the_generator_that_jax_uses_now() -> None:
    with jax.default_prng_impl("rbg"):
        key = jax.random.PRNGKey(0)
        assert same(random.split(key), jax.random.split(key))
        assert same(random.words(key, 3), jax.random.bits(key, (3,)))


def test_threefry_is_that_of_jax() -> None:
    """The straight-line code against JAX's own, on random keys and counters."""
    keys = jax.random.split(jax.random.key(9), 1000)
    counters = jax.random.bits(jax.random.key(8), (1000,))
    assert same(jax.vmap(random.fold_in)(keys, counters), jax.vmap(jax.random.fold_in)(keys, counters))


# -- lanes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS)
def test_a_lane_is_a_key_of_the_same_generator_and_form(make: Callable[[], Array]) -> None:
    key = make()
    lane = random.lane(key, 3)
    assert (lane.shape, lane.dtype) == (key.shape, key.dtype)
    assert same(lane, jax.jit(random.lane)(key, np.uint32(3)))
    assert same(jax.vmap(partial(random.lane, key))(jnp.arange(4))[3], lane)


@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS)
def test_words_and_children_of_lanes_all_differ(make: Callable[[], Array]) -> None:
    lanes = jax.vmap(partial(random.lane, random.fold_in(make(), 1)))(jnp.arange(500))
    children = jax.vmap(random.split)(lanes)
    drawn = [jax.vmap(partial(random.words, count=4))(keys) for keys in (lanes, children[:, 0], children[:, 1])]
    assert len(np.unique(np.concatenate(drawn), axis=0)) == 1500


@pytest.mark.parametrize("number", [0, 1, 3, 2**31 + 5, 2**32 - 1])
def test_a_lane_of_a_threefry_key_has_the_number_in_its_second_word(number: int) -> None:
    key = random.fold_in(jax.random.key(7), 1)
    first, second = map(int, jax.random.key_data(key))
    assert jax.random.key_data(random.lane(key, np.uint32(number))).tolist() == [first, second ^ number]


def test_a_lane_of_another_generator_is_what_fold_in_makes() -> None:
    key = jax.random.key(0, impl="rbg")
    assert same(random.lane(key, 7), jax.random.fold_in(key, 7))
