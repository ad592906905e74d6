"""From ``"module:object"`` to the object."""

from __future__ import annotations

import importlib
from typing import Any

from jaxenv.errors import EntryPointError


def load_object(owner: str, entry_point: str, action: str) -> Any:
    """Import what ``entry_point`` names; on failure say that ``owner`` names it, why it failed, and which ``action`` helps."""
    module, _, path = entry_point.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (Exception, SystemExit) as cause:
        raise EntryPointError(owner, entry_point, describe_exception(cause), action) from cause
    return found


def describe_exception(cause: BaseException) -> str:
    """Return an exception's type and message on one line."""
    text = " ".join(str(cause).split())
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__
