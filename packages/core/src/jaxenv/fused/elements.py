"""What the step of one environment is taken apart into: elements, and the operations that make them.

A value is a numpy array of objects, of the unbatched value's shape. Its elements are

* numpy scalars: constants;
* JAX arrays of two axes, ``[steps, environments]``, either of which may have size 1: what is known before the first step because
  it depends on no state, such as random numbers. It is computed at once, by XLA;
* :class:`Later`: what depends on the state. It is not computed but written to a tape, which a kernel plays at every step;
* :class:`Key`: a random key, whose words are elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jax import Array
from jax.core import Tracer

Value = np.ndarray
"""Elements, in the shape of the value that they stand for."""

MOST_ELEMENTS = 4_096
"""Size of an array beyond which a step is left to ``lax.scan``: its elements would be operated on one by one."""


class UnsupportedError(NotImplementedError):
    """A step has something that can't be taken apart; the message names it."""


class Later:
    """An element that depends on the state: the result of an operation on the tape, or an element of the state itself."""


class Key:
    """An element of an array of typed keys: the words of its data."""

    def __init__(self, words: Value) -> None:
        self.words = words


class Table:
    """A value that all environments share, as an array: its elements can be read at places that are found out later."""

    def __init__(self, array: Array) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.array.shape

    def reshape(self, shape: Sequence[int]) -> Table:
        """Return the same elements in another shape."""
        return Table(self.array.reshape(shape))

    @cached_property
    def elements(self) -> Value:
        """The elements: constants if they are known while tracing, else ``[1, 1]`` each."""
        if not isinstance(self.array, Tracer):
            return constant(self.array)
        check_size(self.shape)
        flat = self.array.reshape(-1, 1, 1)
        return box([flat[i] for i in range(flat.shape[0])], self.shape)


class Operation(NamedTuple):
    """What the tape says to do at every step."""

    function: Callable[..., Any]
    """A JAX function of scalars or, for a look-up, of a table's elements and a place."""
    operands: tuple[Any, ...]
    """Elements; for a look-up, a :class:`Table` and the place."""
    result: Later
    """What it is called afterwards."""


def check_size(shape: Sequence[int]) -> None:
    """Refuse what has too many elements."""
    if math.prod(shape) > MOST_ELEMENTS:
        raise UnsupportedError(f"an array of {math.prod(shape):,} elements")


def box(elements: Sequence[Any], shape: Sequence[int]) -> Value:
    """Arrange elements as a value."""
    value = np.empty(len(elements), object)
    for i, element in enumerate(elements):
        value[i] = element
    return value.reshape(shape)


def constant(array: Any) -> Value:
    """Return the value of an array that is known to numpy."""
    check_size(np.shape(array))
    array = np.asarray(array)
    return box([array.dtype.type(element) for element in array.reshape(-1)], array.shape)


def value(operand: Value | Table) -> Value:
    """Return the elements of an operand."""
    return operand.elements if isinstance(operand, Table) else operand
