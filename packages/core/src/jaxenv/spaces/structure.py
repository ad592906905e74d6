"""The space of everything that has the shapes and dtypes of a given tree."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenv.errors import SpaceDefinitionError
from jaxenv.spaces.base import Space
from jaxenv.spaces.box import Box
from jaxenv.spaces.composite import Dict, Tuple


def of_structure(tree: Any) -> Dict:
    """Make the Dict of everything that has the shapes and dtypes of a tree. Bounds are those of the dtypes.

    Nested dataclasses, NamedTuples and mappings become Dicts, tuples and lists become Tuples. Fields without leaves are left out. A
    typed key counts as the words that it consists of.

    Args:
        tree: a dataclass or mapping of arrays or ``jax.ShapeDtypeStruct``; names of a mapping that are no strings are converted to
            strings.

    Returns:
        The Dict, with the tree's names.

    Raises:
        SpaceDefinitionError: the tree is something else, or has a leaf without shape and dtype.
    """
    space = _space(tree, "the structure")
    if not isinstance(space, Dict):
        raise SpaceDefinitionError(
            f"of_structure got a {type(tree).__name__}, but it needs a dataclass or a mapping. Wrap it in a dict."
        )
    return space


def _space(node: Any, where: str) -> Space:
    if isinstance(node, Mapping):
        return _dict(dict(node), where)
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        return _dict(node._asdict(), where)  # type: ignore[attr-defined]
    if node is None:
        return Tuple(())
    if isinstance(node, tuple | list):
        return Tuple(_space(child, f"{where}[{i}]") for i, child in enumerate(node))
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        fields = (f.name for f in dataclasses.fields(node) if f.metadata.get("pytree_node", True))
        return _dict({name: getattr(node, name) for name in fields}, where)
    if not hasattr(node, "shape") or not hasattr(node, "dtype"):
        raise SpaceDefinitionError(
            f"{where} is a {type(node).__name__}, which has no shape and dtype. Use arrays, tuples, dicts and dataclasses."
        )
    leaf: Any = node
    return _leaf(tuple(leaf.shape), leaf.dtype)


def _dict(fields: Mapping[str, Any], where: str) -> Dict:
    return Dict({str(name): _space(node, f"{where}.{name}") for name, node in fields.items() if jax.tree.leaves(node)})


def _leaf(shape: tuple[int, ...], dtype: Any) -> Box:
    if jnp.issubdtype(dtype, jax.dtypes.prng_key):
        words = jax.eval_shape(jax.random.key_data, jax.ShapeDtypeStruct(shape, dtype))
        shape, dtype = words.shape, words.dtype
    if jnp.issubdtype(dtype, np.bool_):
        return Box(0, 1, shape, dtype)
    return Box(-np.inf, np.inf, shape, dtype)
