"""Wrappers: environments made from environments. One wrapper a file."""

from jaxenv.wrappers.base import ParametricWrapper, StatefulWrapper, Wrapper, WrapperParams, WrapperState

__all__ = ["ParametricWrapper", "StatefulWrapper", "Wrapper", "WrapperParams", "WrapperState"]
