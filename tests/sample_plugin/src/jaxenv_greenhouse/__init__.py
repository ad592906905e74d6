"""A greenhouse for jaxenv: heating, misting and venting through a day of changing weather."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxenv_greenhouse.greenhouse import Greenhouse, GreenhouseParams, GreenhouseState

__all__ = ["Greenhouse", "GreenhouseParams", "GreenhouseState"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from jaxenv_greenhouse import greenhouse

        return getattr(greenhouse, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
