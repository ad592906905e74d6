"""Pictures and films of environments.

:class:`Canvas` turns shapes into pixels, in JAX; an environment's ``render`` uses it. ``palette`` has colours, and ``props`` things
that several pictures show. :class:`Visualizer` turns a sequence of states into a GIF, an MP4, a PNG or an HTML page with a player.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxenv.visualize import palette, props
    from jaxenv.visualize.canvas import Canvas, Size
    from jaxenv.visualize.visualizer import Visualizer

__all__ = ["Canvas", "Size", "Visualizer", "palette", "props"]

_MODULE_OF = {"Canvas": "canvas", "Size": "canvas", "Visualizer": "visualizer"}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    if name in ("palette", "props"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
