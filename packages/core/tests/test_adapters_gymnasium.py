"""Environments behind Gymnasium's interface: one, many beside Gymnasium's own vector environment, ids, and errors."""

from __future__ import annotations

import copy
import sys

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv import spaces, wrappers
from jaxenv.errors import (
    ActionBatchError,
    AdapterArgumentError,
    ArgumentTypeError,
    AutoresetModeError,
    CheckError,
    EnvironmentTypeError,
    MissingExtraError,
    NotResetError,
    NoWindowError,
    OverrideValueError,
    ParamsTypeError,
    RangeError,
    RenderModeError,
    RenderNotSupportedError,
    ResetOptionError,
    SeedCountError,
    SharedStatisticsError,
    SpaceDefinitionError,
    UnknownOverrideError,
)
from probes import Ladder, Walk

pytestmark = pytest.mark.usefixtures("unoptimized")

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.vector import AutoresetMode, SyncVectorEnv  # noqa: E402
from jaxenv.adapters.gymnasium import GymnasiumEnv, GymnasiumVectorEnv, register_envs  # noqa: E402

MODES = list(AutoresetMode)


class Structured(Ladder):
    """A Ladder whose action is a Dict with a Tuple."""

    def action_space(self, params):
        return spaces.Dict({"go": spaces.Discrete(3, start=-1), "rest": spaces.Tuple([spaces.Box(-1.0, 1.0, (2,))])})

    def transition(self, key, state, action, params):
        return super().transition(key, state, action["go"], params)


WRONG_ACTIONS = [
    (Ladder, None, r"action is NoneType None, but"),
    (Ladder, "left", r"action is str 'left', but"),
    (Ladder, {"go": 1}, r"action is dict {'go': 1}, but"),
    (Ladder, [[1], [1, 0]], r"action is list \[\[1\], \[1, 0\]\], but"),
    (Walk, None, r"action is NoneType None, but"),
    (Walk, ["a", "b"], r"action is list \['a', 'b'\], but"),
    (Structured, None, r"action is NoneType None, but a dict with 'go' and 'rest' was expected. Pass one."),
    (Structured, {"go": 1}, r"action is dict {'go': 1}, but a dict with 'go' and 'rest' was expected. Pass one."),
    (Structured, {"go": 1, "rest": ()}, r"action\['rest'\] is tuple \(\), but a tuple of 1 was expected. Pass one."),
    (Structured, {"go": 1, "rest": "x"}, r"action\['rest'\] is str 'x', but a tuple of 1 was expected. Pass one."),
    (Structured, {"go": [1, 1], "rest": (None,)}, r"action\['rest'\]\[0\] is NoneType None, but"),
]
WRONG_OPTIONS = [
    ("x", AdapterArgumentError, r"options is str 'x', but a mapping was expected. Pass one with 'params'.*, or None."),
    ({"params": {"nope": 1}}, UnknownOverrideError, r"Walk has .* named 'nope'. .*Choose one of these."),
    ({"params": {"limit": "x"}}, OverrideValueError, r"limit is str 'x', but a param of type float was expected."),
    ({"params": {"max_steps_in_episode": 0}}, RangeError, r"max_steps_in_episode is 0, but a number of at least 1 was expected."),
    ({"params": Walk().default_params.replace(max_steps_in_episode=0)}, RangeError, r"max_steps_in_episode is 0"),
    ({"params": Walk().default_params.replace(limit="x")}, ArgumentTypeError, r"params.limit is str 'x', but a number or an array"),
    ({"params": {"limit": -1.0}}, SpaceDefinitionError, r"Box got low = 1.0 above high = -1.0."),
    ({"params": "x"}, ParamsTypeError, r"Walk takes params of type probes.WalkParams, but str 'x' was given."),
]
WRONG_WRAPS = [
    (3, r"wrap is int 3, but a function was expected. Pass a function from an environment to a wrapped one"),
    (lambda env: None, r"what wrap returned is NoneType None, but an environment was expected. Return the wrapped environment"),
]


