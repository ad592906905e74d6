"""Arrays between bounds."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv import _canonical
from jaxenv._jax_compat import is_traced
from jaxenv.errors import SpaceDefinitionError
from jaxenv.errors.wording import described, short
from jaxenv.spaces import _sampling
from jaxenv.spaces.base import Space, as_array, canonical_dtype, kind, leaf_cast, leaf_contains


class Box(Space):
    """Arrays of one shape whose elements lie within bounds, both ends included.

    Args:
        low: the smallest values: a number, an array, a traced value, or a sequence of such numbers; ``-inf`` for
            none. Of a sequence, numbers that are not traced are known: an infinite one means no bound. A traced number is
            taken to be finite; if it isn't, samples lie anywhere among the finite numbers.
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
    _known_low: Any
    _known_high: Any

    def __init__(self, low: Any, high: Any, shape: Any = None, dtype: Any = jnp.float32) -> None:
        dtype = canonical_dtype(dtype, "Box", "bool", "integer", "float")
        known_low, known_high = _known(low), _known(high)
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
        self._set(low=low, high=high, shape=shape, dtype=dtype, _known_low=None, _known_high=None)
        self._knowing(known_low, known_high)

    def _knowing(self, low: Any, high: Any) -> Box:
        """Note which numbers of traced bounds are known, as arrays that hold NaN for the others; None knows none."""
        for name, bound, known in (("_known_low", self.low, low), ("_known_high", self.high, high)):
            if is_traced(bound):
                self._set(**{name: np.broadcast_to(np.nan if known is None else known, self.shape)})
        return self

    @property
    def known(self) -> tuple[Any, Any]:
        """Both bounds as far as they are known: float64 arrays, NaN where a number is traced."""
        low = np.asarray(self.low, np.float64) if self._known_low is None else self._known_low
        high = np.asarray(self.high, np.float64) if self._known_high is None else self._known_high
        return low, high

    def astype(self, dtype: Any) -> Box:
        """Return the Box with the same bounds and another dtype.

        Args:
            dtype: the new dtype, of any kind that a Box may have.
        """
        return Box(self.low, self.high, self.shape, dtype)._knowing(*self.known)

    def sample(self, key: Array) -> Array:
        key = _canonical.key(key, "jax.vmap(space.sample)(keys)")
        match kind(self.dtype):
            case "bool":
                return _sampling.flags(key, self.low, self.high, self.shape)
            case "integer":
                return _sampling.integers(key, self.low, self.high, self.shape, self.dtype)
            case _:
                known_low, known_high = self.known
                return _sampling.floats(
                    key, self.low, self.high, ~np.isinf(known_low), ~np.isinf(known_high), self.shape, self.dtype
                )

    def contains(self, x: Any) -> Array:
        return leaf_contains(x, self.shape, self.dtype, self.low, self.high)

    def cast(self, x: Any, what: str = "the value") -> Array:
        return leaf_cast(x, self.shape, self.dtype, what, self)

    def batch(self, n: int) -> Box:
        shape = (n, *self.shape)
        box = Box(_broadcast(self.low, shape), _broadcast(self.high, shape), shape, self.dtype)
        return box._knowing(*(np.broadcast_to(bound, shape) for bound in self.known))

    def fitted(self, x: Any) -> Any:
        if self.flat_size() != 1:
            return x
        array = as_array(x)
        return x if array is None or array.size != 1 or array.shape == self.shape else array.reshape(self.shape)

    def flatten(self, x: Any) -> Array:
        return jnp.ravel(self.cast(x))

    def unflatten(self, v: Array) -> Array:
        return lax.convert_element_type(jnp.reshape(v, self.shape), self.dtype)

    def flat_space(self) -> Box:
        size = (self.flat_size(),)
        box = Box(self.low.reshape(size), self.high.reshape(size), size, self.dtype)
        return box._knowing(*(bound.reshape(size) for bound in self.known))

    def flat_size(self) -> int:
        return math.prod(self.shape)

    @property
    def bounded(self) -> Any:
        """Where both bounds are finite, bool of ``shape``."""
        if kind(self.dtype) != "float":
            return np.ones(self.shape, np.bool_)
        low, high = self.known
        return ~np.isinf(low) & ~np.isinf(high)

    def _identity(self) -> tuple[Any, ...]:
        return self.shape, self.dtype, np.asarray(self.low).tobytes(), np.asarray(self.high).tobytes()

    def __repr__(self) -> str:
        dtype = "" if self.dtype == np.float32 else f", dtype='{self.dtype}'"
        low, high = (
            _text(b) if k is None else _partly(b, k)
            for b, k in zip((self.low, self.high), (self._known_low, self._known_high), strict=True)
        )
        return f"Box({low}, {high}, {self.shape}{dtype})"


def _shape(shape: Any) -> tuple[int, ...]:
    try:
        result = tuple(int(n) for n in shape)
    except TypeError:
        raise SpaceDefinitionError(
            f"Box got the shape {short(shape)}, which is not a tuple of integers. Pass one, such as (3,)."
        ) from None
    if any(n < 0 for n in result):
        raise SpaceDefinitionError(f"Box got the shape {result}, in which a size is negative. Pass sizes of at least 0.")
    return result


def _known(bound: Any) -> Any:
    """Return what is known of a sequence of which some numbers are traced: NaN for those; None for any other bound."""
    if isinstance(bound, list | tuple) and any(is_traced(number) for number in bound):
        return np.asarray([np.nan if is_traced(number) else float(number) for number in bound])
    return None


def _partly(bound: Any, known: Any) -> str:
    """Return a traced bound as text: the numbers that are known, and for the others their dtype."""
    if np.isnan(known).all():
        return described(bound)

    def number(x: Any) -> str:
        return str(bound.dtype) if np.isnan(x) else str(x)

    return " ".join(np.array2string(known, separator=", ", threshold=20, formatter={"all": number}).split())


def _joined(bound: Any, dtype: np.dtype[Any]) -> Any:
    """Stack a sequence of numbers of which some are traced; leave any other bound as it is."""
    if isinstance(bound, list | tuple) and any(is_traced(number) for number in bound):
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
    if is_traced(bound):
        return _broadcast(lax.convert_element_type(bound, dtype), shape)
    values = np.asarray(bound)
    if kind(values.dtype) not in ("bool", "integer", "float"):
        raise SpaceDefinitionError(f"Box got {name} = {short(bound)}, which is not a number or an array of numbers. Pass one.")
    return _broadcast(_converted(values, name, dtype), shape)


def _reaches(bound: Any, end: float) -> bool:
    """Whether a known bound is infinite in the direction that leaves nothing."""
    return isinstance(bound, np.ndarray) and kind(bound.dtype) == "float" and bool((bound == end).any())


def _converted(values: Any, name: str, dtype: np.dtype[Any]) -> Any:
    """Return the bound in the space's dtype, if the dtype can hold it."""
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
    if is_traced(bound):
        return described(bound)
    if not isinstance(bound, np.ndarray):
        return str(bound)
    if bound.size and (bound == bound.flat[0]).all():
        return str(bound.flat[0])
    text = np.array2string(bound, separator=", ", threshold=20, formatter={"all": str})
    return " ".join(text.split())
