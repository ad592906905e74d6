"""How elements of a kernel travel to memory and back: each in an array of its own, or many together.

An array of its own can be a result as it is, which costs a short step least. But every access to memory costs a kernel's compiler
time: Triton takes as long as the number of accesses times the square of that of operations. So the elements of a long step are
packed into 32-bit words, flags into single bits of one, and words into *parcels* of up to four, which a thread of a GPU reads or
writes at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv.fused.lanes import UnsupportedError

BITS = 32
"""Bits of a word."""

MOST_WORDS = 4
"""Words that a thread reads or writes at once: 128 bits."""


class Loose:
    """Elements that have an array each.

    Args:
        dtypes: one for each element.
    """

    def __init__(self, dtypes: Sequence[Any]) -> None:
        self.dtypes = [np.dtype(dtype) for dtype in dtypes]
        self.sizes = [1] * len(dtypes)
        """Words, or here elements, that are read or written at once."""

    def pack(self, elements: Sequence[Any]) -> list[list[Any]]:
        """Return what is read or written at once: the words of each parcel, uint32, or here each element alone."""
        return [[element] for element in elements]

    def unpack(self, parcels: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the elements that were packed."""
        return [element for (element,) in parcels]

    def arrays(self, elements: Sequence[Array]) -> list[Array]:
        """Return the arrays that hold elements, ``[count]`` each, one array for each parcel."""
        return [stack(parcel) for parcel in self.pack(elements)]

    def shapes(self, count: int) -> list[jax.ShapeDtypeStruct]:
        """Return the shapes of the arrays that a kernel writes ``count`` of each element to."""
        return [jax.ShapeDtypeStruct((count,), dtype) for dtype in self.dtypes]

    def spots(self, refs: Sequence[Any], place: Array, count: int) -> list[tuple[Any, Array]]:
        """Return in which of a kernel's arrays each parcel is written and where, for elements whose place of ``count`` it is."""
        return [(ref, place) for ref in refs]

    def elements(self, arrays: Sequence[Array], count: int) -> list[Array]:
        """Return the elements that a kernel has written, ``[count]`` each."""
        return list(arrays)


