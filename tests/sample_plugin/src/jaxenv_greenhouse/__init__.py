"""A greenhouse for jaxenv: heating, misting and venting through a day of changing weather."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv_greenhouse.greenhouse import Greenhouse, GreenhouseParams, GreenhouseState

__all__ = ["Greenhouse", "GreenhouseParams", "GreenhouseState"]

__getattr__, __dir__ = exports(__name__, greenhouse=("Greenhouse", "GreenhouseParams", "GreenhouseState"))
