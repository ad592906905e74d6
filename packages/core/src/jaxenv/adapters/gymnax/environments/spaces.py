"""jaxenv's spaces under gymnax's names, with constructors that take what gymnax's take."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import spaces
from jaxenv._jax_compat import is_traced
from jaxenv.errors import SpaceDefinitionError
from jaxenv.errors.formatting import short
from jaxenv.spaces.base import kind


class Space(abc.ABC):  # noqa: B024 - users derive from it, and jaxenv's spaces are instances too
    """A set of values."""

    def sample(self, key: Array) -> Any:
        """Draw a member."""
        raise NotImplementedError(f"{type(self).__name__} must define sample(key)")

    def contains(self, x: Any) -> Any:
        """Return whether ``x`` is a member."""
        raise NotImplementedError(f"{type(self).__name__} must define contains(x)")


Space.register(spaces.Space)


class Discrete(spaces.Discrete):
    """One of the integers from 0 to ``num_categories - 1``.

    Args:
        num_categories: how many there are, at least 1.
        dtype: int32, or int64 where x64 is on.
    """

    def __init__(self, num_categories: Any, *, dtype: Any = jnp.int32) -> None:
        whole = int(num_categories) if np.ndim(num_categories) == 0 and not is_traced(num_categories) else num_categories
        super().__init__(whole, dtype=_choice_dtype(dtype))

    def contains(self, x: Any) -> Array:
        return super().contains(jnp.asarray(x, self.dtype))

    def __repr__(self) -> str:
        return f"Discrete({self.n}, dtype={self.dtype.name})"


class Box(spaces.Box):
    """Arrays between bounds.

    Args:
        low: the smallest values: a number, or an array of any shape. One of another size than ``shape`` that does not broadcast
            to it counts as its smallest value, and what the dtype can't hold as the dtype's own limit.
        high: the largest values, likewise.
        shape: the shape of a member.
        dtype: its dtype.
    """

    def __init__(self, low: Any, high: Any, shape: Any = None, dtype: Any = jnp.float32) -> None:
        if shape is not None:
            shape = tuple(int(n) for n in np.atleast_1d(shape)) if np.size(shape) else ()
            low, high = _shaped(low, shape, np.min), _shaped(high, shape, np.max)
        super().__init__(_held(low, dtype), _held(high, dtype), shape, dtype)

    def contains(self, x: Any) -> Array:
        return super().contains(jnp.asarray(x).astype(self.dtype))

    def __repr__(self) -> str:
        return f"Box(low={_text(self.low)}, high={_text(self.high)}, shape={self.shape}, dtype={self.dtype.name})"


class Dict(spaces.Dict):
    """A dict with one member of each of ``spaces``.

    Args:
        spaces: the spaces by name.
    """

    def __init__(self, spaces: Mapping[str, Any]) -> None:
        super().__init__({name: adapted(space) for name, space in spaces.items()})

    @property
    def num_spaces(self) -> int:
        """How many spaces there are."""
        return len(self.spaces)

    def contains(self, x: Any) -> Array:
        """Return whether ``x`` is a member; ``x`` may be a dataclass, such as a state."""
        if dataclasses.is_dataclass(x):
            x = {name: getattr(x, name) for name in self.spaces}
        return super().contains(x)

    def __repr__(self) -> str:
        return f"Dict({dict(self.spaces)!r})"


class Tuple(spaces.Tuple):
    """A tuple with one member of each of ``spaces``.

    Args:
        spaces: the spaces in order.
    """

    def __init__(self, spaces: Iterable[Any]) -> None:
        super().__init__(adapted(space) for space in spaces)

    @property
    def num_spaces(self) -> int:
        """How many spaces there are."""
        return len(self.spaces)

    def __repr__(self) -> str:
        return f"Tuple({self.spaces!r})"


def adapted(space: Any) -> Any:
    """Return one of jaxenv's spaces as an instance of the class above that has its name."""
    match space:
        case Discrete() | Box() | Dict() | Tuple():
            return space
        case spaces.Dict():
            return Dict(OrderedDict(space.items()))
        case spaces.Tuple():
            return Tuple(space)
        case spaces.Discrete():
            return _of_class(Discrete, space)
        case spaces.Box():
            return _of_class(Box, space)
        case _:
            return space


def gymnax_space_to_gym_space(space: Any) -> Any:
    """Return the Gymnasium space with the same members."""
    return spaces.to_gymnasium(space)


def _of_class(cls: Any, space: spaces.Space) -> Any:
    """Return a space with everything that ``space`` has, bounds that are traced included."""
    copied = object.__new__(cls)
    copied._set(**vars(space))
    return copied


def _choice_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        given = np.dtype(dtype)
    except TypeError:
        given = np.dtype(object)
    if given not in (np.dtype(np.int32), np.dtype(np.int64)):
        raise SpaceDefinitionError(f"Discrete got the dtype {short(dtype)}, but it must be int32 or int64. Pass one of them.")
    if given == np.int64 and jax.dtypes.canonicalize_dtype(np.int64) != np.int64:
        raise SpaceDefinitionError("Discrete got the dtype int64, which requires JAX x64 mode. Set jax_enable_x64, or pass int32.")
    return given


def _shaped(bound: Any, shape: tuple[int, ...], extreme: Any) -> Any:
    """Return a bound in a shape that broadcasts to ``shape``: reshaped if the sizes agree, else its extreme value."""
    given = np.shape(bound)
    if math.prod(given) == math.prod(shape):
        return jnp.reshape(bound, shape) if is_traced(bound) else np.reshape(bound, shape)
    try:
        fits = np.broadcast_shapes(given, shape) == shape
    except ValueError:
        fits = False
    if fits or is_traced(bound):
        return bound
    return extreme(np.asarray(bound))


def _held(bound: Any, dtype: Any) -> Any:
    """Return a bound of an integer or bool space as its dtype can hold it."""
    if is_traced(bound) or isinstance(bound, list | tuple) or kind(np.dtype(dtype)) == "float":
        return bound
    least, most = (0, 1) if kind(np.dtype(dtype)) == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = np.asarray(bound)
    if values.dtype.kind != "f":
        return np.clip(values, least, most)
    values = np.trunc(values.astype(np.float64))
    return np.where(values <= least, -np.inf, np.where(values >= most, np.inf, values))


def _text(bound: Any) -> str:
    """Return a bound as text: one number where all are equal."""
    if is_traced(bound):
        return f"{bound.dtype}{list(bound.shape)}"
    values = np.asarray(bound)
    if values.size and (values == values.flat[0]).all():
        return repr(values.flat[0].item())
    return np.array2string(values, threshold=6)
