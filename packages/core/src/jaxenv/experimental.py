"""The place where gymnax keeps its rollout wrapper, so that ``jaxenv.experimental.RolloutWrapper`` works unchanged."""

from __future__ import annotations

from jaxenv import RolloutWrapper

__all__ = ["RolloutWrapper"]
