"""Environments behind dm_env's interface: dm_env's own tests, and what they do not look at."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from jaxenv import spaces, wrappers
from jaxenv.errors import ActionBatchError, AdapterArgumentError, ArgumentTypeError, MissingExtraError, SpaceConversionError
from probes import Ladder, Walk

pytestmark = pytest.mark.usefixtures("unoptimized")

dm_env = pytest.importorskip("dm_env")
absltest = pytest.importorskip("absl.testing.absltest")

from dm_env import specs, test_utils  # noqa: E402
from jaxenv.adapters.dm_env import DmEnv, to_spec  # noqa: E402


class TestWalk(test_utils.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return DmEnv(Walk(), seed=0)

    def make_action_sequence(self):
        for _ in range(20):
            yield np.array([0.1, -0.2], np.float32)


class TestLadder(test_utils.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        return DmEnv(Ladder(), seed=0)

    def make_action_sequence(self):
        for action in (0, 1, 1, 1, 1, 1, 1, -1):
            yield np.int32(action)


def test_the_time_limit_leaves_the_discount_at_one():
    env = DmEnv(Walk(), seed=1, max_steps_in_episode=4)
    first = env.reset()
    assert first.first()
    assert (first.reward, first.discount) == (None, None)
    for t in range(1, 5):
        timestep = env.step(np.zeros(2, np.float32))
        assert timestep.last() == (t == 4)
        assert timestep.discount == 1.0
        assert timestep.reward == pytest.approx(timestep.observation.sum(), abs=1e-6)
    assert env.state.time == 4
    assert env.step(np.zeros(2, np.float32)).first()


def test_the_end_of_the_task_has_discount_zero():
    env = DmEnv(Ladder(), seed=0)
    env.reset()
    timesteps = [env.step(1) for _ in range(5)]
    assert [timestep.last() for timestep in timesteps] == [False] * 4 + [True]
    assert [timestep.discount for timestep in timesteps] == [1.0] * 4 + [0.0]
    assert timesteps[-1].observation["rung"] == 6
    assert env.step(0).first()


def test_a_seed_and_the_actions_say_all():
    one, two, other = DmEnv(Walk(), seed=3), DmEnv(Walk(), seed=3), DmEnv(Walk())
    first = one.reset()
    np.testing.assert_array_equal(first.observation, two.reset().observation)
    assert (first.observation != other.reset().observation).any()
    for _ in range(20):
        mine, theirs = (env.step([0.3, 0.0]) for env in (one, two))
        assert mine.step_type == theirs.step_type
        np.testing.assert_array_equal(mine.observation, theirs.observation)


def test_wrappers_and_errors():
    env = DmEnv(Walk(), wrap=wrappers.FlattenObservation, seed=0)
    assert isinstance(env.env, wrappers.FlattenObservation)
    env.reset()
    with pytest.raises(ActionBatchError, match=r"step got actions of shape \(3,\), but \(2,\) was expected."):
        env.step(np.zeros(3))


@pytest.mark.parametrize(("task", "action"), [(Ladder, None), (Ladder, "left"), (Walk, [[0.0], [0.0, 0.0]]), (Walk, {"x": 1})])
def test_an_action_of_another_kind_is_named(task, action):
    env = DmEnv(task(), seed=0)
    env.reset()
    with pytest.raises(ArgumentTypeError) as caught:
        env.step(action)
    expected = "Discrete(3, start=-1)" if task is Ladder else "Box(-1.0, 1.0, (2,))"
    assert str(caught.value).endswith(f"is {type(action).__name__} {action!r}, but a member of {expected} was expected. Pass one.")


@pytest.mark.parametrize("seed", ["a", -1, 1.5, True])
def test_a_seed_is_an_integer_from_0(seed):
    with pytest.raises(AdapterArgumentError, match=rf"seed is .* {seed!r}, but an integer from 0 was expected. Pass one, or None."):
        DmEnv(Walk(), seed=seed)
    assert DmEnv(Walk(), seed=np.int64(3))._seed == 3


@pytest.mark.parametrize(
    ("space", "spec"),
    [
        (spaces.Discrete(3), specs.DiscreteArray(3, np.int32, "a")),
        (spaces.Discrete(3, start=2), specs.BoundedArray((), np.int32, 2, 4, "a")),
        (spaces.MultiDiscrete([2, 3]), specs.BoundedArray((2,), np.int32, 0, [1, 2], "a")),
        (spaces.Box(-1, 2, (2, 3)), specs.BoundedArray((2, 3), np.float32, -1, 2, "a")),
        (spaces.Tuple((spaces.Discrete(2),)), (specs.DiscreteArray(2, np.int32, "a_0"),)),
        (spaces.Dict({"b": spaces.Discrete(2)}), {"b": specs.DiscreteArray(2, np.int32, "b")}),
    ],
)
def test_specs_have_the_members_of_spaces(space, spec):
    assert to_spec(space, "a") == spec


def test_bits_are_bounded():
    spec = to_spec(spaces.MultiBinary((2,)), "bits")
    assert (spec.shape, spec.minimum, spec.maximum) == ((2,), 0, 1)


def test_a_space_of_somebody_else_has_no_spec():
    with pytest.raises(SpaceConversionError, match=r"has no counterpart in dm_env. Use the spaces of jaxenv.spaces."):
        to_spec(object())


def test_without_dm_env_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "jaxenv.adapters.dm_env")
    monkeypatch.setitem(sys.modules, "dm_env", None)
    with pytest.raises(MissingExtraError, match=r"needs dm_env, which is not installed. Run: pip install 'jaxenv-core\[dm-env\]'"):
        import jaxenv.adapters.dm_env  # noqa: F401
