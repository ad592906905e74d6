"""Each wrapper by itself: what it changes, what it leaves alone, what it refuses."""

from __future__ import annotations

import dataclasses
import doctest
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import environment, random, spaces, wrappers
from jaxenv.errors import JaxenvError, SpaceMismatchError, WrappedTypeError, WrapperSettingError, WrapperSpaceError
from jaxenv.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from jaxenv.wrappers import base

KEY = jax.random.key(0)
LINE = Box(0.0, 10.0, (1,))


@pytest.fixture(scope="module")
def walk(probes):
    return probes.Walk()


@pytest.fixture(scope="module")
def ladder(probes):
    return probes.Ladder()


def replay(probes, observation=LINE, action=None, length=2):
    return probes.Replay(observation, Discrete(3) if action is None else action, length)


def play(env, steps, params=None, key=KEY, actions=None):
    """Return ``(first observation, steps)`` of random play, every output of ``step`` along a first axis."""
    params = env.default_params if params is None else params

    def one(state, x):
        action = env.action_space(params).sample(x[0]) if actions is None else x[1]
        obs, state, reward, done, info = env.step(x[0], state, action, params)
        return state, {"obs": obs, "state": state, "reward": reward, "done": done, "info": info, "action": action}

    first, state = env.reset(key, params)
    xs = (jax.random.split(key, steps), None if actions is None else jnp.asarray(actions))
    return jax.tree.map(np.asarray, (first, jax.jit(lambda s, x: jax.lax.scan(one, s, x))(state, xs)[1]))


# -- refusals ------------------------------------------------------------------------------------------------------

