"""What all wrappers have in common: spaces, dtypes, the forwarded protocol, settings as leaves, keys."""

from __future__ import annotations

import dataclasses
import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import environment, spaces, wrappers
from jaxenv.errors import WrapperSettingError
from jaxenv.spaces import Box
from jaxenv.testing import enable_x64
from jaxenv.wrappers import base
from probes import Ladder, Walk

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


def absolute(x):
    return jnp.abs(x)


def everyone(walk, ladder):
    """Return each wrapper around an environment that it serves."""
    return [
        wrappers.ClipAction(walk),
        wrappers.ClipReward(walk, -1.0, 1.0),
        wrappers.DelayObservation(ladder, 2),
        wrappers.DiscretizeAction(walk, (2, 3)),
        wrappers.DiscretizeAction(walk, 3, multidiscrete=True),
        wrappers.DtypeObservation(ladder, jnp.float16),
        wrappers.FlattenObservation(ladder),
        wrappers.FrameStackObservation(ladder, 3),
        wrappers.FrameStackObservation(walk, 2, "zero"),
        wrappers.NormalizeObservation(walk),
        wrappers.NormalizeReward(walk),
        wrappers.PreviousActionAndReward(ladder),
        wrappers.RecordEpisodeStatistics(walk, final_observation=True),
        wrappers.RepeatAction(walk, 3),
        wrappers.RescaleAction(walk, -3.0, (1.0, 2.0)),
        wrappers.RescaleObservation(walk, 0.0, 1.0),
        wrappers.RewardNoise(walk, 0.5),
        wrappers.ScaleReward(walk, 0.5),
        wrappers.StickyAction(ladder, 0.5, (1, 3)),
        wrappers.TimeAwareObservation(ladder),
        wrappers.TimeAwareObservation(walk, normalize_time=True),
        wrappers.TransformAction(walk, absolute),
        wrappers.TransformObservation(walk, absolute),
        wrappers.TransformReward(walk, absolute),
    ]


COUNT = len(everyone(Walk(), Ladder()))


@pytest.mark.parametrize("i", range(COUNT))
def test_observations_and_final_observations_are_in_the_declared_space(i, walk, ladder, play):
    env = everyone(walk, ladder)[i]
    space = env.observation_space(env.default_params)
    first, steps = play(env, 40)
    assert space.contains(first)
    assert jax.vmap(space.contains)(steps["obs"]).all()
    assert jax.vmap(space.contains)(steps["info"]["final_observation"]).all()
    assert 0 < steps["done"].sum() < 40


@pytest.mark.parametrize("i", range(COUNT))
@pytest.mark.parametrize("wide", [False, True], ids=["float32", "float64"])
def test_dtypes_are_those_of_the_declared_space(i, wide, walk, ladder):
    def run(key):
        obs, state = env.reset(key)
        return obs, env.step(key, state, env.action_space(env.default_params).sample(key))

    with enable_x64(wide):
        env = everyone(walk, ladder)[i]
        first, (obs, _, reward, done, info) = jax.eval_shape(run, KEY)
        space = env.observation_space(env.default_params)
        for given in (first, obs, info["final_observation"]):
            assert jax.tree.map(lambda leaf: leaf.dtype, given) == space.dtype
            assert jax.tree.map(lambda leaf: leaf.shape, given) == space.shape
        assert (reward.dtype, done.dtype) == (np.float32, np.bool_)


def test_wrappers_are_values_and_show_what_they_wrap(walk, ladder):
    made, again = everyone(walk, ladder), everyone(walk, ladder)
    assert made == again
    assert len({*made, *again}) == len(made)
    assert repr(made[1]) == "ClipReward(env=Walk(), min_reward=-1.0, max_reward=1.0)"


def test_equal_stacks_share_one_compilation(walk):
    def stack():
        return wrappers.NormalizeReward(wrappers.RescaleAction(walk, np.array([-1.0, -2.0]), 3.0), gamma=0.5)

    _, state = stack().reset(KEY)
    stack().step(KEY, state, jnp.zeros(2))
    before = environment._step._cache_size()
    stack().step(KEY, state, jnp.zeros(2))
    assert environment._step._cache_size() == before


