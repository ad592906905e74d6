"""The whole site: its generated pages and its navigation."""

from __future__ import annotations

from functools import cache
from typing import Any

from sitegen import cli, environments, lessons, play, reference, sources

Nav = list[Any]


@cache
def generated() -> dict[str, str]:
    """Return all generated pages by their paths below ``docs``."""
    return {**environments.pages(), **reference.pages(), **cli.pages(), **lessons.pages(), **sources.pages()}


@cache
def playable() -> dict[str, str]:
    """Return the pages that play in a browser by their paths below ``docs``."""
    return {play.path_of(spec): play.page(spec, **environments.OVERRIDES.get(spec.id, {})) for spec in environments.tasks()}


def navigation(nav: Nav) -> Nav:
    """Return the navigation of ``mkdocs.yml`` with each ``(generated)`` entry replaced by the pages that it stands for."""
    parts = {
        "(environments)": _environments(),
        "(reference)": _reference(),
        "(lessons)": lessons.navigation(),
        "(decisions)": _decisions(),
        "(packages)": [
            {title: f"packages/{name}.md"}
            for name, title in {
                **environments.FAMILIES,
                "bridges": "Bridges",
                "web": "Web pages",
                "core": "Core",
                "jaxenv": "All at once",
            }.items()
        ],
        "(examples)": [path for path in sources.pages() if path.startswith("examples/")],
    }
    return _filled(nav, parts)


def _filled(nav: Nav, parts: dict[str, Nav]) -> Nav:
    found: Nav = []
    for entry in nav:
        if isinstance(entry, str) and entry in parts:
            found += parts[entry]
        elif isinstance(entry, dict):
            ((title, inner),) = entry.items()
            inner = _filled(inner, parts) if isinstance(inner, list) else inner
            if inner:
                found.append({title: inner})
        else:
            found.append(entry)
    return found


def _decisions() -> Nav:
    paths = sorted((sources.DOCS / "decisions").glob("*.md"), key=lambda path: (path.stem not in ("README", "index"), path.name))
    return [f"decisions/{path.name}" for path in paths]


def _environments() -> Nav:
    tasks = environments.tasks()
    return [
        {title: [{spec.name: environments.path_of(spec)} for spec in tasks if spec.namespace == family]}
        for family, title in environments.FAMILIES.items()
    ]


def _reference() -> Nav:
    groups = dict.fromkeys(page.group for page in reference.PAGES)
    return [
        {group: [{page.title: reference.path_of(page.module)} for page in reference.PAGES if page.group == group]}
        for group in groups
    ]


def paths(nav: Nav) -> list[str]:
    """Return the paths of all pages in a navigation."""
    found: list[str] = []
    for entry in nav:
        for inner in entry.values() if isinstance(entry, dict) else [entry]:
            found += paths(inner) if isinstance(inner, list) else [inner]
    return found


def relinked(text: str, page: str) -> str:
    """Return a page's Markdown with links to files of the repository that lead to the pages that show them."""
    return text if page in generated() else sources.relink(text, f"docs/{page}", page)