REFUSED = {
    "not an environment": (
        lambda p: wrappers.FlattenObservation((p.Walk(), None)),
        WrappedTypeError,
        "FlattenObservation wraps an environment, but tuple (Walk(), None) was given. "
        "Pass the environment alone (make returns it together with its params), and put Vectorize outermost.",
    ),
    "around Vectorize": (
        lambda p: wrappers.ScaleReward(wrappers.Vectorize(p.Walk(), 2), 2.0),
        WrappedTypeError,
        "ScaleReward wraps an environment, but Vectorize Vectorize(env=Walk(), num_envs=2, axis_name='envs') was given. "
        "Pass the environment alone (make returns it together with its params), and put Vectorize outermost.",
    ),
    "Vectorize twice": (
        lambda p: wrappers.Vectorize(wrappers.Vectorize(p.Walk(), 2), 2),
        WrappedTypeError,
        "Vectorize wraps an environment, but Vectorize Vectorize(env=Walk(), num_envs=2, axis_name='envs') was given. "
        "Pass the environment alone (make returns it together with its params), and put Vectorize outermost.",
    ),
    "no lanes": (
        lambda p: wrappers.Vectorize(p.Walk(), 0),
        WrapperSettingError,
        "Vectorize got num_envs = 0. Pass an integer of at least 1.",
    ),
    "an array as a setting": (
        lambda p: wrappers.ScaleReward(p.Walk(), np.ones(1)),
        WrapperSettingError,
        "ScaleReward got scale = array([1.]), which cannot be hashed. "
        "Pass Python numbers, tuples and functions; to vary a number under JAX, replace the leaf of the params.",
    ),
    "clip choices": (
        lambda p: wrappers.ClipAction(p.Ladder()),
        WrapperSpaceError,
        "ClipAction needs a Box of float actions, but Ladder has the action space Discrete(3, start=-1). "
        "Only continuous actions can be clipped.",
    ),
    "rescale unbounded actions": (
        lambda p: wrappers.RescaleAction(wrappers.ClipAction(p.Walk()), -1.0, 1.0),
        WrapperSpaceError,
        "RescaleAction needs a bounded Box of float actions, but Walk has the action space Box(-inf, inf, (2,)). "
        "Give the wrapped environment bounded continuous actions.",
    ),
    "rescale to nothing": (
        lambda p: wrappers.RescaleAction(p.Walk(), 1.0, 1.0),
        WrapperSettingError,
        "RescaleAction cannot rescale to [1.0, 1.0]. Pass finite bounds, the smaller first.",
    ),
    "rescale to infinity": (
        lambda p: wrappers.RescaleObservation(p.Walk(), 0.0, np.inf),
        WrapperSettingError,
        "RescaleObservation cannot rescale to [0.0, inf]. Pass finite bounds, the smaller first.",
    ),
    "rescale upside down": (
        lambda p: wrappers.RescaleObservation(p.Walk(), 1.0, 0.0),
        WrapperSettingError,
        "RescaleObservation cannot rescale to [1.0, 0.0]: Box got low = 1.0 above high = 0.0. Exchange them.",
    ),
    "rescale what never changes": (
        lambda p: wrappers.RescaleObservation(replay(p, Box([0, 1], [1, 1])), 0.0, 1.0),
        WrapperSpaceError,
        "RescaleObservation needs bounds that differ, but Replay has the observation space Box([0.0, 1.0], 1.0, (2,)). "
        "Use TransformObservation to leave out what never changes.",
    ),
    "rescale without bounds": (
        lambda p: wrappers.RescaleObservation(replay(p, Box(0, np.inf, (2,))), 0.0, 1.0),
        WrapperSpaceError,
        "RescaleObservation needs a bounded Box of float or integer or bool observations, but Replay has the observation space "
        "Box(0.0, inf, (2,)). Use NormalizeObservation where there are no bounds.",
    ),
    "normalize a Dict": (
        lambda p: wrappers.NormalizeObservation(p.Ladder()),
        WrapperSpaceError,
        "NormalizeObservation needs a Box of bool or integer or float observations, but Ladder has the observation space "
        "Dict({'rung': Discrete(7), 'below': Box(False, True, (3,).... Put FlattenObservation around the environment first.",
    ),
    "normalize with a negative epsilon": (
        lambda p: wrappers.NormalizeObservation(p.Walk(), epsilon=-1.0),
        WrapperSettingError,
        "NormalizeObservation got epsilon = -1.0. Pass a number of at least 0.",
    ),
    "normalize rewards with a negative epsilon": (
        lambda p: wrappers.NormalizeReward(p.Walk(), epsilon=-1.0),
        WrapperSettingError,
        "NormalizeReward got epsilon = -1.0. Pass a number of at least 0.",
    ),
    "discount above one": (
        lambda p: wrappers.NormalizeReward(p.Walk(), gamma=1.5),
        WrapperSettingError,
        "NormalizeReward got gamma = 1.5. Pass a discount between 0 and 1.",
    ),
    "discretize choices": (
        lambda p: wrappers.DiscretizeAction(p.Ladder(), 3),
        WrapperSpaceError,
        "DiscretizeAction needs a bounded Box of float actions, but Ladder has the action space Discrete(3, start=-1). "
        "Give the wrapped environment bounded continuous actions.",
    ),
    "too many bins": (
        lambda p: wrappers.DiscretizeAction(p.Walk(), (3, 3, 3)),
        WrapperSettingError,
        "DiscretizeAction got bins = (3, 3, 3) for 2 components. Pass one positive integer, or 2 of them.",
    ),
    "no bins": (
        lambda p: wrappers.DiscretizeAction(p.Walk(), 0),
        WrapperSettingError,
        "DiscretizeAction got bins = 0 for 2 components. Pass one positive integer, or 2 of them.",
    ),
    "more choices than a number can tell": (
        lambda p: wrappers.DiscretizeAction(p.Walk(), 50_000),
        WrapperSettingError,
        "DiscretizeAction got bins = 50000, which make 2500000000 choices, too many for one number. "
        "Pass multidiscrete=True, or fewer bins.",
    ),
    "no bound of the reward": (
        lambda p: wrappers.ClipReward(p.Walk()),
        WrapperSettingError,
        "ClipReward got neither min_reward nor max_reward, so it would change nothing. Pass one.",
    ),
    "bounds of the reward exchanged": (
        lambda p: wrappers.ClipReward(p.Walk(), 2.0, 1.0),
        WrapperSettingError,
        "ClipReward got min_reward = 2.0 above max_reward = 1.0. Exchange them.",
    ),
    "a delay into the future": (
        lambda p: wrappers.DelayObservation(p.Walk(), -1),
        WrapperSettingError,
        "DelayObservation got delay = -1. Pass an integer of at least 0.",
    ),
    "an empty stack": (
        lambda p: wrappers.FrameStackObservation(p.Walk(), 0),
        WrapperSettingError,
        "FrameStackObservation got stack_size = 0. Pass an integer of at least 1.",
    ),
    "an unknown padding": (
        lambda p: wrappers.FrameStackObservation(p.Walk(), 2, "mirror"),
        WrapperSettingError,
        "FrameStackObservation got padding_type = 'mirror'. Pass 'reset' or 'zero'.",
    ),
    "a probability above one": (
        lambda p: wrappers.StickyAction(p.Walk(), 2.0),
        WrapperSettingError,
        "StickyAction got repeat_action_probability = 2.0. Pass a number between 0 and 1.",
    ),
    "durations exchanged": (
        lambda p: wrappers.StickyAction(p.Walk(), 0.5, (3, 2)),
        WrapperSettingError,
        "StickyAction got repeat_action_duration = (3, 2). Pass an integer of at least 1, or two in order.",
    ),
    "no repeat": (
        lambda p: wrappers.RepeatAction(p.Walk(), 0),
        WrapperSettingError,
        "RepeatAction got num_repeats = 0. Pass an integer of at least 1.",
    ),
    "repeat shared statistics": (
        lambda p: wrappers.RepeatAction(wrappers.ScaleReward(wrappers.NormalizeReward(p.Walk(), axis_name="envs"), 2.0), 2),
        WrapperSettingError,
        "RepeatAction cannot repeat steps of NormalizeReward with statistics shared over 'envs'. "
        "Put RepeatAction inside NormalizeReward.",
    ),
    "the name of the time is taken": (
        lambda p: wrappers.TimeAwareObservation(p.Ladder(), dict_time_key="rung"),
        WrapperSpaceError,
        "TimeAwareObservation needs observations without an entry 'rung', but Ladder has the observation space "
        "Dict({'rung': Discrete(7), 'below': Box(False, True, (3,).... Pass another dict_time_key.",
    ),
    "a share of no limit": (
        lambda p: wrappers.TimeAwareObservation(Endless(), normalize_time=True),
        WrapperSettingError,
        "TimeAwareObservation cannot divide the time by a limit: Endless has none. Leave normalize_time out.",
    ),
    "floats as integers": (
        lambda p: wrappers.DtypeObservation(p.Walk(), jnp.int32),
        WrapperSpaceError,
        "DtypeObservation needs observations that int32 can hold, but Walk has the observation space Box(-1.0, 1.0, (2,)). "
        "Round in TransformObservation, or choose another dtype.",
    ),
    "integers in too small a dtype": (
        lambda p: wrappers.DtypeObservation(replay(p, Box(0, 255, (), jnp.uint8)), jnp.int8),
        WrapperSpaceError,
        "DtypeObservation needs observations that int8 can hold, but Replay has the observation space "
        "Box(0, 255, (), dtype='uint8'). "
        "Box got high = 255, which int8 cannot hold. Change the bound or the dtype.",
    ),
    "a function that is none": (
        lambda p: wrappers.TransformReward(p.Walk(), 3),
        WrapperSettingError,
        "TransformReward got func = 3, which cannot be called. Pass a function.",
    ),
    "a space that is none": (
        lambda p: wrappers.TransformAction(p.Walk(), jnp.tanh, "Box"),
        WrapperSettingError,
        "TransformAction got space = 'Box'. Pass one of jaxenv.spaces, or None to keep it.",
    ),
}


