"""How error messages show values."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def short(value: Any) -> str:
    """``repr(value)`` on one line, cut to 60 characters; arrays of JAX, traced or not, by their dtypes and shapes."""
    text = " ".join(repr(_without_arrays(value)).split())
    return text if len(text) <= 60 else text[:57] + "..."


def named(value: Any) -> str:
    """The type of ``value`` and what it is; of an array of JAX, traced or not, its dtype and shape."""
    jax: Any = sys.modules.get("jax")
    return described(value) if jax is not None and isinstance(value, jax.Array) else f"{type(value).__name__} {short(value)}"


class _Text:
    """Something whose ``repr`` is a text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def described(array: Any) -> str:
    """``dtype[shape]``."""
    return f"{array.dtype}[{','.join(map(str, array.shape))}]"


def _without_arrays(value: Any) -> Any:
    """Return ``value`` with a description in place of every array of JAX."""
    jax: Any = sys.modules.get("jax")
    if jax is None:  # then there are none
        return value
    try:
        return jax.tree.map(lambda leaf: _Text(described(leaf)) if isinstance(leaf, jax.Array) else leaf, value)
    except Exception:  # not a tree that can be made of other leaves
        return value


def listed(words: Sequence[str], conjunction: str = "or") -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return f" {conjunction} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
