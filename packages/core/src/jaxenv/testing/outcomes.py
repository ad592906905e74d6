"""What a check can find, and the report that the findings make."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any, Literal

Outcome = Literal["passed", "failed", "inconclusive"]


class Violation(Exception):  # noqa: N818 - a finding, not an error of the kit
    """A promise is broken. The message is a sentence that says how, and what to do."""


class Inconclusive(Exception):  # noqa: N818 - likewise
    """A promise, or a part of it, could not be put to the test. The message says why."""


def require(kept: bool, sentence: str) -> None:
    """Raise a :class:`Violation` with ``sentence`` unless the promise was kept."""
    if not kept:
        raise Violation(sentence)


def first_line(error: Exception) -> str:
    """Return the kind of an exception and the first line of its message."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}".rstrip(": ")


@dataclasses.dataclass(frozen=True)
class Result:
    """What one check found."""

    check: str
    """The name of the check."""
    promise: str
    """The promise that it tests, a sentence."""
    outcome: Outcome
    """``passed``, ``failed`` or ``inconclusive`` (nothing against it was seen, but not everything could be tried)."""
    message: str = ""
    """How the promise was broken, or what could not be tested."""
    because: str = ""
    """The check that failed before, so that this one was not tried; empty if it was."""

    def __str__(self) -> str:
        line = f"{self.outcome:<12} {self.check}"
        return f"{line}: {self.message}" if self.message else line


@dataclasses.dataclass(frozen=True)
class ConformanceReport:
    """What all checks found in one environment."""

    environment: str
    """Its name: an id where one was given, else the name of its class."""
    results: tuple[Result, ...]
    """One result for each check, in the order of the table."""

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Result, ...]:
        """The checks that failed."""
        return tuple(result for result in self.results if result.outcome == "failed")

    @property
    def inconclusive(self) -> tuple[Result, ...]:
        """The checks that had nothing, or not enough, to look at."""
        return tuple(result for result in self.results if result.outcome == "inconclusive")

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return dataclasses.asdict(self) | {"passed": self.passed}

    @property
    def summary(self) -> str:
        """How many checks passed, failed, and had not enough to look at."""
        kept = len(self.results) - len(self.failures) - len(self.inconclusive)
        return f"{kept} checks passed, {len(self.failures)} failed, {len(self.inconclusive)} inconclusive"

    def __str__(self) -> str:
        return "\n".join([f"{self.environment}: {self.summary}", *(f"  {line}" for line in self.findings)])

    @property
    def findings(self) -> tuple[str, ...]:
        """What failed and what was inconclusive, a line each: first what kept other checks from being tried, then the rest."""
        blocking = Counter(result.because for result in self.results)
        failures = sorted(self.failures, key=lambda result: -blocking[result.check])
        tried = [result for result in self.inconclusive if not result.because]
        return (*map(str, failures), *map(str, tried), *self.not_tried)

    @property
    def not_tried(self) -> tuple[str, ...]:
        """A line for each failure that kept other checks from being tried, with their names."""
        failed = list(dict.fromkeys(result.because for result in self.results if result.because))
        return tuple(
            f"{'not tried':<12} {', '.join(r.check for r in self.results if r.because == check)}: {check!r} failed"
            for check in failed
        )
