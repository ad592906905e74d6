"""The fields of an environment or of its params, each with its meaning and its range.

``jaxenv show`` prints them, and ``jaxenv web`` makes a page's controls of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

from jaxenv import ranges
from jaxenv._docstrings import field_docstrings

__all__ = ["Field", "fields_of"]


class Field(NamedTuple):
    """A field of an environment, or a leaf of its params."""

    path: str
    """Where it is, such as ``env_params.gravity`` in the params of a wrapper."""
    value: Any
    """Its value."""
    meaning: str
    """The docstring below it in the source; empty where there is none."""
    range: ranges.Range | None
    """The range that its class states; None where it states none."""

    @property
    def name(self) -> str:
        """The name that ``make`` and ``replace`` know it by: the last part of the path."""
        return self.path.rpartition(".")[2]


def fields_of(values: Any, above: str = "") -> Iterator[Field]:
    """Yield the fields of a dataclass and of the dataclasses in it, in order; internal ones are left out.

    Args:
        values: an environment or its params.
        above: the path of ``values`` within a larger dataclass, with a dot at its end.

    Returns:
        An iterator of fields.

    >>> import jaxenv
    >>> env, params = jaxenv.make("CartPole-v1")
    >>> gravity = next(field for field in jaxenv.fields.fields_of(params) if field.name == "gravity")
    >>> gravity.value, gravity.meaning
    (9.8, 'Gravitational acceleration, m/s^2.')
    """
    meanings = field_docstrings(type(values))
    for field in dataclasses.fields(values):
        if field.metadata.get("internal"):
            continue
        value, path = getattr(values, field.name), f"{above}{field.name}"
        if dataclasses.is_dataclass(value):
            yield from fields_of(value, f"{path}.")
        else:
            yield Field(path, value, meanings.get(field.name, ""), ranges.of(type(values), field.name))
