"""What belongs to a space: ``contains``, ``cast``, bounds that are traced, and the space that a structure has."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array
from jaxenv import spaces
from jaxenv.errors import SpaceDefinitionError, SpaceMismatchError
from jaxenv.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from jaxenv.testing import enable_x64

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


def test_cast_under_vmap_and_x64():
    space = Dict({"a": Discrete(3), "b": Box(0, 1, (2,))})
    result = jax.vmap(space.cast)({"a": jnp.zeros(4, jnp.uint8), "b": jnp.zeros((4, 2), jnp.float16)})
    assert (result["a"].dtype, result["b"].dtype) == (np.int32, np.float32)
    with enable_x64():
        wide = Box(0, 1, (), jnp.float64)
        assert wide.dtype == np.float64
        assert wide.cast(1).dtype == wide.sample(KEY).dtype == np.float64
        assert space.cast({"a": np.int64(1), "b": np.zeros(2)})["b"].dtype == np.float32
        assert space.sample(KEY)["b"].dtype == np.float32
    assert (Box(0, 1, (), jnp.float64).dtype, Discrete(3, dtype=jnp.int64).dtype) == (np.float32, np.int32)


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


def test_names_of_a_mapping_that_are_no_strings_are_written_as_such():
    shapes = jax.eval_shape(lambda: {("goal", "reach"): jnp.zeros(2)})
    assert list(spaces.of_structure(shapes)) == ["('goal', 'reach')"]


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


@pytest.mark.parametrize(
    ("space", "outside", "inside"),
    [
        (Discrete(3), [-2, 0, 2, 7], [0, 0, 2, 2]),
        (Discrete(3, start=-1), [-5, -1, 1, 2], [-1, -1, 1, 1]),
        (MultiDiscrete([3, 4]), [[-1, -9], [5, 1], [2, 3]], [[0, 0], [2, 1], [2, 3]]),
    ],
    ids=str,
)
def test_the_nearest_member_on_either_side(space: Any, outside: Any, inside: Any) -> None:
    found = jax.vmap(space.nearest)(jnp.asarray(outside, space.dtype))
    assert found.tolist() == inside
    assert jax.vmap(space.contains)(found).all()
