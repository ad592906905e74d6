"""Environments that promise gradients and have none: each breaks the promise in its own way."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array
from jaxenv import Transition
from promises import Walk, Wrong, each, promises, require_told

pytestmark = pytest.mark.usefixtures("unoptimized")


class NanGradient(Walk):
    """Its reward has no finite gradient."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        return out.replace(reward=-jnp.sqrt(jnp.square(out.state.x) * 0.0))


class NanGradientOfTheReset(Walk):
    """The states that it begins in have no finite gradient by a param."""

    def init(self, key: Array, params: Any) -> Any:
        out = super().init(key, params)
        return out.replace(x=out.x + jnp.sqrt(params.speed * 0.0))


class RoundsActions(Walk):
    """It promises gradients of what no small change of an action changes."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(key, state, jnp.round(action), params)


class LoopsUntil(Walk):
    """Its step cannot be differentiated backwards."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        x = jax.lax.while_loop(lambda x: jnp.abs(x) > 1.5, lambda x: x / 2.0, out.state.x)
        return out.replace(state=out.state.replace(x=x))


class NoGradient(Walk):
    """It stops every gradient."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return jax.lax.stop_gradient(super().transition(key, state, action, params))


WRONG: Wrong = [
    ("gradients", NanGradient(), "the gradient of a step by state.x is not finite"),
    ("gradients", NanGradientOfTheReset(), "the gradient of a step by params.speed is not finite"),
    ("gradients", NoGradient(), "every gradient of a step by the state is zero"),
    ("gradients", RoundsActions(), "every gradient of a step by the action is zero"),
    ("gradients", LoopsUntil(), "a step cannot be differentiated: .*ValueError"),
]


@each(WRONG)
def test_a_broken_promise_is_reported(check: str, env: Any, sentence: str) -> None:
    require_told(check, env, sentence)


def test_every_promise_has_an_environment_that_breaks_it() -> None:
    assert {check for check, _, _ in WRONG} == promises("gradients")
