"""Environments of the distributions that are published beside jaxenv-core, whether they are installed or not.

Core names none of them in its code. ``known_envs.json`` is written from the plugins' own tables by ``scripts/known_envs.py`` in
core's folder of the repository, and a test keeps it up to date: a package that is not installed has no metadata to read, and a
look-up on a package index would need a network. Imports no JAX.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Known(NamedTuple):
    """A distribution that is published beside jaxenv-core."""

    distribution: str
    """Its name."""
    package: str
    """The package that is imported."""
    namespace: str
    """The namespace of its environments."""
    names: tuple[str, ...]
    """The short ids of its environments."""
    requires: str | None = None
    """The library that its environments need beside it, and the extra that installs that; None if they need none."""

    @property
    def command(self) -> str:
        """The command that installs what its environments need."""
        return f"python -m pip install '{self.distribution}[{self.requires}]'"

    @property
    def ids(self) -> list[str]:
        """The full ids of its environments."""
        return [f"{self.namespace}/{name}" for name in self.names]


@cache
def known_distributions() -> tuple[Known, ...]:
    """Return every distribution that is published beside jaxenv-core."""
    text = files("jaxenv.registry").joinpath("known_envs.json").read_text(encoding="utf-8")
    return tuple(Known(**entry | {"names": tuple(entry["names"])}) for entry in json.loads(text))