class Parcels(Loose):
    """Elements in parcels. A kernel writes all to one array: the first parcels of all places, then the second ones, and so on."""

    def __init__(self, dtypes: Sequence[Any]) -> None:
        super().__init__(dtypes)
        widths = [1 if dtype == np.bool_ else 8 * dtype.itemsize for dtype in self.dtypes]
        if any(width > 2 * BITS for width in widths):
            raise UnsupportedError(f"elements of {max(widths)} bits")
        self._bits = [0] * len(widths)
        end = 0
        # The widest come first, and each width is a multiple of the next: so none lies astride two words.
        for i in sorted(range(len(widths)), key=lambda i: -widths[i]):
            self._bits[i], end = end, end + widths[i]
        words = -(-end // BITS)
        # Where three words are left, an empty one makes four.
        self.sizes = [MOST_WORDS] * ((words + 1) // MOST_WORDS) + [words % MOST_WORDS] * (words % MOST_WORDS in (1, 2))

    def pack(self, elements: Sequence[Any]) -> list[list[Any]]:
        words: list[Any] = [None] * sum(self.sizes)
        for element, dtype, place in zip(elements, self.dtypes, self._bits, strict=True):
            for i, bits in enumerate(_to_words(element, dtype), place // BITS):
                bits = bits << np.uint32(place % BITS) if place % BITS else bits
                words[i] = bits if words[i] is None else words[i] | bits
        return self._parted([jnp.zeros_like(words[0]) if word is None else word for word in words])

    def unpack(self, parcels: Sequence[Sequence[Any]]) -> list[Any]:
        words = list(itertools.chain.from_iterable(parcels))
        elements: list[Any] = []
        for dtype, place in zip(self.dtypes, self._bits, strict=True):
            first, *others = words[place // BITS : place // BITS + 2]
            first = first >> np.uint32(place % BITS) if place % BITS else first
            elements.append(_from_words([first, *others], dtype))
        return elements

    def shapes(self, count: int) -> list[jax.ShapeDtypeStruct]:
        return [jax.ShapeDtypeStruct((count * sum(self.sizes),), jnp.uint32)] if self.sizes else []

    def spots(self, refs: Sequence[Any], place: Array, count: int) -> list[tuple[Any, Array]]:
        starts = itertools.accumulate(self.sizes, initial=0)
        return [(refs[0], spread(place, size) + np.int32(start * count)) for size, start in zip(self.sizes, starts, strict=False)]

    def elements(self, arrays: Sequence[Array], count: int) -> list[Array]:
        parcels: list[list[Array]] = []
        for size, end in zip(self.sizes, itertools.accumulate(self.sizes), strict=True):
            words = arrays[0][(end - size) * count : end * count].reshape(count, size)
            parcels.append([words[:, i] for i in range(size)])
        return self.unpack(parcels)

    def _parted(self, words: Sequence[Any]) -> list[list[Any]]:
        every = iter(words)
        return [list(itertools.islice(every, size)) for size in self.sizes]


def stack(words: Sequence[Array]) -> Array:
    """Return an array of parcels of one kind, ``[n * size]``, from their words, ``[n]`` each."""
    return words[0] if len(words) == 1 else jnp.stack(words, -1).reshape(-1)


def spread(place: Array, size: int) -> Array:
    """Return where in such an array the words of parcels lie: ``[n]`` for parcels of one word, else ``[n, size]``."""
    if size == 1:
        return place
    first = lax.broadcast_in_dim(place * np.int32(size), (len(place), size), (0,))
    return first + lax.broadcast_in_dim(jnp.arange(size, dtype=place.dtype), first.shape, (1,))


def join(words: Sequence[Array]) -> Array:
    """Return parcels, ``[n]`` or ``[n, size]``, from their words, in a kernel."""
    if len(words) == 1:
        return words[0]
    # Triton joins two tensors along a new last axis: the first and third word, the second and fourth, and then both.
    halves = [join(words[half::2]) for half in (0, 1)]
    return lax.concatenate([lax.expand_dims(half, [half.ndim]) for half in halves], halves[0].ndim).reshape(-1, len(words))


def part(parcel: Array) -> list[Array]:
    """Return the words of parcels, in a kernel."""
    if parcel.ndim == 1:
        return [parcel]
    half = parcel.shape[1] // 2
    parts = lax.split(parcel.reshape(-1, half, 2), (1, 1), 2)
    words = [part(x.reshape(-1, half) if half > 1 else x.reshape(-1)) for x in parts]
    return list(itertools.chain.from_iterable(zip(*words, strict=True)))


def _to_words(element: Any, dtype: np.dtype[Any]) -> list[Any]:
    """Return an element's bits: one uint32, or two."""
    if dtype == np.bool_:
        return [lax.convert_element_type(element, jnp.uint32)]
    bits = lax.bitcast_convert_type(element, np.dtype(f"uint{8 * dtype.itemsize}"))
    if dtype.itemsize == 8:
        return [lax.convert_element_type(bits >> np.uint64(shift), jnp.uint32) for shift in (0, BITS)]
    return [bits if dtype.itemsize == 4 else lax.convert_element_type(bits, jnp.uint32)]


def _from_words(words: Sequence[Any], dtype: np.dtype[Any]) -> Any:
    """Return the element whose bits are the lowest ones of a word, or of two."""
    if dtype == np.bool_:
        return (words[0] & np.uint32(1)) != np.uint32(0)
    bits = words[0]
    if dtype.itemsize == 8:
        low, high = (lax.convert_element_type(word, jnp.uint64) for word in words)
        bits = low | (high << np.uint64(BITS))
    elif dtype.itemsize < 4:
        bits = lax.convert_element_type(bits, np.dtype(f"uint{8 * dtype.itemsize}"))
    return lax.bitcast_convert_type(bits, dtype)
