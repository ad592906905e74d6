"""The generator behind ``jaxenv.random.key`` gives random-looking streams, in all the ways in which environments use it.

Everything is derived from fixed keys, so no result ever changes. A p-value fails below one in a million, on either side; a sound
generator has one such among a few hundred results once in thousands of keys. Every statistic must also reject, and by far, a
generator that is bad in its own way.
"""

from collections.abc import Callable
from functools import cache, partial

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jax import Array
from jax.random import fold_in, key_data, split
from jaxenv.random import stream_key
from numpy.typing import NDArray
from scipy import stats

Words = NDArray[np.uint32]

SIZE = 1 << 19
ALPHA = 1e-6
REJECTED = 1e-12

bits = partial(jax.random.bits, dtype=jnp.uint32)
numbers = partial(jnp.arange, dtype=jnp.uint32)


# -- streams -------------------------------------------------------------------------------------------------------


def words(key: Array) -> Array:
    return bits(key, (SIZE,))


def folds(key: Array) -> Array:
    return jax.vmap(partial(fold_in, key))(numbers(SIZE))


def stream_keys(key: Array) -> Array:
    return jax.vmap(partial(stream_key, key))(numbers(SIZE))


def seeded(key: Array, start: int = 0) -> Array:
    impl = jax.random.key_impl(key)
    return jax.vmap(lambda seed: bits(jax.random.key(seed, impl=impl)))(jnp.arange(start, start + SIZE, dtype=jnp.int32))


