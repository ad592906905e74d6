"""What a contender is: a library, the tasks that it shares with jaxenv, and how it plays them."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxenv.benchmark.workload import Program, Workload
from jaxenv.errors import BenchmarkPeerError


class Counterpart(NamedTuple):
    """Another library's environment for the same task."""

    name: str
    """What the library calls it."""
    difference: str = ""
    """Where it is not the same task by default; empty if nothing is known."""


class Contender(NamedTuple):
    """A library that can be measured."""

    title: str
    """How tables call it."""
    requirements: tuple[str, ...]
    """What has to be installed, as pip wants it: the library, with its lowest version, and what it imports but does not require."""
    module: str
    """What has to be importable; imported only when the library was asked for."""
    find: Callable[[str], Counterpart | None]
    """Returns the counterpart of an environment of jaxenv, from its name without the namespace; None if there is none."""
    program: Callable[[Workload], Program]
    """Makes the program that plays a workload."""
    threaded: bool = False
    """Whether it has a pool of threads whose size is ours to choose."""

    @property
    def distribution(self) -> str:
        """What it is called where it is installed from."""
        return self.requirements[0].partition(">=")[0]

    @property
    def version(self) -> str:
        """Its installed version."""
        return importlib.metadata.version(self.distribution)

    def load(self, library: str) -> None:
        """See to it that the library is there and works.

        Raises:
            BenchmarkPeerError: it is not installed, is too old, or fails when it is imported.
        """
        try:
            importlib.import_module(self.module)
            installed = self.version
        except Exception as error:  # whatever a foreign package raises, the remedy is the same
            raise BenchmarkPeerError(library, self.requirements, f"{type(error).__name__}: {error}") from error
        if _numbers(installed) < _numbers(self.requirements[0].partition(">=")[2]):
            raise BenchmarkPeerError(library, self.requirements, f"{self.distribution} {installed} is installed")


def short_name(env_id: str) -> str:
    """Return the name of an environment without jaxenv's namespace, which is what other libraries are asked for."""
    return env_id.partition("/")[2] or env_id


def _numbers(version: str) -> list[int]:
    """Return the numbers of a version, which order released versions."""
    return [int(number) for number in re.findall(r"\d+", version)]


def module(name: str) -> Any:
    """Import a peer, untyped as peers are to us."""
    return importlib.import_module(name)
