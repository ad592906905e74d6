"""Pixels: how a colour is packed into one number, and how much of a pixel a cell of a board covers."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array


def pack(red: Array, green: Array, blue: Array) -> Array:
    """Return colours as one number each, red in the lowest byte, uint32."""
    r, g, b = ((plane + 0.5).astype(jnp.uint32) for plane in (red, green, blue))
    return r | (g << 8) | (b << 16)


def inside(along: np.ndarray, cell: np.ndarray, size: float, inset: float) -> np.ndarray:
    """Return how much of each pixel of a row lies inside its cell, from 0 to 1, float32.

    Args:
        along: where the pixels' middles lie, in cells.
        cell: the cell of each pixel.
        size: how many pixels a cell is wide.
        inset: by how many pixels a cell's sides are moved inwards. If by none, a pixel is inside or not.
    """
    middle = np.abs(along - cell - 0.5) * size
    cover = np.clip(size / 2.0 - inset + 0.5 - middle, 0.0, 1.0) if inset else middle <= size / 2.0 + 1e-4
    return cover.astype(np.float32)
