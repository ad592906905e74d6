"""The libraries that a benchmark can run; a file for each, which imports its library when it is asked to."""

from __future__ import annotations

from jaxenv.benchmark.libraries.base import Library, PeerTask, short_name
from jaxenv.benchmark.libraries.envpool import ENVPOOL
from jaxenv.benchmark.libraries.gymnasium import GYMNASIUM
from jaxenv.benchmark.libraries.gymnax import GYMNAX
from jaxenv.benchmark.libraries.own import JAXENV, JAXENV_LOOP
from jaxenv.benchmark.libraries.pgx import PGX
from jaxenv.errors import UnknownLibraryError

__all__ = ["LIBRARIES", "OURS", "Library", "PeerTask", "find_library", "short_name"]

OURS = "jaxenv"
"""The library that the others are compared with."""

LIBRARIES: dict[str, Library] = {
    OURS: JAXENV,
    "jaxenv-loop": JAXENV_LOOP,
    "gymnax": GYMNAX,
    "gymnasium": GYMNASIUM,
    "envpool": ENVPOOL,
    "pgx": PGX,
}
"""Every library, by the name that ``--against`` takes."""


def find_library(library: str) -> Library:
    """Look a library up and see to it that it can be run.

    Raises:
        UnknownLibraryError: there is none of this name.
        BenchmarkPeerError: it is not installed, is too old, or fails when it is imported.
    """
    if library not in LIBRARIES:
        raise UnknownLibraryError(library, list(LIBRARIES))
    found = LIBRARIES[library]
    found.load(library)
    return found
