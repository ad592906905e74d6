"""Names of a package that are imported when they are first used, so that importing the package costs next to nothing.

A family's ``__init__.py`` uses it: whoever lists environments imports the family, but none of its environments, and no JAX.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any


def exports(package: str, /, **modules: Sequence[str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package that exports names of its modules.

    Type checkers do not see what this does. Tell them with the same imports under ``if TYPE_CHECKING:``, and with ``__all__``.

    Args:
        package: the package's ``__name__``.
        modules: for each module of the package, the names to export from it.

    >>> # in jaxenv_ponds/__init__.py, with __name__ in place of the name
    >>> __getattr__, __dir__ = exports("jaxenv_ponds", pond=("Pond", "PondParams"), lake=("Lake",))
    >>> __getattr__("Puddle")
    Traceback (most recent call last):
    AttributeError: module 'jaxenv_ponds' has no attribute 'Puddle'
    """
    module_of = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, value)  # where it is found without this function from now on
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *module_of})

    return get, names
