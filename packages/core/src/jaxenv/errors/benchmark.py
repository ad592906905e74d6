"""What can keep ``jaxenv bench`` from measuring, or from comparing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import listed, short


class UnknownLibraryError(JaxenvError, LookupError):
    """A benchmark was asked for a library that it does not know."""

    def __init__(self, library: str, known: Sequence[str]) -> None:
        super().__init__(f"The benchmark does not know the library {short(library)}. Choose {listed(known)}.")


class BenchmarkPeerError(JaxenvError, ImportError):
    """A library that a benchmark should run is not installed, is too old, or fails when it is imported."""

    def __init__(self, library: str, requirements: Sequence[str], reason: str) -> None:
        quoted = " ".join(f"'{requirement}'" for requirement in requirements)
        super().__init__(
            f"The benchmark cannot run {library}, which needs {listed(requirements, 'and')}: {reason}. "
            f"Install what is missing with pip install {quoted}, or leave {library} out of --against."
        )


class BenchmarkPolicyError(JaxenvError, TypeError):
    """The policy of a benchmark has no actions for an environment."""

    def __init__(self, space: Any) -> None:
        super().__init__(
            f"The policy mlp chooses from a Discrete, a MultiDiscrete or a Box, but actions are of {short(space)}. "
            "Use the policy random."
        )


class BenchmarkBaselineError(JaxenvError, ValueError):
    """A file of earlier measurements cannot be compared with."""

    def __init__(self, path: Any, reason: str) -> None:
        super().__init__(f"{path} cannot be compared with: {reason}. Write a file with `jaxenv bench --json` and the same options.")
