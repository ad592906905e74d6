"""Overrides of params by ``make`` and ``replace``: found by name, checked, and kept by the environment in a hashable form."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, cast

import jax.numpy as jnp
import numpy as np

from jaxenv import ranges
from jaxenv._canonical import NO_TIME_LIMIT
from jaxenv._jax_compat import is_traced
from jaxenv.errors import AmbiguousOverrideError, OverrideValueError, UnknownOverrideError

Path = tuple[str, ...]
Overrides = tuple[tuple[Path, Any], ...]
"""Leaves of the default params that are different, each by its path, ordered by path: equal overrides are equal tuples."""


@dataclasses.dataclass(frozen=True)
class Frozen:
    """An array as a hashable value: arrays of equal dtypes, shapes and bytes are equal."""

    data: bytes
    dtype: Any
    shape: tuple[int, ...]

    @classmethod
    def of(cls, array: Any) -> Frozen:
        """Freeze a NumPy or JAX array."""
        values = np.asarray(array)
        return cls(values.tobytes(), values.dtype, values.shape)

    def thaw(self) -> np.ndarray[Any, Any]:
        """Return the array, read-only."""
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


@dataclasses.dataclass(frozen=True)
class Traced:
    """Stands for a value that was being traced, which an environment cannot hold."""


def freeze(value: Any) -> Any:
    """Return ``value`` as a hashable one, through tuples and dataclasses; raise a TypeError where it can't be."""
    if isinstance(value, Frozen | Traced):
        return value
    if is_traced(value):
        return Traced()
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return value if isinstance(value, np.generic) else Frozen.of(value)
    if isinstance(value, tuple):
        values = [freeze(item) for item in cast("tuple[Any, ...]", value)]
        return type(cast("Any", value))(*values) if hasattr(value, "_fields") else tuple(values)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{f.name: freeze(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init})
    hash(value)
    return value


def thaw(value: Any) -> Any:
    """Undo :func:`freeze`."""
    if isinstance(value, Frozen):
        return value.thaw()
    if isinstance(value, tuple):
        values = [thaw(item) for item in cast("tuple[Any, ...]", value)]
        return type(cast("Any", value))(*values) if hasattr(value, "_fields") else tuple(values)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{f.name: thaw(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init})
    return value


def has_traced(value: Any) -> bool:
    """Whether a frozen value stands for one that was traced."""
    return isinstance(value, Traced) or (isinstance(value, tuple) and any(map(has_traced, cast("tuple[Any, ...]", value))))


def apply(params: Any, overrides: Overrides) -> Any:
    """Return ``params`` with the overridden leaves; those that were traced are left out."""
    for path, value in overrides:
        if not has_traced(value):
            params = _put(params, path, thaw(value))
    return params


def merge(known: Overrides, more: Mapping[Path, Any]) -> Overrides:
    """Return the overrides with further ones, which win."""
    merged = dict(known) | {path: freeze(value) for path, value in more.items()}
    return tuple(sorted(merged.items(), key=lambda item: item[0]))


def resolve(owner: str, params: Any, fields: Iterable[str], leaves: Mapping[str, Any]) -> dict[Path, Any]:
    """Return the path and the checked value of each leaf that is given by name."""
    resolved: dict[Path, Any] = {}
    for name, value in leaves.items():
        path = find(owner, name, fields, params)
        above = params
        for step in path[:-1]:
            above = getattr(above, step)
        value = leaf(owner, name, getattr(above, name), value)
        try:
            freeze(value)
        except TypeError:
            action = "Pass numbers, strings, booleans, arrays or tuples of them."
            raise OverrideValueError(owner, name, value, "a hashable value", action) from None
        ranges.check(owner, name, value, ranges.of(type(above), name), getattr(above, name), wait=True)
        resolved[path] = value
    return resolved


def put_all(params: Any, leaves: Mapping[Path, Any]) -> Any:
    """Return ``params`` with these leaves."""
    for path, value in leaves.items():
        params = _put(params, path, value)
    return params


def leaf_paths(params: Any, above: Path = ()) -> list[Path]:
    """Return the path of every leaf of ``params``, through nested dataclasses."""
    if not dataclasses.is_dataclass(params) or isinstance(params, type):
        return [above]
    fields = [field.name for field in dataclasses.fields(params) if field.init]
    return [path for name in fields for path in leaf_paths(getattr(params, name), (*above, name))]


def find(owner: str, name: str, fields: Iterable[str], params: Any) -> Path:
    """Return the path of the outermost leaf called ``name``."""
    from jaxenv.registry.names import nearest  # needed for a message alone

    paths = leaf_paths(params)
    found = [path for path in paths if path[-1] == name]
    outermost = [path for path in found if len(path) == min(map(len, found))]
    if len(outermost) > 1:
        raise AmbiguousOverrideError(owner, name, [".".join(path) for path in outermost])
    if not outermost:
        leaves = list(dict.fromkeys(path[-1] for path in paths))
        raise UnknownOverrideError(owner, name, list(fields), leaves, nearest(name, [*fields, *leaves]))
    return outermost[0]


def leaf(owner: str, name: str, old: Any, value: Any) -> Any:
    """Return ``value`` as something that can stand where ``old`` stood: of the same kind, an integer where a float may be."""
    if name == "max_steps_in_episode" and value is None:
        return NO_TIME_LIMIT
    if isinstance(value, list | tuple):
        value = np.asarray(value) if hasattr(old, "dtype") else tuple(cast("Any", value))
    expected, given = _kind(old), _kind(value)
    if (expected, given) == ("float", "int"):
        return value.astype(jnp.result_type(float)) if hasattr(value, "dtype") else _as_float(owner, name, value)
    if expected not in (given, "NoneType"):
        action = f"Pass a value of type {expected}, or an array of them."
        raise OverrideValueError(owner, name, value, f"a param of type {expected}", action)
    return jnp.asarray(value, old.dtype) if isinstance(value, np.ndarray) and hasattr(old, "dtype") else value


def _as_float(owner: str, name: str, value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise OverrideValueError(owner, name, value, "a number that float32 can hold", "Pass a smaller one.") from None


def _put(params: Any, path: Path, value: Any) -> Any:
    head, *rest = path
    return dataclasses.replace(params, **{head: _put(getattr(params, head), tuple(rest), value) if rest else value})


def _kind(value: Any) -> str:
    """``bool``, ``int`` or ``float``, of a number or an array alike; for anything else, its type."""
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return type(value).__name__
    for kind, name in ((jnp.bool_, "bool"), (jnp.integer, "int"), (jnp.floating, "float")):
        if jnp.issubdtype(dtype, kind):
            return name
    return str(dtype)
