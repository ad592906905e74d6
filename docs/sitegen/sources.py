"""Files of the repository that are pages of the site too, and how links to files become links to pages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def copies() -> dict[str, str]:
    """Return the site's path of every file that is shown as a page, by its path in the repository."""
    found = {"CHANGELOG.md": "about/changelog.md", "CONTRIBUTING.md": "about/contributing.md"}
    found |= {f"packages/{path.parent.name}/README.md": f"packages/{path.parent.name}.md" for path in _readmes()}
    found |= {f"examples/{path.name}": f"examples/{path.stem}.md" for path in sorted((ROOT / "examples").glob("*.py"))}
    return found


def _readmes() -> list[Path]:
    return sorted((ROOT / "packages").glob("*/README.md"))


def pages() -> dict[str, str]:
    """Return these pages by their paths below ``docs``."""
    return {page: _shown(source) for source, page in copies().items()}


def _shown(source: str) -> str:
    text = (ROOT / source).read_text(encoding="utf-8")
    if not source.endswith(".py"):
        return relink(text, source, copies()[source])
    title = Path(source).stem.replace("_", " ").capitalize()
    docstring = text.split('"""')[1]
    command = next((line.strip() for line in docstring.splitlines() if line.strip().startswith("python ")), f"python {source}")
    lead = docstring.split("\n\n")[0].strip()
    return f'# {title}\n\n{lead}\n\n```bash\n{command}\n```\n\n```python title="{source}"\n{text.rstrip()}\n```\n'


def relink(text: str, source: str, page: str) -> str:
    """Rewrite the links of a file for the page that shows it: to the page that shows their target, or to plain text if none does.

    Args:
        text: Markdown.
        source: path of the file in the repository.
        page: path of the page below ``docs``.
    """
    return links(text, lambda target: _target(target, source, page))


def links(text: str, change: Callable[[str], str | None]) -> str:
    """Rewrite the targets of the links to files; a link whose target becomes None is replaced by its text."""

    def changed(match: re.Match[str]) -> str:
        shown, target, anchor = match.groups()
        new = change(target)
        return shown[1:-1] if new is None else f"{shown}({new}{anchor or ''})"

    return "".join(part if part.startswith("```") else _LINK.sub(changed, part) for part in _FENCED.split(text))


def _target(target: str, source: str, page: str) -> str | None:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    where = posixpath.dirname(page) or "."
    if path in copies():
        return posixpath.relpath(copies()[path], where)
    if path.startswith("docs/lessons/"):
        path = posixpath.splitext(path)[0] + ".md"  # where the script is shown
    if path.startswith("docs/"):
        path += "/README.md" if (ROOT / path / "README.md").is_file() else ""
        return posixpath.relpath(path.removeprefix("docs/"), where)
    if f"{path}/README.md" in copies():
        return posixpath.relpath(copies()[f"{path}/README.md"], where)
    return None
