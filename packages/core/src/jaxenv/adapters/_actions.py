"""Why an action can't be stepped with. Adapters ask after a step failed, so that a step itself checks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any, cast

import numpy as np

from jaxenv import spaces
from jaxenv.errors import ArgumentTypeError
from jaxenv.errors.formatting import listed, short

FAILURES = (TypeError, ValueError, LookupError)
"""What NumPy and JAX raise for something that is no array of numbers, and Python for another structure."""


def explain(name: str, space: spaces.Space, action: Any, batch: int | None = None, where: str = "") -> None:
    """Raise for the first part of an action that has another structure than its space or is no array of numbers.

    Return if there is no such part: then something else failed.

    Args:
        name: the name of the environment.
        space: the action space of one environment.
        action: what ``step`` got.
        batch: the number of environments; None if ``action`` is for one.
        where: the place of ``action`` in what ``step`` got.

    Raises:
        ArgumentTypeError: there is such a part.
    """
    if isinstance(space, spaces.Dict):
        given = cast("Mapping[Any, Any]", action)
        if not isinstance(action, Mapping) or not set(space.keys()) <= set(given):
            raise ArgumentTypeError(
                name, f"action{where}", action, f"a dict with {listed(list(map(repr, space.keys())), 'and')}"
            ) from None
        for key, part in space.items():
            explain(name, part, given[key], batch, f"{where}[{key!r}]")
    elif isinstance(space, spaces.Tuple):
        parts = list(space)
        if not isinstance(action, Sized) or isinstance(action, str | bytes | Mapping | set) or len(action) != len(parts):
            raise ArgumentTypeError(name, f"action{where}", action, f"a tuple of {len(parts)}") from None
        for index, part in enumerate(parts):
            explain(name, part, cast("Any", action)[index], batch, f"{where}[{index}]")
    elif not _is_numeric(action):
        expected = f"a member of {short(space)}" if batch is None else f"an array of {batch} members of {short(space)}"
        raise ArgumentTypeError(name, f"action{where}", action, expected) from None


def _is_numeric(value: Any) -> bool:
    """Whether NumPy makes an array of numbers of ``value``."""
    try:
        array = value if hasattr(value, "dtype") else np.asarray(value)
    except ValueError:  # lists of different lengths
        return False
    return getattr(array.dtype, "kind", "V") not in "OUSMm"
