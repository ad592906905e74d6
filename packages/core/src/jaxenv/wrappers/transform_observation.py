"""Observations through a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxenv import spaces
from jaxenv.wrappers.base import Wrapper


class TransformObservation(Wrapper):
    """Replace every observation by ``func(observation)``.

    Equal environments share one compilation, and functions are equal if they are the same object: give one that is defined
    once, not a new lambda each time.

    >>> env = TransformObservation(env, jnp.abs, spaces.Box(0.0, jnp.inf, (2,)))
    """

    func: Callable[[Any], Any]
    """A JAX function of an observation."""
    space: spaces.Space | None = None
    """The space that ``func`` maps to; ``None`` if it is the wrapped environment's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_function(self.func)
        self.require_space(self.space)

    def observe(self, state: Any, params: Any) -> Any:
        return self.func(super().observe(state, params))

    def observation_space(self, params: Any) -> spaces.Space:
        return super().observation_space(params) if self.space is None else self.space
