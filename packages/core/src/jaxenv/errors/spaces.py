"""What can be wrong with a space, or with a value that should be a member of it."""

from __future__ import annotations

from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import short


class SpaceDefinitionError(JaxenvError, ValueError):
    """A space was described in a way that makes no space; the message says what is wrong and what to pass."""


class SpaceMismatchError(JaxenvError, ValueError):
    """A value has not the structure, shape or kind of dtype that a space's members have."""

    def __init__(self, what: str, given: str, space: Any, advice: str) -> None:
        super().__init__(f"{what} is {given}, but a member of {short(space)} was expected. {advice}")


class SpaceConversionError(JaxenvError, ValueError):
    """A space has no counterpart in another form; the message says which and what to use."""


class FrozenSpaceError(JaxenvError, AttributeError):
    """Somebody tried to change a space."""

    def __init__(self, space: Any, name: str) -> None:
        super().__init__(f"{short(space)} cannot be changed, so {name} stays as it is. Make another space.")


class MissingExtraError(JaxenvError, ImportError):
    """An optional dependency is needed and not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed. Run: pip install 'jaxenv-core[{extra}]'")