def rollout(key: Array) -> Array:
    """Four words a step for each of 64 environments, as ``jaxenv.rollout`` makes their keys: environment after environment, step
    after step."""
    env_keys = jax.vmap(partial(fold_in, key))(numbers(64))
    draw = jax.vmap(lambda env_key, time: jaxenv.random.words(stream_key(env_key, 2 * time + 1), 4), (0, None))
    return jax.vmap(draw, (None, 0))(env_keys, numbers(SIZE // 256))


def chain(key: Array) -> Array:
    """The keys that ``key, subkey = split(key)`` hands out in a loop."""
    return key_data(jax.lax.scan(lambda key, _: tuple(split(key)), key, length=SIZE // 4)[1])


STREAMS: dict[str, Callable[[Array], Array]] = {
    "bits": words,
    "fold_in": lambda key: jax.vmap(bits)(folds(key)),
    "streams": lambda key: jax.vmap(bits)(stream_keys(key)),
    "split": lambda key: jax.vmap(bits)(split(key, SIZE)),
    "interleaved children": lambda key: jax.vmap(lambda child: bits(child, (SIZE // 1024,)), out_axes=1)(split(key, 1024)),
    "keys from split": lambda key: key_data(split(key, SIZE // 4)),
    "keys from fold_in": lambda key: key_data(folds(key))[: SIZE // 4],
    "keys from a chain": chain,
    "rollout": rollout,
    "seeds": seeded,
    "seeds around 0": partial(seeded, start=-SIZE // 2),
    # The exclusive or of two independent streams is uniform; of two that are related it is not.
    "seed ^ next seed": lambda _: words(jaxenv.random.key(1)) ^ words(jaxenv.random.key(2)),
    "key ^ child": lambda key: words(key) ^ words(split(key)[0]),
    "key ^ fold": lambda key: words(key) ^ words(fold_in(key, 0)),
    "child ^ sibling": lambda key: jnp.bitwise_xor(*jax.vmap(words)(split(key))),
    "step ^ next step": lambda key: (lambda first: first ^ jnp.roll(first, 1))(jax.vmap(bits)(folds(key))),
    "stream ^ next stream": lambda key: (lambda first: first ^ jnp.roll(first, 1))(jax.vmap(bits)(stream_keys(key))),
    "stream ^ fold": lambda key: jax.vmap(bits)(stream_keys(key)) ^ jax.vmap(bits)(folds(key)),
    "child ^ fold": lambda key: key_data(split(key, SIZE // 4)) ^ key_data(folds(key))[: SIZE // 4],
}


@cache
def stream(name: str, seed: int = 2020) -> Words:
    return np.asarray(jax.jit(STREAMS[name])(jaxenv.random.key(seed))).ravel()


# -- statistics: words to p-values, small where words repeat a pattern or avoid one ------------------------------------


def two_sided(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(1.0, 2.0 * np.minimum(lower, upper))


def of_normal(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return two_sided(stats.norm.cdf(z), stats.norm.sf(z))


def of_counts(counts: NDArray[np.int64], expected: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Chi-square."""
    chi2 = ((counts - expected) ** 2 / expected).sum()
    return two_sided(stats.chi2.cdf(chi2, counts.size - 1), stats.chi2.sf(chi2, counts.size - 1))


def planes(words: Words) -> NDArray[np.float32]:
    """The bits of each word as -1 and 1, float32[n, 32], lowest first."""
    return np.unpackbits(words.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little").astype(np.float32) * 2 - 1


def ones_in(words: Words) -> NDArray[np.int64]:
    return np.unpackbits(words.view(np.uint8).reshape(-1, 4), axis=1).sum(1, dtype=np.int64)


def ones(words: Words) -> NDArray[np.float64]:
    return of_normal(planes(words).sum(0, dtype=np.float64) / np.sqrt(words.size))


def octets(words: Words) -> NDArray[np.float64]:
    columns = words.view(np.uint8).reshape(-1, 4).T
    return np.array([of_counts(np.bincount(column, minlength=256), words.size / 256) for column in columns])


def halves(words: Words) -> NDArray[np.float64]:
    columns = words.view(np.uint16).reshape(-1, 2).T
    return np.array([of_counts(np.bincount(column, minlength=65536), words.size / 65536) for column in columns])


def pairs(words: Words) -> NDArray[np.float64]:
    """The same byte of neighbouring words."""
    columns = words.view(np.uint8).reshape(-1, 4).T.astype(np.int64)
    both = [column[::2] * 256 + column[1::2] for column in columns]
    return np.array([of_counts(np.bincount(pair, minlength=65536), words.size / 2 / 65536) for pair in both])


def weights(words: Words) -> NDArray[np.float64]:
    """How many bits of a word are set."""
    expected = stats.binom.pmf(np.arange(33), 32, 0.5) * words.size
    counts = np.bincount(ones_in(words), minlength=33)
    likely = expected > 20
    counts, expected = (np.append(x[likely], x[~likely].sum()) for x in (counts, expected))
    return of_counts(counts, expected)


def runs(words: Words) -> NDArray[np.float64]:
    """Runs of equal bits, for each bit of the word (Wald & Wolfowitz 1940, with known probability)."""
    changes = (np.diff(planes(words), axis=0) != 0).sum(0)
    return of_normal((changes - (words.size - 1) / 2) / np.sqrt((words.size - 1) / 4))


def turns(words: Words) -> NDArray[np.float64]:
    """Words above or below both their neighbours: two of three."""
    rises = np.diff(words.astype(np.int64)) > 0
    n = words.size
    return of_normal(((rises[1:] != rises[:-1]).sum() - 2 * (n - 2) / 3) / np.sqrt((16 * n - 29) / 90))


def lags(words: Words) -> NDArray[np.float64]:
    """Serial correlation of the words as numbers, at lags 1 to 16."""
    centred = (words.astype(np.float64) + 0.5) / 2**32 - 0.5
    return of_normal(np.array([12 * (centred[lag:] * centred[:-lag]).sum() / np.sqrt(words.size - lag) for lag in range(1, 17)]))


def linked(words: Words) -> NDArray[np.float64]:
    """Correlation of every bit with every bit of the next words, and with the others of its own."""
    signs = planes(words)
    tables = [signs[lag:].T @ signs[: len(signs) - lag] for lag in range(5)]
    tables[0] = tables[0][np.triu_indices(32, 1)]
    return of_normal(np.concatenate([table.ravel() for table in tables]).astype(np.float64) / np.sqrt(words.size))


def repeats(words: Words) -> NDArray[np.float64]:
    """Pairs of equal words, which a permutation of the counter would never have."""
    _, counts = np.unique(words, return_counts=True)
    found, expected = (counts * (counts - 1) // 2).sum(), words.size * (words.size - 1) / 2**33
    return two_sided(stats.poisson.cdf(found, expected), stats.poisson.sf(found - 1, expected))


def ranks(words: Words) -> NDArray[np.float64]:
    """Ranks of 32 by 32 binary matrices (Marsaglia & Tsay 1985)."""
    rows = words.reshape(-1, 32).copy()
    matrices, rank = np.arange(len(rows)), np.zeros(len(rows), np.int64)
    for column in range(32):
        candidates = ((rows >> np.uint32(column)) & 1).astype(bool) & (np.arange(32) >= rank[:, None])
        found, pivot = candidates.any(1), candidates.argmax(1)
        chosen = np.where(found, rows[matrices, pivot], np.uint32(0))
        target = np.where(found, rank, pivot)
        rows[matrices, pivot] = rows[matrices, target]
        rows[matrices, target] = np.where(found, chosen, rows[matrices, target])
        below = ((rows >> np.uint32(column)) & 1).astype(bool) & (np.arange(32) > target[:, None]) & found[:, None]
        rows = np.where(below, rows ^ chosen[:, None], rows)
        rank += found
    expected = np.array([0.28878810, 0.57757619, 0.12835020])
    counts = np.array([(rank == 32).sum(), (rank == 31).sum(), (rank == 30).sum(), (rank < 30).sum()])
    return of_counts(counts, np.append(expected, 1 - expected.sum()) * len(rows))


# -- generators that are bad, each in the way that one statistic looks for ---------------------------------------------


def biased(words: Words) -> Words:
    return words | (words >> np.uint32(9)) & np.uint32(0x80)


def without_a_byte(words: Words) -> Words:
    return np.where((words >> 8) & 0xFF == 0x42, words ^ np.uint32(0x100), words)


def squared(words: Words) -> Words:
    return words * words


def echoing(words: Words) -> Words:
    return np.where(words % 16 == 3, np.roll(words, 1) & np.uint32(0xFF00) | words & np.uint32(0xFFFF00FF), words)


def balanced(words: Words) -> Words:
    return np.where(ones_in(words) > 20, ~words, words)


def sticky(words: Words) -> Words:
    return np.where(words >> 28 == 0, np.roll(words, 1) & np.uint32(1) | words & ~np.uint32(1), words)


def sorted_pairs(words: Words) -> Words:
    return np.sort(words.reshape(-1, 2), axis=1).ravel()


def averaging(words: Words) -> Words:
    return (words >> 1) + (np.roll(words, 5) >> 6) + (np.roll(words, 9) >> 1 & np.uint32(0x7FFFFFF))


def copying_a_bit(words: Words) -> Words:
    return np.where(words >> 28 == 0, np.roll(words, 3) >> np.uint32(6) & np.uint32(8) | words & ~np.uint32(8), words)


def permuting(words: Words) -> Words:
    """A bijective hash of a 32-bit counter: flawless to look at, but no word ever comes twice."""
    x = np.arange(words.size, dtype=np.uint32)
    for shift, factor in ((16, 0x21F0AAAD), (15, 0xD35A2D97)):
        x = (x ^ x >> np.uint32(shift)) * np.uint32(factor)
    return x ^ x >> np.uint32(15)


def feeding_back(words: Words) -> Words:
    matrices = words.reshape(-1, 32).copy()
    matrices[:, 31] = matrices[:, 3] ^ matrices[:, 17]
    return matrices.ravel()


BAD: dict[Callable[[Words], NDArray[np.float64]], Callable[[Words], Words]] = {
    ones: biased,
    octets: without_a_byte,
    halves: squared,
    pairs: echoing,
    weights: balanced,
    runs: sticky,
    turns: sorted_pairs,
    lags: averaging,
    linked: copying_a_bit,
    repeats: permuting,
    ranks: feeding_back,
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("statistic", BAD, ids=lambda f: f.__name__)
def test_a_stream_looks_random(name: str, statistic: Callable[[Words], NDArray[np.float64]]) -> None:
    p_values = statistic(stream(name))
    assert p_values.min() > ALPHA / p_values.size


@pytest.mark.parametrize("statistic", BAD, ids=lambda f: f.__name__)
def test_a_statistic_rejects_a_bad_generator(statistic: Callable[[Words], NDArray[np.float64]]) -> None:
    assert statistic(BAD[statistic](stream("bits"))).min() < REJECTED
