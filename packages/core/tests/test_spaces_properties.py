"""What holds for every space, over random spaces, and what Gymnasium says about the same ones."""

from __future__ import annotations

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jaxenv import spaces
from jaxenv.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

gymnasium = pytest.importorskip("gymnasium")

SHAPES = st.sampled_from([(), (3,), (2, 2), (0,)])
"""Few, since each shape compiles its own generator; likewise the numbers of choices."""
WIDTHS = st.sampled_from(["int8", "uint8", "int32", "uint32"])
FLOATS = st.sampled_from(["float16", "float32"])
ENDS = st.sampled_from([-np.inf, -1e3, -2.5, 0.0, 1.0, 7.25, 1e4, np.inf])
VARIED = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def discretes(draw: Any) -> Discrete:
    dtype = draw(WIDTHS)
    limits = np.iinfo(dtype)
    start = draw(st.integers(int(limits.min), int(limits.max)))
    most = int(limits.max) - start + 1
    return Discrete(draw(st.sampled_from([n for n in (1, 2, 7, 2000) if n <= most])), start, dtype)


@st.composite
def multi_discretes(draw: Any) -> MultiDiscrete:
    shape = draw(SHAPES)
    counts = draw(st.lists(st.sampled_from([1, 2, 4]), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return MultiDiscrete(np.array(counts, int).reshape(shape), draw(WIDTHS))


@st.composite
def boxes(draw: Any) -> Box:
    shape = draw(SHAPES)
    size = int(np.prod(shape))
    kind = draw(st.sampled_from(["float", "integer", "bool"]))
    if kind == "bool":
        ends, dtype = st.booleans(), "bool"
    elif kind == "integer":
        dtype = draw(WIDTHS)
        ends = st.integers(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    else:
        ends, dtype = ENDS, draw(FLOATS)
    pairs = draw(st.lists(st.tuples(ends, ends).map(sorted), min_size=size, max_size=size))
    low, high = (np.array([pair[i] for pair in pairs], object).reshape(shape) for i in (0, 1))
    if kind == "float":
        low, high = np.where(low == np.inf, 0.0, low), np.where(high == -np.inf, 0.0, high)
    low, high = (bound.astype(bool if kind == "bool" else np.int64 if kind == "integer" else np.float64) for bound in (low, high))
    return Box(low, high, shape, dtype)


LEAVES = st.one_of(discretes(), multi_discretes(), boxes(), SHAPES.filter(all).map(MultiBinary))
NAMES = st.sampled_from(["b", "a", "time", "z"])


def composites(leaves: Any, least: int) -> Any:
    def grow(parts: Any) -> Any:
        tuples = st.lists(parts, min_size=least, max_size=3).map(Tuple)
        return st.one_of(tuples, st.dictionaries(NAMES, parts, min_size=least, max_size=3).map(Dict))

    return st.recursive(leaves, grow, max_leaves=4)


SPACES = composites(LEAVES, 0)
THEIRS = composites(LEAVES.filter(lambda s: not isinstance(s, Discrete) or s.start + s.n <= np.iinfo(s.dtype).max), 1)
"""Gymnasium adds ``start`` and ``n`` in the space's dtype, and can't flatten an empty tuple or dict."""


def same(x: Any, y: Any) -> bool:
    return jax.tree.structure(x) == jax.tree.structure(y) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(jax.tree.leaves(x), jax.tree.leaves(y), strict=True)
    )


def member(space: Space, seed: int) -> Any:
    return space.sample(jax.random.key(seed))


@VARIED
@given(SPACES, st.integers(0, 1000))
def test_a_sample_is_a_member_with_the_shapes_and_dtypes_of_the_space(space: Space, seed: int):
    x = member(space, seed)
    assert space.contains(x)
    assert jax.tree.map(lambda leaf: leaf.dtype, x) == space.dtype
    assert all(not leaf.aval.weak_type for leaf in jax.tree.leaves(x))
    assert same(space.cast(x), x)
    assert same(x, member(space, seed))


@VARIED
@given(SPACES, st.integers(0, 1000))
def test_flattening_is_undone_by_unflattening(space: Space, seed: int):
    x = member(space, seed)
    flat = space.flatten(x)
    assert flat.shape == (spaces.flatdim(space),)
    assert spaces.flatten_space(space).contains(flat)
    assert flat.dtype == spaces.flatten_space(space).dtype
    back = space.unflatten(flat)
    wide = [leaf.dtype.itemsize == 4 and leaf.dtype.kind in "iu" for leaf in jax.tree.leaves(x)]
    if flat.dtype.kind == "f" and any(wide):
        assert jax.tree.structure(back) == jax.tree.structure(x)  # floats do not hold every 32-bit integer
    else:
        assert same(back, x)


@VARIED
@given(SPACES)
def test_json_gives_back_an_equal_space(space: Space):
    text = json.dumps(spaces.to_json(space), allow_nan=False, sort_keys=True)
    again = spaces.from_json(json.loads(text))
    assert again == space
    assert hash(again) == hash(space)
    assert repr(again) == repr(space)


@VARIED
@given(SPACES, st.integers(0, 1000))
def test_a_stack_of_members_is_a_member_of_the_batch(space: Space, seed: int):
    members = [member(space, seed + i) for i in range(2)]
    stacked = jax.tree.map(lambda *parts: jnp.stack(parts), *members) if jax.tree.leaves(members) else members[0]
    assert space.batch(2).contains(stacked)
    assert jax.tree.map(lambda leaf: leaf.dtype, stacked) == space.batch(2).dtype


@VARIED
@given(THEIRS, st.integers(0, 1000))
def test_gymnasium_agrees(space: Space, seed: int):
    theirs = spaces.to_gymnasium(space)
    assert spaces.from_gymnasium(theirs) == space
    x = jax.tree.map(np.asarray, member(space, seed))
    assert theirs.contains(x)
    theirs.seed(seed)
    assert space.contains(theirs.sample())
    assert spaces.flatdim(space) == gymnasium.spaces.flatdim(theirs)
    if jax.tree.leaves(x):
        ordered = {name: x[name] for name in space} if isinstance(space, Dict) else x
        np.testing.assert_allclose(np.asarray(space.flatten(x), np.float64), gymnasium.spaces.flatten(theirs, ordered), rtol=1e-6)
        batch = spaces.from_gymnasium(gymnasium.vector.utils.batch_space(theirs, 3))
        assert batch.shape == space.batch(3).shape
        assert batch.contains(member(space.batch(3), seed))
        assert space.batch(3).contains(member(batch, seed))


@pytest.mark.parametrize("space", [Discrete(128, dtype=jnp.int8), Discrete(2, 2**31 - 2), Discrete(2, -1, jnp.int8)])
def test_choices_up_to_the_last_integer_reach_gymnasium(space: Discrete):
    theirs = spaces.to_gymnasium(space)
    assert (theirs.n, theirs.start) == (space.n, space.start)
    assert theirs.contains(theirs.dtype.type(space.start + space.n - 1))
    assert not theirs.contains(theirs.dtype.type(space.start - 1))
    assert spaces.from_gymnasium(theirs).n == space.n


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (gymnasium.spaces.Discrete(4), Discrete(4)),
        (gymnasium.spaces.Discrete(4, start=2, dtype=np.int8), Discrete(4, 2, jnp.int8)),
        (gymnasium.spaces.MultiDiscrete([2, 3]), MultiDiscrete([2, 3])),
        (gymnasium.spaces.MultiDiscrete([2, 3], start=[1, 0]), Box([1, 0], [2, 2], dtype=jnp.int32)),
        (gymnasium.spaces.MultiBinary(3), MultiBinary(3)),
        (gymnasium.spaces.MultiBinary((2, 3)), MultiBinary((2, 3))),
        (gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64), Box(-jnp.inf, jnp.inf, (2,))),
        (gymnasium.spaces.Box(0, 255, (2,), np.uint8), Box(0, 255, (2,), jnp.uint8)),
        (gymnasium.spaces.Tuple([gymnasium.spaces.Discrete(2)]), Tuple([Discrete(2)])),
        (
            gymnasium.spaces.Dict({"b": gymnasium.spaces.Discrete(2), "a": gymnasium.spaces.Discrete(3)}),
            Dict({"a": Discrete(3), "b": Discrete(2)}),
        ),
    ],
)
def test_gymnasiums_spaces_have_counterparts(theirs: Any, ours: Space):
    assert spaces.from_gymnasium(theirs) == ours


def test_default_choices_are_gymnasiums_default_choices():
    assert spaces.to_gymnasium(Discrete(4, 1)) == gymnasium.spaces.Discrete(4, start=1)
    assert spaces.to_gymnasium(MultiDiscrete([2, 3])) == gymnasium.spaces.MultiDiscrete([2, 3])
    assert spaces.to_gymnasium(MultiBinary(4)) == gymnasium.spaces.MultiBinary(4)
    assert spaces.to_gymnasium(MultiBinary((2, 3))) == gymnasium.spaces.MultiBinary((2, 3))


def test_the_order_of_a_dict_is_kept_both_ways():
    space = Dict({"b": Discrete(2), "a": Discrete(3)})
    assert list(spaces.to_gymnasium(space)) == ["b", "a"]
    assert list(spaces.from_gymnasium(spaces.to_gymnasium(space))) == ["b", "a"]
    assert list(spaces.from_json(spaces.to_json(space))) == ["b", "a"]
