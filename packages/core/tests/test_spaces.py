"""Spaces one by one: how they are made, what they say, and that they are values."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.errors import FrozenSpaceError, JaxenvError, SpaceDefinitionError
from jaxenv.spaces import Box, Dict, Discrete, MultiDiscrete, Space, Tuple


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
        (
            lambda: Box(np.inf, np.inf),
            "Box got low = inf and high = inf, between which no number lies. Use low = -inf or high = inf.",
        ),
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


def test_a_space_can_be_a_field_of_an_environment():
    @dataclasses.dataclass(frozen=True)
    class Holder:
        space: Space

    assert hash(Holder(Box(0, 1))) == hash(Holder(Box(0, 1)))