class Endless(environment.Environment[Any, Any]):
    @property
    def default_params(self):
        return environment.Params()

    def observation_space(self, params):
        return LINE


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_wrapper_cannot_serve_is_refused_when_it_is_made(name, probes):
    make, error, sentence = REFUSED[name]
    with pytest.raises(error) as caught:
        make(probes)
    assert str(caught.value) == sentence
    assert isinstance(caught.value, JaxenvError)


def test_a_function_that_leaves_its_space_is_named_at_reset(walk):
    env = wrappers.TransformObservation(walk, jnp.sum)
    with pytest.raises(
        SpaceMismatchError, match=r"Walk's observation is float32\[\], but a member of Box\(<traced>, <traced>, \(2,\)\)"
    ):
        env.reset(KEY)
    env = wrappers.TransformAction(walk, jnp.sum)
    with pytest.raises(SpaceMismatchError, match=r"Walk's action is float32\[\], but a member of"):
        env.step(KEY, env.reset(KEY)[1], jnp.zeros(2))


# -- what all wrappers have in common ------------------------------------------------------------------------------


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
        wrappers.RecordEpisodeStatistics(walk),
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


@pytest.mark.parametrize("i", range(24))
def test_observations_and_final_observations_are_in_the_declared_space(i, walk, ladder):
    env = everyone(walk, ladder)[i]
    space = env.observation_space(env.default_params)
    first, steps = play(env, 40)
    assert space.contains(first)
    assert jax.vmap(space.contains)(steps["obs"]).all()
    assert jax.vmap(space.contains)(steps["info"]["final_observation"]).all()
    assert 0 < steps["done"].sum() < 40


