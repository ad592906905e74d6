"""The range of a number, stated once: in the field's metadata.

    masspole: Array | float = ranges.number(0.1, above=0)

``make``, ``Environment.replace``, ``reset`` and the constructors of environments and wrappers refuse a known value outside of it,
``jaxenv show`` prints it, and :func:`jaxenv.checks` looks for it in values that are computed.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, cast

import jax.numpy as jnp
import numpy as np

from jaxenv._jax_compat import is_traced
from jaxenv.errors import RangeError

_KEY = "range"
_LARGEST_INTEGER = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Range:
    """Bounds of a number; None means none."""

    at_least: float | None = None
    """The smallest value."""
    at_most: float | None = None
    """The largest value."""
    above: float | None = None
    """What every value is larger than."""
    below: float | None = None
    """What every value is smaller than."""
    infinite: bool = False
    """Whether infinities are values too."""

    def __str__(self) -> str:
        words = [("at least", self.at_least), ("above", self.above), ("at most", self.at_most), ("below", self.below)]
        if self.at_least is not None and self.at_most is not None:
            return f"in [{self.at_least:g}, {self.at_most:g}]"
        return " and ".join(f"{word} {bound:g}" for word, bound in words if bound is not None)

    @property
    def in_words(self) -> str:
        """A number of the range in words: ``a number of at least 1``."""
        text = str(self)
        return f"a number {'of ' * text.startswith('at ')}{text}".rstrip()

    def holds(self, x: Any, largest: float) -> Any:
        """Return which elements of an array are inside of the range; NaN never is.

        Args:
            x: an array of NumPy or of JAX.
            largest: the largest magnitude that counts as finite.
        """
        size = abs(x)
        inside = size <= largest
        if self.infinite and x.dtype.kind not in "iu":
            inside = inside | (size == math.inf)
        if self.at_least is not None:
            inside = inside & (x >= self.at_least)
        if self.at_most is not None:
            inside = inside & (x <= self.at_most)
        if self.above is not None:
            inside = inside & (x > self.above)
        if self.below is not None:
            inside = inside & (x < self.below)
        return inside


ANY = Range(infinite=True)
"""Every number but NaN."""
FINITE = Range()
"""Every finite number."""


def number(
    default: Any = dataclasses.MISSING,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    infinite: bool = False,
) -> Any:
    """Return the field of a number with its default and its range, for params and environments.

    Args:
        default: the default value; left out, the field has none.
        at_least: the smallest value.
        at_most: the largest value.
        above: what every value is larger than.
        below: what every value is smaller than.
        infinite: whether infinities are values too, where the bounds allow them.

    Returns:
        A dataclass field with the default and, in its metadata, the range.

    >>> import jaxenv
    >>> class Pond(jaxenv.Environment):
    ...     size: int = jaxenv.ranges.number(8, at_least=1)
    """
    stated = Range(at_least, at_most, above, below, infinite)
    return dataclasses.field(default=default, metadata={_KEY: stated})


def of(owner: type, name: str) -> Range | None:
    """Look up the range that a class states for a field.

    Args:
        owner: a class of params or of environments.
        name: the name of the field.

    Returns:
        The range that ``owner`` or the nearest of its bases states; None where none does.
    """
    for cls in owner.__mro__:
        field = cast("dict[str, Any]", vars(cls).get("__dataclass_fields__", {})).get(name)
        if field is not None and _KEY in field.metadata:
            return field.metadata[_KEY]
    return None


def check(
    owner: str, name: str, value: Any, stated: Range | None, default: Any = None, *, wait: bool = False, static: bool = False
) -> None:
    """Refuse a known value that is outside of its range.

    Where no range is stated, infinities are refused if the default is finite.

    Args:
        owner: the name of the environment, for the message.
        name: the name of the field, for the message.
        value: a number, an array, or a tuple of them. Traced values pass.
        stated: the range; None where none is stated.
        default: the field's default value.
        wait: whether to check the values of JAX's arrays too, which waits until they are computed.
        static: whether the number stays in Python, so that it may be of any size.

    Raises:
        RangeError: the value is outside of its range.
    """
    if isinstance(value, tuple):
        for item in cast("tuple[Any, ...]", value):
            check(owner, name, item, stated, wait=wait)
        return
    if not _is_known(value, wait) or (stated is None and _is_integers(value)):
        return
    values, largest, holder = _widened(value)
    if static and holder.startswith(("int", "uint")):
        largest = math.inf
    if stated is None:
        stated = ANY if default is not None and _is_known(default, wait) and np.isinf(_widened(default)[0]).any() else FINITE
    inside = np.asarray(stated.holds(values, largest))
    if not inside.all():
        wrong = float(values.reshape(-1)[int(np.argmin(inside.reshape(-1)))])
        fits = stated.infinite and math.isinf(wrong)
        representable = abs(wrong) <= largest or fits
        expected = stated.in_words if representable else f"a {'' if stated.infinite else 'finite '}number that {holder} can hold"
        raise RangeError(owner, name, value if isinstance(value, int | float) else wrong, expected)


def check_tree(owner: str, values: Any, above: str = "") -> None:
    """Refuse known values of a dataclass that are outside of the ranges that its fields state.

    Args:
        owner: the name of the environment, for the message.
        values: the dataclass, such as params; nested ones are checked too.
        above: the path of ``values`` within the outermost dataclass, with a dot at its end.
    """
    if not dataclasses.is_dataclass(values):
        return
    for field in dataclasses.fields(values):
        value = getattr(values, field.name, None)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            check_tree(owner, value, f"{above}{field.name}.")
        else:
            check(owner, f"{above}{field.name}", value, of(type(values), field.name) or ANY)


def _is_known(value: Any, wait: bool) -> bool:
    """Whether a value is a number, or an array of them, that can be looked at."""
    if isinstance(value, bool | np.bool_ | str):
        return False
    if isinstance(value, int | float | np.ndarray | np.generic):
        return not isinstance(value, np.ndarray | np.generic) or _is_numeric(value.dtype)
    return wait and hasattr(value, "dtype") and not is_traced(value) and _is_numeric(value.dtype)


def _is_numeric(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, np.integer) or jnp.issubdtype(dtype, np.floating))


def _is_integers(value: Any) -> bool:
    """Whether a value is an array of integers, which hold what they hold."""
    return not isinstance(value, int | float) and jnp.issubdtype(value.dtype, np.integer)


def _widened(value: Any) -> tuple[Any, float, str]:
    """Return numbers as float64, the largest magnitude of their kind that JAX holds, and the name of the dtype that holds it."""
    if isinstance(value, int):
        try:
            wide = float(value)
        except OverflowError:
            wide = math.inf if value > 0 else -math.inf
        return np.asarray(wide), _LARGEST_INTEGER, "int32"
    if not isinstance(value, float) and jnp.issubdtype(value.dtype, np.integer):
        dtype = np.dtype(np.int32) if value.dtype == np.int64 else np.dtype(value.dtype)
        limits = np.iinfo(dtype)
        return np.asarray(value, np.float64), float(max(limits.max, -limits.min)), str(dtype)
    dtype = jnp.result_type(float)
    return np.asarray(value, np.float64), float(jnp.finfo(dtype).max), str(dtype)
