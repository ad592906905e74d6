"""The wrappers that change what is observed, one by one."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import wrappers
from jaxenv.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from probes import Ladder, Recording, Replay

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)
LINE = Box(0.0, 10.0, (1,))


def test_previous_action_and_reward_are_seen_across_episodes():
    played = Recording(LINE, Discrete(3, start=1), limit=3)
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


def test_previous_action_and_reward_can_be_forgotten():
    played = Recording(LINE, Box(2.0, 4.0, (2,)), limit=2)
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


def test_frames_of_a_dict_are_stacked_part_by_part(ladder, play):
    env = wrappers.FrameStackObservation(ladder, 3)
    first, steps = play(env, 2, actions=np.array([1, 1], np.int32))
    assert first["rung"].tolist() == [1, 1, 1]
    assert steps["obs"]["rung"].tolist() == [[1, 1, 2], [1, 2, 3]]
    assert steps["obs"]["below"][1].tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert env.observation_space(env.default_params)["rung"] == MultiDiscrete([7, 7, 7])


def test_delayed_observations_of_a_dict(ladder, play):
    first, steps = play(wrappers.DelayObservation(ladder, 2), 3, actions=np.ones(3, np.int32))
    assert first["rung"] == 0
    assert steps["obs"]["rung"].tolist() == [0, 1, 2]


def test_the_time_joins_a_dict_or_a_tuple(ladder, play):
    env = wrappers.TimeAwareObservation(ladder, flatten=False, dict_time_key="clock")
    assert env.observation_space(env.default_params) == Dict(
        {**ladder.observation_space(None).spaces, "clock": Box(0, 20, (1,), jnp.int32)}
    )
    _, steps = play(env, 3)
    assert steps["obs"]["clock"].tolist() == [[1], [2], [3]]

    class Pair(Ladder):
        def observe(self, state, params):
            return (state.rung,)

        def observation_space(self, params):
            return Tuple((Discrete(7),))

    env = wrappers.TimeAwareObservation(Pair(), flatten=False)
    assert env.observation_space(env.default_params) == Tuple((Discrete(7), Box(0, 20, (1,), jnp.int32)))
    _, steps = play(env, 3)
    assert steps["obs"][1].tolist() == [[1], [2], [3]]


def test_the_share_of_the_time_follows_the_parameters(walk, play):
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


def test_images_are_rescaled_to_floats():
    env = wrappers.RescaleObservation(Replay(Box(0, 255, (3,), jnp.uint8)), 0.0, 1.0)
    params = env.default_params.replace(observations=np.array([[0, 51, 255], [0, 0, 0]], np.uint8))
    obs, _ = env.reset(KEY, params)
    np.testing.assert_allclose(obs, [0.0, 0.2, 1.0], rtol=1e-6)
    assert env.observation_space(params) == Box(0.0, 1.0, (3,))
