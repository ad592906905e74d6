"""Trained agents for jaxenv's environments, and the algorithms that trained them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv_baselines.agent import Agent, load

__all__ = ["Agent", "load"]

__getattr__, __dir__ = exports(__name__, agent=("Agent", "load"))
