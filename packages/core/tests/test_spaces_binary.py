"""MultiBinary: Gymnasium's, and a Box to everything that takes a Box. Dtypes that NumPy or Gymnasium has not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import spaces
from jaxenv.errors import SpaceDefinitionError
from jaxenv.spaces import Box, Discrete, MultiBinary, MultiDiscrete

KEY = jax.random.key(0)


def test_members_are_zeros_and_ones():
    space = MultiBinary(3)
    assert (space.n, space.shape, space.dtype, repr(space)) == (3, (3,), np.int8, "MultiBinary(3)")
    assert space.contains([0, 1, 1])
    assert not space.contains([0, 1, 2])
    assert not space.contains([0, 1])
    assert not space.contains([0.0, 1.0, np.nan])
    assert space.cast(jnp.array([True, False, True])).dtype == jnp.int8


def test_shapes():
    space = MultiBinary((2, 3))
    assert (space.n, space.shape, repr(space), spaces.flatdim(space)) == ((2, 3), (2, 3), "MultiBinary((2, 3))", 6)
    assert MultiBinary((4,)) == MultiBinary(4) == MultiBinary(np.array([4]))
    assert hash(MultiBinary([4])) == hash(MultiBinary(4))
    assert MultiBinary(4) != MultiBinary(5)
    assert MultiBinary(4) != Box(0, 1, (4,), jnp.int8)


def test_samples_are_fair_and_independent():
    many = np.asarray(jax.vmap(MultiBinary(8).sample)(jax.random.split(KEY, 4000)), float)
    assert set(np.unique(many)) == {0.0, 1.0}
    assert np.abs(many.mean(0) - 0.5).max() < 0.04
    assert np.abs(np.corrcoef(many.T) - np.eye(8)).max() < 0.08


def test_it_is_a_box_to_others():
    space = MultiBinary(3)
    assert isinstance(space, Box)
    assert space.batch(2) == Box(0, 1, (2, 3), jnp.int8)
    assert spaces.flatten_space(space) == Box(0, 1, (3,), jnp.int8)
    assert space.bounded.all()


@pytest.mark.parametrize("n", [0, -1, (2, 0), 2.5, "3", True, None, (2, "3")])
def test_what_is_no_size_is_refused(n):
    with pytest.raises(SpaceDefinitionError, match=r"MultiBinary got n = .* Pass an integer of at least 1, or a tuple of them\."):
        MultiBinary(n)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float8_e4m3fn, jnp.float16, jnp.float32])
@pytest.mark.parametrize(("low", "high"), [(-1.5, 2.0), (-np.inf, np.inf)])
def test_floats_that_gymnasium_does_not_know_are_float32_there(dtype, low, high):
    gymnasium_spaces = pytest.importorskip("gymnasium.spaces")
    if dtype == jnp.float8_e4m3fn and np.isinf(high):
        pytest.skip("this dtype has no infinity")
    space = Box(low, high, (2,), dtype)
    theirs = spaces.to_gymnasium(space)
    known = np.dtype(dtype) if dtype in (jnp.float16, jnp.float32) else np.dtype(np.float32)
    assert theirs == gymnasium_spaces.Box(low, high, (2,), known.type)
    assert theirs.contains(np.asarray(space.sample(KEY), known))
    back = spaces.from_gymnasium(theirs)
    assert (back.dtype, np.asarray(back.low, float).tolist()) == (known, np.asarray(space.low, float).tolist())


@pytest.mark.parametrize("make", [lambda d: Discrete(3, dtype=d), lambda d: MultiDiscrete([3, 2], d), lambda d: Box(0, 1, (2,), d)])
@pytest.mark.parametrize("dtype", [jnp.int4, jnp.uint4])
def test_integers_that_numpy_does_not_know_are_refused(make, dtype):
    with pytest.raises(
        SpaceDefinitionError, match=r"the dtype u?int4, which NumPy has no integers of. Choose int8 or a wider one."
    ):
        make(dtype)
