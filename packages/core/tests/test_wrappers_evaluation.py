"""Statistics out of training and into evaluation, restarts, what environments share, and info that is left out."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv import environment, wrappers
from jaxenv.errors import RangeError, WrapperSettingError
from jaxenv.wrappers import LogWrapper, NormalizeObservation, NormalizeReward, RandomizeParams, SelectInfo, Vectorize
from probes import Walk
from wrapped import Drift

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


def trained(env: Any, num_envs: int = 6, steps: int = 30) -> Any:
    """Return the state of a batch after some steps, and every observation and reward that a plain batch saw on the way."""
    batch = Vectorize(env, num_envs)
    _, state = batch.reset(KEY)

    def one(state: Any, key: Any) -> Any:
        return batch.step(key, state, batch.action_space().sample(key))[1], None

    return jax.lax.scan(one, state, jax.random.split(KEY, steps))[0]


class TestFrozen:
    @pytest.mark.parametrize("axis", [None, "envs"])
    def test_observations_use_the_statistics_of_training_in_rollout_and_rollout_wrapper(self, axis):
        state = trained(LogWrapper(NormalizeObservation(Walk(), axis_name=axis)))
        statistics = NormalizeObservation.statistics(state)
        assert statistics.mean.shape == (2,)
        assert statistics.count > 180
        env = NormalizeObservation.frozen(Walk(), state)
        assert env == NormalizeObservation.frozen(Walk(), statistics)
        assert hash(env) == hash(NormalizeObservation.frozen(Walk(), statistics))
        plain = jaxenv.rollout(Walk(), None, None, KEY, num_envs=3, num_steps=8)
        normal = jaxenv.rollout(env, None, None, KEY, num_envs=3, num_steps=8)
        mean, deviation = np.asarray(statistics.mean), np.sqrt(np.asarray(statistics.variance) + 1e-8)
        expected = (np.asarray(plain.trajectory.obs) - mean) / deviation
        np.testing.assert_allclose(normal.trajectory.obs, expected, rtol=1e-4, atol=1e-5)
        raw, ours = (jaxenv.RolloutWrapper(env=e, num_env_steps=5).single_rollout(KEY)[3] for e in (Walk(), env))
        np.testing.assert_allclose(ours, (np.asarray(raw) - mean) / deviation, rtol=1e-4, atol=1e-5)

    def test_rewards_use_the_statistics_of_training(self):
        state = trained(NormalizeReward(Walk()))
        env = NormalizeReward.frozen(Walk(), state)
        plain, ours = (jaxenv.rollout(e, None, None, KEY, num_envs=3, num_steps=8).trajectory.reward for e in (Walk(), env))
        deviation = math.sqrt(float(NormalizeReward.statistics(state).variance) + 1e-8)
        np.testing.assert_allclose(ours, plain / deviation, rtol=1e-5)

    def test_newer_statistics_compile_nothing_anew(self):
        states = trained(NormalizeObservation(Walk()), steps=3), trained(NormalizeObservation(Walk()), steps=9)
        env = NormalizeObservation.frozen(Walk(), states[0])
        params = [env.default_params.replace(statistics=NormalizeObservation.statistics(state)) for state in states]
        first, _ = env.reset(KEY, params[0])
        before = environment._reset._cache_size()
        second, _ = env.reset(KEY, params[1])
        assert environment._reset._cache_size() == before
        assert (first != second).any()

    def test_a_training_run_with_its_own_state_shows_the_same(self):
        state = trained(NormalizeObservation(Walk()))
        one = jax.tree.map(lambda leaf: leaf[2], state)
        env = NormalizeObservation.frozen(Walk(), one)
        np.testing.assert_allclose(
            env.observe(one.env_state, env.default_params),
            NormalizeObservation(Walk()).observe(one, Walk().default_params),
            rtol=1e-6,
        )

    def test_merging_counts_every_value_once(self):
        values = np.random.default_rng(0).normal(3.0, 2.0, (5, 40, 2)).astype(np.float32)

        def count(values: Any) -> Any:
            empty = wrappers.RunningStatistics.empty((2,))
            return jax.lax.scan(lambda s, v: (s.update(v), None), empty, values)[0]

        merged, whole = jax.vmap(count)(values).merged(), count(values.reshape(-1, 2))
        assert merged.count == whole.count == 200
        np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-5)
        np.testing.assert_allclose(merged.variance, whole.variance, rtol=1e-4)

    def test_what_does_not_fit_is_refused(self):
        state = trained(NormalizeReward(Walk()), steps=1)
        with pytest.raises(WrapperSettingError, match=r"no layer of it is a NormalizeObservationState. Pass the state"):
            NormalizeObservation.frozen(Walk(), state)
        with pytest.raises(WrapperSettingError, match=r"statistics of shape \(\), but Walk needs \(2,\)"):
            NormalizeObservation.frozen(Walk(), NormalizeReward.statistics(state))
        with pytest.raises(WrapperSettingError, match="Pass the RunningStatistics of a training state"):
            wrappers.FrozenNormalizeReward(Walk(), 3.0)
        with pytest.raises(WrapperSettingError, match="being traced, which an environment can't hold"):
            jax.jit(lambda s: NormalizeReward.frozen(Walk(), s).reset(KEY))(state)


class TestRestart:
    @pytest.mark.parametrize("axis", [None, "envs"])
    def test_chosen_lanes_begin_anew_and_keep_what_carries_over(self, axis):
        batch = Vectorize(LogWrapper(NormalizeReward(NormalizeObservation(Walk(), axis_name=axis))), 4)
        _, state = batch.reset(KEY)
        obs, state, *_ = batch.step(KEY, state, jnp.zeros((4, 2)))
        chosen = jnp.array([True, False, True, False])
        new_obs, new = jax.jit(batch.restart)(jax.random.key(5), state, chosen)
        assert new.time.tolist() == [0, 1, 0, 1]
        assert new.timestep.tolist() == [1] * 4
        walks = state.env_state.env_state.env_state, new.env_state.env_state.env_state
        assert (walks[1].episodes - walks[0].episodes).tolist() == [1, 0, 1, 0]
        np.testing.assert_array_equal(new_obs[~chosen], obs[~chosen])
        np.testing.assert_array_equal(new.env_state.statistics.count, state.env_state.statistics.count)
        before, after = (s.env_state.env_state.statistics.count for s in (state, new))
        assert after.tolist() == (before.tolist() if axis else (np.asarray(before) + np.asarray(chosen)).tolist())
        assert jax.tree.structure(new) == jax.tree.structure(state)
        batch.step(KEY, new, jnp.zeros((4, 2)))

    def test_one_environment(self):
        env = LogWrapper(Walk())
        _, state = env.reset(KEY)
        _, state, *_ = env.step(KEY, state, jnp.zeros(2))
        obs, new = env.restart(jax.random.key(1), state)
        assert (new.time, new.timestep, new.env_state.episodes) == (0, 1, 1)
        np.testing.assert_array_equal(obs, env.reset(jax.random.key(1))[0])

    @pytest.mark.parametrize("chosen", [True, jnp.ones(3, bool), jnp.ones(4)], ids=["one", "three", "floats"])
    def test_a_choice_that_is_none(self, chosen):
        batch = Vectorize(Walk(), 4)
        with pytest.raises(WrapperSettingError, match=r"Pass a bool for each environment: an array bool\[4\]"):
            batch.restart(KEY, batch.reset(KEY)[1], chosen)


class TestSharedStatistics:
    def test_a_batch_stores_once_what_its_lanes_share(self):
        env = NormalizeReward(NormalizeObservation(Walk(), axis_name="envs"), axis_name="envs")
        state = trained(env, 7)
        assert state.statistics.mean.shape == ()
        assert state.env_state.statistics.mean.shape == (2,)
        assert state.env_state.pending.shape == state.discounted_return.shape == (7,)
        alone = trained(NormalizeReward(NormalizeObservation(Walk())), 7)
        assert alone.statistics.mean.shape == (7,)
        assert alone.env_state.statistics.mean.shape == (7, 2)

    def test_they_are_what_lanes_under_vmap_share(self):
        env = NormalizeObservation(Walk(), axis_name="envs")
        batch = Vectorize(env, 5)
        keys = jaxenv.random.split(KEY, 5)
        obs, state = batch.reset(KEY)
        vmapped_obs, vmapped = jax.vmap(env.reset, axis_name="envs")(keys)
        np.testing.assert_array_equal(obs, vmapped_obs)
        np.testing.assert_array_equal(state.statistics.mean, vmapped.statistics.mean[3])
        assert batch.render(state).shape == (5, 4, 4, 3)


class TestParamsOfEachLane:
    def test_each_lane_plays_with_its_own(self):
        batch = Vectorize(wrappers.ScaleReward(Walk(), 2.0), 3)
        limits = np.array([0.5, 1.0, 30.0], np.float32)
        for params in (batch.default_params.replace(limit=limits), Walk().default_params.replace(limit=limits)):
            space = batch.action_space(params)
            np.testing.assert_allclose(space.high[:, 0], limits)
            assert batch.observation_space(params) == space
            assert jax.jit(lambda p: batch.action_space(p).sample(KEY))(params).shape == (3, 2)
            _, state = batch.reset(KEY, params)
            obs, state, *_ = batch.step(KEY, state, jnp.full((3, 2), 20.0), params)
            alone = [
                batch.env.step(
                    key,
                    jax.tree.map(lambda x, i=i: x[i], batch.reset(KEY, params)[1]),
                    jnp.full(2, 20.0),
                    Walk().default_params.replace(limit=limits[i]),
                )[0]
                for i, key in enumerate(jaxenv.random.split(KEY, 3))
            ]
            np.testing.assert_allclose(obs, jnp.stack(alone), rtol=1e-6)
            assert batch.state_space(params) == batch.state_space()
            assert batch.render(state, params).shape == (3, 4, 4, 3)

    def test_another_number_of_values_is_refused(self):
        batch = Vectorize(Walk(), 3)
        with pytest.raises(
            WrapperSettingError, match=r"has 3 environments, but params\.limit has the shape \(2,\). Pass one value .* or 3"
        ):
            batch.reset(KEY, batch.default_params.replace(limit=np.ones(2, np.float32)))


def drawn(key: Any, params: Any) -> Any:
    return params.replace(limit=jax.random.uniform(key, (), minval=0.5, maxval=2.0), max_steps_in_episode=1)


class TestRandomizeParams:
    def test_every_episode_has_params_of_its_own(self):
        env = LogWrapper(RandomizeParams(Walk(), drawn))
        result = jaxenv.rollout(env, None, None, KEY, num_envs=4, num_steps=40)
        _, state = jax.vmap(env.reset)(jax.random.split(KEY, 100))
        limits = np.asarray(state.env_state.params.limit)
        assert limits.min() < 0.7
        assert limits.max() > 1.8
        assert len(np.unique(limits)) == 100
        assert result.trajectory.info["returned_episode_lengths"].max() == 6  # the caller's limit

    def test_the_params_stay_during_an_episode_and_change_with_it(self):
        env = RandomizeParams(Walk(), drawn)
        _, state = env.reset(KEY)
        for t in range(20):
            _, new, _, done, _ = env.step(jax.random.key(t), state, jnp.zeros(2))
            assert bool(new.params.limit != state.params.limit) == bool(done)
            state = new
        assert int(state.env_state.episodes) >= 3
        assert (jnp.abs(env.step(KEY, state, jnp.full(2, 30.0))[4]["final_observation"]) <= state.params.limit + 1e-6).all()

    def test_what_carries_over_does(self):
        env = RandomizeParams(Walk(), drawn)
        _, state = env.reset(KEY)
        assert env.restart(KEY, state)[1].env_state.episodes == 1

    def test_a_distribution_that_is_no_function(self):
        with pytest.raises(WrapperSettingError, match="RandomizeParams got distribution = 3, which cannot be called"):
            RandomizeParams(Walk(), 3)


class TestInfo:
    def test_log_wrapper_leaves_the_final_observation_out_unless_asked_for(self):
        for env, there in ((Walk(), True), (LogWrapper(Walk()), False), (LogWrapper(Walk(), final_observation=True), True)):
            _, state = env.reset(KEY)
            for step in (env.step, env.step_env):
                info = step(KEY, state, jnp.zeros(2))[4]
                assert ("final_observation" in info) == there
                assert {"terminated", "truncated", "discount"} <= set(info)
        outside = NormalizeReward(LogWrapper(Walk()))
        assert "final_observation" not in outside.step(KEY, outside.reset(KEY)[1], jnp.zeros(2))[4]

    def test_a_program_that_returns_info_keeps_no_observation(self):
        def bytes_of(env: Any) -> int:
            batch = Vectorize(env, 8)
            _, state = batch.reset(KEY)
            run = lambda s: jax.lax.scan(lambda s, k: batch.step(k, s, jnp.zeros((8, 2)))[1::3], s, jax.random.split(KEY, 100))  # noqa: E731
            return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(jax.eval_shape(run, state)[1]))

        assert bytes_of(LogWrapper(Walk())) < bytes_of(LogWrapper(Walk(), final_observation=True))

    def test_entries_are_kept_or_dropped(self):
        def names(env: Any) -> set[str]:
            return set(env.step(KEY, env.reset(KEY)[1], jnp.zeros(2))[4])

        everything = names(Walk())
        assert names(SelectInfo(Walk(), drop=("action", "final_observation"))) == everything - {"action", "final_observation"}
        assert names(SelectInfo(Walk(), keep=("discount",))) == {"discount"}
        assert names(SelectInfo(SelectInfo(Walk(), drop=["action"]), keep=["discount"])) == {"discount"}
        with pytest.raises(WrapperSettingError, match=r"got the names \['colour'\], but info holds \['action', 'discount'"):
            names(SelectInfo(Walk(), drop=("colour",)))

    @pytest.mark.parametrize("settings", [{}, {"keep": ("a",), "drop": ("b",)}, {"keep": "discount"}, {"drop": 3}], ids=str)
    def test_settings_that_make_no_sense(self, settings):
        with pytest.raises(WrapperSettingError, match="SelectInfo"):
            SelectInfo(Walk(), **settings)


NUMBERS = [
    (wrappers.StickyAction, {"repeat_action_probability": 2.0}),
    (wrappers.StickyAction, {"repeat_action_probability": -0.1}),
    (wrappers.RewardNoise, {"scale": -1.0}),
    (wrappers.RewardNoise, {"scale": math.nan}),
    (wrappers.ScaleReward, {"scale": math.inf}),
    (wrappers.NormalizeReward, {"gamma": 1.5}),
    (wrappers.NormalizeReward, {"epsilon": -1.0}),
    (wrappers.NormalizeObservation, {"epsilon": -1.0}),
    (wrappers.ClipReward, {"min_reward": math.nan}),
    (wrappers.DelayObservation, {"delay": -1}),
    (wrappers.FrameStackObservation, {"stack_size": 0}),
    (wrappers.RepeatAction, {"num_repeats": 0}),
]


@pytest.mark.parametrize(("wrapper", "given"), NUMBERS, ids=lambda x: getattr(x, "__name__", str(x)))
def test_numbers_out_of_range_are_refused_by_the_constructor(wrapper, given):
    (name, number), *_ = given.items()
    with pytest.raises((RangeError, WrapperSettingError), match=name):
        wrapper(Drift(), **given)


@pytest.mark.parametrize("wrapper", [wrappers.StickyAction, wrappers.RewardNoise, wrappers.NormalizeReward])
def test_a_leaf_out_of_range_is_refused_by_reset(wrapper):
    env = wrapper(Drift(), 0.5)
    name = next(name for name in ("repeat_action_probability", "scale", "gamma") if hasattr(env.default_params, name))
    with pytest.raises(RangeError, match=name):
        env.reset(KEY, env.default_params.replace(**{name: -3.0}))
