"""Environments that do one thing alone and another in a batch, compiled or with another key: each breaks one promise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jaxenv import Transition
from jaxenv.spaces import Box
from promises import ComparedByIdentity, Walk, Wrong, callback, each, promises, require_told

pytestmark = pytest.mark.usefixtures("unoptimized")


class Unbatchable(Walk):
    """Its state goes where vmap cannot follow."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(key, state.replace(x=callback(np.abs, state.x, None)), action, params)


class LooksAtNeighbours(Walk):
    """In a batch it does what it does not do alone."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        centred = callback(lambda x: x - x.mean(), state.x, "expand_dims")
        return super().transition(key, state.replace(x=centred), action, params)


class KnowsItIsTraced(Walk):
    """Compiled, it does what it does not do uncompiled."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        return out.replace(reward=out.reward + (1.0 if isinstance(state.x, jax.core.Tracer) else 2.0))


class HiddenRandomness(Walk):
    """It draws from NumPy's global generator."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        noisy = callback(lambda x: x + np.random.default_rng().normal(size=x.shape), state.x, "expand_dims")
        return super().transition(key, state.replace(x=noisy), action, params)


class OwnKey(Walk):
    """It splits its key and then draws from another."""

    def init(self, key: Array, params: Any) -> Any:
        jax.random.split(key)
        return super().init(jax.random.key(0), params)


class TypedKeysOnly(Walk):
    """It looks at the type of its key."""

    def init(self, key: Array, params: Any) -> Any:
        if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
            raise TypeError("only new-style keys are supported")
        return super().init(key, params)


class RawKeysDiffer(Walk):
    """A raw key gives it other numbers."""

    def init(self, key: Array, params: Any) -> Any:
        typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        return super().init(key if typed else jax.random.fold_in(key, 1), params)


class Cramped(Walk):
    """Its observations leave their space."""

    def observation_space(self, params: Any) -> Any:
        shape = super().observation_space(params).shape
        return Box(-1e-6, 1e-6, shape)


WRONG: Wrong = [
    ("ranges", Cramped(), r"observation is .*, which is outside of Box\(-1e-06"),
    ("scan", Unbatchable(), "a scan over a vmapped step fails"),
    ("vmap", LooksAtNeighbours(), "with vmap in a scan and in a single step"),
    ("eager", KnowsItIsTraced(), "without and with jax.jit, on step .* reward is"),
    ("same_key", HiddenRandomness(), "played twice with the same keys"),
    ("different_keys", OwnKey(), "init reads its key, but nothing that it returns depends on it"),
    ("raw_keys", TypedKeysOnly(), "a raw uint32 key is refused: .*, in init .* raised TypeError: only new-style keys"),
    ("raw_keys", RawKeysDiffer(), "with a raw key and with a typed one"),
    ("retrace", ComparedByIdentity(), "step was traced 2 times"),
]


@each(WRONG)
def test_a_broken_promise_is_reported(check: str, env: Any, sentence: str) -> None:
    require_told(check, env, sentence)


def test_every_promise_has_an_environment_that_breaks_it() -> None:
    assert {check for check, _, _ in WRONG} == promises("execution")
