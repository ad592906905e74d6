"""Members that are drawn: evenly, within the bounds, and with one call of the generator."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.errors import KeyTypeError
from jaxenv.spaces import Box, Dict, Discrete, MultiDiscrete, Space, Tuple
from jaxenv.testing import enable_x64

KEY = jax.random.key(0)
INF = np.inf


def many(space: Space, count: int = 20_000) -> Any:
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(space.sample))(jax.random.split(KEY, count)))


def uniform_enough(values: np.ndarray, low: int, high: int) -> bool:
    """Chi-square of the counts of all integers from low to high: within five standard deviations of its mean."""
    counts = np.bincount(values.astype(np.int64).ravel() - low, minlength=high - low + 1)
    expected = values.size / (high - low + 1)
    freedom = high - low
    return len(counts) == freedom + 1 and abs(((counts - expected) ** 2 / expected).sum() - freedom) < 5 * np.sqrt(2 * freedom)


def test_discrete_samples_are_uniform():
    assert uniform_enough(many(Discrete(7)), 0, 6)
    assert uniform_enough(many(Discrete(7, -3, jnp.int8)), -3, 3)
    large = many(Discrete(3 * 2**29, start=-5))
    assert large.min() >= -5
    assert large.max() < 3 * 2**29 - 5
    assert uniform_enough((large.astype(np.int64) + 5) * 16 // (3 * 2**29), 0, 15)
    assert uniform_enough(large & 15, 0, 15)


def test_multi_discrete_samples_are_uniform():
    values = many(MultiDiscrete([[2, 5], [70_000, 3]]))
    assert uniform_enough(values[:, 0, 0], 0, 1)
    assert uniform_enough(values[:, 0, 1], 0, 4)
    assert uniform_enough(values[:, 1, 0] * 20 // 70_000, 0, 19)
    assert uniform_enough(values[:, 1, 1], 0, 2)
    assert abs(np.corrcoef(values.reshape(-1, 4).T) - np.eye(4)).max() < 0.05


@pytest.mark.parametrize("dtype", [jnp.int8, jnp.uint8, jnp.int16, jnp.int32, jnp.uint32])
def test_integer_boxes_sample_their_whole_range(dtype):
    limits = np.iinfo(dtype)
    values = many(Box(-INF, INF, (2,), dtype)).astype(np.int64)
    assert uniform_enough((values - limits.min) * 16 // (int(limits.max) - int(limits.min) + 1), 0, 15)
    assert uniform_enough(values & 7, 0, 7)
    edges = many(Box([limits.min, limits.max - 1], [limits.min + 2, limits.max], (2,), dtype), 2000).astype(np.int64)
    assert uniform_enough(edges[:, 0], limits.min, limits.min + 2)
    assert uniform_enough(edges[:, 1], limits.max - 1, limits.max)


def test_wide_integer_boxes_sample_under_x64():
    with enable_x64():
        limits = np.iinfo(np.int64)
        everything = many(Box(-INF, INF, (), jnp.int64), 4000)
        assert uniform_enough(everything >> 60, -8, 7)
        some = many(Box(limits.min, limits.min + 2, (), jnp.int64), 4000)
        assert uniform_enough(some - limits.min, 0, 2)
        assert uniform_enough(many(Discrete(5, dtype=jnp.int64)), 0, 4)


def test_bool_boxes_sample_fairly_between_their_bounds():
    values = many(Box([0, 0, 1], [0, 1, 1], (3,), bool))
    assert not values[:, 0].any()
    assert uniform_enough(values[:, 1], 0, 1)
    assert values[:, 2].all()


def test_float_boxes_sample_as_gymnasium_does():
    space = Box([-1, 2, -INF, -INF], [3, INF, 5, INF])
    values = many(space).astype(np.float64)
    assert np.isfinite(values).all()
    quantiles = np.linspace(0.05, 0.95, 19)
    normal = [-1.6448536, -1.2815516, -1.0364334, -0.8416212, -0.6744898, -0.5244005, -0.3853205, -0.2533471, -0.1256613]
    expected = [
        -1 + 4 * quantiles,
        2 - np.log(1 - quantiles),
        5 + np.log(quantiles),
        np.array([*normal, 0.0, *(-q for q in reversed(normal))]),
    ]
    for column, wanted in zip(values.T, expected, strict=True):
        ranks = np.array([(column <= quantile).mean() for quantile in wanted])
        assert abs(ranks - quantiles).max() < 0.02
    assert abs(np.corrcoef(values.T) - np.eye(4)).max() < 0.05


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_float_samples_never_leave_narrow_or_huge_bounds(dtype):
    most = float(jnp.finfo(dtype).max)
    space = Box([-most, 0.1, 0.3, 1.0], [most, 0.1, float(np.nextafter(np.float32(0.3), np.float32(1))), 1.0078125], (4,), dtype)
    values = jax.vmap(space.sample)(jax.random.split(KEY, 500))
    assert values.dtype == dtype
    assert jax.vmap(space.contains)(values).all()


def test_integer_boxes_with_traced_bounds_sample_uniformly():
    draw = jax.jit(lambda low, high, keys: jax.vmap(Box(low, high, (), jnp.int32).sample)(keys))
    assert uniform_enough(np.asarray(draw(-2, 4, jax.random.split(KEY, 5000))), -2, 4)


@pytest.mark.parametrize(
    "space",
    [
        Discrete(3),
        Discrete(10**6),
        MultiDiscrete([3, 70_000]),
        Box(0, 1, (5,)),
        Box(0, INF, (5,), jnp.int32),
        Box(0, 1, (5,), bool),
    ],
)
def test_a_leaf_is_drawn_with_one_call_of_the_generator(space):
    rbg = jax.random.key(0, impl="unsafe_rbg")
    assert str(jax.make_jaxpr(space.sample)(rbg)).count("random_bits") == 1


def test_sample_takes_typed_and_raw_keys_and_nothing_else():
    space = Dict({"a": Discrete(1000), "b": Box(0, 1, (2,)), "c": Tuple((Box(0, 1), Box(0, 1)))})
    typed, raw = space.sample(jax.random.key(3)), space.sample(jax.random.PRNGKey(3))
    assert jax.tree.all(jax.tree.map(lambda x, y: (x == y).all(), typed, raw))
    assert typed["c"][0] != typed["c"][1]
    for part in (*space.spaces.values(), space):
        with pytest.raises(KeyTypeError):
            part.sample(3)
