"""What a wrong field of an environment of this family raises."""

from __future__ import annotations

from typing import Any

from jaxenv.errors import JaxenvError


class FieldValueError(JaxenvError, ValueError):
    """A field of an environment (its static structure) has a value that the task cannot have.

    Args:
        environment: the name of the environment.
        field: the name of the field.
        given: its value.
        expected: the values that it may have, in words.
    """

    def __init__(self, environment: str, field: str, given: Any, expected: str) -> None:
        super().__init__(f"{environment}: {field} must be {expected}, but {given!r} was given. Choose such a value for {field}.")
