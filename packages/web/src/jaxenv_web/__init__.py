"""Environments as pages that one can play in a browser, generated from their own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv_web.pages import Page, page
    from jaxenv_web.programs import Programs

__all__ = ["Page", "Programs", "page"]

__getattr__, __dir__ = exports(__name__, pages=("Page", "page"), programs=("Programs",))
