"""The pages' own code, written by hand, and how a page is put together from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def asset(name: str) -> str:
    """Return the text of a file in ``static``.

    Args:
        name: such as ``arithmetic.js``.
    """
    return resources.files("jaxenv_web").joinpath("static", name).read_text(encoding="utf-8")


def filled(name: str, texts: Mapping[str, str]) -> str:
    """Return the text of a file in ``static`` with each ``$name`` replaced.

    Args:
        name: such as ``page.html``.
        texts: what replaces each name; other names stay as they are.
    """
    return re.sub(r"\$(\w+)", lambda match: texts.get(match[1], match[0]), asset(name))


def document(title: str, style: str, body: str, about: str = "") -> str:
    """Return a whole HTML file.

    Args:
        title: its title, as HTML.
        style: its style sheet.
        body: what it shows, as HTML.
        about: further lines of its head, each with a line break at its end.
    """
    return filled("document.html", {"title": title, "style": style, "body": body, "about": about})
