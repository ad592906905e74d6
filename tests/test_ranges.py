"""Ranges of params and fields: refused outside of them, and inside of them every observation is in its space."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv import ranges
from jaxenv.environment import Params
from jaxenv.errors import RangeError
from jaxenv.registry import build

pytestmark = pytest.mark.usefixtures("mnist")

SPECS = jaxenv.registered_envs()
FIRST = list({spec.entry_point: spec for spec in reversed(SPECS)}.values())[::-1]
"""The first id of each class."""


def stated(values):
    """Yield each field of a dataclass, and of those within it, with its range."""
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if dataclasses.is_dataclass(value):
            yield from stated(value)
        elif (found := ranges.of(type(values), field.name)) is not None:
            yield field.name, value, found


def outside(found):
    """Yield numbers that a range does not hold."""
    bounds = [(found.at_least, -1), (found.at_most, 1), (found.above, 0), (found.below, 0)]
    yield from (bound + beyond for bound, beyond in bounds if bound is not None)


@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_what_is_outside_of_its_range_is_refused_by_make_and_by_reset(spec):
    env, params = jaxenv.make(spec)
    assert "max_steps_in_episode" in {name for name, *_ in stated(params)}
    for name, default, found in stated(params):
        for number in (*outside(found), math.nan):
            if isinstance(number, float) and isinstance(default, int) and math.isnan(number):
                continue
            with pytest.raises(RangeError, match=rf"{name} is .*, but a .*number.* was expected\. Pass one\."):
                jaxenv.make(spec, **{name: number})
            with pytest.raises(RangeError, match=name):
                env.reset(jax.random.key(0), params.replace(**{name: number}))
    known = build.field_types(build.load_factory(spec))
    for name, _, found in stated(env):
        for number in outside(found):
            if name in known:
                with pytest.raises(RangeError, match=name):
                    jaxenv.make(spec, **{name: number})
            with pytest.raises(RangeError, match=name):
                env.replace(**{name: number})


@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_a_number_that_the_device_cannot_hold_is_refused(spec):
    _, params = jaxenv.make(spec)
    floats = [f.name for f in dataclasses.fields(params) if isinstance(getattr(params, f.name), float)]
    for name in floats:
        for number in (1e400, -1e400, 1e39, math.nan):
            if math.isinf(number) and (found := ranges.of(type(params), name)) and found.infinite and number > 0:
                continue
            with pytest.raises(RangeError, match=name):
                jaxenv.make(spec, **{name: number})
    for number in (2**31, 10**400):
        with pytest.raises(RangeError, match="max_steps_in_episode"):
            jaxenv.make(spec, max_steps_in_episode=number)


NUM_ENVS, STEPS = 64, 60


def drawn(spec, params, seed):
    """Return params drawn for each environment: floats inside of their ranges, from zero to three times the default."""
    rng = np.random.default_rng(seed)

    def leaf(owner, name, value):
        if not isinstance(value, float) or isinstance(value, bool):
            return jnp.broadcast_to(jnp.asarray(value), (NUM_ENVS, *np.shape(value)))
        found = ranges.of(owner, name) or ranges.FINITE
        low = (
            -3 * abs(value) - 0.5 if found.at_least is None and found.above is None else (found.at_least or found.above or 0) + 1e-3
        )
        high = max(3 * abs(value), 0.5) if found.at_most is None else found.at_most
        return jnp.asarray(rng.uniform(low, max(high, low), NUM_ENVS), jnp.float32)

    def tree(values):
        new = {}
        for field in dataclasses.fields(values):
            value = getattr(values, field.name)
            if value is None:
                continue
            new[field.name] = tree(value) if dataclasses.is_dataclass(value) else leaf(type(values), field.name, value)
            if isinstance(value, tuple):
                new[field.name] = tuple(leaf(type(values), field.name, item) for item in value)
        return dataclasses.replace(values, **new)

    return tree(params)


@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_observations_stay_in_their_space_for_any_params_in_their_ranges(spec):
    env, params = jaxenv.make(spec)
    many = drawn(spec, params, 0)
    for low, high in (("reset_low", "reset_high"), ("min_action", "max_action"), ("min_position", "max_position")):
        if hasattr(many, low):
            a, b = getattr(many, low), getattr(many, high)
            many = many.replace(**{low: jnp.minimum(a, b), high: jnp.maximum(a, b)})

    def play(key, params):
        def one(state, key):
            keys = jax.random.split(key)
            action = env.action_space(params).sample(keys[0])
            obs, state, _, _, info = env.step(keys[1], state, action, params)
            space = env.observation_space(params)
            final = info["final_observation"]
            finite = jnp.all(jnp.asarray([jnp.isfinite(x).all() for x in jax.tree.leaves(final) if x.dtype.kind == "f"] or [True]))
            return state, ((space.contains(obs) & space.contains(final)) | ~finite, obs, final)

        obs, state = env.reset(key, params)
        inside, seen, final = jax.lax.scan(one, state, jax.random.split(key, STEPS))[1]
        return env.observation_space(params).contains(obs), inside, seen, final

    first, inside, seen, final = jax.jit(jax.vmap(play))(jax.random.split(jax.random.key(0), NUM_ENVS), many)
    wrong = np.flatnonzero(~np.asarray(first & inside.all(1)))
    one = jax.tree.map(lambda x: x[wrong[0]], many) if wrong.size else None
    assert not wrong.size, f"{wrong.size} of {NUM_ENVS} environments left their space, the first with {one}"


def test_a_subclass_that_restates_a_field_keeps_the_range_of_its_base():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Shorter(Params):
        max_steps_in_episode: int = 5

    assert ranges.of(Shorter, "max_steps_in_episode") == ranges.of(Params, "max_steps_in_episode")


def test_a_time_limit_of_none_is_no_limit():
    env, params = jaxenv.make("CartPole-v1", max_steps_in_episode=None)
    assert params.max_steps_in_episode == env.default_params.max_steps_in_episode == 2**31 - 1
    _, state = env.reset(jax.random.key(0), params.replace(max_steps_in_episode=None))
    assert not env.step(jax.random.key(0), state.replace(time=jnp.int32(10**6)), 0, params.replace(max_steps_in_episode=None))[4][
        "truncated"
    ]
