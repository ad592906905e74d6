"""The five games of MinAtar, exactly: Asterix, Breakout, Freeway, Seaquest and SpaceInvaders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv_minatar.asterix import Asterix, AsterixState
    from jaxenv_minatar.base import MinAtarGame, MinAtarParams, MinAtarState, RampedParams
    from jaxenv_minatar.breakout import Breakout, BreakoutState
    from jaxenv_minatar.freeway import Freeway, FreewayState
    from jaxenv_minatar.seaquest import Seaquest, SeaquestState
    from jaxenv_minatar.space_invaders import SpaceInvaders, SpaceInvadersState

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

__getattr__, __dir__ = exports(
    __name__,
    asterix=("Asterix", "AsterixState"),
    base=("MinAtarGame", "MinAtarParams", "MinAtarState", "RampedParams"),
    breakout=("Breakout", "BreakoutState"),
    freeway=("Freeway", "FreewayState"),
    seaquest=("Seaquest", "SeaquestState"),
    space_invaders=("SpaceInvaders", "SpaceInvadersState"),
)
