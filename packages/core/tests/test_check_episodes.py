"""Environments whose episodes begin, go on or end as they should not: each breaks one promise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import Array
from jaxenv import Transition, spaces
from promises import Walk, Wrong, each, promises, require_told

pytestmark = pytest.mark.usefixtures("unoptimized")


class SloppyBox(spaces.Box):
    def sample(self, key: Array) -> Array:
        return super().sample(key) * 2


class SloppyActions(Walk):
    """Its action space draws what is not in it."""

    def action_space(self, params: Any) -> spaces.Space:
        return SloppyBox(-1.0, 1.0, (1,))


class NarrowSpace(Walk):
    """It shows what is not in its observation space."""

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-0.9, 0.9, (1,))


class StartsOutside(Walk):
    """Its first observations are not in its space."""

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(0.0, 2.0, (1,))


class NanReward(Walk):
    """Its reward is sometimes no number."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        return out.replace(reward=jnp.log(out.state.x + 0.5))


class InfiniteReward(Walk):
    """Its reward is sometimes infinite."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        return out.replace(reward=jnp.where(out.terminated, -jnp.inf, out.reward))


class ForgetsTruncation(Walk):
    """It is not done when the time is up."""

    def step(self, *args: Any) -> Any:
        obs, state, reward, _, info = super().step(*args)
        return obs, state, reward, info["terminated"], info


class DiscountsTruncation(Walk):
    """Its discount is 0 at the time limit as well."""

    def step(self, *args: Any) -> Any:
        obs, state, reward, done, info = super().step(*args)
        return obs, state, reward, done, info | {"discount": 1.0 - done.astype(jnp.float32)}


class LosesLastObservation(Walk):
    """Its final observation is the first one of the next episode."""

    def step(self, *args: Any) -> Any:
        obs, state, reward, done, info = super().step(*args)
        return obs, state, reward, done, info | {"final_observation": obs}


class NoisyObservation(Walk):
    """Its observation is not a function of the state."""

    def step(self, key: Array, *args: Any) -> Any:
        obs, *rest = super().step(key, *args)
        return obs + 0.1 * jax.random.uniform(key, (1,)), *rest


class OtherStepEnv(Walk):
    """Its step_env pays another reward."""

    def step_env(self, *args: Any) -> Any:
        obs, state, reward, done, info = super().step_env(*args)
        return obs, state, reward + 1, done, info


class RestartsInTheMiddle(Walk):
    """Its automatic reset begins where init does not."""

    def step(self, *args: Any) -> Any:
        obs, state, reward, done, info = super().step(*args)
        return jnp.where(done, 0.0, obs), state.replace(x=jnp.where(done, 0.0, state.x)), reward, done, info


class StartsLate(Walk):
    """Its clock is ahead."""

    def init(self, key: Array, params: Any) -> Any:
        return super().init(key, params).replace(time=3)


class CarriesTheClock(Walk):
    """Its clock runs on in the next episode."""

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> Any:
        return fresh.replace(time=ended.time)


class OneStepTooLong(Walk):
    """It grants one step after the time limit."""

    def advance(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().advance(key, state, action, params)
        return out.replace(truncated=out.state.time > params.max_steps_in_episode)


class IgnoresTheLimit(Walk):
    """It has a time limit of its own."""

    def advance(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().advance(key, state, action, self.default_params)


WRONG: Wrong = [
    ("actions", SloppyActions(), "drew an action that is no member"),
    ("observations", NarrowSpace(), "final_observation was outside observation_space|step returned an observation outside"),
    ("observations", StartsOutside(), "reset returned an observation outside"),
    ("nan", NanReward(), "step returned a NaN on .* of 11,520 steps"),
    ("rewards", InfiniteReward(), "the reward was not finite"),
    ("done", ForgetsTruncation(), r"done was not terminated \| truncated"),
    ("discount", DiscountsTruncation(), "discount was not 0 where terminated and 1 elsewhere"),
    ("final_observation", LosesLastObservation(), "final_observation was not what step_env observed"),
    ("observe", NoisyObservation(), r"observe\(state, params\) did not give the observation"),
    ("step_env", OtherStepEnv(), "disagreed about reward, done or info"),
    ("restart", RestartsInTheMiddle(), r"was not carry_over\(init\(key, params\), ended, params\)"),
    ("clock", StartsLate(), "state.time is not 0 after reset"),
    ("clock", CarriesTheClock(), "state.time was not 0 after the reset that follows"),
    ("time_limit", OneStepTooLong(), "truncated was not state.time >= params.max_steps_in_episode"),
    ("time_limit", IgnoresTheLimit(), "truncated was not state.time >= params.max_steps_in_episode"),
]


@each(WRONG)
def test_a_broken_promise_is_reported(check: str, env: Any, sentence: str) -> None:
    require_told(check, env, sentence)


def test_every_promise_has_an_environment_that_breaks_it() -> None:
    assert {check for check, _, _ in WRONG} == promises("episodes")
