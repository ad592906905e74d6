"""Stacks of three wrappers: last observations, time limits, and what is remembered over resets."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import spaces, wrappers
from probes import Recording, Walk

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)

LAYERS = {
    "stack": lambda env: wrappers.FrameStackObservation(env, 2),
    "normalize": wrappers.NormalizeObservation,
    "delay": lambda env: wrappers.DelayObservation(env, 1),
    "time": wrappers.TimeAwareObservation,
    "previous": lambda env: wrappers.FlattenObservation(wrappers.PreviousActionAndReward(env)),
    "log": lambda env: wrappers.RecordEpisodeStatistics(env, final_observation=True),
    "sticky": lambda env: wrappers.StickyAction(env, 0.5),
    "noise": lambda env: wrappers.RewardNoise(env, 0.1),
    "reward": wrappers.NormalizeReward,
}
STACKS = [
    ("log", "normalize", "stack"),
    ("stack", "normalize", "previous"),
    ("sticky", "time", "delay"),
    ("noise", "reward", "log"),
    ("previous", "stack", "normalize"),
]


def build(env: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        env = LAYERS[name](env)
    return env


@pytest.fixture(scope="module", params=STACKS, ids="-".join)
def played(request):
    """Return ``(env, steps)``: 80 steps of random play, beside what the hooks say about the same steps."""
    env = build(Walk(), request.param)
    params = env.default_params

    def one(state: Any, key: Any) -> Any:
        action = env.action_space(params).sample(key)
        obs, new, reward, done, info = env.step(key, state, action, params)
        end = env.step_env(key, state, action, params)
        return new, {
            "obs": obs,
            "state": new,
            "reward": reward,
            "done": done,
            "info": info,
            "end": end,
            "seen": env.observe(new, params),
        }

    _, state = env.reset(KEY)
    return env, jax.tree.map(np.asarray, jax.jit(lambda s: jax.lax.scan(one, s, jax.random.split(KEY, 80)))(state)[1])


def innermost(state: Any) -> Any:
    while hasattr(state, "env_state"):
        state = state.env_state
    return state


def test_the_final_observation_is_the_one_before_the_reset(played):
    _, steps = played
    np.testing.assert_array_equal(steps["info"]["final_observation"], steps["end"][0])
    np.testing.assert_array_equal(steps["obs"], steps["seen"])
    ended = steps["done"]
    assert 8 < ended.sum() < 70
    np.testing.assert_allclose(steps["obs"][~ended], steps["info"]["final_observation"][~ended], rtol=1e-5, atol=1e-6)
    change = np.abs(steps["obs"] - steps["info"]["final_observation"]).reshape(80, -1).max(axis=1)
    assert (change[ended] > 1e-3).all()


def test_the_time_limit_is_exact_through_the_stack(played):
    _, steps = played
    time = np.asarray(innermost(steps["end"][1]).time)
    np.testing.assert_array_equal(steps["info"]["truncated"], time == 6)
    np.testing.assert_array_equal(steps["done"], steps["info"]["truncated"] | steps["info"]["terminated"])
    assert steps["info"]["truncated"].any()
    assert (innermost(steps["state"]).time[steps["done"]] == 0).all()


def test_what_the_environment_carries_over_passes_through_the_stack(played):
    _, steps = played
    np.testing.assert_array_equal(innermost(steps["state"]).episodes, np.cumsum(steps["done"]))


def test_what_wrappers_remember_survives_resets(played):
    _, steps = played
    states = [steps["state"]]
    while hasattr(states[-1], "env_state"):
        states.append(states[-1].env_state)
    for state in states:
        match state:
            case wrappers.record_episode_statistics.RecordEpisodeStatisticsState():
                assert state.timestep.tolist() == list(range(1, 81))
            case wrappers.normalize_observation.NormalizeObservationState():
                np.testing.assert_array_equal(state.statistics.count, 1 + np.arange(1, 81) + np.cumsum(steps["done"]))
            case wrappers.normalize_reward.NormalizeRewardState():
                np.testing.assert_array_equal(state.statistics.count, np.arange(1, 81))
            case _:
                pass


def test_a_frame_stack_begins_with_the_observation_that_really_begins_the_episode():
    """Frames are taken after the inner statistics were carried over, not from those of a fresh start."""
    played = Recording(spaces.Box(3.0, 9.0, (2,)), spaces.Discrete(2))
    inner = wrappers.NormalizeObservation(played.env)
    _, alone = played.play(inner, np.zeros(60, np.int32))
    _, stacked = played.play(wrappers.FrameStackObservation(inner, 3), np.zeros(60, np.int32))
    np.testing.assert_allclose(stacked["obs"][:, -1], alone["obs"], rtol=1e-5, atol=1e-6)
    begins = stacked["obs"][stacked["done"]]
    np.testing.assert_array_equal(begins[:, 0], begins[:, 2])


def test_repeated_steps_inside_a_stack_reset_once():
    env = wrappers.RecordEpisodeStatistics(wrappers.RepeatAction(wrappers.FrameStackObservation(Walk(), 2), 4))
    still = jnp.zeros(2)
    _, state = env.reset(KEY)
    lengths = []
    for key in jax.random.split(KEY, 4):
        _, state, _, done, info = env.step(key, state, still)
        lengths.append((bool(done), int(info["returned_episode_lengths"]), int(innermost(state).time)))
    # Six steps an episode, four at a time: one that is whole, one that is cut short.
    assert lengths == [(False, 0, 4), (True, 2, 0), (False, 2, 4), (True, 2, 0)]
