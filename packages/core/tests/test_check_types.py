"""Environments whose types are not what the protocol says, or that cannot be traced: each breaks one promise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jaxenv import Transition
from promises import Walk, WalkState, Wrong, callback, each, promises, require_told

pytestmark = pytest.mark.usefixtures("unoptimized")


class TooWide(Walk):
    """Its observation has another shape than its space."""

    def observe(self, state: Any, params: Any) -> Any:
        return jnp.stack([state.x, state.x])


class BranchesOnParams(Walk):
    """It looks at a param in Python."""

    def init(self, key: Array, params: Any) -> Any:
        return super().init(key, params) if params.speed > 0 else WalkState(jnp.zeros(()))


class BranchesOnState(Walk):
    """It looks at the state in Python."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(key, state, -action if state.x > 0 else action, params)


class DriftingDtype(Walk):
    """Its transition gives the state another dtype."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        return out.replace(state=out.state.replace(x=out.state.x.astype(jnp.float16)))


class BatchOfRewards(Walk):
    """Its reward is not a scalar."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(key, state, action, params).replace(reward=jnp.zeros(2))


class StepChangesTypes(Walk):
    """Its step narrows the observation that reset gave."""

    def step(self, *args: Any) -> Any:
        obs, *rest = super().step(*args)
        return obs.astype(jnp.float16), *rest


class HalfReward(Walk):
    """Its step returns another reward dtype."""

    def step(self, *args: Any) -> Any:
        obs, state, reward, done, info = super().step(*args)
        return obs, state, reward.astype(jnp.float16), done, info


class IntegerObservation(Walk):
    """Its reset and its step round what its space says is a float."""

    def reset(self, *args: Any) -> Any:
        obs, state = super().reset(*args)
        return obs.astype(jnp.int32), state

    def step(self, *args: Any) -> Any:
        obs, *rest = super().step(*args)
        return obs.astype(jnp.int32), *rest


class OwnFlags(Walk):
    """Its info takes a name of the protocol's."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(key, state, action, params).replace(info={"truncated": jnp.bool_(False)})


class Actionless(Walk):
    """It says that it has no actions."""

    num_actions = 0


class NarrowDtype(Walk):
    """Its state is float32 at first, and the default float after a step."""

    def init(self, key: Array, params: Any) -> Any:
        return WalkState(super().init(key, params).x.astype(jnp.float32))

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        wide = state.replace(x=state.x.astype(jnp.result_type(float)))
        return super().transition(key, wide, action, params)


class UnbatchableParam(Walk):
    """It takes a param where vmap cannot follow."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(key, state, action, params.replace(speed=callback(np.abs, params.speed, None)))


class UsesKeyTwice(Walk):
    """It draws twice from one key."""

    def init(self, key: Array, params: Any) -> Any:
        return WalkState(jax.random.uniform(key) * jax.random.uniform(key))


WRONG: Wrong = [
    ("reset", TooWide(), r"TooWide's observation is float32\[2\]"),
    ("reset", BranchesOnParams(), "reset, or a space, cannot be traced by jax.jit: .*, in init .* decides in Python"),
    ("step", BranchesOnState(), "step cannot be traced by jax.jit: .*, in transition .* decides in Python"),
    ("step", DriftingDtype(), r"state.x is float16\[\], but float32\[\] was expected"),
    ("step", BatchOfRewards(), r"a reward of shape \(2,\), but a scalar was expected"),
    ("stable_types", StepChangesTypes(), r"between reset and step, observation is float32\[1\] and then float16\[1\]"),
    ("dtypes", HalfReward(), r"reward is float16\[\], but float32\[\] was expected"),
    ("observation_type", IntegerObservation(), r"observation is float32\[1\] and then int32\[1\]"),
    ("info", OwnFlags(), "transition's info holds truncated"),
    ("sizes", Actionless(), "num_actions is 0"),
    ("x64", NarrowDtype(), r"with 64-bit types enabled, .*state.x is float64\[\], but float32\[\]"),
    ("params_vmap", UnbatchableParam(), "values for params.speed alone cannot be vmapped"),
    ("key_reuse", UsesKeyTwice(), "a random key is used twice"),
]


@each(WRONG)
def test_a_broken_promise_is_reported(check: str, env: Any, sentence: str) -> None:
    require_told(check, env, sentence)


def test_every_promise_has_an_environment_that_breaks_it() -> None:
    assert {check for check, _, _ in WRONG} == promises("types")
