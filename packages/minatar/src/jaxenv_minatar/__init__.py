"""The five games of MinAtar, exactly: Asterix, Breakout, Freeway, Seaquest and SpaceInvaders."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxenv_minatar.asterix import Asterix, AsterixState
    from jaxenv_minatar.base import MinAtarGame, MinAtarParams, MinAtarState, RampedParams
    from jaxenv_minatar.breakout import Breakout, BreakoutState
    from jaxenv_minatar.freeway import Freeway, FreewayState
    from jaxenv_minatar.seaquest import Seaquest, SeaquestState
    from jaxenv_minatar.space_invaders import SpaceInvaders, SpaceInvadersState

_MODULES = {
    "asterix": ("Asterix", "AsterixState"),
    "base": ("MinAtarGame", "MinAtarParams", "MinAtarState", "RampedParams"),
    "breakout": ("Breakout", "BreakoutState"),
    "freeway": ("Freeway", "FreewayState"),
    "seaquest": ("Seaquest", "SeaquestState"),
    "space_invaders": ("SpaceInvaders", "SpaceInvadersState"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Asterix",
    "AsterixState",
    "Breakout",
    "BreakoutState",
    "Freeway",
    "FreewayState",
    "MinAtarGame",
    "MinAtarParams",
    "MinAtarState",
    "RampedParams",
    "Seaquest",
    "SeaquestState",
    "SpaceInvaders",
    "SpaceInvadersState",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
