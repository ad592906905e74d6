"""Trees of arrays on the host: describing them, comparing them, taking one environment out of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

RELATIVE, ABSOLUTE = 1e-4, 1e-5
"""How far floats may differ that two compilations of one computation give."""


def is_key(leaf: Any) -> bool:
    """Whether ``leaf`` is an array of typed random keys."""
    return isinstance(leaf, Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def named_leaves(tree: Any, name: str) -> dict[str, Any]:
    """Return the leaves by their paths: ``state.position``, ``info['discount']``, ..."""
    return {f"{name}{jax.tree_util.keystr(path)}": leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}


def describe(leaf: Any) -> str:
    """Return a leaf's type as JAX writes it: ``float32[3]``, with ``weak`` in front of a weak one."""
    weak = "weak " if getattr(leaf, "weak_type", False) else ""
    return f"{weak}{leaf.dtype}[{','.join(map(str, leaf.shape))}]"


def type_difference(a: Any, b: Any, name: str) -> str | None:
    """Return the first difference between the types of two trees as ``"<leaf> is <type> ... <type>"``, or None."""
    left, right = named_leaves(a, name), named_leaves(b, name)
    for path in left.keys() ^ right.keys():
        return f"{path} is {'absent' if path not in left else 'present'} and then {'present' if path not in left else 'absent'}"
    if jax.tree.structure(a) != jax.tree.structure(b):
        return f"{name} is a {jax.tree.structure(a)} and then a {jax.tree.structure(b)}"
    for path, leaf in left.items():
        if describe(leaf) != describe(right[path]):
            return f"{path} is {describe(leaf)} and then {describe(right[path])}"
    return None


def to_host(tree: Any) -> Any:
    """Bring every leaf to the host as a NumPy array; random keys become their data."""
    return jax.tree.map(lambda leaf: np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf), tree)


def fetch(tree: Any) -> Any:
    """Bring every leaf to the host, but leave random keys what they are, so that the tree can be passed on."""
    return jax.tree.map(lambda leaf: leaf if is_key(leaf) else np.asarray(leaf), tree)


def value_difference(a: Any, b: Any, name: str) -> str | None:
    """Return the first difference between two trees of equal structure as ``"<leaf> is <a> and <b>"``, or None.

    Floats may differ as much as two compilations of one computation do; everything else must be equal.
    """
    others = jax.tree.leaves(to_host(b))
    for (path, left), right in zip(named_leaves(to_host(a), name).items(), others, strict=True):
        if left.shape != right.shape or not _close(left, right):
            return f"{path} is {_short(left)} and {_short(right)}"
    return None


def _close(a: Any, b: Any) -> bool:
    if np.issubdtype(a.dtype, np.floating):
        return np.allclose(a, b, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    return np.array_equal(a, b)


def _short(value: Any) -> str:
    text = np.array2string(value, threshold=6, precision=6).replace("\n", "")
    return text if len(text) <= 60 else text[:57] + "..."


def same(a: Any, b: Any) -> Array:
    """Return whether two trees of equal structure hold the same values, bool[]; for use under ``jit``."""

    def leaf(left: Any, right: Any) -> Array:
        if is_key(left):
            left, right = jax.random.key_data(left), jax.random.key_data(right)
        if jnp.issubdtype(left.dtype, jnp.floating):
            return jnp.isclose(left, right, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True).all()
        return (left == right).all()

    return _all(jax.tree.leaves(jax.tree.map(leaf, a, b)))


def without_nan(tree: Any) -> Array:
    """Return whether no float of the tree is NaN, bool[]; for use under ``jit``."""
    floats = [leaf for leaf in jax.tree.leaves(tree) if not is_key(leaf) and jnp.issubdtype(leaf.dtype, jnp.floating)]
    return _all([~jnp.isnan(leaf).any() for leaf in floats])


def _all(flags: list[Array]) -> Array:
    return jnp.stack(flags).all() if flags else jnp.bool_(True)


def take(tree: Any, *index: int) -> Any:
    """Return one element of every leaf of a batch."""
    return jax.tree.map(lambda leaf: leaf[index] if is_key(leaf) else np.asarray(leaf[index]), tree)


def map_named(function: Callable[[str, Any], Any], tree: Any) -> Any:
    """Map ``function(name of the field or key, leaf)`` over the leaves; the name is the last part of the path."""

    def leaf(path: tuple[Any, ...], value: Any) -> Any:
        last = path[-1] if path else ""
        return function(str(getattr(last, "name", getattr(last, "key", last))), value)

    return jax.tree_util.tree_map_with_path(leaf, tree)
