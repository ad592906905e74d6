"""Params through wrappers: what ``make`` made is what None means, and a wrapper takes the params of any layer beneath it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv import EnvSpec, environment, wrappers
from jaxenv.errors import OverrideValueError, ParamsTypeError, TracedParamError, UnknownOverrideError
from jaxenv.testing import check_env
from registry_environments import Pond, here
from wrapped import PROBES, WRAPPERS, Drift, stacked

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


def limit(params: Any) -> int:
    return int(params.max_steps_in_episode)


STACKS = [(probe, (name,)) for name in sorted(WRAPPERS) for probe in PROBES]
STACKS += [
    (Drift, pair) for pair in (("ScaleReward", "ScaleReward"), ("StickyAction", "ClipReward"), ("NormalizeReward", "RewardNoise"))
]
MADE = [(env, "-".join(names)) for probe, names in STACKS if (env := stacked(probe, names)) is not None]


ONCE = list({name: (env, name) for env, name in reversed(MADE)}.values())[::-1]
"""Each wrapper around the first environment that it fits: for what has to be compiled."""


def layers_of(env: Any) -> list[Any]:
    """Return the environments of a stack, from the outermost in, made of one whose time limit is another than the published."""
    outermost = env.replace(max_steps_in_episode=3)
    found = [outermost]
    while found[-1] is not found[-1].unwrapped:
        found.append(found[-1].env)
    return found


def of_each(made: Any) -> Any:
    return pytest.mark.parametrize("env", [env for env, _ in made], ids=[f"{env.name}-{name}" for env, name in made])


@of_each(MADE)
def test_every_layer_keeps_what_it_was_told(env):
    layers = layers_of(env)
    for layer in layers:
        assert limit(layer.default_params) == 3
    rebuilt = copy.deepcopy(layers[0])
    assert rebuilt == layers[0]
    assert hash(rebuilt) == hash(layers[0])
    assert layers[0] != layers[0].replace(max_steps_in_episode=4)


@of_each(MADE)
def test_params_of_any_layer_are_taken_everywhere(env):
    layers = layers_of(env)
    outermost = layers[0]
    obs, state = outermost.reset(KEY)
    action = outermost.action_space().sample(KEY)
    expected = jax.eval_shape(outermost.step, KEY, state, action)
    for layer in layers:
        given = layer.default_params.replace(max_steps_in_episode=1)
        lifted = outermost.lift(given)
        assert outermost.accepts(lifted)
        assert limit(lifted) == 1
        same(outermost.reset(KEY, given)[0], obs)
        results = outermost.step(KEY, outermost.reset(KEY, given)[1], action, given)
        assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), results) == jax.tree.map(
            lambda leaf: (leaf.shape, leaf.dtype), expected
        )
        assert results[3]  # the limit of one step
        assert outermost.action_space(given) == outermost.action_space(lifted)
        assert repr(outermost.observation_space(given)) == repr(outermost.observation_space(lifted))
        assert outermost.state_space(given) == outermost.state_space()


def same(a: Any, b: Any) -> None:
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5), a, b)


def test_a_wrapper_has_its_own_numbers_at_their_defaults_when_it_lifts():
    inner = wrappers.ScaleReward(Drift(), 2.0)
    outer = wrappers.ScaleReward(inner, 5.0)
    lifted = outer.lift(inner.default_params.replace(scale=3.0))
    assert (lifted.scale, lifted.env_params.scale) == (5.0, 3.0)
    lifted = outer.lift(Drift().default_params)
    assert (lifted.scale, lifted.env_params.scale) == (5.0, 2.0)


def test_params_that_skip_a_layer_are_refused_by_their_types():
    outer = wrappers.ScaleReward(wrappers.RewardNoise(Drift(), 0.1), 5.0)
    given = wrappers.ScaleReward(Drift(), 5.0).default_params
    with pytest.raises(
        ParamsTypeError, match=r"ScaleRewardParams around .*RewardNoiseParams around .*Params, but .*ScaleRewardParams around"
    ):
        outer.reset(KEY, given)


def test_params_of_a_wrapper_replace_leaves_beneath():
    params = wrappers.NormalizeReward(wrappers.StickyAction(Drift(), 0.1)).default_params
    changed = params.replace(max_steps_in_episode=5, repeat_action_probability=0.5, gamma=0.9)
    assert (limit(changed), limit(changed.env_params.env_params)) == (5, 5)
    assert (changed.env_params.repeat_action_probability, changed.gamma) == (0.5, 0.9)
    with pytest.raises(TypeError, match="depth"):
        params.replace(depth=1)


@of_each(ONCE)
def test_rollouts_play_what_the_environment_was_told(env):
    layers = layers_of(env)
    env = layers[0]
    result = jaxenv.rollout(env, None, None, KEY, num_envs=2, num_steps=4)
    assert result.trajectory.done.any(0).all()
    assert jaxenv.RolloutWrapper(env=env).num_env_steps == 3
    inner = layers[-1].default_params.replace(max_steps_in_episode=2)
    shorter = jaxenv.rollout(env, inner, None, KEY, num_envs=2, num_steps=4)
    assert shorter.trajectory.done.sum(0).min() >= result.trajectory.done.sum(0).min()
    assert jaxenv.RolloutWrapper(env=env, env_params=inner).num_env_steps == 2


@of_each(ONCE)
def test_environments_that_differ_in_numbers_alone_share_one_compilation(env):
    environments = [env.replace(max_steps_in_episode=limit) for limit in (5, 7)]
    assert len({env.without_overrides for env in environments}) == 1
    sizes: list[Any] = []
    for number, env in enumerate(environments):
        obs, state = env.reset(KEY)
        env.step(KEY, state, env.action_space().sample(KEY))
        sizes.append((environment._reset._cache_size(), environment._step._cache_size()))
        assert limit(env.default_params) == (5, 7)[number]
    assert sizes[0] == sizes[1]


def test_the_conformance_kit_checks_what_the_environment_was_told():
    report = check_env(Drift().replace(max_steps_in_episode=2), only=["time_limit"])
    assert report.passed


class TestMake:
    pytestmark = pytest.mark.usefixtures("pond_plugins")

    def test_none_means_what_make_made(self):
        env, params = jaxenv.make("Pond-v1", fish=9, size=6)
        assert (env.default_params.depth, env.default_params.fish, env.size) == (4.0, 9, 6)
        jax.tree.map(np.testing.assert_array_equal, env.default_params, params)
        _, state = env.reset(KEY)
        assert env.step(KEY, state, 0)[2] == 4.0
        assert wrappers.ScaleReward(env, 2.0).step(KEY, state, 0)[2] == 8.0

    @pytest.mark.parametrize("changes", [{"depth": 2.5}, {"shores": [2.0, 3.0]}, {"name": "x"}, {"fish": np.int32(4)}], ids=str)
    def test_equal_calls_are_equal_values_that_share_one_compilation(self, changes):
        (first, params), (second, _) = jaxenv.make("Pond-v0", **changes), jaxenv.make("Pond-v0", **changes)
        assert first == second
        assert hash(first) == hash(second)
        assert first != jaxenv.make("Pond-v0")[0]
        assert pickle.loads(pickle.dumps(first)) == first
        if "name" not in changes:  # not a leaf that JAX takes
            first.reset(KEY, params)
            before = environment._reset._cache_size()
            second.reset(KEY, params)
            assert environment._reset._cache_size() == before

    def test_numbers_that_differ_make_environments_that_differ(self):
        environments = [
            jaxenv.make("Pond-v0", **changes)[0] for changes in ({}, {"depth": 1.0}, {"depth": 3.0}, {"shores": [0.0, 2.0]})
        ]
        assert len(set(environments)) == 4

    def test_a_traced_value_is_in_the_params_alone(self):
        def reward(depth: Any, given: bool) -> Any:
            env, params = jaxenv.make("Pond-v0", depth=depth)
            _, state = env.reset(KEY, params)
            return env.step(KEY, state, 0, params if given else None)[2]

        assert jax.grad(lambda depth: reward(depth, True))(2.0) == 1.0
        with pytest.raises(TracedParamError, match=r"made with a traced value of depth, .* Pass the params that make returned"):
            jax.jit(lambda depth: reward(depth, False))(2.0)

    def test_a_value_that_cannot_be_kept_is_refused(self):
        with pytest.raises(OverrideValueError, match=r"name is dict .* but a hashable value was expected"):
            jaxenv.make("Pond-v0", name={"a": 1})

    def test_a_nested_leaf_goes_to_the_layer_that_has_it(self):
        env, _ = jaxenv.make(EnvSpec("x", here("Pond"), params={"depth": 7.0}))
        wrapped = wrappers.ScaleReward(env, 2.0).replace(depth=8.0, scale=3.0, size=9)
        assert (wrapped.scale, wrapped.env.default_params.depth, wrapped.unwrapped.size) == (3.0, 8.0, 9)


class TestReplace:
    def test_fields_and_leaves(self):
        pond = Pond(size=3).replace(label="lake", depth=1)
        assert (pond.size, pond.label, pond.default_params.depth) == (3, "lake", 1.0)
        assert pond.replace(depth=2.0).default_params.depth == 2.0
        assert pond.replace(depth=1.0) == pond

    @pytest.mark.parametrize(("changes", "error"), [({"colour": 1}, UnknownOverrideError), ({"depth": "deep"}, OverrideValueError)])
    def test_what_is_not_there_is_refused(self, changes, error):
        with pytest.raises(error, match="Pond"):
            Pond().replace(**changes)

    def test_a_subclass_that_builds_on_its_base_is_told_once(self):
        class Deeper(Pond):
            @property
            def default_params(self) -> Any:
                return super().default_params.replace(depth=super().default_params.depth * 2)

        assert Deeper().default_params.depth == 4.0
        assert Deeper().replace(depth=7.0).default_params.depth == 7.0


def test_step_env_past_the_end_goes_on():
    """Past the end nothing stops: the clock goes on, and truncated stays true from the limit on."""
    env = Drift().replace(max_steps_in_episode=2)
    _, state = env.reset(KEY)
    seen = []
    for _ in range(4):
        _, state, _, done, info = env.step_env(KEY, state, jnp.zeros(2))
        seen.append((int(state.time), bool(done), bool(info["truncated"])))
    assert seen == [(1, False, False), (2, True, True), (3, True, True), (4, True, True)]
    assert env.restart(KEY, state)[1].time == 0
