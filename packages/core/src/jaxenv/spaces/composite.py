"""Spaces made of spaces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv import _canonical, random
from jaxenv.errors import SpaceDefinitionError, SpaceMismatchError
from jaxenv.errors.formatting import short
from jaxenv.spaces.base import Space
from jaxenv.spaces.box import Box
from jaxenv.spaces.discrete import HOW


class _Composite(Space):
    """The part that Tuple and Dict share: an ordered collection of parts, each with a label."""

    def _parts(self) -> tuple[Space, ...]:
        raise NotImplementedError

    def _labels(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def _build(self, values: Iterable[Any]) -> Any:
        """Return the collection whose parts are ``values``, in order."""
        raise NotImplementedError

    def _values(self, x: Any) -> list[Any] | None:
        """Return the parts of ``x`` in order, or None if it has not this structure."""
        raise NotImplementedError

    @property
    def shape(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._build(part.shape for part in self._parts())

    @property
    def dtype(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._build(part.dtype for part in self._parts())

    def sample(self, key: Array) -> Any:
        key, parts = _canonical.key(key, HOW), self._parts()
        keys = [key] if len(parts) == 1 else random.split(key, len(parts))
        return self._build(part.sample(k) for part, k in zip(parts, keys, strict=True))

    def contains(self, x: Any) -> Array:
        values = self._values(x)
        if values is None:
            return jnp.asarray(False)
        inside = jnp.asarray(True)
        for part, value in zip(self._parts(), values, strict=True):
            inside = inside & part.contains(value)
        return inside

    def cast(self, x: Any, what: str = "the value") -> Any:
        values = self._values(x)
        if values is None:
            raise SpaceMismatchError(what, _outline(x), self, "Give it the structure of the space.")
        cast = (
            part.cast(value, f"{what}[{label!r}]") for part, value, label in zip(self._parts(), values, self._labels(), strict=True)
        )
        return self._build(cast)

    def fitted(self, x: Any) -> Any:
        values = self._values(x)
        return x if values is None else self._build(p.fitted(v) for p, v in zip(self._parts(), values, strict=True))

    def nearest(self, x: Any) -> Any:
        return self._build(p.nearest(v) for p, v in zip(self._parts(), self._values(x) or (), strict=True))

    def flatten(self, x: Any) -> Array:
        values = self._values(x)
        if values is None:
            raise SpaceMismatchError("the value to flatten", _outline(x), self, "Give it the structure of the space.")
        dtype = self._flat_dtype()
        flat = [lax.convert_element_type(p.flatten(v), dtype) for p, v in zip(self._parts(), values, strict=True)]
        return jnp.concatenate(flat) if flat else jnp.zeros((0,), dtype)

    def unflatten(self, v: Array) -> Any:
        ends = np.cumsum([part.flat_size() for part in self._parts()])
        pieces = jnp.split(v, ends[:-1]) if ends.size else []
        return self._build(part.unflatten(piece) for part, piece in zip(self._parts(), pieces, strict=True))

    def flat_space(self) -> Box:
        flats, dtype = [part.flat_space() for part in self._parts()], self._flat_dtype()
        if not flats:
            return Box(0, 0, (0,), dtype)
        low, high = (_concatenate(bounds, dtype) for bounds in ([f.low for f in flats], [f.high for f in flats]))
        known = (np.concatenate(bounds) for bounds in zip(*(flat.known for flat in flats), strict=True))
        return Box(low, high, (self.flat_size(),), dtype)._knowing(*known)

    def flat_size(self) -> int:
        return sum(part.flat_size() for part in self._parts())

    def _flat_dtype(self) -> np.dtype[Any]:
        """Return the dtype that holds the values of all parts, as NumPy promotes them; where that is too wide, float32."""
        dtypes = [part.flat_space().dtype for part in self._parts()]
        try:
            common = np.result_type(*dtypes)
        except (TypeError, ValueError):  # bfloat16 beside a 32-bit integer; no parts at all
            return np.dtype(np.float32)
        return common if jax.dtypes.canonicalize_dtype(common) == common else np.dtype(np.float32)


class Tuple(_Composite):
    """A tuple with one member of each of ``spaces``.

    Args:
        spaces: the spaces of the elements, in order.
    """

    spaces: tuple[Space, ...]
    """The spaces of the elements."""

    def __init__(self, spaces: Iterable[Space]) -> None:
        if not isinstance(cast("object", spaces), Iterable):
            raise SpaceDefinitionError(
                f"Tuple got {short(spaces)}, but it needs a sequence of spaces. Pass a tuple, such as (a, b)."
            )
        spaces = tuple(spaces)
        for i, space in enumerate(spaces):
            _require_space(space, f"Tuple got as element {i}")
        self._set(spaces=spaces)

    def batch(self, n: int) -> Tuple:
        return Tuple(space.batch(n) for space in self.spaces)

    def __getitem__(self, index: int) -> Space:
        return self.spaces[index]

    def __iter__(self) -> Iterator[Space]:
        return iter(self.spaces)

    def __len__(self) -> int:
        return len(self.spaces)

    def _parts(self) -> tuple[Space, ...]:
        return self.spaces

    def _labels(self) -> tuple[Any, ...]:
        return tuple(range(len(self.spaces)))

    def _build(self, values: Iterable[Any]) -> Any:
        return tuple(values)

    def _values(self, x: Any) -> list[Any] | None:
        if x is None:  # JAX's tree without leaves
            x = ()
        return list(x) if isinstance(x, tuple | list) and len(x) == len(self.spaces) else None

    def _identity(self) -> tuple[Any, ...]:
        return self.spaces

    def __repr__(self) -> str:
        return f"Tuple({self.spaces})"


class Dict(_Composite):
    """A dict with one member for each name; a dataclass or NamedTuple with these fields is a member too.

    Args:
        spaces: the spaces by name; their order is kept.
    """

    spaces: Mapping[str, Space]
    """The spaces by name, read-only."""

    def __init__(self, spaces: Mapping[str, Space]) -> None:
        if not isinstance(spaces, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise SpaceDefinitionError(
                f"Dict got {type(spaces).__name__}, but it needs a mapping from names to spaces. Pass a dict."
            )
        for name, space in spaces.items():
            if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise SpaceDefinitionError(f"Dict got the name {name!r}, which is not a string. Name each part with a string.")
            _require_space(space, f"Dict got as {name!r}")
        self._set(spaces=MappingProxyType(dict(spaces)))

    def batch(self, n: int) -> Dict:
        return Dict({name: space.batch(n) for name, space in self.spaces.items()})

    def keys(self) -> Iterable[str]:
        """Return the names, in order."""
        return self.spaces.keys()

    def items(self) -> Iterable[tuple[str, Space]]:
        """Return the pairs of name and space, in order."""
        return self.spaces.items()

    def __getitem__(self, name: str) -> Space:
        return self.spaces[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.spaces)

    def __len__(self) -> int:
        return len(self.spaces)

    def _parts(self) -> tuple[Space, ...]:
        return tuple(self.spaces.values())

    def _labels(self) -> tuple[Any, ...]:
        return tuple(self.spaces)

    def _build(self, values: Iterable[Any]) -> Any:
        return dict(zip(self.spaces, values, strict=True))

    def _values(self, x: Any) -> list[Any] | None:
        if isinstance(x, Mapping):
            return [x[name] for name in self.spaces] if set(x) == set(self.spaces) else None
        if not dataclasses.is_dataclass(x) and not hasattr(x, "_fields"):
            return None
        return [getattr(x, name) for name in self.spaces] if all(hasattr(x, name) for name in self.spaces) else None

    def _identity(self) -> tuple[Any, ...]:
        return tuple(self.spaces.items())

    def __reduce__(self) -> tuple[Any, ...]:
        return Dict, (dict(self.spaces),)

    def __repr__(self) -> str:
        return f"Dict({dict(self.spaces)})"


def _require_space(space: Any, where: str) -> None:
    if not isinstance(space, Space):
        raise SpaceDefinitionError(f"{where} {short(space)}, which is not a space. Pass one of jaxenv.spaces.")


def _outline(x: Any) -> str:
    """Describe the structure of ``x`` in a few words."""
    if isinstance(x, Mapping):
        return f"a mapping with the keys {sorted(map(str, x))}"
    if isinstance(x, tuple | list):
        return f"a {type(x).__name__} of {len(x)}"
    shape = getattr(x, "shape", None)
    return f"a {type(x).__name__}" if shape is None else f"an array of shape {shape}"


def _concatenate(bounds: list[Any], dtype: np.dtype[Any]) -> Any:
    if all(isinstance(bound, np.ndarray) for bound in bounds):
        return np.concatenate([bound.astype(dtype) for bound in bounds])
    return jnp.concatenate([lax.convert_element_type(bound, dtype) for bound in bounds])
