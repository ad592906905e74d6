"""Trees of arrays in few buffers, for calls from Python: each array that goes into or out of a compiled call costs a microsecond.

Leaves of one dtype lie one after another in one buffer, small ones of all dtypes of 32 bits in another. On the host they are views
of it, or of one copy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

SMALL = 1 << 12
"""Bytes up to which leaves of different dtypes share a buffer, as their bits. On a CPU, 256 CartPoles are a third faster for it,
2,048 of them slower."""
LARGE = 1 << 16
"""Bytes from which a leaf is a buffer of its own: then copying it costs more than another array does."""


class Place(NamedTuple):
    """Where a leaf is."""

    buffer: int
    """The number of its buffer."""
    part: tuple[int, int] | None
    """Its first element in the buffer, and the one after its last; None if the buffer is the leaf."""
    shape: tuple[int, ...]
    """Its shape."""
    dtype: Any
    """Its dtype."""
    as_bits: bool
    """Whether the buffer holds its bits as uint32."""


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
        numbers: dict[Any, int] = {}
        lengths: dict[Any, int] = {}
        places: list[Place] = []
        for index, leaf in enumerate(leaves):
            size, is_key = math.prod(leaf.shape), jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            if is_key or size * leaf.dtype.itemsize >= LARGE:
                number = numbers.setdefault(index, len(numbers))
                places.append(Place(number, None, leaf.shape, leaf.dtype, as_bits=False))
                continue
            as_bits = leaf.dtype.kind in "iuf" and leaf.dtype.itemsize == 4 and 4 * size <= SMALL
            shared = "bits" if as_bits else leaf.dtype
            number, start = numbers.setdefault(shared, len(numbers)), lengths.get(shared, 0)
            lengths[shared] = start + size
            places.append(Place(number, (start, start + size), leaf.shape, leaf.dtype, as_bits))
        return cls(structure, tuple(places))

    def shapes(self) -> Any:
        """Return the tree of shapes and dtypes."""
        return jax.tree.unflatten(self.structure, [jax.ShapeDtypeStruct(place.shape, place.dtype) for place in self.places])

    def pack(self, tree: Any) -> list[Array]:
        """Return the buffers of a tree."""
        parts: dict[int, list[Array]] = {}
        flat = [_packed(leaf, place) for leaf, place in zip(jax.tree.leaves(tree), self.places, strict=True)]
        # Without the barrier XLA computes each leaf within the concatenation, element by element.
        for leaf, place in zip(jax.lax.optimization_barrier(flat), self.places, strict=True):
            parts.setdefault(place.buffer, []).append(leaf)
        return [found[0] if len(found) == 1 else jnp.concatenate(found) for _, found in sorted(parts.items())]

    def unpack(self, buffers: Sequence[Array]) -> Any:
        """Return the tree in some buffers."""
        return jax.tree.unflatten(self.structure, [_unpacked(buffers[place.buffer], place) for place in self.places])

    def first(self, buffers: Sequence[Array], copy: bool) -> Any:
        """Return the first part of a tuple as arrays of NumPy: writable copies, or read-only views of the buffers."""
        structure, places, ends = self._first
        on_host: dict[int, Any] = {}
        for number, end in ends.items():
            view = np.asarray(buffers[number])
            on_host[number] = view[:end].copy() if copy else view  # a leaf of its own has no end
        leaves: list[Any] = []
        for number, part, shape, dtype, as_bits in places:
            leaf: Any = on_host[number] if part is None else on_host[number][part[0] : part[1]]
            leaf = leaf.view(dtype) if as_bits else leaf
            leaves.append(leaf if len(shape) == 1 else leaf.reshape(shape))
        return structure.unflatten(leaves)

    @cached_property
    def _first(self) -> tuple[Any, tuple[Place, ...], dict[int, int | None]]:
        """The structure, the places and the ends in the buffers of the first part of a tuple, which each buffer begins with."""
        structure = self.structure.children()[0]
        places = self.places[: structure.num_leaves]
        return structure, places, {place.buffer: place.part and place.part[1] for place in places}


def _packed(leaf: Array, place: Place) -> Array:
    if place.part is None:
        return leaf
    return (jax.lax.bitcast_convert_type(leaf, jnp.uint32) if place.as_bits else leaf).reshape(-1)


def _unpacked(buffer: Array, place: Place) -> Array:
    if place.part is None:
        return buffer
    leaf = buffer[place.part[0] : place.part[1]].reshape(place.shape)
    return jax.lax.bitcast_convert_type(leaf, place.dtype) if place.as_bits else leaf
