"""Spaces one by one: what they accept, refuse, draw and say."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array
from jaxenv import spaces
from jaxenv.errors import (
    FrozenSpaceError,
    JaxenvError,
    KeyTypeError,
    MissingExtraError,
    SpaceConversionError,
    SpaceDefinitionError,
    SpaceMismatchError,
)
from jaxenv.spaces import Box, Dict, Discrete, MultiDiscrete, Space, Tuple

KEY = jax.random.key(0)
INF = np.inf


@struct.dataclass
class Pose:
    place: Array
    flags: Array
    label: str = struct.field(pytree_node=False, default="pose")


class Pair(NamedTuple):
    a: Any
    b: Any


# -- making one ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Discrete(0), "Discrete got n = 0, but there must be a choice. Pass an integer of at least 1."),
        (lambda: Discrete(2.0), "Discrete got n = 2.0, which is not an integer. Pass a Python integer."),
        (lambda: Discrete(True), "Discrete got n = True, which is not an integer. Pass a Python integer."),
        (
            lambda: Discrete(300, dtype=jnp.uint8),
            "Discrete got choices from 0 to 299, which uint8 cannot hold. Choose a wider dtype or fewer choices.",
        ),
        (
            lambda: Discrete(3, dtype=jnp.float32),
            "Discrete got the dtype float32, but it needs a dtype of kind integer. Choose one.",
        ),
        (lambda: Discrete(3, dtype="int7"), "Discrete got the dtype 'int7', which is not one. Pass a dtype such as jnp.float32."),
        (
            lambda: MultiDiscrete([2, 0]),
            "MultiDiscrete got nvec = [2, 0], but each element needs a choice. Pass counts of at least 1.",
        ),
        (
            lambda: MultiDiscrete([2.5]),
            "MultiDiscrete got nvec = [2.5], which is not an array of integers. Pass one, such as [3, 2].",
        ),
        (
            lambda: MultiDiscrete([200], jnp.int8),
            "MultiDiscrete got nvec = [200], which int8 cannot hold. Choose a wider dtype or fewer choices.",
        ),
        (lambda: Box(1, 0, (2,)), "Box got low = 1.0 above high = 0.0. Exchange them."),
        (lambda: Box(np.nan, 0), "Box got low = nan, in which a value is NaN. Use -inf or inf for no bound."),
        (
            lambda: Box([0, 1], 2, (3,)),
            "Box got low of shape (2,), which does not broadcast to the shape (3,). Pass a number or an array of that shape.",
        ),
        (lambda: Box(0, 1, 3), "Box got the shape 3, which is not a tuple of integers. Pass one, such as (3,)."),
        (lambda: Box(0, 1, (-1,)), "Box got the shape (-1,), in which a size is negative. Pass sizes of at least 0."),
        (lambda: Box(0, 256, (), jnp.uint8), "Box got high = 256, which uint8 cannot hold. Change the bound or the dtype."),
        (lambda: Box(0, 0.5, (), jnp.int32), "Box got high = 0.5, which int32 cannot hold. Change the bound or the dtype."),
        (lambda: Box(0, 2, (), bool), "Box got high = 2, which bool cannot hold. Change the bound or the dtype."),
        (lambda: Box(0, 1e40), "Box got high = 1e+40, which float32 cannot hold. Change the bound or the dtype."),
        (lambda: Box(INF, INF), "Box got low = inf and high = inf, between which no number lies. Use low = -inf or high = inf."),
        (lambda: Box("a", 1), "Box got low = 'a', which is not a number or an array of numbers. Pass one."),
        (
            lambda: Box(0, 1, dtype=jnp.complex64),
            "Box got the dtype complex64, but it needs a dtype of kind bool or integer or float. Choose one.",
        ),
        (lambda: Tuple([3]), "Tuple got as element 0 3, which is not a space. Pass one of jaxenv.spaces."),
        (lambda: Dict({"a": 3}), "Dict got as 'a' 3, which is not a space. Pass one of jaxenv.spaces."),
        (lambda: Dict({1: Discrete(2)}), "Dict got the name 1, which is not a string. Name each part with a string."),
        (lambda: Dict([Discrete(2)]), "Dict got list, but it needs a mapping from names to spaces. Pass a dict."),
    ],
)
def test_a_space_that_makes_no_sense_is_refused_with_a_sentence(make, sentence):
    with pytest.raises(SpaceDefinitionError) as caught:
        make()
    assert str(caught.value) == sentence
    assert isinstance(caught.value, JaxenvError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (Discrete(3), "Discrete(3)"),
        (Discrete(3, -1, jnp.int8), "Discrete(3, start=-1, dtype='int8')"),
        (MultiDiscrete([3, 2]), "MultiDiscrete([3, 2])"),
        (Box(-1, 1, (3,)), "Box(-1.0, 1.0, (3,))"),
        (Box(0, 255, (2, 2), jnp.uint8), "Box(0, 255, (2, 2), dtype='uint8')"),
        (Tuple((Discrete(2), Box(0, 1))), "Tuple((Discrete(2), Box(0.0, 1.0, ())))"),
        (Dict({"b": Discrete(2), "a": Box([0, 1], 2)}), "Dict({'b': Discrete(2), 'a': Box([0.0, 1.0], 2.0, (2,))})"),
    ],
)
def test_repr_is_the_expression_that_makes_the_space(space, text):
    assert repr(space) == text
    assert eval(text) == space


def test_spaces_are_values():
    made = [
        Discrete(3),
        Discrete(3, 1),
        Discrete(3, dtype=jnp.uint8),
        MultiDiscrete([3]),
        Box(0, 1),
        Box(0, 1, (2,)),
        Box(0, 2, (2,)),
    ]
    made += [Box(0, 1, dtype=bool), Tuple(made[:2]), Tuple(made[1::-1]), Dict({"a": made[0]}), Dict({"b": made[0]})]
    again = [pickle.loads(pickle.dumps(space)) for space in made]
    assert made == again
    assert [hash(space) for space in made] == [hash(space) for space in again]
    assert len(set(made)) == len(made)
    assert [copy.deepcopy(space) for space in made] == made
    assert Box(-0.0, 1) == Box(0.0, 1)
    assert hash(Box(-0.0, 1)) == hash(Box(0.0, 1))
    assert Box(0, 1) != "Box(0, 1)"


@pytest.mark.parametrize("name", ["n", "anything"])
def test_a_space_cannot_be_changed(name):
    with pytest.raises(FrozenSpaceError, match=rf"Discrete\(3\) cannot be changed, so {name} stays as it is. Make another space."):
        setattr(Discrete(3), name, 4)
    with pytest.raises(FrozenSpaceError):
        delattr(Discrete(3), name)
    low = np.zeros(2)
    space = Box(low, 1)
    low[0] = 5
    assert space.low.tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        space.low[0] = 1
    with pytest.raises(TypeError):
        Dict({"a": Discrete(2)}).spaces["b"] = Discrete(2)  # type: ignore[index]


def test_making_spaces_starts_no_backend():
    program = (
        "from jax._src import xla_bridge\n"
        "from jaxenv import spaces as s\n"
        "space = s.Dict({'a': s.Tuple((s.Discrete(3), s.MultiDiscrete([2, 3]))), 'b': s.Box(-1, float('inf'), (3,))})\n"
        "s.from_json(s.to_json(space)), hash(space), repr(space), space.batch(2), s.flatten_space(space), s.flatdim(space)\n"
        "assert not xla_bridge._backends, xla_bridge._backends\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_shapes_and_dtypes_of_composite_spaces_have_their_structure():
    space = Dict({"a": Tuple((Discrete(2), Box(0, 1, (3,)))), "b": Box(0, 1, (), bool)})
    assert space.shape == {"a": ((), (3,)), "b": ()}
    assert space.dtype == {"a": (np.int32, np.float32), "b": np.bool_}
    assert list(space) == list(space.keys()) == ["a", "b"]
    assert dict(space.items())["b"] == space["b"]
    assert len(space) == len(space["a"]) == 2
    assert space["a"][1] == list(space["a"])[1] == Box(0, 1, (3,))


# -- contains ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "x", "expected"),
    [
        (Discrete(3), 2, True),
        (Discrete(3), 3, False),
        (Discrete(3), -1, False),
        (Discrete(3), 1.0, False),
        (Discrete(3), np.float32(1), False),
        (Discrete(3), np.uint8(2), True),
        (Discrete(3), [1], False),
        (Discrete(3), None, False),
        (Discrete(3), "a", False),
        (Discrete(3, start=-1), -1, True),
        (Discrete(3), np.int64(2**32 + 1), False),
        (Discrete(2**31 - 1), np.uint32(2**32 - 1), False),
        (Discrete(3, dtype=jnp.uint8), jnp.int32(258), False),
        (MultiDiscrete([2, 3]), [1, 2], True),
        (MultiDiscrete([2, 3]), [2, 2], False),
        (MultiDiscrete([2, 3]), np.zeros((2, 1), int), False),
        (Box(0, 1, (2,)), [0.5, 1.0], True),
        (Box(0, 1, (2,)), [0.5, np.nan], False),
        (Box(-INF, INF, (2,)), [INF, np.nan], False),
        (Box(-INF, INF, (2,)), [INF, -INF], True),
        (Box(0, 1, (2,)), [0, 1], True),
        (Box(0, 1, (2,)), np.array([0, 1]), False),
        (Box(0, 1, (2,)), np.zeros(2, bool), False),
        (Box(0, 1, (2,)), np.zeros(2, np.float16), True),
        (Box(0, 1, (2,)), np.zeros((2, 2), np.float32), False),
        (Box(0, 1, (2,)), [[0.0, 0.0], [0.0]], False),
        (Box(0, 1, (), bool), True, True),
        (Box(0, 1, (), bool), 1, False),
        (Box(0, 0, (), bool), True, False),
        (Box(0, 255, (), jnp.uint8), jnp.int32(-1), False),
        (Box(0, 255, (), jnp.uint8), 255, True),
        (Tuple((Discrete(2), Box(0, 1))), (1, 0.5), True),
        (Tuple((Discrete(2), Box(0, 1))), [1, 0.5], True),
        (Tuple((Discrete(2), Box(0, 1))), (1,), False),
        (Tuple((Discrete(2), Box(0, 1))), 1, False),
        (Tuple(()), (), True),
        (Dict({"a": Discrete(2), "b": Box(0, 1)}), {"b": 0.5, "a": 1}, True),
        (Dict({"a": Discrete(2), "b": Box(0, 1)}), Pair(1, 0.5), True),
        (Dict({"a": Discrete(2), "b": Box(0, 1)}), Pair(2, 0.5), False),
        (Dict({"a": Discrete(2)}), {"a": 1, "b": 0.5}, False),
        (Dict({"a": Discrete(2)}), {"b": 1}, False),
        (Dict({"a": Discrete(2)}), (1,), False),
        (Dict({"place": Box(0, 1, (2,)), "flags": Box(0, 1, (), bool)}), Pose(jnp.zeros(2), jnp.asarray(True)), True),
        (Dict({"place": Box(0, 1, (2,)), "else": Discrete(2)}), Pose(jnp.zeros(2), jnp.asarray(True)), False),
    ],
)
def test_contains(space, x, expected):
    inside = space.contains(x)
    assert isinstance(inside, Array)
    assert (inside.shape, inside.dtype) == ((), np.bool_)
    assert bool(inside) is expected
    assert (x in space) is expected


def test_contains_under_jit_and_vmap():
    space = Dict({"a": Discrete(3), "b": Box(0, 1, (2,))})
    batch = {"a": jnp.array([0, 3, 2]), "b": jnp.array([[0.0, 1.0], [0.0, 0.0], [0.0, jnp.nan]])}
    assert jax.jit(jax.vmap(space.contains))(batch).tolist() == [True, False, False]


# -- cast ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "x"),
    [
        (Discrete(3), 1),
        (Discrete(3), True),
        (Discrete(3), np.int64(1)),
        (Discrete(3), jnp.uint8(1)),
        (Discrete(3), jnp.asarray(True)),
        (Discrete(3), 7),
        (MultiDiscrete([2, 3], jnp.uint8), [1, 2]),
        (Box(0, 1, (2,)), [0, 1]),
        (Box(0, 1, (2,)), np.array([0.0, 0.5])),
        (Box(0, 1, (2,)), np.array([True, False])),
        (Box(0, 1, (2,), jnp.bfloat16), jnp.zeros(2)),
        (Box(0, 1, (2,)), [jnp.float32(1), 0.5]),
        (Box(0, 1, (), bool), True),
        (Tuple((Discrete(2), Box(0, 1))), [1, 0.5]),
        (Dict({"b": Discrete(2), "a": Box(0, 1)}), {"a": 1, "b": 1}),
        (Dict({"a": Discrete(2), "b": Box(0, 1)}), Pair(1, 0)),
    ],
)
def test_cast_gives_the_dtypes_of_the_space_and_no_weak_types(space, x):
    def check(result: Any) -> None:
        assert jax.tree.structure(result) == jax.tree.structure(space.dtype)
        for leaf, dtype in zip(jax.tree.leaves(result), jax.tree.leaves(space.dtype), strict=True):
            assert isinstance(leaf, Array)
            assert leaf.dtype == dtype
            assert not leaf.aval.weak_type

    check(space.cast(x))
    check(jax.jit(lambda: space.cast(x))())


CONVERT = "Convert it with .astype(jnp.int32) if that is what you mean."
STRUCTURE = "Give it the structure of the space."


@pytest.mark.parametrize(
    ("space", "x", "given", "advice"),
    [
        (Discrete(3), 1.5, "the action is float64[]", CONVERT),
        (Discrete(3), jnp.zeros(4, int), "the action is int32[4]", "For a batch of them, use jax.vmap."),
        (Discrete(3), None, "the action is a NoneType", "Pass an array or a number."),
        (Discrete(3), [[1], [1, 2]], "the action is a list", "Pass an array or a number."),
        (Box(0, 1, (2,)), jnp.zeros((2, 1)), "the action is float32[2,1]", "Reshape it, or change the space."),
        (Box(0, 1, (), bool), 1, "the action is int64[]", CONVERT.replace("int32", "bool")),
        (Tuple((Discrete(2),)), (1, 2), "the action is a tuple of 2", STRUCTURE),
        (Dict({"a": Discrete(2)}), {"b": 2}, "the action is a mapping with the keys ['b']", STRUCTURE),
        (Dict({"a": Discrete(2)}), jnp.zeros(3), "the action is an array of shape (3,)", STRUCTURE),
        (Dict({"a": Discrete(2)}), None, "the action is a NoneType", STRUCTURE),
    ],
)
def test_cast_refuses_with_a_sentence(space, x, given, advice):
    with pytest.raises(SpaceMismatchError) as caught:
        space.cast(x, "the action")
    assert str(caught.value) == f"{given}, but a member of {space} was expected. {advice}"
    assert isinstance(caught.value, ValueError)


def test_cast_names_the_part_that_does_not_fit():
    with pytest.raises(SpaceMismatchError) as caught:
        Dict({"a": Tuple((Discrete(2),))}).cast({"a": (0.5,)}, "the action")
    assert str(caught.value) == f"the action['a'][0] is float64[], but a member of Discrete(2) was expected. {CONVERT}"


def test_cast_under_vmap_and_x64(x64):
    space = Dict({"a": Discrete(3), "b": Box(0, 1, (2,))})
    result = jax.vmap(space.cast)({"a": jnp.zeros(4, jnp.uint8), "b": jnp.zeros((4, 2), jnp.float16)})
    assert (result["a"].dtype, result["b"].dtype) == (np.int32, np.float32)
    with x64(True):
        wide = Box(0, 1, (), jnp.float64)
        assert wide.dtype == np.float64
        assert wide.cast(1).dtype == wide.sample(KEY).dtype == np.float64
        assert space.cast({"a": np.int64(1), "b": np.zeros(2)})["b"].dtype == np.float32
        assert space.sample(KEY)["b"].dtype == np.float32
    assert (Box(0, 1, (), jnp.float64).dtype, Discrete(3, dtype=jnp.int64).dtype) == (np.float32, np.int32)


# -- sample --------------------------------------------------------------------------------------------------------


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


def test_wide_integer_boxes_sample_under_x64(x64):
    with x64(True):
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


@pytest.mark.parametrize(
    ("dtypes", "flat"),
    [
        ([jnp.uint8, jnp.int8], np.int16),
        ([jnp.bool_, jnp.uint8], np.uint8),
        ([jnp.float16, jnp.int8], np.float16),
        ([jnp.float16, jnp.int32], np.float32),
        ([jnp.int32, jnp.uint32], np.float32),
        ([jnp.int32, jnp.float32], np.float32),
        ([jnp.bfloat16, jnp.int32], np.float32),
        ([jnp.bfloat16, jnp.bfloat16], jnp.bfloat16),
        ([], np.float32),
    ],
)
def test_flattened_parts_meet_in_a_dtype_that_holds_them_all(dtypes, flat):
    space = Tuple(Box(0, 1, (2,), dtype) for dtype in dtypes)
    assert spaces.flatten_space(space).dtype == flat
    assert space.flatten(space.sample(KEY)).dtype == flat


# -- traced bounds -------------------------------------------------------------------------------------------------


def test_a_box_with_traced_bounds_does_all_that_needs_no_values():
    @jax.jit
    def use(low, high, key):
        space = Box(low, high, (2,))
        outer = Dict({"a": space, "b": Discrete(2)})
        assert (space.shape, spaces.flatdim(outer)) == ((2,), 4)
        x = space.sample(key)
        return (
            x,
            space.contains(x),
            space.contains(x + 10.0),
            space.cast([0, 1]),
            space.batch(3).contains(jnp.stack([x, x, x])),
            outer.flat_space().contains(outer.flatten({"a": x, "b": 1})),
            outer.unflatten(outer.flatten({"a": x, "b": 1}))["a"],
        )

    x, inside, outside, cast, batched, flat, back = use(-1.0, jnp.array([2.0, 3.0]), KEY)
    assert [bool(flag) for flag in (inside, outside, batched, flat)] == [True, False, True, True]
    assert cast.tolist() == [0, 1]
    assert back.tolist() == x.tolist()


def test_a_box_with_traced_bounds_cannot_be_hashed():
    with pytest.raises(jax.errors.TracerArrayConversionError):
        jax.jit(lambda low: hash(Box(low, 1.0, (2,))))(0.0)


def test_integer_boxes_with_traced_bounds_sample_uniformly():
    draw = jax.jit(lambda low, high, keys: jax.vmap(Box(low, high, (), jnp.int32).sample)(keys))
    assert uniform_enough(np.asarray(draw(-2, 4, jax.random.split(KEY, 5000))), -2, 4)


def test_bounds_over_a_batch_of_parameters():
    highs = jnp.array([1.0, 10.0, 100.0])
    inside = jax.vmap(lambda high: Box(0.0, high, (2,)).contains(jnp.array([5.0, 5.0])))(highs)
    assert inside.tolist() == [False, True, True]


# -- the space of a structure --------------------------------------------------------------------------------------


def test_the_space_of_a_structure_follows_it():
    def make():
        pose = Pose(jnp.zeros(2), jnp.zeros((), bool))
        return {"pose": pose, "pair": Pair(jnp.int8(0), (jnp.uint32(0), None)), "key": jax.random.key(0)}

    shapes = jax.eval_shape(make)
    space = spaces.of_structure(shapes)
    assert space["pose"] == Dict({"place": Box(-INF, INF, (2,)), "flags": Box(0, 1, (), bool)})
    assert space["pair"]["a"] == Box(-128, 127, (), jnp.int8)
    assert space["pair"]["b"] == Tuple((Box(0, 2**32 - 1, (), jnp.uint32), Tuple(())))
    assert space["key"] == Box(0, 2**32 - 1, (2,), jnp.uint32)


def test_a_value_belongs_to_the_space_of_its_structure():
    pose, pair = Pose(jnp.zeros(2), jnp.zeros((), bool)), Pair(jnp.int8(0), (jnp.uint32(0), None))
    value = {"pose": pose, "pair": pair, "key": jax.random.key(0)}
    assert value in spaces.of_structure(jax.eval_shape(lambda: value))


def test_a_structure_must_have_names_and_arrays():
    with pytest.raises(
        SpaceDefinitionError,
        match=r"of_structure got a ShapeDtypeStruct, but it needs a dataclass or a mapping. Wrap it in a dict.",
    ):
        spaces.of_structure(jax.ShapeDtypeStruct((), jnp.float32))
    with pytest.raises(
        SpaceDefinitionError,
        match=r"the structure.a is a str, which has no shape and dtype. Use arrays, tuples, dicts and dataclasses.",
    ):
        spaces.of_structure({"a": "b"})


# -- conversion ----------------------------------------------------------------------------------------------------


class Odd(Space):
    """A space of somebody else."""

    sample = contains = cast = batch = flatten = unflatten = flat_space = flat_size = _identity = None  # type: ignore[assignment]


def test_conversions_that_have_no_counterpart_say_so():
    gymnasium_spaces = pytest.importorskip("gymnasium.spaces")
    with pytest.raises(SpaceConversionError, match=r"has no JSON form. Use the spaces of jaxenv.spaces."):
        spaces.to_json(Odd())
    with pytest.raises(SpaceConversionError, match=r"has no counterpart in Gymnasium. Use the spaces of jaxenv.spaces."):
        spaces.to_gymnasium(Odd())
    with pytest.raises(SpaceConversionError, match=r"There is no space of type 'Odd'. Pass what jaxenv.spaces.to_json returned."):
        spaces.from_json({"type": "Odd"})
    with pytest.raises(SpaceConversionError, match=r"does not describe a space. Pass what jaxenv.spaces.to_json returned."):
        spaces.from_json({"n": 3})
    with pytest.raises(SpaceConversionError, match=r"has no counterpart in jaxenv: its members have no fixed shape."):
        spaces.from_gymnasium(gymnasium_spaces.Text(3))


@pytest.mark.parametrize("convert", [spaces.to_gymnasium, spaces.from_gymnasium])
def test_without_gymnasium_the_error_says_what_to_install(monkeypatch, convert):
    monkeypatch.setitem(sys.modules, "gymnasium.spaces", None)
    with pytest.raises(MissingExtraError) as caught:
        convert(Discrete(2))
    assert str(caught.value) == (
        "converting spaces to or from Gymnasium needs gymnasium, which is not installed. Run: pip install 'jaxenv-core[gymnasium]'"
    )
    assert isinstance(caught.value, ImportError)


def test_flattening_the_wrong_structure_is_refused():
    with pytest.raises(SpaceMismatchError, match=r"the value to flatten is a tuple of 1, but"):
        Tuple((Discrete(2), Discrete(2))).flatten((1,))


def test_a_space_can_be_a_field_of_an_environment():
    @dataclasses.dataclass(frozen=True)
    class Holder:
        space: Space

    assert hash(Holder(Box(0, 1))) == hash(Holder(Box(0, 1)))