@pytest.mark.parametrize("i", range(24))
@pytest.mark.parametrize("wide", [False, True], ids=["float32", "float64"])
def test_dtypes_are_those_of_the_declared_space(i, wide, x64, walk, ladder):
    def run(key):
        obs, state = env.reset(key)
        return obs, env.step(key, state, env.action_space(env.default_params).sample(key))

    with x64(wide):
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
        _, state = env.reset(KEY)
        inner, own = env.split_key(
            KEY, env.inner_state(state), env.action_space(env.default_params).sample(KEY), env.default_params
        )
        assert bool((inner != KEY) & (own != KEY)) is wrapped
        assert env.inner_reads_key(KEY, state, env.action_space(env.default_params).sample(KEY), env.default_params) is wrapped


def test_the_key_that_a_wrapper_passes_on_unused_goes_to_the_reset_whole(ladder):
    """A stack over a deterministic environment draws what it would draw alone: no split anywhere."""
    env = wrappers.ScaleReward(wrappers.FrameStackObservation(ladder, 2), 2.0)
    _, state = env.reset(KEY)
    rbg = jax.random.key(0, impl="unsafe_rbg")
    program = str(jax.make_jaxpr(lambda key, state: env.step(key, state, 1))(rbg, state))
    assert "random_split" not in program
    assert "random_bits" not in program
    assert "_random_words" not in program


# -- one by one ----------------------------------------------------------------------------------------------------


def test_reward_noise_is_normal_and_changes_nothing_else(walk):
    env = wrappers.RewardNoise(walk, 0.5)
    _, state = env.reset(KEY)
    keys = jax.random.split(KEY, 20_000)
    action = jnp.full((2,), 0.1)
    _, noisy_state, noisy, _, _ = jax.vmap(lambda key: env.step_env(key, state, action))(keys)
    inner_keys = jax.vmap(lambda key: random.split(random.split(key)[0])[0])(keys)
    # step splits between transition and reset, the wrapper between the wrapped transition and its own noise.
    inner = jax.vmap(lambda key: environment._advance(walk, key, state, action, walk.default_params))(inner_keys)
    np.testing.assert_array_equal(noisy_state.x, inner.state.x)
    noise = np.asarray(noisy - inner.reward, np.float64) / 0.5
    assert abs(noise.mean()) < 0.03
    assert abs(noise.std() - 1) < 0.03
    assert abs((noise**4).mean() - 3) < 0.25
    assert abs(np.corrcoef(noise, inner.reward)[0, 1]) < 0.03