@pytest.mark.parametrize("cls", [GymnasiumEnv, GymnasiumVectorEnv])
class TestWrongUses:
    @pytest.mark.parametrize(("task", "action", "message"), WRONG_ACTIONS)
    def test_an_action_of_another_kind_is_named(self, cls, task, action, message):
        env = cls(task())
        env.reset(seed=0)
        with pytest.raises(ArgumentTypeError, match=message):
            env.step(action)

    def test_a_failure_that_is_not_the_actions_stays_what_it_is(self, cls, monkeypatch):
        def run(*args):
            raise TypeError("a fault of the environment")

        env = cls(Ladder())
        env.reset(seed=0)
        monkeypatch.setattr(env._batch, "_run", run)
        with pytest.raises(TypeError, match="a fault of the environment"):
            env.step(env.action_space.sample())

    @pytest.mark.parametrize(("options", "error", "message"), WRONG_OPTIONS)
    def test_wrong_options_of_reset_change_nothing(self, cls, options, error, message):
        env = cls(Walk())
        env.reset(seed=0)
        params, space = env.params, env.observation_space
        with pytest.raises(error, match=message):
            env.reset(options=options)
        assert env.params == params
        assert env.observation_space == space
        env.step(np.zeros(env.action_space.shape, np.float32))

    @pytest.mark.parametrize(("wrap", "message"), WRONG_WRAPS)
    def test_wrap_is_a_function_to_an_environment(self, cls, wrap, message):
        with pytest.raises(AdapterArgumentError, match=message):
            cls(Walk(), wrap=wrap)


