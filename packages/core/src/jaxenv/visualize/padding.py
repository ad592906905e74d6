"""Margins around arrays."""

from __future__ import annotations

from typing import Any

import numpy as np


def pad(array: Any, *margins: tuple[int, int], value: int | None = 0) -> np.ndarray:
    """Return ``array`` with ``(before, after)`` elements added on each axis: of ``value``, or copies of its edge for None."""
    widths: Any = margins  # NumPy's stubs take a sequence of pairs for something else
    return np.pad(array, widths, mode="edge") if value is None else np.pad(array, widths, constant_values=value)
