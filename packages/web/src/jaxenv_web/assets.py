"""The page's own code, written by hand."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def asset(name: str) -> str:
    """Return the text of a file in ``static``.

    Args:
        name: such as ``arithmetic.js``.
    """
    return resources.files("jaxenv_web").joinpath("static", name).read_text(encoding="utf-8")
