"""What can be wrong with a wrapper, or with what it is put around."""

from __future__ import annotations

from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import named, short


class WrappedTypeError(JaxenvError, TypeError):
    """A wrapper was put around something that is not an environment."""

    def __init__(self, wrapper: str, given: Any) -> None:
        super().__init__(
            f"{wrapper} wraps an environment, but {named(given)} was given. "
            "Pass the environment alone (make returns it together with its params), and put Vectorize outermost."
        )


class WrapperSpaceError(JaxenvError, ValueError):
    """A wrapper cannot serve the spaces of the environment that it was put around."""

    def __init__(self, wrapper: str, env: str, role: str, space: Any, needed: str, advice: str) -> None:
        super().__init__(f"{wrapper} needs {needed}, but {env} has the {role} {short(space)}. {advice}")


class WrapperSettingError(JaxenvError, ValueError):
    """A wrapper was given a setting that makes no sense; the message says which and what to pass."""


class WrapperHookError(JaxenvError, TypeError):
    """A wrapper defines ``transition``, or is asked for it."""

    def __init__(self, name: str, reason: str, action: str) -> None:
        super().__init__(
            f"{name} {reason}, but a wrapper's step is advance: the environment within has moved the clock and applied the time "
            f"limit. {action}."
        )
