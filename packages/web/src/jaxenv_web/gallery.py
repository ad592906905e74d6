"""Folders of pages, and the index page that shows them all."""

from __future__ import annotations

import html
import re
from pathlib import Path

from jaxenv_web.assets import asset, document, filled
from jaxenv_web.errors import OutputFolderError

_ID = re.compile(r'<meta name="jaxenv-id" content="([^"]*)">')


def file_name(env_id: str) -> str:
    """Return the name of the page of an id: ``classic-CartPole-v1.html``."""
    return env_id.replace("/", "-") + ".html"


def index(folder: Path) -> str:
    """Return the index page of the pages in a folder, each shown as it plays."""
    tiles: list[tuple[str, str]] = []
    for path in sorted(folder.glob("*.html")):
        with path.open(encoding="utf-8") as file:
            found = _ID.search(file.read(500))
        if found:
            name = html.escape(path.name)
            frame = f'<iframe src="{name}#tile" loading="lazy" tabindex="-1" title="{found[1]}"></iframe>'
            tiles.append((html.unescape(found[1]), f'<li><a href="{name}">{frame}{found[1]}</a></li>'))
    body = filled("index.html", {"tiles": "\n".join(text for _, text in sorted(tiles))})
    return document("Environments", asset("index.css"), body)


def write(folder: Path, name: str, text: str) -> Path:
    """Write a file into a folder, which is made if it is missing.

    Raises:
        OutputFolderError: it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputFolderError(folder, error.strerror or str(error)) from error
    return path
