"""Rewards through a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jax import Array

from jaxenv.environment import Transition
from jaxenv.wrappers.base import Wrapper


class TransformReward(Wrapper):
    """Replace every reward by ``func(reward)``.

    Equal environments share one compilation, and functions are equal if they are the same object: give one that is defined
    once, not a new lambda each time.

    >>> env = TransformReward(env, jnp.sign)
    """

    func: Callable[[Array], Array]
    """A JAX function from a float32 scalar to a scalar."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_function(self.func)

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        return out.replace(reward=self.func(out.reward))  # type: ignore[attr-defined]
