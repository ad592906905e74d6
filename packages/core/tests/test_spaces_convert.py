"""Spaces and members in other forms: flat, as JSON, as Gymnasium has them."""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import spaces
from jaxenv.errors import MissingExtraError, SpaceConversionError, SpaceMismatchError
from jaxenv.spaces import Box, Discrete, Space, Tuple

KEY = jax.random.key(0)


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


def test_flattening_the_wrong_structure_is_refused():
    with pytest.raises(SpaceMismatchError, match=r"the value to flatten is a tuple of 1, but"):
        Tuple((Discrete(2), Discrete(2))).flatten((1,))


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
