"""What the conformance kit raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.wording import short


class ConformanceError(JaxenvError, AssertionError):
    """An environment breaks promises of the protocol.

    Args:
        report: the :class:`jaxenv.testing.Report`, with the result of each check; it stays an attribute of the error.
    """

    def __init__(self, report: Any) -> None:
        self.report = report
        super().__init__(str(report))


class UnknownCheckError(JaxenvError, LookupError):
    """The conformance kit has no check of this name."""

    def __init__(self, given: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no check named {short(given)}. Choose from {', '.join(known)}.")
