"""The conformance kit finds each kind of mistake, and says the right sentence: one deliberately wrong environment a promise."""

from __future__ import annotations

import random as python_random
from collections.abc import Callable
from dataclasses import field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array
from jaxenv import Environment, EnvSpec, Params, State, Transition, random, spaces
from jaxenv.testing import CHECKS, ConformanceError, check_env


@struct.dataclass
class WalkParams(Params):
    speed: Array | float = 0.3


@struct.dataclass
class WalkState(State):
    x: Array


class Walk(Environment[WalkState, WalkParams]):
    """Walk along a line from near its middle until an end is reached."""

    @property
    def default_params(self) -> Any:
        return WalkParams(max_steps_in_episode=50)

    @property
    def differentiable(self) -> bool:
        return True

    def init(self, key: Array, params: Any) -> Any:
        return WalkState(random.uniform(random.words(key, 1)[0], -0.5, 0.5))

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        x = state.x + params.speed * action[0].astype(state.x.dtype) + random.uniform(random.words(key, 1)[0], -0.1, 0.1)
        return Transition(state.replace(x=x), reward=-jnp.square(x), terminated=jnp.abs(x) > 1.0)

    def observe(self, state: Any, params: Any) -> Any:
        return state.x[None]

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-1.0, 1.0, (1,))

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-2.0, 2.0, (1,))


def callback(function: Callable[[Any], Any], x: Array, vmap_method: str | None) -> Array:
    """Leave JAX for NumPy, as no environment should."""
    return jax.pure_callback(
        lambda x: function(np.asarray(x)).astype(x.dtype), jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method=vmap_method
    )


# -- identity ------------------------------------------------------------------------------------------------------


class FlickeringParams(Walk):
    """Its defaults are never the same."""

    @property
    def default_params(self) -> Any:
        return WalkParams(speed=python_random.random())


@struct.dataclass
class EndlessParams:
    speed: Array | float = 0.3


class NoTimeLimit(Walk):
    """Its params lack the time limit."""

    @property
    def default_params(self) -> Any:
        return EndlessParams()


class OtherTemplate(Walk):
    """It checks params against those of another class."""

    @property
    def params_template(self) -> Any:
        return EndlessParams()


class ListField(Walk):
    """It has a field that cannot be hashed."""

    sizes: Any = field(default_factory=lambda: [1, 2])


class LambdaField(Walk):
    """It has a field that cannot be pickled."""

    shape: Any = field(default_factory=lambda: lambda x: x)


class ObjectField(Walk):
    """It has a field that equals itself alone."""

    map: Any = field(default_factory=object)


class ComparedByIdentity(Walk):
    """No two of it are equal."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Undocumented(Walk):
    pass


# -- types ---------------------------------------------------------------------------------------------------------


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


class FloatImage(Walk):
    """Its drawing is no uint8 image."""

    def render(self, state: Any, params: Any, size: Any = 256) -> Array:
        return jnp.zeros((8, 8, 3))


class DrawsInPython(Walk):
    """Its drawing leaves JAX."""

    def render(self, state: Any, params: Any, size: Any = 256) -> Array:
        return jnp.zeros((8, int(state.x), 3), jnp.uint8)


# -- execution -----------------------------------------------------------------------------------------------------


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


# -- episodes ------------------------------------------------------------------------------------------------------


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


WRONG: list[tuple[str, Any, str]] = [
    ("environment", Walk, "does not derive from jaxenv.Environment"),
    ("params", FlickeringParams(), "differs from one access to the next"),
    ("params", NoTimeLimit(), "0 leaves named max_steps_in_episode"),
    ("params", OtherTemplate(), "are a WalkParams, but OtherTemplate takes EndlessParams"),
    ("hashable", ListField(), "cannot be hashed .*unhashable type: 'list'"),
    ("equal_by_value", ComparedByIdentity(), "a copy of the environment does not equal it"),
    ("equal_by_value", ObjectField(), "a copy of the environment does not equal it"),
    ("pickle", LambdaField(), "cannot be pickled"),
    ("docstring", Undocumented(), "Undocumented has no docstring"),
    ("reset", TooWide(), r"TooWide's observation is float32\[2\]"),
    ("reset", BranchesOnParams(), "reset, or a space, cannot be traced by jax.jit: TracerBoolConversionError"),
    ("step", BranchesOnState(), "step cannot be traced by jax.jit: TracerBoolConversionError"),
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
    ("render", FloatImage(), r"render returns float32\[8,8,3\], but an image is uint8"),
    ("render", DrawsInPython(), "render cannot be traced"),
    ("scan", Unbatchable(), "a scan over a vmapped step fails"),
    ("vmap", LooksAtNeighbours(), "with vmap in a scan and in a single step"),
    ("eager", KnowsItIsTraced(), "without and with jax.jit, on step .* reward is"),
    ("same_key", HiddenRandomness(), "played twice with the same keys"),
    ("different_keys", OwnKey(), "init reads its key, but nothing that it returns depends on it"),
    ("raw_keys", TypedKeysOnly(), "a raw uint32 key is refused: TypeError: only new-style keys"),
    ("raw_keys", RawKeysDiffer(), "with a raw key and with a typed one"),
    ("retrace", ComparedByIdentity(), "step was traced 2 times"),
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
    ("gradients", NanGradient(), "the gradient of a step by state.x is not finite"),
    ("gradients", NanGradientOfTheReset(), "the gradient of a step by params.speed is not finite"),
    ("gradients", NoGradient(), "every gradient of a step by the state is zero"),
    ("gradients", RoundsActions(), "every gradient of a step by the action is zero"),
    ("gradients", LoopsUntil(), "a step cannot be differentiated: ValueError"),
]


@pytest.mark.parametrize(
    ("check", "env", "sentence"),
    WRONG,
    ids=[f"{check}-{env.__name__ if isinstance(env, type) else env.name}" for check, env, _ in WRONG],
)
def test_a_broken_promise_is_told(check: str, env: Any, sentence: str) -> None:
    with pytest.raises(ConformanceError, match=sentence) as caught:
        check_env(env, only=[check])
    # What it stands on holds, so that a user, too, gets to read this sentence.
    assert [result.check for result in caught.value.report.failures] == [check]


def test_a_spec_without_summary_is_told() -> None:
    with pytest.raises(ConformanceError, match="the EnvSpec of Walk-v0 has no summary"):
        check_env(Walk(), spec=EnvSpec("Walk-v0", entry_point="walks:Walk"), only=["spec"])


def test_every_promise_has_an_environment_that_breaks_it() -> None:
    assert {check for check, _, _ in WRONG} | {"spec"} == {check.name for check in CHECKS}


def test_a_right_environment_keeps_every_promise() -> None:
    spec = EnvSpec("Walk-v0", entry_point="walks:Walk", summary="Walk.", reference="None.")
    report = check_env(Walk(), spec=spec)
    assert report.passed
    assert [result.check for result in report.unexercised] == ["render"]
