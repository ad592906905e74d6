"""Colours: Okabe and Ito's eight, which people with any common colour vision can tell apart, and a few neutrals.

Source: M. Okabe and K. Ito, *Color Universal Design* (2008), https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array

Color: TypeAlias = "tuple[int, int, int] | np.ndarray | Array"
"""Red, green and blue from 0 to 255: a tuple, or an array of shape (3,) that may depend on the state."""

BLACK = (0, 0, 0)
ORANGE = (230, 159, 0)
SKY = (86, 180, 233)
GREEN = (0, 158, 115)
YELLOW = (240, 228, 66)
BLUE = (0, 114, 178)
VERMILION = (213, 94, 0)
PURPLE = (204, 121, 167)

WHITE = (255, 255, 255)
PAPER = (247, 247, 244)
SILVER = (214, 216, 219)
GREY = (140, 144, 150)
INK = (38, 43, 51)


def mix(first: Color, second: Color, amount: Array | float | bool) -> Array:
    """Return the colour on the way from ``first`` (``amount`` 0 or False) to ``second`` (1 or True), float32[3]."""
    a, b = jnp.asarray(first).astype(jnp.float32), jnp.asarray(second).astype(jnp.float32)
    return a + jnp.asarray(amount).astype(jnp.float32) * (b - a)
