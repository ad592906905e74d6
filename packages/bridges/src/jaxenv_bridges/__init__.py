"""Environments of other suites as environments of jaxenv: one class for each suite, imported with it when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv_bridges.base import Bridge, BridgeState, suite_key
    from jaxenv_bridges.brax import Brax
    from jaxenv_bridges.craftax import Craftax
    from jaxenv_bridges.gymnax import Gymnax
    from jaxenv_bridges.jumanji import Jumanji
    from jaxenv_bridges.navix import Navix
    from jaxenv_bridges.pgx import Pgx
    from jaxenv_bridges.xminigrid import XMiniGrid, XMiniGridParams

__all__ = [
    "Brax",
    "Bridge",
    "BridgeState",
    "Craftax",
    "Gymnax",
    "Jumanji",
    "Navix",
    "Pgx",
    "XMiniGrid",
    "XMiniGridParams",
    "suite_key",
]

__getattr__, __dir__ = exports(
    __name__,
    base=("Bridge", "BridgeState", "suite_key"),
    brax=("Brax",),
    craftax=("Craftax",),
    gymnax=("Gymnax",),
    jumanji=("Jumanji",),
    navix=("Navix",),
    pgx=("Pgx",),
    xminigrid=("XMiniGrid", "XMiniGridParams"),
)
