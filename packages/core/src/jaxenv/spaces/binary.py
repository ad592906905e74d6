"""Arrays of zeros and ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import jax.numpy as jnp
import numpy as np

from jaxenv.errors import SpaceDefinitionError
from jaxenv.spaces.box import Box


class MultiBinary(Box):
    """An array of zeros and ones, int8 as Gymnasium's: a Box from 0 to 1, which serves wherever a Box does.

    Args:
        n: how many there are, at least 1; or the shape of an array of them.
    """

    def __init__(self, n: int | Sequence[int]) -> None:
        given: Any = n
        sizes = list(cast("Sequence[Any]", given)) if isinstance(given, Sequence | np.ndarray) else [given]
        if not all(isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 1 for size in sizes):
            raise SpaceDefinitionError(
                f"MultiBinary got n = {n!r}, but a number of zeros and ones, or a shape, was expected. "
                "Pass an integer of at least 1, or a tuple of them."
            )
        super().__init__(0, 1, sizes, jnp.int8)

    @property
    def n(self) -> int | tuple[int, ...]:
        """How many there are, or the shape where that has several axes, as Gymnasium says it."""
        return self.shape[0] if len(self.shape) == 1 else self.shape

    def _identity(self) -> tuple[Any, ...]:
        return (self.shape,)

    def __repr__(self) -> str:
        return f"MultiBinary({self.n})"