def same(ours, theirs):
    """Compare values of any structure; entries of an info are compared where their masks say that there are some."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            mask = theirs.get(f"_{name}")
            if mask is None or isinstance(value, dict):
                same(ours[name], value)
            else:
                same(ours[f"_{name}"], mask)
                for mine, other in zip(np.asarray(ours[name])[mask], np.asarray(value)[mask], strict=True):
                    same(mine, other)
    elif isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            same(mine, other)
    elif np.asarray(theirs).dtype.kind == "f":  # a batch of another size may be rounded otherwise
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
    else:
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture(params=["walk", "ladder"])
def env(request):
    """A task with randomness and an info, and one with a Dict to see."""
    return request.getfixturevalue(request.param)


class TestOne:
    def test_a_seed_and_the_actions_say_all(self, env):
        one, two = GymnasiumEnv(env), GymnasiumEnv(env)
        one.action_space.seed(0)
        same(one.reset(seed=5), two.reset(seed=5))
        assert one.np_random_seed == 5
        for _ in range(30):
            action = one.action_space.sample()
            out = one.step(action)
            same(out, two.step(action))
            obs, reward, terminated, truncated, _ = out
            assert obs in one.observation_space
            assert [type(x) for x in (reward, terminated, truncated)] == [float, bool, bool]
            if terminated or truncated:
                same(one.reset(), two.reset())
        first = one.reset(seed=5)[0]
        same(first, two.reset(seed=5)[0])

    def test_it_plays_what_the_environment_plays(self, walk):
        env = GymnasiumEnv(walk)
        obs, info = env.reset(seed=1)
        assert info == {}
        for t in range(1, 7):
            before, action = env.state, np.array([0.1, -0.1], np.float32)
            obs, reward, terminated, truncated, info = env.step(action)
            assert env.state.time == t
            same(obs, np.asarray(walk.observe(env.state, walk.default_params)))
            np.testing.assert_allclose(obs - before.x, 0.5 * action, atol=0.11)
            assert reward == pytest.approx(obs.sum())
            assert (terminated, truncated) == (False, t == 6)
            np.testing.assert_array_equal(info["action"], action)
            assert set(info) == {"action"}

    def test_reset_without_a_seed_goes_on(self, walk):
        env = GymnasiumEnv(walk)
        first, _ = env.reset(seed=0)
        assert env.state.episodes == 0
        second, _ = env.reset()
        third, _ = env.reset()
        assert env.state.episodes == 2
        assert len({tuple(obs) for obs in (first, second, third)}) == 3
        env.reset(seed=0)
        assert env.state.episodes == 0

    def test_without_any_seed_two_differ(self, walk):
        assert (GymnasiumEnv(walk).reset()[0] != GymnasiumEnv(walk).reset()[0]).any()

    @pytest.mark.parametrize("seeds", [(0, 2**32), (1, 1 + 2**63), (7, 8)])
    def test_large_seeds_differ(self, walk, seeds):
        env = GymnasiumEnv(walk)
        first, second = (env.reset(seed=seed)[0] for seed in seeds)
        assert (first != second).any()

    def test_observations_may_be_written_into(self, walk):
        obs, _ = GymnasiumEnv(walk).reset(seed=0)
        obs += 1

    def test_options_change_the_params(self, walk):
        env = GymnasiumEnv(walk)
        env.reset(seed=0, options={"params": {"limit": 0.25}})
        assert env.params.limit == 0.25
        assert env.observation_space.high.max() == 0.25
        env.reset(options={"params": walk.default_params})
        assert env.observation_space.high.max() == 1.0
        with pytest.raises(ResetOptionError, match=r"reset got options\['limit'\] = 1, but there is no such option. Use 'params'."):
            env.reset(options={"limit": 1})

    def test_wrappers_and_overrides(self):
        env = GymnasiumEnv(Walk(), wrap=wrappers.LogWrapper, max_steps_in_episode=3)
        env.reset(seed=0)
        for _ in range(3):
            *_, truncated, info = env.step([0.0, 0.0])
        assert truncated
        assert info["returned_episode_lengths"] == 3
        chosen = GymnasiumEnv(wrappers.SelectInfo(Walk(), keep=("discount",)))
        chosen.reset(seed=0)
        assert chosen.step([0, 0])[4] == {}

    def test_pictures(self, walk, ladder):
        env = GymnasiumEnv(walk, render_mode="rgb_array", render_size=4)
        env.reset(seed=0)
        env.step([0.0, 0.0])
        assert env.render().dtype == np.uint8
        assert (env.render() == 10).all()
        assert env.metadata["render_modes"] == ["human", "rgb_array"]
        assert GymnasiumEnv(ladder).metadata["render_modes"] == []
        with pytest.raises(RenderNotSupportedError):
            GymnasiumEnv(ladder, render_mode="rgb_array")
        with pytest.raises(
            RenderModeError, match=r"render_mode is 'ansi', but 'human' or 'rgb_array' was expected. Pass it to make."
        ):
            GymnasiumEnv(walk, render_mode="ansi")
        with pytest.raises(RenderModeError, match="render_mode is None"):
            GymnasiumEnv(walk).render()

    def test_a_window_of_matplotlib(self, walk, monkeypatch):
        matplotlib = pytest.importorskip("matplotlib")
        matplotlib.use("Agg")
        from matplotlib import pyplot

        monkeypatch.setitem(sys.modules, "pygame", None)
        waited = []
        monkeypatch.setattr(pyplot, "pause", waited.append)
        env = GymnasiumEnv(walk, render_mode="human")
        env.reset(seed=0)
        env.step([0.0, 0.0])
        assert env.render() is None
        assert waited == [1 / 30, 1 / 30]
        assert (pyplot.gca().images[0].get_array() == 10).all()
        env.close()
        assert not pyplot.get_fignums()
        env.close()

    def test_a_window_of_pygame(self, walk, monkeypatch):
        monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
        pygame = pytest.importorskip("pygame")
        env = GymnasiumEnv(walk, render_mode="human")
        env.reset(seed=0)
        env.step([0.0, 0.0])
        assert (pygame.surfarray.array3d(pygame.display.get_surface()) == 10).all()
        env.close()
        env.close()

    def test_no_window(self, walk, monkeypatch):
        monkeypatch.setitem(sys.modules, "pygame", None)
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(NoWindowError, match=r"needs pygame or matplotlib, and neither is installed. Run: pip install pygame"):
            GymnasiumEnv(walk, render_mode="human")

    def test_a_copy_goes_its_own_way(self, walk):
        env = GymnasiumEnv(walk)
        env.reset(seed=0)
        twin = copy.deepcopy(env)
        same(env.step([0.1, 0.1]), twin.step([0.1, 0.1]))

    def test_what_is_wrong_is_said(self, walk):
        with pytest.raises(NotResetError, match=r"step was called before reset. Call reset first."):
            GymnasiumEnv(walk).step([0.0, 0.0])
        with pytest.raises(EnvironmentTypeError, match=r"an adapter takes an environment, but int 3 was given."):
            GymnasiumEnv(3)
        with pytest.raises(RangeError, match=r"max_steps_in_episode"):
            GymnasiumEnv(walk, walk.default_params.replace(max_steps_in_episode=0))
        env = GymnasiumEnv(walk)
        env.reset(seed=0)
        with pytest.raises(ActionBatchError, match=r"step got actions of shape \(3,\), but \(2,\) was expected."):
            env.step([0.0, 0.0, 0.0])
        with pytest.raises(SharedStatisticsError, match=r"Leave axis_name out"):
            GymnasiumEnv(wrappers.NormalizeObservation(walk, axis_name="envs"))

    def test_checks_look_at_actions(self, walk):
        with jaxenv.checks():
            env = GymnasiumEnv(walk)
            env.reset(seed=0)
            with pytest.raises(CheckError, match=r"Walk's action"):
                env.step([9.0, 0.0])


class TestMany:
    @pytest.mark.parametrize("mode", MODES)
    def test_they_play_what_gymnasiums_vector_environment_plays(self, env, mode):
        """Of the same environments: observations, rewards, flags, infos and masks."""
        ours = GymnasiumVectorEnv(env, 5, autoreset_mode=mode)
        theirs = SyncVectorEnv([lambda: GymnasiumEnv(env)] * 5, autoreset_mode=mode)
        assert ours.metadata["autoreset_mode"] is mode
        assert ours.single_observation_space == theirs.single_observation_space
        assert ours.observation_space == theirs.observation_space
        assert ours.action_space == theirs.action_space
        same(ours.reset(seed=11), theirs.reset(seed=11))
        ours.action_space.seed(2)
        ended = 0
        for t in range(60):
            actions = ours.action_space.sample()
            out = ours.step(actions)
            same(out, theirs.step(actions))
            assert out[0] in ours.observation_space
            done = out[2] | out[3]
            ended += done.sum()
            assert ("final_obs" in out[4]) == (mode is AutoresetMode.SAME_STEP and bool(done.any()))
            if mode is AutoresetMode.DISABLED and done.any():
                same(*(envs.reset(options={"reset_mask": done.copy()}) for envs in (ours, theirs)))
            if t == 20:
                same(ours.reset(), theirs.reset())
            if t == 30:
                same(*(envs.reset(seed=[1, None, 3, None, 5]) for envs in (ours, theirs)))
            if t == 40:
                mask = np.array([True, False, False, True, False])
                same(*(envs.reset(seed=8, options={"reset_mask": mask.copy()}) for envs in (ours, theirs)))
        assert ended > 5

    @pytest.mark.parametrize("to_numpy", [True, False])
    @pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
    def test_a_large_batch_plays_what_a_small_one_plays(self, walk, mode, to_numpy):
        """Of few environments a step without resets is compiled apart; a step of many is the body of a loop."""
        few, many = (GymnasiumVectorEnv(walk, n, autoreset_mode=mode, to_numpy=to_numpy) for n in (3, 80))
        assert [envs._batch._program.looped for envs in (few, many)] == [False, True]
        few.reset(seed=0), many.reset(seed=0)
        for _ in range(20):
            actions = np.full((80, 2), 0.2, np.float32)
            for mine, other in zip(few.step(actions[:3])[:4], many.step(actions)[:4], strict=True):
                assert isinstance(other, np.ndarray if to_numpy else jax.Array)
                np.testing.assert_array_equal(mine, other[:3])

    def test_params_of_a_large_batch_may_change(self, walk):
        envs = GymnasiumVectorEnv(walk, 80)
        envs.reset(seed=0)
        envs.reset(options={"params": {"limit": 0.4}})
        for _ in range(3):
            obs, *_ = envs.step(np.full((80, 2), 0.4))
        assert np.abs(obs).max() == np.float32(0.4)

    def test_checks_look_at_actions_of_a_large_batch(self, walk):
        with jaxenv.checks():
            envs = GymnasiumVectorEnv(walk, 80)
            envs.reset(seed=0)
            with pytest.raises(CheckError, match=r"Walk's action"):
                envs.step(np.full((80, 2), 9.0))

    @pytest.mark.parametrize("mode", MODES)
    def test_results_stay_on_the_device(self, walk, mode):
        envs = [GymnasiumVectorEnv(walk, 4, autoreset_mode=mode, to_numpy=to_numpy) for to_numpy in (True, False)]
        (host, _), (device, _) = (one.reset(seed=0) for one in envs)
        assert isinstance(device, jax.Array)
        np.testing.assert_array_equal(host, device)
        slow = mode is AutoresetMode.DISABLED  # then none ends before the time limit, from where on it would need a mask
        for _ in range(6 if slow else 14):
            actions = jnp.full((4, 2), 0.0 if slow else 0.3, jnp.float32)
            (*host, host_infos), (*device, infos) = (one.step(actions) for one in envs)
            assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves((device, infos)))
            same(tuple(map(np.asarray, device)), tuple(host))
            same(np.asarray(infos["action"]), host_infos["action"])
            same(np.asarray(infos["_action"]), host_infos["_action"])
            if mode is AutoresetMode.SAME_STEP:
                done = np.asarray(infos["_final_obs"])
                for index in np.flatnonzero(done):
                    np.testing.assert_array_equal(infos["final_obs"][index], host_infos["final_obs"][index])

    @pytest.mark.parametrize("copy", [True, False])
    def test_later_steps_leave_results_alone(self, walk, copy):
        envs = GymnasiumVectorEnv(walk, 3, copy=copy)
        obs, _ = envs.reset(seed=0)
        before = obs.copy()
        for _ in range(10):
            envs.step(np.zeros((3, 2), np.float32))
        np.testing.assert_array_equal(obs, before)
        assert obs.flags.writeable == copy

    def test_large_observations(self, walk):
        """Those that are buffers of their own."""
        envs = GymnasiumVectorEnv(walk, 4, wrap=lambda env: wrappers.PixelObservation(env, size=4), autoreset_mode="SameStep")
        assert envs.reset(seed=0)[0].shape == (4, 4, 4, 3)
        for t in range(1, 8):
            obs, _, terminated, truncated, infos = envs.step(np.zeros((4, 2)))
            assert (obs == 10 * (t % 6)).all()
            assert (truncated == (t == 6)).all()
            assert not terminated.any()
        assert envs.state.time.tolist() == [1] * 4

    def test_pictures(self, walk):
        envs = GymnasiumVectorEnv(walk, 2, render_mode="rgb_array")
        envs.reset(seed=0)
        envs.step(np.zeros((2, 2)))
        images = envs.render()
        assert isinstance(images, tuple)
        assert [image.shape for image in images] == [(4, 4, 3)] * 2
        assert (images[1] == 10).all()
        with pytest.raises(RenderModeError, match="render_mode is 'human', but 'rgb_array' was expected"):
            GymnasiumVectorEnv(walk, 2, render_mode="human")
        with pytest.raises(RenderModeError):
            GymnasiumVectorEnv(walk, 2).render()

    def test_gymnasiums_wrappers_go_around(self, walk):
        envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(GymnasiumVectorEnv(walk, 3))
        envs = gymnasium.wrappers.vector.NormalizeObservation(envs)
        envs.reset(seed=0)
        for _ in range(6):
            *_, truncated, infos = envs.step(np.zeros((3, 2), np.float32))
        assert truncated.all()
        assert (infos["episode"]["l"] == 6).all()

    def test_what_is_wrong_is_said(self, walk):
        envs = GymnasiumVectorEnv(walk, 2, autoreset_mode="Disabled", max_episode_steps=1)
        with pytest.raises(NotResetError):
            envs.step(np.zeros((2, 2)))
        with pytest.raises(SeedCountError, match=r"reset got 3 seeds for 2 environments. Pass one integer, or 2 of them."):
            envs.reset(seed=[1, 2, 3])
        envs.reset(seed=0)
        with pytest.raises(ActionBatchError, match=r"Pass an action for each environment."):
            envs.step(np.zeros(2))
        envs.step(np.zeros((2, 2)))
        with pytest.raises(NotResetError, match=r"2 environments ended and were not reset. Call reset\(options="):
            envs.step(np.zeros((2, 2)))
        for mask in ([True], np.zeros(2, bool), np.ones(2)):
            with pytest.raises(ResetOptionError, match=r"an array bool\[2\] with at least one True was expected"):
                envs.reset(options={"reset_mask": mask})
        with pytest.raises(ResetOptionError, match=r"an array bool\[2\] with at least one True was expected"):
            envs.reset(options={"reset_mask": [[True], [True, False]]})
        for seed in ("a", -1, 1.5, True):
            with pytest.raises(
                AdapterArgumentError, match=rf"seed is .* {seed!r}, but an integer from 0 was expected. Pass one, or None."
            ):
                envs.reset(seed=[0, seed])
        for num_envs in (0, -1, 1.5, "a", None, True):
            with pytest.raises(AdapterArgumentError, match=rf"num_envs is .* {num_envs!r}, but an integer from 1 was expected."):
                GymnasiumVectorEnv(walk, num_envs)
        assert GymnasiumVectorEnv(walk, np.int64(2)).num_envs == 2
        with pytest.raises(ResetOptionError, match=r"Use 'params' or 'reset_mask'."):
            envs.reset(options={"mask": None})
        with pytest.raises(AutoresetModeError, match=r"autoreset_mode is str 'never', but one of NextStep, SameStep or Disabled"):
            GymnasiumVectorEnv(walk, 2, autoreset_mode="never")


class TestIds:
    @pytest.fixture(autouse=True)
    def registry(self, mill_plugins, monkeypatch):
        monkeypatch.setattr(gymnasium.envs.registration, "registry", registry := {})
        monkeypatch.setattr(gymnasium, "registry", registry)

    def test_every_id_is_registered_once(self):
        ids = register_envs()
        assert "jaxenv/Mill-v0" in ids
        assert "jaxenv/dutch.Mill-v0" in ids
        assert set(ids) == set(gymnasium.registry)
        assert register_envs() == ids

    def test_later_ones_are_registered_by_another_call(self):
        register_envs()
        jaxenv.register(Ladder)
        assert "jaxenv/local.Ladder" in register_envs()
        assert gymnasium.make("jaxenv/Ladder").unwrapped.env == Ladder()

    def test_make_passes_everything_on(self):
        register_envs()
        env = gymnasium.make("jaxenv/Mill-v0", wind=2.0, wrap=wrappers.LogWrapper).unwrapped
        assert env.env.unwrapped == jaxenv.make("Mill-v0", wind=2.0)[0]
        assert isinstance(env.env, wrappers.LogWrapper)
        assert env.spec.id == "jaxenv/Mill-v0"
        envs = gymnasium.make_vec("jaxenv/Mill-v0", num_envs=3, wind=2.0, max_episode_steps=7, autoreset_mode="SameStep")
        assert isinstance(envs, GymnasiumVectorEnv)
        assert (envs.params.wind, envs.params.max_steps_in_episode, envs.num_envs) == (2.0, 7, 3)
        assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP

    def test_an_override_that_does_not_fit_is_a_sentence(self):
        register_envs()
        with pytest.raises(AdapterArgumentError, match=r"Did you mean wind?"):
            gymnasium.make("jaxenv/Mill-v0", wnd=2.0)


def test_without_gymnasium_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "jaxenv.adapters.gymnasium")
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(
        MissingExtraError, match=r"jaxenv.adapters.gymnasium needs gymnasium, which is not installed. Run: pip install"
    ):
        import jaxenv.adapters.gymnasium  # noqa: F401
