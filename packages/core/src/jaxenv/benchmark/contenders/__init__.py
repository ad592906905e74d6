"""The libraries that a benchmark can run; a file for each, which imports its library when it is asked to."""

from __future__ import annotations

from jaxenv.benchmark.contenders.base import Contender, Counterpart, short_name
from jaxenv.benchmark.contenders.envpool import ENVPOOL
from jaxenv.benchmark.contenders.gymnasium import GYMNASIUM
from jaxenv.benchmark.contenders.gymnax import GYMNAX
from jaxenv.benchmark.contenders.own import JAXENV, JAXENV_LOOP
from jaxenv.benchmark.contenders.pgx import PGX
from jaxenv.errors import UnknownContenderError

__all__ = ["CONTENDERS", "OURS", "Contender", "Counterpart", "contender", "short_name"]

OURS = "jaxenv"
"""The contender that the others are compared with."""

CONTENDERS: dict[str, Contender] = {
    OURS: JAXENV,
    "jaxenv-loop": JAXENV_LOOP,
    "gymnax": GYMNAX,
    "gymnasium": GYMNASIUM,
    "envpool": ENVPOOL,
    "pgx": PGX,
}
"""Every library, by the name that ``--against`` takes."""


def contender(library: str) -> Contender:
    """Look a library up and see to it that it can be run.

    Raises:
        UnknownContenderError: there is none of this name.
        BenchmarkPeerError: it is not installed, is too old, or fails when it is imported.
    """
    if library not in CONTENDERS:
        raise UnknownContenderError(library, list(CONTENDERS))
    found = CONTENDERS[library]
    found.load(library)
    return found
