"""Environments behind Stoa's interface, with Stoa's own wrapper for resets around them."""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import spaces
from jaxenv.errors import ArgumentTypeError, KeyTypeError, MissingExtraError, SpaceConversionError, SpaceMismatchError
from probes import Ladder, Walk


def test_without_stoa_the_error_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "jaxenv.adapters.stoa", raising=False)
    monkeypatch.setitem(sys.modules, "stoa", None)
    with pytest.raises(MissingExtraError, match=r"jaxenv.adapters.stoa needs stoa, which is not installed. Run: pip install"):
        import jaxenv.adapters.stoa  # noqa: F401


class TestWithStoa:
    @pytest.fixture(autouse=True)
    def stoa(self):
        """Stoa relies on promotion, as JAX does it by default."""
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            yield pytest.importorskip("stoa", reason="stoa-env is not installed")

    def test_the_time_limit_truncates_and_the_task_terminates(self, stoa):
        from jaxenv.adapters.stoa import StoaEnv

        env = StoaEnv(Ladder(), max_steps_in_episode=5)
        for action, last, discount in ((1, stoa.StepType.TERMINATED, 0.0), (0, stoa.StepType.TRUNCATED, 1.0)):
            state, step = env.reset(jax.random.key(0))
            assert step.first()
            assert (step.reward, step.discount) == (0.0, 1.0)
            for _ in range(4):
                state, step = env.step(state, jnp.int32(action))
                assert step.mid()
                assert step.discount == 1.0
            state, step = env.step(state, jnp.int32(action))
            assert step.last()
            # At the top the limit is reached as well: the task's end wins.
            assert (step.step_type, step.discount) == (last, discount)
            assert step.reward == step.observation["rung"]

    def test_it_plays_what_the_environment_plays_under_stoas_resets(self, stoa):
        from jaxenv.adapters.stoa import StoaEnv

        walk = Walk()
        env = stoa.AutoResetWrapper(StoaEnv(walk), next_obs_in_extras=True)

        @jax.jit
        def play(key):
            def one(state, action):
                state, step = env.step(state, action)
                return state, step

            state, first = env.reset(key)
            return first, jax.lax.scan(one, state, jnp.full((40, 2), 0.3, jnp.float32))[1]

        first, steps = play(jax.random.key(4))
        assert jax.tree.structure(first) == jax.tree.structure(steps)
        assert [leaf.dtype for leaf in jax.tree.leaves(first)] == [leaf.dtype for leaf in jax.tree.leaves(steps)]
        assert set(steps.extras) == {"action", "next_obs"}
        last, terminated = np.asarray(steps.last()), np.asarray(steps.terminated())
        assert terminated.any()
        np.testing.assert_array_equal(steps.discount, ~terminated)
        # Rewards are the sum of what the step led to: at an episode's end that is next_obs, and the observation begins the next.
        np.testing.assert_allclose(steps.reward, steps.extras["next_obs"].sum(axis=1), atol=1e-6)
        assert (np.abs(steps.observation[last]) <= 0.3).all()
        np.testing.assert_array_equal(steps.observation[~last], steps.extras["next_obs"][~last])
        lengths = np.diff(np.flatnonzero(last), prepend=-1)
        assert (lengths <= 6).all()

    def test_params_are_those_of_the_constructor_or_of_the_call(self, stoa):
        from jaxenv.adapters.stoa import StoaEnv

        env = StoaEnv(Walk(), limit=0.5)
        assert env.params.limit == 0.5
        assert env.observation_space().maximum.max() == 0.5
        other = env.params.replace(limit=0.25)
        assert env.action_space(other).maximum.max() == 0.25
        state, step = env.reset(jax.random.PRNGKey(0), other)
        for _ in range(3):
            state, step = env.step(state, jnp.full(2, 0.25), other)
        assert np.abs(step.observation).max() <= 0.25
        assert env.render(state).shape == (4, 4, 3)
        assert env.state_space().shape is None

    def test_wrong_keys_and_actions_are_named(self, stoa):
        from jaxenv.adapters.stoa import StoaEnv

        env = StoaEnv(Ladder())
        state, _ = env.reset(jax.random.key(0))
        with pytest.raises(SpaceMismatchError, match=r"Ladder's action is a NoneType, but a member of Discrete"):
            env.step(state, None)
        with pytest.raises(ArgumentTypeError, match=r"Ladder: action is str 'left', but an array or a number was expected."):
            env.step(state, "left")
        with pytest.raises(KeyTypeError, match=r"key must be a JAX random key, but int 0 was given."):
            env.reset(0)

    def test_spaces_have_the_same_members(self, stoa):
        from jaxenv.adapters.stoa import to_space

        cases = [
            (spaces.Discrete(3), stoa.DiscreteSpace),
            (spaces.Discrete(3, start=-1), stoa.BoundedArraySpace),
            (spaces.MultiDiscrete([2, 5]), stoa.MultiDiscreteSpace),
            (spaces.MultiBinary(4), stoa.BoundedArraySpace),
            (spaces.Box(-1.0, 1.0, (2, 3)), stoa.BoundedArraySpace),
            (spaces.Box(np.float32([-np.inf, 0.0]), np.float32([np.inf, 2.0])), stoa.BoundedArraySpace),
            (spaces.Box(-np.inf, np.inf, (2,)), stoa.ArraySpace),
        ]
        for space, kind in cases:
            theirs = to_space(space)
            assert type(theirs) is kind
            assert theirs.shape == space.shape
            assert theirs.dtype == space.dtype
            for key in jax.random.split(jax.random.key(0), 5):
                assert theirs.contains(space.sample(key))
        discrete = to_space(spaces.Discrete(3, start=-1))
        assert (discrete.minimum, discrete.maximum) == (-1, 1)
        nested = spaces.Dict({"one": spaces.Discrete(2), "two": spaces.Tuple([spaces.Box(0.0, 1.0), spaces.MultiBinary(2)])})
        assert to_space(nested).contains(nested.sample(jax.random.key(1)))
        with pytest.raises(SpaceConversionError, match=r"3 has no counterpart in Stoa. Use the spaces of jaxenv.spaces."):
            to_space(3)
