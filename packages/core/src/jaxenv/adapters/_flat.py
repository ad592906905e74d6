"""Trees of arrays in few buffers, for calls from Python: each array that goes into or out of a compiled call costs microseconds.

Small leaves of one dtype lie one after another in one buffer. On the host they are views of it: nothing is copied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

LARGE = 1 << 16
"""Bytes from which a leaf is a buffer of its own: then copying it costs more than another array does."""


class Place(NamedTuple):
    """Where a leaf is."""

    buffer: int
    """The number of its buffer."""
    part: slice | None
    """Its elements in the buffer; None if the buffer is the leaf."""
    shape: tuple[int, ...]
    """Its shape."""
    dtype: Any
    """Its dtype."""


@dataclass(frozen=True)
class Layout:
    """Where each leaf of a tree is. Hashable, so that what is compiled for it can be shared."""

    structure: Any
    """The tree without its leaves."""
    places: tuple[Place, ...]
    """Where they are, in order."""

    @classmethod
    def of(cls, tree: Any) -> Layout:
        """Return the layout of a tree of arrays, or of their shapes and dtypes."""
        leaves, structure = jax.tree.flatten(tree)
        shared: dict[Any, tuple[int, int]] = {}
        places: list[Place] = []
        buffers = 0
        for leaf in leaves:
            size = math.prod(leaf.shape)
            is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            if is_key or size * leaf.dtype.itemsize >= LARGE:
                places.append(Place(buffers, None, leaf.shape, leaf.dtype))
                buffers += 1
                continue
            number, start = shared.get(leaf.dtype, (buffers, 0))
            buffers += start == 0 and leaf.dtype not in shared
            shared[leaf.dtype] = number, start + size
            places.append(Place(number, slice(start, start + size), leaf.shape, leaf.dtype))
        return cls(structure, tuple(places))

    def pack(self, tree: Any) -> list[Array]:
        """Return the buffers of a tree."""
        # Without the barrier XLA computes each leaf within the concatenation, element by element.
        leaves = jax.lax.optimization_barrier(jax.tree.leaves(tree))
        parts: dict[int, list[Array]] = {}
        for leaf, place in zip(leaves, self.places, strict=True):
            parts.setdefault(place.buffer, []).append(leaf if place.part is None else leaf.reshape(-1))
        return [found[0] if len(found) == 1 else jnp.concatenate(found) for _, found in sorted(parts.items())]

    def unpack(self, buffers: Sequence[Any]) -> Any:
        """Return the tree in some buffers, of NumPy or of JAX."""
        return jax.tree.unflatten(self.structure, [_leaf(buffers[place.buffer], place) for place in self.places])

    def shapes(self) -> Any:
        """Return the tree of shapes and dtypes."""
        return jax.tree.unflatten(self.structure, [jax.ShapeDtypeStruct(place.shape, place.dtype) for place in self.places])

    def first(self, buffers: Sequence[Any]) -> Any:
        """Return the first part of a tuple as read-only arrays of NumPy."""
        structure = self.structure.children()[0]
        on_host: dict[int, np.ndarray] = {}
        leaves: list[Any] = []
        for place in self.places[: structure.num_leaves]:
            if place.buffer not in on_host:
                on_host[place.buffer] = np.asarray(buffers[place.buffer])
            leaves.append(_leaf(on_host[place.buffer], place))
        return jax.tree.unflatten(structure, leaves)


def _leaf(buffer: Any, place: Place) -> Any:
    return buffer if place.part is None else buffer[place.part].reshape(place.shape)
