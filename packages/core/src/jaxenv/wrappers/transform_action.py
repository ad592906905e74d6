"""Actions through a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jax import Array

from jaxenv import spaces
from jaxenv.environment import Transition
from jaxenv.wrappers.base import Wrapper


class TransformAction(Wrapper):
    """Step the wrapped environment with ``func(action)``.

    Equal environments share one compilation, and functions are equal if they are the same object: give one that is defined
    once, not a new lambda each time.

    >>> env = TransformAction(env, jnp.tanh, spaces.Box(-jnp.inf, jnp.inf, (1,)))
    """

    func: Callable[[Any], Any]
    """A JAX function from an action of ``space`` to one of the wrapped environment."""
    space: spaces.Space | None = None
    """The space of actions; ``None`` if it is the wrapped environment's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_function(self.func)
        self.require_space(self.space)

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        return self.inner_advance(key, state, self.func(action), params)

    def action_space(self, params: Any) -> spaces.Space:
        return super().action_space(params) if self.space is None else self.space
