"""Trees in few buffers: what goes in comes out, on the device and on the host."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.adapters._flat import LARGE, SMALL, Layout

pytestmark = pytest.mark.usefixtures("unoptimized")

FIRST = {
    "small": jnp.asarray([1.5, -0.0, jnp.nan, jnp.inf], jnp.float32),
    "number": jnp.int32(-7),
    "word": jnp.asarray([[1, 2**32 - 1]], jnp.uint32),
    "flags": jnp.asarray([[True, False], [False, True]]),
    "pixels": jnp.arange(6, dtype=jnp.uint8).reshape(1, 2, 3),
    "half": jnp.asarray([0.5], jnp.bfloat16),
    "middle": jnp.arange(SMALL // 4 + 1, dtype=jnp.float32),
    "large": jnp.arange(LARGE // 4, dtype=jnp.int32).reshape(2, -1),
    "none": jnp.zeros((0, 3), jnp.float32),
}
TREE = FIRST, {"more": jnp.arange(3, dtype=jnp.float32), "key": jax.random.key(1)}


def equal(ours, theirs):
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if jnp.issubdtype(theirs.dtype, jax.dtypes.prng_key):
        ours, theirs = jax.random.key_data(ours), jax.random.key_data(theirs)
    assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


def test_what_is_packed_comes_out():
    layout = Layout.of(TREE)
    buffers = jax.jit(layout.pack)(TREE)
    jax.tree.map(equal, jax.jit(layout.unpack)(buffers), TREE)
    for copy in (True, False):
        jax.tree.map(equal, layout.first(buffers, copy), jax.tree.map(np.asarray, FIRST))
    assert jax.tree.structure(layout.shapes()) == jax.tree.structure(TREE)
    # Bits, bool, uint8, bfloat16, what is not small, what is large, the key.
    assert len(buffers) == 7


def test_views_copy_nothing_and_can_not_be_written_to():
    layout = Layout.of(TREE)
    buffers = layout.pack(TREE)
    found = layout.first(buffers, copy=False)
    for leaf in jax.tree.leaves(found):
        assert not leaf.flags.writeable
        assert leaf.size == 0 or leaf.base is not None or leaf.nbytes >= LARGE
    with pytest.raises(ValueError, match="read-only"):
        found["small"][0] = 0
    copied = layout.first(buffers, copy=True)
    for leaf in jax.tree.leaves(copied):
        leaf[...] = 0
    jax.tree.map(equal, layout.first(buffers, copy=False), jax.tree.map(np.asarray, FIRST))


def test_layouts_of_equal_trees_are_equal():
    again = jax.tree.map(lambda leaf: leaf, TREE)
    assert Layout.of(TREE) == Layout.of(again)
    assert hash(Layout.of(TREE)) == hash(Layout.of(jax.eval_shape(lambda: again)))
    assert Layout.of(TREE) != Layout.of(FIRST)
