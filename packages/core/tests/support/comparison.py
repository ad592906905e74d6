"""What it means that two programs give the same."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def assert_alike(given: Any, expected: Any, *, rtol: float, atol: float) -> None:
    """Compare two trees: structure, shapes and dtypes equal, floats within tolerances, everything else equal."""
    assert jax.tree.structure(given) == jax.tree.structure(expected)

    def compare(a: Any, b: Any) -> None:
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if jnp.issubdtype(a.dtype, jnp.floating):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
        else:
            np.testing.assert_array_equal(a, b)

    jax.tree.map(compare, given, expected)
