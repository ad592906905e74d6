"""What a contender is: a library, the tasks that it shares with jaxenv, and how it plays them."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxenv.benchmark.workload import Program, Workload
from jaxenv.errors import BenchmarkPeerError
from jaxenv.registry import registered_envs


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


def finder(library: str, difference: str = "", has: Callable[[str], bool] | None = None) -> Callable[[str], Counterpart | None]:
    """Return the function that finds a library's counterpart of an environment, from its name without the namespace.

    Args:
        library: the key under which an ``EnvSpec`` declares its counterpart.
        difference: what holds of every environment of the library.
        has: whether the installed library has an environment of a name. Then one of the same name is a counterpart without
            a declaration. None for a library whose names mean other tasks.
    """

    def find(name: str) -> Counterpart | None:
        declared = (spec.counterparts.get(library) for spec in registered_envs() if spec.name == name)
        theirs, own_difference = next(filter(None, declared), (name if has else None, ""))
        if theirs is None or (has and not has(theirs)):
            return None
        return Counterpart(theirs, "; ".join(filter(None, (difference, own_difference))))

    return find


def counterpart(contender: Contender, workload: Workload) -> str:
    """Return what a library calls the environment of a workload, which it is known to have."""
    found = contender.find(short_name(workload.env_id))
    assert found is not None
    return found.name


def short_name(env_id: str) -> str:
    """Return the name of an environment without jaxenv's namespace, which is what other libraries are asked for."""
    return env_id.partition("/")[2] or env_id


def _numbers(version: str) -> list[int]:
    """Return the numbers of a version, which order released versions."""
    return [int(number) for number in re.findall(r"\d+", version)]


def module(name: str) -> Any:
    """Import a peer, untyped as peers are to us."""
    return importlib.import_module(name)
