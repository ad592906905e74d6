"""MkDocs hooks: generated pages, the parts of the navigation that follow from them, and links to files of the repository."""

from __future__ import annotations

import logging
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from sitegen import diagrams, site


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Complete the navigation."""
    config.nav = site.navigation(config.nav or [])
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in site.generated().items():
        files.append(File.generated(config, path, content=text))
    for path, text in site.playable().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **kwargs: Any) -> str:
    """Show Mermaid diagrams as pictures, and let links to files of the repository lead to the pages that show them."""
    del kwargs
    return site.relinked(diagrams.drawn(markdown, page.file.src_uri), page.file.src_uri)


# A generated page has no file that an editor could open, and MkDocs says so once for each.
logging.getLogger("mkdocs.structure.files").setLevel(logging.WARNING)