def test_no_noise_without_scale(walk):
    env = wrappers.RewardNoise(walk, 1.0)
    params = env.default_params.replace(scale=0.0)
    _, state = env.reset(KEY)
    obs, _, reward, _, _ = env.step_env(KEY, state, jnp.zeros(2), params)
    np.testing.assert_allclose(reward, obs.sum(), rtol=1e-6)


@pytest.mark.parametrize(("probability", "repeats"), [(0.0, False), (1.0, True)])
def test_actions_stick_never_or_from_the_second_step_of_each_episode(probability, repeats, probes, recording):
    played = recording(LINE, MultiDiscrete([50, 60]), limit=4)
    played.terminated[:] = False
    actions = np.stack([np.arange(30), np.arange(30) + 5], axis=1)
    _, steps = played.play(wrappers.StickyAction(played.env, probability), actions)
    first_of_episode = np.arange(30) // 4 * 4
    np.testing.assert_array_equal(steps["info"]["action"], actions[first_of_episode] if repeats else actions)


def test_repeat_action_stops_where_the_episode_does(probes):
    env = wrappers.RepeatAction(replay(probes, length=10), 4)
    inner = env.env.default_params.replace(
        observations=np.arange(10, dtype=np.float32)[:, None],
        rewards=np.arange(10, dtype=np.float32),
        terminated=np.arange(10) == 6,
        max_steps_in_episode=100,
    )
    _, steps = play(env, 2, inner, actions=np.zeros(2, np.int32))
    assert steps["reward"].tolist() == [1 + 2 + 3 + 4, 5 + 6]
    assert steps["done"].tolist() == [False, True]
    assert steps["info"]["terminated"].tolist() == [False, True]
    assert steps["info"]["final_observation"].ravel().tolist() == [4, 6]
    assert steps["obs"].ravel().tolist() == [4, 7]
    assert steps["state"].time.tolist() == [4, 0]

    limited = inner.replace(max_steps_in_episode=3)
    _, steps = play(env, 1, limited, actions=np.zeros(1, np.int32))
    assert steps["reward"].tolist() == [1 + 2 + 3]
    assert steps["info"]["truncated"].tolist() == [True]
    assert steps["info"]["terminated"].tolist() == [False]


def test_repeat_action_takes_each_step_with_a_key_of_its_own(walk):
    env, once = wrappers.RepeatAction(walk, 3), wrappers.RepeatAction(walk, 1)
    _, state = env.reset(KEY)
    params = env.default_params
    action = jnp.full((2,), 0.05)
    out = env.transition(KEY, state, action, params)
    reward = 0.0
    for key in random.split(KEY, 3):
        inner = walk.advance(key, state, action, params)
        state, reward = inner.state, reward + inner.reward
    np.testing.assert_allclose(out.state.x, state.x, rtol=1e-6)
    np.testing.assert_allclose(out.reward, reward, rtol=1e-6)
    _, state = once.reset(KEY)
    alone = walk.advance(random.split(KEY, 1)[0], state, action, params)
    np.testing.assert_allclose(once.transition(KEY, state, action, params).state.x, alone.state.x, rtol=1e-6)


def test_previous_action_and_reward_are_seen_across_episodes(probes, recording):
    played = recording(LINE, Discrete(3, start=1), limit=3)
    actions = np.array([1, 2, 3, 1, 2, 3])
    played.terminated[:] = False
    first, steps = played.play(wrappers.PreviousActionAndReward(played.env), actions)
    assert first["action"].tolist() == [0, 0, 0]
    assert (first["reward"], first["done"]) == (0.0, False)
    np.testing.assert_array_equal(steps["obs"]["action"], np.eye(3)[actions - 1])
    np.testing.assert_array_equal(steps["obs"]["reward"], steps["reward"])
    np.testing.assert_array_equal(steps["obs"]["done"], steps["done"])
    assert steps["done"].tolist() == [False, False, True] * 2
    assert steps["info"]["final_observation"]["done"].tolist() == [False, False, True] * 2
    np.testing.assert_array_equal(steps["info"]["final_observation"]["reward"], steps["reward"])


