"""Errors and warnings of the engine."""

from __future__ import annotations

from jaxenv.errors.base import JaxenvError


class EngineSettingError(JaxenvError, ValueError):
    """``JAXENV_ENGINE`` has a value that means nothing."""

    def __init__(self, value: str) -> None:
        super().__init__(f"JAXENV_ENGINE is {value!r}, but must be 'auto', 'scan' or 'host'. Set it to one of them, or unset it.")


class JaxenvPerformanceWarning(UserWarning):
    """Something runs more slowly than it could; the message says why."""
