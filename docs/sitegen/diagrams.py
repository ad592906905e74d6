"""Mermaid diagrams: GitHub draws them from their text, and the site shows the SVG files that ``docs/make_diagrams.py`` made of it."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from sitegen.sources import DOCS

FOLDER = "assets/diagrams"
"""Where the files are, below ``docs``."""
SCHEMES = ("light", "dark")
"""The colour schemes of the site, a file each."""
BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A diagram in a page."""


class StaleDiagramError(Exception):
    """A diagram whose text has changed since its files were made."""


def file_name(page: str, text: str, scheme: str) -> str:
    """Return the name of a diagram's file. Another text has another name.

    Args:
        page: the path of the page below ``docs``.
        text: the diagram.
        scheme: ``light`` or ``dark``.
    """
    return f"{PurePosixPath(page).stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}-{scheme}.svg"


def drawn(markdown: str, page: str) -> str:
    """Return a page whose Mermaid blocks are pictures, one for each colour scheme.

    Args:
        markdown: the text of the page.
        page: its path below ``docs``.

    Raises:
        StaleDiagramError: a block has no files.
    """

    def pictures(block: re.Match[str]) -> str:
        title = re.findall(r"^#+ (.*)$", markdown[: block.start()], re.MULTILINE)[-1]
        lines: list[str] = []
        for scheme in SCHEMES:
            name = file_name(page, block[1], scheme)
            if not (DOCS / FOLDER / name).is_file():
                raise StaleDiagramError(f"docs/{page}: a diagram under {title!r} has no {name}. Run docs/make_diagrams.py.")
            path = "../" * page.count("/") + f"{FOLDER}/{name}"
            lines.append(f"![Diagram: {title}]({path}#only-{scheme})")
        return "\n".join(['<div class="diagram" markdown>', *lines, "</div>"])

    return BLOCK.sub(pictures, markdown)
