"""Check a built site: no page fetches anything from elsewhere, and no link inside it is dead.

    python docs/check_site.py FOLDER

It reads HTML and CSS. MkDocs has checked Markdown links already; this also covers what the theme, mkdocstrings and raw HTML add.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "video": "src", "audio": "src", "embed": "src"}
"""The attribute of a tag that names what a browser fetches to show the page."""
FETCHED_LINKS = {"stylesheet", "icon", "shortcut", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
"""Relations of a ``<link>`` for which a browser contacts a server."""


class Document(HTMLParser):
    """What a page fetches, where it links to, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.has_diagram = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag says."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        self.has_diagram |= "mermaid" in values.get("class", "").split()
        if tag in FETCHED and FETCHED[tag] in values:
            self.fetched.append(values[FETCHED[tag]])
        if tag == "link" and FETCHED_LINKS & set(values.get("rel", "").split()):
            self.fetched.append(values.get("href", ""))
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        self.fetched += addresses(values.get("style", ""))


def addresses(css: str) -> list[str]:
    """Return the addresses that a style sheet fetches."""
    found = re.findall(r"url\(\s*['\"]?([^'\")]+)", css) + re.findall(r"@import\s+['\"]([^'\"]+)", css)
    return [address for address in found if not address.startswith(("data:", "#"))]


def is_elsewhere(address: str) -> bool:
    """Whether a browser would ask another server for it."""
    return address.startswith("//") or urlsplit(address).scheme in ("http", "https", "ftp", "ws", "wss")


def problems(folder: Path) -> list[str]:
    """Return a sentence for each thing that is wrong with a built site."""
    folder = folder.resolve()
    pages = {path: Document(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    found: list[str] = []
    for path, page in pages.items():
        name = path.relative_to(folder)
        if page.has_diagram:
            found.append(f"{name} has a Mermaid diagram, whose script the theme fetches from elsewhere: run docs/make_diagrams.py.")
        for address in page.fetched:
            if is_elsewhere(address):
                found.append(f"{name} fetches {address} from elsewhere: keep a copy in the site.")
            elif not address.startswith(("data:", "/")) and not (path.parent / unquote(urlsplit(address).path)).is_file():
                found.append(f"{name} fetches {address}, which is not there.")
        if name.name == "404.html":  # its links begin at the root of a server
            continue
        for link in page.links:
            target, anchor = urlsplit(link), unquote(urlsplit(link).fragment)
            if target.scheme or link.startswith("//"):
                continue
            file = (path.parent / unquote(target.path)).resolve() if target.path else path.resolve()
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file():
                found.append(f"{name} links to {link}, which is not there.")
            elif anchor and file.suffix == ".html" and anchor not in pages[file].anchors:
                found.append(f"{name} links to {link}, but {file.name} has no such anchor.")
    for path in sorted(folder.rglob("*.css")):
        found += [
            f"{path.relative_to(folder)} fetches {address} from elsewhere."
            for address in addresses(path.read_text(encoding="utf-8"))
            if is_elsewhere(address)
        ]
    return found


def main() -> None:
    """Print what is wrong, and fail if anything is."""
    folder = Path(sys.argv[1])
    found = problems(folder)
    print("\n".join(found) or f"{len(list(folder.rglob('*.html')))} pages: nothing is fetched from elsewhere, no link is dead.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