def test_the_protocol_is_forwarded(walk):
    env = wrappers.RecordEpisodeStatistics(wrappers.ScaleReward(walk, 2.0))
    assert (env.name, env.unwrapped, env.num_actions) == ("Walk", walk, 2)
    _, state = env.reset(KEY)
    assert env.default_params.max_steps_in_episode == 6
    assert state.time == 0
    _, state, *_ = env.step(KEY, state, jnp.zeros(2))
    assert state.time == 1
    assert env.render(state, env.default_params).max() == 10
    assert env.state_space()["env_state"]["x"] == Box(-np.inf, np.inf, (2,))
    assert wrappers.LogWrapper is wrappers.RecordEpisodeStatistics


def test_numeric_settings_are_leaves_that_can_be_mapped_and_differentiated(walk):
    env = wrappers.ScaleReward(wrappers.ClipReward(walk, -10.0, 10.0), 3.0)
    _, state = env.reset(KEY)

    def reward(scale, most):
        params = env.default_params
        params = params.replace(scale=scale, env_params=params.env_params.replace(max_reward=most))
        return env.step(KEY, state, jnp.ones(2), params)[2]

    plain = walk.step(KEY, state, jnp.ones(2))[2]
    scales, mosts = jnp.array([1.0, 2.0, 3.0]), jnp.array([10.0, 10.0, 0.25])
    np.testing.assert_allclose(jax.vmap(reward)(scales, mosts), [plain, 2 * plain, 0.75], rtol=1e-6)
    np.testing.assert_allclose(jax.grad(reward)(2.0, 10.0), plain, rtol=1e-6)
    assert env.default_params.scale == 3.0


@pytest.mark.parametrize(
    "name", [n for n in wrappers.__all__ if isinstance(getattr(wrappers, n), type) and n != "PixelObservation"]
)
def test_the_example_of_the_docstring_runs(name, walk):
    wrapper = getattr(wrappers, name)
    names = {"dataclasses": dataclasses, "jax": jax, "jnp": jnp, "spaces": spaces, "env": walk, **vars(wrappers)}
    (example,) = doctest.DocTestFinder(recurse=False).find(wrapper, name, globs=names)
    assert doctest.DocTestRunner().run(example).failed == 0
    is_wrapper = issubclass(wrapper, base.Wrapper) and wrapper not in (base.Wrapper, base.StatefulWrapper, base.ParametricWrapper)
    assert example.examples or not is_wrapper


# -- keys ----------------------------------------------------------------------------------------------------------


def test_the_key_is_split_only_where_the_wrapped_step_draws_too(walk, ladder):
    for env, wrapped in ((wrappers.RewardNoise(walk, 1.0), True), (wrappers.RewardNoise(ladder, 1.0), False)):
        inner, own = env.split_key(KEY, env.default_params)
        assert bool((inner != KEY) & (own != KEY)) is wrapped
        assert env.inner_draws(env.default_params) is wrapped
        assert env.draws_in_transition(env.default_params)


class UndeclaredNoise(wrappers.Wrapper):
    """Draws without declaring it."""

    def advance(self, key, state, action, params):
        key_inner, key_own = self.split_key(key, params)
        out = self.inner_advance(key_inner, state, action, params)
        return out.replace(reward=out.reward + jax.random.normal(key_own, (), jnp.float32))


def test_a_wrapper_that_draws_must_declare_it(walk, ladder):
    _, state = ladder.reset(KEY)
    with pytest.raises(WrapperSettingError, match=r"UndeclaredNoise draws in its step.* Draw in draw_step\(key, params\), or let"):
        UndeclaredNoise(ladder).step(KEY, state, 1)
    _, state = walk.reset(KEY)
    UndeclaredNoise(walk).step(KEY, state, jnp.ones(2))  # the wrapped step draws, so the declaration is True


def test_the_key_that_a_wrapper_passes_on_unused_goes_to_the_reset_whole(ladder):
    """A stack over a deterministic environment draws what it would draw alone: no split anywhere."""
    env = wrappers.ScaleReward(wrappers.FrameStackObservation(ladder, 2), 2.0)
    _, state = env.reset(KEY)
    rbg = jax.random.key(0, impl="unsafe_rbg")
    program = str(jax.make_jaxpr(lambda key, state: env.step(key, state, 1))(rbg, state))
    assert "random_split" not in program
    assert "random_bits" not in program
    assert "_random_words" not in program
