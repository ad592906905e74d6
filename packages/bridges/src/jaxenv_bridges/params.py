"""A suite's parameters as ours: the same numbers under the same names, with the suite's time limit as ``max_steps_in_episode``."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import jax.numpy as jnp
from flax import struct
from jaxenv import Params

LIMIT = "max_steps_in_episode"


def to_ours(theirs: Any, limit: str) -> Any:
    """Return our params with the values of a suite's dataclass, whose field ``limit`` is the time limit."""
    values = {field.name: getattr(theirs, field.name) for field in dataclasses.fields(theirs) if field.name != limit}
    return _ours(type(theirs), limit)(**{LIMIT: int(getattr(theirs, limit))}, **values)


def to_theirs(ours: Any, theirs: Any, limit: str) -> Any:
    """Return a suite's dataclass with the values of our params."""
    values = {field.name: getattr(ours, field.name) for field in dataclasses.fields(ours) if field.name != LIMIT}
    steps: Any = jnp.asarray(getattr(ours, LIMIT))
    if isinstance(getattr(theirs, limit), float):
        steps = steps.astype(float)
    return dataclasses.replace(theirs, **{limit: steps}, **values)


@cache
def _ours(theirs: type[Any], limit: str) -> type[Params]:
    """Return the class of our params for a suite's class; equal arguments give the same class, so that params can be compared."""
    fields = [field for field in dataclasses.fields(theirs) if field.name != limit]
    body: dict[str, Any] = {
        field.name: struct.field(pytree_node=field.metadata.get("pytree_node", True), default=field.default)
        if field.default is not dataclasses.MISSING
        else struct.field(pytree_node=field.metadata.get("pytree_node", True), default=None)
        for field in fields
    }
    body["__annotations__"] = {field.name: Any for field in fields}
    body["__module__"] = __name__
    body["__doc__"] = f"The parameters of {theirs.__module__}.{theirs.__qualname__}; its {limit} is {LIMIT}."
    body["__reduce__"] = lambda self: (_rebuilt, (theirs, limit, {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}))
    return struct.dataclass(type(f"{theirs.__qualname__}Here", (Params,), body), kw_only=True)


def _rebuilt(theirs: type[Any], limit: str, values: dict[str, Any]) -> Any:
    """Undo pickling: the class is made anew in the other process."""
    return _ours(theirs, limit)(**values)
