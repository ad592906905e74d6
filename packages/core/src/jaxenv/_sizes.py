"""Sizes: integers of any kind, as Python's own."""

from __future__ import annotations

import operator
from typing import Any


def whole(value: Any) -> Any:
    """Return an integer of any kind, NumPy's and JAX's included, as an int; anything else, True and False included, as it is."""
    try:
        return value if str(getattr(value, "dtype", type(value).__name__)) == "bool" else operator.index(value)
    except TypeError:  # JAX's error for a traced number is one, too
        return value


def is_size(value: Any, least: int = 1) -> bool:
    """Whether ``value`` is an int, not a bool, of at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