def test_previous_action_and_reward_can_be_forgotten(probes, recording):
    played = recording(LINE, Box(2.0, 4.0, (2,)), limit=2)
    played.terminated[:] = False
    env = wrappers.PreviousActionAndReward(played.env, across_episodes=False)
    assert env.observation_space(env.default_params)["action"] == Box(0.0, 4.0, (2,))
    _, steps = played.play(env, np.full((4, 2), 3.0, np.float32))
    assert steps["obs"]["action"].tolist() == [[3, 3], [0, 0], [3, 3], [0, 0]]
    assert steps["obs"]["reward"].tolist() == [steps["reward"][0], 0, steps["reward"][2], 0]
    assert steps["obs"]["done"].tolist() == [False] * 4
    assert steps["info"]["final_observation"]["action"].tolist() == [[3, 3]] * 4


def test_flatten_takes_choices_one_hot(ladder):
    obs, _ = wrappers.FlattenObservation(ladder).reset(KEY)
    assert obs.tolist() == [0, 1, 0, 0, 0, 0, 0, 1, 0, 0]


def test_frames_of_a_dict_are_stacked_part_by_part(ladder):
    env = wrappers.FrameStackObservation(ladder, 3)
    first, steps = play(env, 2, actions=np.array([1, 1], np.int32))
    assert first["rung"].tolist() == [1, 1, 1]
    assert steps["obs"]["rung"].tolist() == [[1, 1, 2], [1, 2, 3]]
    assert steps["obs"]["below"][1].tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert env.observation_space(env.default_params)["rung"] == MultiDiscrete([7, 7, 7])


def test_delayed_observations_of_a_dict(ladder):
    first, steps = play(wrappers.DelayObservation(ladder, 2), 3, actions=np.ones(3, np.int32))
    assert first["rung"] == 0
    assert steps["obs"]["rung"].tolist() == [0, 1, 2]


def test_the_time_joins_a_dict_or_a_tuple(ladder, probes):
    env = wrappers.TimeAwareObservation(ladder, flatten=False, dict_time_key="clock")
    assert env.observation_space(env.default_params) == Dict(
        {**ladder.observation_space(None).spaces, "clock": Box(0, 20, (1,), jnp.int32)}
    )
    _, steps = play(env, 3)
    assert steps["obs"]["clock"].tolist() == [[1], [2], [3]]

    class Pair(probes.Ladder):
        def observe(self, state, params):
            return (state.rung,)

        def observation_space(self, params):
            return Tuple((Discrete(7),))

    env = wrappers.TimeAwareObservation(Pair(), flatten=False)
    assert env.observation_space(env.default_params) == Tuple((Discrete(7), Box(0, 20, (1,), jnp.int32)))
    _, steps = play(env, 3)
    assert steps["obs"][1].tolist() == [[1], [2], [3]]


def test_the_share_of_the_time_follows_the_parameters(walk):
    env = wrappers.TimeAwareObservation(walk, normalize_time=True)
    params = env.default_params.replace(max_steps_in_episode=4)
    _, steps = play(env, 4, params, actions=np.zeros((4, 2), np.float32))
    assert steps["info"]["final_observation"][:, 2].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert steps["obs"][3, 2] == 0


def test_dtypes_of_parts(ladder):
    env = wrappers.DtypeObservation(ladder, jnp.bfloat16)
    assert env.observation_space(env.default_params) == Dict(
        {"rung": Box(0, 6, (), jnp.bfloat16), "below": Box(0, 1, (3,), jnp.bfloat16)}
    )
    small = wrappers.DtypeObservation(wrappers.FrameStackObservation(ladder, 2), jnp.uint8)
    expected = Dict({"rung": MultiDiscrete([7, 7], jnp.uint8), "below": Box(0, 1, (2, 3), jnp.uint8)})
    assert small.observation_space(small.default_params) == expected
    assert small.reset(KEY)[0]["below"].dtype == np.uint8
    assert wrappers.DtypeObservation(ladder, jnp.float32).env == ladder


