"""Arrays between bounds."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer

from jaxenv import _canonical
from jaxenv.errors import SpaceDefinitionError
from jaxenv.spaces import _sampling
from jaxenv.spaces.base import Space, canonical_dtype, kind, leaf_cast, leaf_contains


class Box(Space):
    """Arrays of one shape whose elements lie within bounds, both ends included.

    Args:
        low: the smallest values: a number, an array, a traced value, or a sequence of such numbers; ``-inf`` for
            none. A traced bound is taken to be finite.
        high: the largest values, likewise; ``inf`` for none.
        shape: the shape of a member; where left out, the shape that the bounds have together.
        dtype: a float, integer or bool dtype. In an integer Box an infinite bound means the dtype's own limit.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    low: Any
    """The smallest values, a read-only array of ``shape`` and ``dtype``."""
    high: Any
    """The largest values, likewise."""

    def __init__(self, low: Any, high: Any, shape: Any = None, dtype: Any = jnp.float32) -> None:
        dtype = canonical_dtype(dtype, "Box", "bool", "integer", "float")
        low, high = _joined(low, dtype), _joined(high, dtype)
        if shape is None:
            shape = np.broadcast_shapes(np.shape(low), np.shape(high))
        shape = _shape(shape)
        low, high = _bound(low, "low", shape, dtype), _bound(high, "high", shape, dtype)
        if isinstance(low, np.ndarray) and isinstance(high, np.ndarray) and (low > high).any():
            raise SpaceDefinitionError(f"Box got low = {_text(low)} above high = {_text(high)}. Exchange them.")
        if _reaches(low, math.inf) or _reaches(high, -math.inf):
            raise SpaceDefinitionError(
                f"Box got low = {_text(low)} and high = {_text(high)}, between which no number lies. Use low = -inf or high = inf."
            )
        self._set(low=low, high=high, shape=shape, dtype=dtype)

    def sample(self, key: Array) -> Array:
        key = _canonical.key(key)
        match kind(self.dtype):
            case "bool":
                return _sampling.flags(key, self.low, self.high, self.shape)
            case "integer":
                return _sampling.integers(key, self.low, self.high, self.shape, self.dtype)
            case _:
                return _sampling.floats(key, self.low, self.high, self.shape, self.dtype)

    def contains(self, x: Any) -> Array:
        return leaf_contains(x, self.shape, self.dtype, self.low, self.high)

    def cast(self, x: Any, what: str = "the value") -> Array:
        return leaf_cast(x, self.shape, self.dtype, what, self)

    def batch(self, n: int) -> Box:
        shape = (n, *self.shape)
        return Box(_broadcast(self.low, shape), _broadcast(self.high, shape), shape, self.dtype)

    def flatten(self, x: Any) -> Array:
        return jnp.ravel(self.cast(x))

    def unflatten(self, v: Array) -> Array:
        return lax.convert_element_type(jnp.reshape(v, self.shape), self.dtype)

    def flat_space(self) -> Box:
        size = (self.flat_size(),)
        return Box(self.low.reshape(size), self.high.reshape(size), size, self.dtype)

    def flat_size(self) -> int:
        return math.prod(self.shape)

    @property
    def bounded(self) -> Any:
        """Where both bounds are finite, bool of ``shape``."""
        if kind(self.dtype) != "float":
            return np.ones(self.shape, np.bool_)
        return _sampling._finite(self.low) & _sampling._finite(self.high)

    def _identity(self) -> tuple[Any, ...]:
        return self.shape, self.dtype, np.asarray(self.low).tobytes(), np.asarray(self.high).tobytes()

    def __repr__(self) -> str:
        dtype = "" if self.dtype == np.float32 else f", dtype='{self.dtype}'"
        return f"Box({_text(self.low)}, {_text(self.high)}, {self.shape}{dtype})"


def _shape(shape: Any) -> tuple[int, ...]:
    try:
        result = tuple(int(n) for n in shape)
    except TypeError:
        raise SpaceDefinitionError(
            f"Box got the shape {shape!r}, which is not a tuple of integers. Pass one, such as (3,)."
        ) from None
    if any(n < 0 for n in result):
        raise SpaceDefinitionError(f"Box got the shape {result}, in which a size is negative. Pass sizes of at least 0.")
    return result


def _joined(bound: Any, dtype: np.dtype[Any]) -> Any:
    """Stack a sequence of numbers of which some are traced; leave any other bound as it is."""
    if isinstance(bound, list | tuple) and any(isinstance(number, Tracer) for number in bound):
        return jnp.stack([lax.convert_element_type(number, dtype) for number in bound])
    return bound


def _bound(bound: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Return a bound as a read-only numpy array of this shape and dtype, or as a JAX array where it is traced."""
    try:
        fitting = np.broadcast_shapes(np.shape(bound), shape) == shape
    except ValueError:
        fitting = False
    if not fitting:
        raise SpaceDefinitionError(
            f"Box got {name} of shape {np.shape(bound)}, which does not broadcast to the shape {shape}. "
            "Pass a number or an array of that shape."
        )
    if isinstance(bound, Tracer):
        return _broadcast(lax.convert_element_type(bound, dtype), shape)
    values = np.asarray(bound)
    if kind(values.dtype) not in ("bool", "integer", "float"):
        raise SpaceDefinitionError(f"Box got {name} = {bound!r}, which is not a number or an array of numbers. Pass one.")
    return _broadcast(_converted(values, name, dtype), shape)


def _reaches(bound: Any, end: float) -> bool:
    """Whether a known bound is infinite in the direction that leaves nothing."""
    return isinstance(bound, np.ndarray) and kind(bound.dtype) == "float" and bool((bound == end).any())


def _converted(values: Any, name: str, dtype: np.dtype[Any]) -> Any:
    """Return the bound in the space's dtype, if it can be said in it."""
    if np.isnan(values).any():
        raise SpaceDefinitionError(f"Box got {name} = {_text(values)}, in which a value is NaN. Use -inf or inf for no bound.")
    infinite = np.isinf(values)
    if kind(dtype) == "float":
        with np.errstate(over="ignore"):
            result = np.array(values, dtype=dtype) + dtype.type(0)  # -0.0 becomes 0.0: equal values, equal bytes
        unfit = np.isinf(result) & ~infinite
    else:
        least, most = (0, 1) if kind(dtype) == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        unfit = ((values < least) | (values > most) | (values != np.trunc(values))) & ~infinite
        result = np.where(unfit | infinite, 0, values).astype(dtype)
        result[infinite] = np.where(values > 0, most, least)[infinite]
    if np.any(unfit):
        raise SpaceDefinitionError(f"Box got {name} = {_text(values)}, which {dtype} cannot hold. Change the bound or the dtype.")
    return result


def _broadcast(bound: Any, shape: tuple[int, ...]) -> Any:
    """Put new axes in front, or stretch axes of length one."""
    if isinstance(bound, np.ndarray | np.generic):
        return np.broadcast_to(bound, shape)
    return jnp.broadcast_to(bound, shape)


def _text(bound: Any) -> str:
    """Return a bound as text: one number where all are equal."""
    if isinstance(bound, Tracer):
        return "<traced>"
    if not isinstance(bound, np.ndarray):
        return str(bound)
    if bound.size and (bound == bound.flat[0]).all():
        return str(bound.flat[0])
    text = np.array2string(bound, separator=", ", threshold=20, formatter={"all": str})
    return " ".join(text.split())
