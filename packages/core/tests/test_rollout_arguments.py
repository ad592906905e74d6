"""What a rollout is given: sizes of every kind of integer, policies of every form, and what is refused, with which sentence."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.errors import (
    RangeError,
    RolloutArgumentError,
    RolloutEnvironmentError,
    RolloutKeywordsError,
    RolloutPolicyError,
    WrapperSettingError,
)
from jaxenv.visualize.canvas import Canvas
from jaxenv.wrappers import (
    DelayObservation,
    DiscretizeAction,
    FrameStackObservation,
    PixelObservation,
    RepeatAction,
    Vectorize,
)
from probes import Ladder, Walk

pytestmark = pytest.mark.usefixtures("unoptimized")

ENV = Ladder()
KEY = jax.random.key(0)
INTEGERS = (np.int64(4), np.uint8(4), np.asarray(4), jnp.int32(4), 4)
SIZES: dict[str, Any] = {"num_envs": 4, "num_steps": 4}


def play(policy: Any = None, env: Any = ENV, **options: Any) -> Any:
    return jaxenv.rollout(env, None, policy, KEY, **SIZES | options)


@pytest.mark.parametrize("size", INTEGERS, ids=[type(size).__name__ for size in INTEGERS])
def test_any_integer_is_a_size(size: Any) -> None:
    result = play(num_envs=size, num_steps=size, unroll=size)
    assert result.trajectory.reward.shape == (4, 4)
    assert jaxenv.RolloutWrapper(env=ENV, num_env_steps=size).single_rollout(KEY)[2].shape == (4,)
    for env, same in (
        (FrameStackObservation(ENV, size), FrameStackObservation(ENV, 4)),
        (DelayObservation(ENV, size), DelayObservation(ENV, 4)),
        (RepeatAction(ENV, size), RepeatAction(ENV, 4)),
        (Vectorize(ENV, size), Vectorize(ENV, 4)),
        (DiscretizeAction(Walk(), size), DiscretizeAction(Walk(), 4)),
        (DiscretizeAction(Walk(), (size, 2)), DiscretizeAction(Walk(), (4, 2))),
        (PixelObservation(Walk(), size), PixelObservation(Walk(), 4)),
        (PixelObservation(Walk(), (size, 3)), PixelObservation(Walk(), (4, 3))),
    ):
        assert (env, hash(env), repr(env)) == (same, hash(same), repr(same))
    for shape in (size, (size, 4)):
        assert (Canvas(shape).height, Canvas(shape).width) == (4, 4)


@pytest.mark.parametrize("size", [0, -1, 1.0, 4.5, "4", None, True, np.bool_(True), np.float32(4.0), (4,)], ids=repr)
def test_what_is_no_size_is_refused(size: Any) -> None:
    for name in ("num_envs", "num_steps"):
        with pytest.raises(RolloutArgumentError, match=f"{name} must be a positive integer, but .* was given"):
            play(**{name: size})
    if size is not None:
        with pytest.raises(RolloutArgumentError, match="num_env_steps must be a positive integer"):
            jaxenv.RolloutWrapper(env=ENV, num_env_steps=size)
    for wrapper in (FrameStackObservation, RepeatAction, Vectorize):
        with pytest.raises(WrapperSettingError, match="Pass an integer of at least 1"):
            wrapper(ENV, size)


def test_a_traced_size_is_refused_without_a_tracer() -> None:
    with pytest.raises(RolloutArgumentError, match=r"num_steps must be a positive integer, but (a traced )?int32\[\] was given"):
        jax.jit(lambda n: play(num_steps=n).statistics)(3)


def plain(obs: Any, key: Any) -> Any:
    return jnp.int32(1)


def with_params(weights: Any, obs: Any, key: Any) -> Any:
    return jnp.int32(1)


def with_carry(carry: Any, obs: Any, key: Any) -> Any:
    return carry, jnp.int32(1)


def with_both(weights: Any, carry: Any, obs: Any, key: Any) -> Any:
    return carry, jnp.int32(1)


def short(obs: Any) -> Any:
    return jnp.int32(1)


def by_name(obs: Any, key: Any, *, temperature: Any) -> Any:
    return jnp.int32(1)


def anything(*args: Any) -> Any:
    return jnp.int32(1)


def optional(obs: Any, key: Any, greedy: bool = True) -> Any:
    return jnp.int32(1)


class Agent:
    def act(self, obs: Any, key: Any) -> Any:
        return jnp.int32(1)

    def __call__(self, weights: Any, obs: Any, key: Any) -> Any:
        return jnp.int32(1)


W, C = {"policy_params": jnp.ones(2)}, {"initial_carry": jnp.int32(0)}


@pytest.mark.parametrize(
    ("policy", "options"),
    [
        (None, {}),
        (plain, {}),
        (anything, {}),
        (anything, W),
        (optional, {}),
        (Agent().act, {}),
        (Agent(), W),
        (functools.partial(with_params, 0.0), {}),
        (with_params, W),
        (with_carry, C),
        (with_both, W | C),
    ],
)
def test_a_policy_of_every_form_is_played(policy: Any, options: Any) -> None:
    assert play(policy, **options).trajectory.action.shape == (4, 4)


@pytest.mark.parametrize(
    ("policy", "options", "called", "is_", "advice"),
    [
        (with_params, {}, "with_params(obs, key)", "with_params(weights", "Pass policy_params=... if its first argument"),
        (with_carry, {}, "with_carry(obs, key)", "with_carry(carry", "Pass initial_carry=... if it has a carry."),
        (with_both, {}, "with_both(obs, key)", "with_both(weights", "Pass policy_params=... and initial_carry=...: it takes both."),
        (with_both, W, "with_both(policy_params, obs, key)", "with_both(weights", "Pass initial_carry=..."),
        (with_both, C, "with_both(carry, obs, key)", "with_both(weights", "Pass policy_params=..."),
        (plain, W, "plain(policy_params, obs, key)", "plain(obs", "Leave policy_params out if it has no parameters."),
        (plain, C, "plain(carry, obs, key)", "plain(obs", "Leave initial_carry out if it has no carry."),
        (with_carry, W | C, "with_carry(policy_params, carry, obs, key)", "with_carry(carry", "Leave policy_params out"),
        (short, {}, "short(obs, key)", "short(obs", "Define it with as many arguments, in this order."),
        (by_name, {}, "by_name(obs, key)", "by_name(obs", "Arguments by name (temperature) are never passed"),
        (lambda: 0, {}, "<lambda>(obs, key)", "<lambda>()", "Define it with as many arguments"),
        (Agent(), {}, "Agent(obs, key)", "Agent(weights", "Pass policy_params=..."),
        (Agent().act, W, "act(policy_params, obs, key)", "act(obs", "Leave policy_params out"),
        (functools.partial(with_params, 0.0), W, "partial(policy_params, obs, key)", "partial(obs", "Leave policy_params out"),
    ],
)
def test_a_policy_that_takes_something_else_is_told_both_calls(
    policy: Any, options: Any, called: str, is_: str, advice: str
) -> None:
    with pytest.raises(RolloutPolicyError) as caught:
        play(policy, **options)
    fragment = str(caught.value)
    assert fragment.startswith(f"The policy is called as {called}, but it is {is_}")
    assert advice in fragment


def test_a_rollout_wrapper_says_how_it_calls() -> None:
    with pytest.raises(
        RolloutPolicyError, match=r"called as plain\(policy_params, obs, key\), but .*RolloutWrapper always calls it so"
    ):
        jaxenv.RolloutWrapper(plain, env=ENV, num_env_steps=3).single_rollout(KEY)


def test_a_policy_with_a_carry_that_returns_an_action_alone() -> None:
    with pytest.raises(
        RolloutPolicyError, match=r"anything must return \(carry, action\), but it returned [^.]*\. Return the pair"
    ):
        play(anything, **C)
    with pytest.raises(RolloutPolicyError, match=r"must return \(carry, action\), but it returned a tuple of 3"):
        play(lambda carry, obs, key: (carry, obs, 1), **C)


@pytest.mark.parametrize("policy", [3, KEY, "left", jnp.ones(3)], ids=["number", "key", "string", "array"])
def test_what_is_no_policy(policy: Any) -> None:
    with pytest.raises(RolloutPolicyError, match=r"policy must be a function or None, but .* was given"):
        play(policy)
    with pytest.raises(RolloutPolicyError, match=r"policy must be a function or None"):
        jaxenv.RolloutWrapper(policy, env=ENV, num_env_steps=3)


class Unhashable:
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __call__(self, obs: Any, key: Any) -> Any:
        return 1


def test_a_policy_that_cannot_be_hashed() -> None:
    with pytest.raises(RolloutPolicyError, match=r"policy must be hashable.* but Unhashable is not"):
        play(Unhashable())


@pytest.mark.parametrize(
    ("env", "advice"),
    [
        (Vectorize(ENV, 4), r"Pass the environment that was vectorized, with num_envs"),
        (Ladder, r"Pass an instance: Ladder\(\)\."),
        ("CartPole-v1", r"Pass the environment that jaxenv\.make returns"),
        ((ENV, ENV.default_params), r"jaxenv\.make returns the environment and its params: write env, params = jaxenv\.make"),
        (None, r"Pass an instance of a subclass of jaxenv\.Environment"),
    ],
)
def test_what_is_no_single_environment(env: Any, advice: str) -> None:
    with pytest.raises(RolloutEnvironmentError, match=rf"A rollout plays one environment .* was given\. {advice}"):
        play(env=env)
    if env is not None:
        with pytest.raises(RolloutEnvironmentError, match=advice):
            jaxenv.RolloutWrapper(env=env, num_env_steps=3)


def test_settings_for_an_environment_that_is_made() -> None:
    with pytest.raises(
        RolloutKeywordsError, match=r"so unused would be ignored\. Make the environment with them, or pass env_name"
    ):
        jaxenv.RolloutWrapper(env=ENV, env_kwargs={"unused": True})
    assert jaxenv.RolloutWrapper(env=ENV, env_kwargs={}).env == ENV


def test_a_policy_that_is_defined_once_is_compiled_once() -> None:
    traces = 0

    def policy(weights: Any, obs: Any, key: Any) -> Any:
        nonlocal traces
        traces += 1
        return jnp.int32(1)

    for _ in range(2):
        play(policy, policy_params=jnp.ones(2))
    first = traces
    play(policy, policy_params=jnp.zeros(2))
    assert traces == first
    play(lambda weights, obs, key: policy(weights, obs, key), policy_params=jnp.ones(2))
    assert traces > first


@pytest.mark.parametrize("play", [jaxenv.rollout, jaxenv.evaluate], ids=["rollout", "evaluate"])
def test_params_outside_of_their_range_are_refused_before_anything_is_played(play: Any) -> None:
    params = ENV.default_params.replace(max_steps_in_episode=0)
    sizes = {"num_envs": 2, "num_steps": 2} if play is jaxenv.rollout else {"num_episodes": 2}
    with pytest.raises(RangeError, match="max_steps_in_episode is 0, but a"):
        play(ENV, params, None, KEY, **sizes)