def test_images_are_rescaled_to_floats(probes):
    env = wrappers.RescaleObservation(replay(probes, Box(0, 255, (3,), jnp.uint8)), 0.0, 1.0)
    params = env.default_params.replace(observations=np.array([[0, 51, 255], [0, 0, 0]], np.uint8))
    obs, _ = env.reset(KEY, params)
    np.testing.assert_allclose(obs, [0.0, 0.2, 1.0], rtol=1e-6)
    assert env.observation_space(params) == Box(0.0, 1.0, (3,))


def test_bounds_that_are_parameters_are_rescaled_one_by_one(walk):
    env = wrappers.RescaleObservation(wrappers.RescaleAction(walk, 0.0, 1.0), 0.0, 10.0)

    def arrive(limit):
        params = env.default_params.replace(limit=limit)
        obs, state = env.reset(KEY, params)
        return obs, env.step_env(KEY, state, jnp.array([0.0, 1.0]), params)[4]["action"]

    limits = jnp.array([1.0, 4.0])
    obs, arrived = jax.vmap(arrive)(limits)
    plain, _ = walk.reset(KEY)
    np.testing.assert_allclose(obs, (np.asarray(plain) / np.asarray(limits)[:, None] + 1.0) * 5.0, rtol=1e-5)
    np.testing.assert_array_equal(arrived, np.asarray(limits)[:, None] * np.array([-1.0, 1.0]))


def test_rescaled_ends_meet_the_bounds_exactly(probes):
    low, high = np.float32(-0.1), np.float32(0.7)
    env = wrappers.RescaleAction(replay(probes, action=Box(low, high, (3,))), -1.0, 1.0)
    _, state = env.reset(KEY)
    arrived = env.step_env(KEY, state, jnp.array([-1.0, 1.0, 3.0]))[4]["action"]
    assert arrived[:2].tolist() == [low, high]
    assert arrived[2] > 1.0
    clipped = wrappers.ClipAction(env)
    assert clipped.step_env(KEY, state, jnp.array([-1.0, 1.0, 3.0]))[4]["action"].tolist() == [low, high, high]


def test_statistics_of_episodes_as_gymnaxs_log_wrapper_names_them(recording):
    played = recording(LINE, Discrete(2), limit=3)
    played.terminated[:] = False
    _, steps = played.play(wrappers.LogWrapper(played.env), np.zeros(7, np.int32))
    info, rewards = steps["info"], steps["reward"].astype(np.float64)
    assert info["returned_episode"].tolist() == [False, False, True, False, False, True, False]
    assert info["returned_episode_lengths"].tolist() == [0, 0, 3, 3, 3, 3, 3]
    returns = [rewards[:3].sum(), rewards[3:6].sum()]
    np.testing.assert_allclose(info["returned_episode_returns"], [0, 0, *[returns[0]] * 3, *[returns[1]] * 2], rtol=1e-6)
    assert info["timestep"].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_frozen_statistics_evaluate_from_the_same_state(walk):
    env = wrappers.NormalizeReward(wrappers.NormalizeObservation(walk))
    _, steps = play(env, 50)
    state = jax.tree.map(lambda leaf: leaf[-1], steps["state"])
    frozen = dataclasses.replace(env, env=dataclasses.replace(env.env, update_running_mean=False), update_running_mean=False)
    _, after, *_ = frozen.step(KEY, state, jnp.zeros(2))
    assert jax.tree.all(jax.tree.map(np.array_equal, after.statistics, state.statistics))
    assert jax.tree.all(jax.tree.map(np.array_equal, after.env_state.statistics, state.env_state.statistics))
    raw = walk.observe(after.env_state.env_state, walk.default_params)
    statistics = state.env_state.statistics
    np.testing.assert_allclose(
        frozen.observe(after, env.default_params), (raw - statistics.mean) / np.sqrt(statistics.variance), rtol=1e-4, atol=1e-5
    )
