"""Spaces to and from JSON and Gymnasium."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxenv.errors import MissingExtraError, SpaceConversionError
from jaxenv.spaces.base import Space, kind
from jaxenv.spaces.binary import MultiBinary
from jaxenv.spaces.box import Box
from jaxenv.spaces.composite import Dict, Tuple
from jaxenv.spaces.discrete import Discrete, MultiDiscrete


def to_json(space: Space) -> dict[str, Any]:
    """Describe a space as plain data that ``json.dumps`` takes. Infinities are the strings "inf" and "-inf".

    Args:
        space: a space of ``jaxenv.spaces``.

    Returns:
        A dict of the type and the settings of the space.

    Raises:
        SpaceConversionError: the space is of another type.
    """
    match space:
        case Discrete():
            return {"type": "Discrete", "n": space.n, "start": space.start, "dtype": str(space.dtype)}
        case MultiDiscrete():
            return {"type": "MultiDiscrete", "nvec": space.nvec.tolist(), "dtype": str(space.dtype)}
        case MultiBinary():
            return {"type": "MultiBinary", "shape": list(space.shape)}
        case Box():
            bounds = {"low": _bound_to_json(space.low), "high": _bound_to_json(space.high)}
            return {"type": "Box", **bounds, "shape": list(space.shape), "dtype": str(space.dtype)}
        case Tuple():
            return {"type": "Tuple", "spaces": [to_json(part) for part in space]}
        case Dict():
            # Pairs, not an object: order is part of a Dict, and tools sort the names of objects.
            return {"type": "Dict", "spaces": [[name, to_json(part)] for name, part in space.items()]}
        case _:
            raise SpaceConversionError(f"{space!r} has no JSON form. Use the spaces of jaxenv.spaces.")


def from_json(data: Mapping[str, Any]) -> Space:
    """Make the space that ``to_json`` described.

    Args:
        data: the result of ``to_json``, before or after a trip through JSON.

    Returns:
        The space, equal to the one described.

    Raises:
        SpaceConversionError: ``data`` does not describe a space.
    """
    try:
        match data["type"]:
            case "Discrete":
                return Discrete(data["n"], data["start"], data["dtype"])
            case "MultiDiscrete":
                return MultiDiscrete(np.array(data["nvec"], dtype=np.int64), data["dtype"])
            case "MultiBinary":
                return MultiBinary(data["shape"])
            case "Box":
                low, high = _bound_from_json(data["low"]), _bound_from_json(data["high"])
                return Box(low, high, tuple(data["shape"]), data["dtype"])
            case "Tuple":
                return Tuple(from_json(part) for part in data["spaces"])
            case "Dict":
                return Dict({name: from_json(part) for name, part in data["spaces"]})
            case other:
                raise SpaceConversionError(f"There is no space of type {other!r}. Pass what jaxenv.spaces.to_json returned.")
    except (KeyError, TypeError) as error:
        raise SpaceConversionError(f"{data!r} does not describe a space. Pass what jaxenv.spaces.to_json returned.") from error


def to_gymnasium(space: Space) -> Any:
    """Make the Gymnasium space with the same members.

    Choices of the default dtype (int32) have Gymnasium's default dtype (int64) there, so ``Discrete(2)`` is ``Discrete(2)``. Floats
    that NumPy does not know, such as bfloat16, are float32 there, which holds their values.

    Args:
        space: a space of ``jaxenv.spaces``.

    Returns:
        The Gymnasium space.

    Raises:
        SpaceConversionError: Gymnasium has no space with these members.
        MissingExtraError: Gymnasium is not installed.
    """
    gym = _gymnasium()
    match space:
        case Discrete():
            # Gymnasium adds start and n in the space's dtype, where the sum may be one too large.
            fits = space.start + space.n <= np.iinfo(space.dtype).max
            return gym.Discrete(space.n, start=space.start, **(_their_dtype(space.dtype) if fits else {}))
        case MultiDiscrete():
            return gym.MultiDiscrete(space.nvec, **_their_dtype(space.dtype))
        case MultiBinary():
            return gym.MultiBinary(space.n)
        case Box():
            dtype = np.dtype(space.dtype)
            dtype = dtype if dtype.isbuiltin == 1 else np.dtype(np.float32)
            return gym.Box(np.array(space.low, dtype), np.array(space.high, dtype), space.shape, dtype)
        case Tuple():
            return gym.Tuple([to_gymnasium(part) for part in space])
        case Dict():
            # An OrderedDict keeps its order; Gymnasium sorts the names of a plain dict.
            return gym.Dict(OrderedDict((name, to_gymnasium(part)) for name, part in space.items()))
        case _:
            raise SpaceConversionError(f"{space!r} has no counterpart in Gymnasium. Use the spaces of jaxenv.spaces.")


def from_gymnasium(space: Any) -> Space:
    """Make the space with the same members as a Gymnasium space.

    Choices of Gymnasium's default dtype (int64) have the default dtype (int32) here; other 64-bit dtypes become 32-bit ones where
    x64 is off. A ``MultiDiscrete`` that does not start at 0 becomes a ``Box`` of its integers.

    Args:
        space: a Gymnasium space of a fixed shape.

    Returns:
        The space of ``jaxenv.spaces``.

    Raises:
        SpaceConversionError: there is no such space here, as for ``Graph``, ``Sequence``, ``Text`` and ``OneOf``.
        MissingExtraError: Gymnasium is not installed.
    """
    gym = _gymnasium()
    match space:
        case gym.Discrete():
            return Discrete(int(space.n), int(space.start), _our_dtype(space.dtype))
        case gym.MultiDiscrete():
            start = np.asarray(space.start)
            dtype = _our_dtype(space.dtype)
            return Box(start, start + space.nvec - 1, dtype=dtype) if start.any() else MultiDiscrete(space.nvec, dtype)
        case gym.MultiBinary():
            return MultiBinary(space.shape)
        case gym.Box():
            return Box(space.low, space.high, space.shape, space.dtype)
        case gym.Tuple():
            return Tuple(from_gymnasium(part) for part in space.spaces)
        case gym.Dict():
            return Dict({name: from_gymnasium(part) for name, part in space.spaces.items()})
        case _:
            raise SpaceConversionError(
                f"{space!r} has no counterpart in jaxenv: its members have no fixed shape. "
                "Use Discrete, MultiDiscrete, MultiBinary, Box, Tuple or Dict."
            )


def _their_dtype(dtype: Any) -> dict[str, Any]:
    return {} if dtype == np.int32 else {"dtype": dtype}


def _our_dtype(dtype: Any) -> Any:
    return np.int32 if dtype == np.int64 else dtype


def _gymnasium() -> Any:
    try:
        import gymnasium.spaces
    except ImportError as error:
        raise MissingExtraError("gymnasium", "gymnasium", "converting spaces to or from Gymnasium") from error
    return gymnasium.spaces


def _bound_to_json(bound: Any) -> Any:
    values = np.asarray(bound)
    if values.size and (values == values.flat[0]).all():
        values = values.reshape(-1)[0]
    return _map_nested(lambda v: str(v) if isinstance(v, float) and math.isinf(v) else v, _plain(values))


def _plain(values: Any) -> Any:
    if kind(values.dtype) == "float" and values.dtype.itemsize < 8:
        values = values.astype(np.float64)  # float16 and bfloat16 have no Python values of their own
    return values.tolist()


def _bound_from_json(bound: Any) -> Any:
    return np.array(_map_nested(lambda v: float(v) if isinstance(v, str) else v, bound))


def _map_nested(function: Any, value: Any) -> Any:
    return [_map_nested(function, v) for v in value] if isinstance(value, list) else function(value)
