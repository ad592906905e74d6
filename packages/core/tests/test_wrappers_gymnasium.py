"""The wrappers do what Gymnasium's of the same name do: both are given the same recording and the same actions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import spaces, wrappers
from jaxenv.spaces import Box, Discrete, MultiDiscrete
from probes import Recording

pytestmark = pytest.mark.usefixtures("unoptimized")

gymnasium = pytest.importorskip("gymnasium")
theirs = gymnasium.wrappers

PLACE = Box([-1.0, 0.0, 2.0], [1.0, 5.0, 2.5])
PUSH = Box([-2.0, 0.0], [2.0, 10.0])
SCREEN = Box(0, 255, (2, 2), jnp.uint8)
HIGH = Box(1.0, 3.0, (2,))


def flat(x: Any) -> np.ndarray:
    return np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in jax.tree.leaves(x)])


def at(tree: Any, t: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[t], tree)


CASES = {
    "FlattenObservation": (lambda e: wrappers.FlattenObservation(e), lambda e: theirs.FlattenObservation(e), SCREEN, PUSH),
    "FlattenObservation-Discrete": (
        lambda e: wrappers.FlattenObservation(e),
        lambda e: theirs.FlattenObservation(e),
        Discrete(5, 2),
        PUSH,
    ),
    "FrameStackObservation": (
        lambda e: wrappers.FrameStackObservation(e, 3),
        lambda e: theirs.FrameStackObservation(e, 3),
        PLACE,
        PUSH,
    ),
    "FrameStackObservation-zero": (
        lambda e: wrappers.FrameStackObservation(e, 4, padding_type="zero"),
        lambda e: theirs.FrameStackObservation(e, 4, padding_type="zero"),
        HIGH,
        PUSH,
    ),
    "FrameStackObservation-Discrete": (
        lambda e: wrappers.FrameStackObservation(e, 2, "zero"),
        lambda e: theirs.FrameStackObservation(e, 2, padding_type="zero"),
        Discrete(5, 2),
        PUSH,
    ),
    "DelayObservation": (lambda e: wrappers.DelayObservation(e, 2), lambda e: theirs.DelayObservation(e, 2), HIGH, PUSH),
    "DelayObservation-none": (lambda e: wrappers.DelayObservation(e, 0), lambda e: theirs.DelayObservation(e, 0), HIGH, PUSH),
    "TimeAwareObservation": (lambda e: wrappers.TimeAwareObservation(e), lambda e: theirs.TimeAwareObservation(e), PLACE, PUSH),
    "TimeAwareObservation-normalized": (
        lambda e: wrappers.TimeAwareObservation(e, normalize_time=True),
        lambda e: theirs.TimeAwareObservation(e, normalize_time=True),
        PLACE,
        PUSH,
    ),
    "TimeAwareObservation-dict": (
        lambda e: wrappers.TimeAwareObservation(e, flatten=False),
        lambda e: theirs.TimeAwareObservation(e, flatten=False),
        PLACE,
        PUSH,
    ),
    "NormalizeObservation": (lambda e: wrappers.NormalizeObservation(e), lambda e: theirs.NormalizeObservation(e), PLACE, PUSH),
    "NormalizeObservation-epsilon": (
        lambda e: wrappers.NormalizeObservation(e, epsilon=0.5),
        lambda e: theirs.NormalizeObservation(e, epsilon=0.5),
        PLACE,
        PUSH,
    ),
    "NormalizeReward": (lambda e: wrappers.NormalizeReward(e), lambda e: theirs.NormalizeReward(e), PLACE, PUSH),
    "NormalizeReward-gamma": (
        lambda e: wrappers.NormalizeReward(e, gamma=0.5, epsilon=0.1),
        lambda e: theirs.NormalizeReward(e, gamma=0.5, epsilon=0.1),
        PLACE,
        PUSH,
    ),
    "RescaleObservation": (
        lambda e: wrappers.RescaleObservation(e, np.array([-1.0, 0.0, 5.0]), 10.0),
        lambda e: theirs.RescaleObservation(e, np.array([-1.0, 0.0, 5.0], np.float32), np.full(3, 10.0, np.float32)),
        PLACE,
        PUSH,
    ),
    "DtypeObservation": (
        lambda e: wrappers.DtypeObservation(e, np.float32),
        lambda e: theirs.DtypeObservation(e, np.float32),
        SCREEN,
        PUSH,
    ),
    "TransformObservation": (
        lambda e: wrappers.TransformObservation(e, jnp.square, Box(0.0, 100.0, (3,))),
        lambda e: theirs.TransformObservation(e, np.square, gymnasium.spaces.Box(0.0, 100.0, (3,))),
        PLACE,
        PUSH,
    ),
    "ClipAction": (lambda e: wrappers.ClipAction(e), lambda e: theirs.ClipAction(e), PLACE, PUSH),
    "RescaleAction": (
        lambda e: wrappers.RescaleAction(e, -1.0, 1.0),
        lambda e: theirs.RescaleAction(e, np.float32(-1.0), np.float32(1.0)),
        PLACE,
        PUSH,
    ),
    "DiscretizeAction": (lambda e: wrappers.DiscretizeAction(e, (3, 4)), lambda e: theirs.DiscretizeAction(e, (3, 4)), PLACE, PUSH),
    "DiscretizeAction-same": (lambda e: wrappers.DiscretizeAction(e, 5), lambda e: theirs.DiscretizeAction(e, 5), PLACE, PUSH),
    "DiscretizeAction-multi": (
        lambda e: wrappers.DiscretizeAction(e, (3, 4), multidiscrete=True),
        lambda e: theirs.DiscretizeAction(e, (3, 4), multidiscrete=True),
        PLACE,
        PUSH,
    ),
    "TransformAction": (
        lambda e: wrappers.TransformAction(e, jnp.tanh, Box(-9.0, 9.0, (2,))),
        lambda e: theirs.TransformAction(e, np.tanh, gymnasium.spaces.Box(-9.0, 9.0, (2,))),
        PLACE,
        PUSH,
    ),
    "ClipReward": (lambda e: wrappers.ClipReward(e, -0.5, 2.0), lambda e: theirs.ClipReward(e, -0.5, 2.0), PLACE, PUSH),
    "ClipReward-below": (lambda e: wrappers.ClipReward(e, 0.0), lambda e: theirs.ClipReward(e, 0.0), PLACE, PUSH),
    "TransformReward": (lambda e: wrappers.TransformReward(e, jnp.sign), lambda e: theirs.TransformReward(e, np.sign), PLACE, PUSH),
    "three at once": (
        lambda e: wrappers.NormalizeObservation(wrappers.FrameStackObservation(wrappers.RescaleObservation(e, 0.0, 1.0), 2)),
        lambda e: theirs.NormalizeObservation(
            theirs.FrameStackObservation(theirs.RescaleObservation(e, np.zeros(3, np.float32), np.ones(3, np.float32)), 2)
        ),
        PLACE,
        PUSH,
    ),
    "the other way round": (
        lambda e: wrappers.FrameStackObservation(wrappers.NormalizeObservation(wrappers.TimeAwareObservation(e)), 3),
        lambda e: theirs.FrameStackObservation(theirs.NormalizeObservation(theirs.TimeAwareObservation(e)), 3),
        PLACE,
        PUSH,
    ),
}
if hasattr(theirs, "RepeatAction"):  # since Gymnasium 1.3
    CASES["RepeatAction"] = (lambda e: wrappers.RepeatAction(e, 3), lambda e: theirs.RepeatAction(e, 3), PLACE, PUSH)


@pytest.mark.parametrize("name", CASES)
def test_the_same_recording_gives_the_same_play(name: str) -> None:
    ours, wrap, observation, action = CASES[name]
    steps = 35 if "Repeat" in name else 90
    played = Recording(observation, action)
    env, reference = ours(played.env), wrap(played.in_gymnasium())
    space = env.action_space(env.default_params)
    actions = np.asarray(jax.vmap(space.sample)(jax.random.split(jax.random.key(5), steps)))

    first, mine = played.play(env, actions)
    first_of_theirs, others = played.play_in_gymnasium(reference, actions)

    assert sum(step["done"] for step in others) > 5
    close = (
        {"rtol": 2e-4, "atol": 2e-5} if "Normalize" in name or "three" in name or "round" in name else {"rtol": 1e-6, "atol": 1e-6}
    )
    np.testing.assert_allclose(flat(first), flat(first_of_theirs), **close)
    for t, step in enumerate(others):
        np.testing.assert_allclose(flat(at(mine["obs"], t)), flat(step["obs"]), **close)
        np.testing.assert_allclose(flat(at(mine["info"]["final_observation"], t)), flat(step["final"]), **close)
        np.testing.assert_allclose(mine["reward"][t], np.asarray(step["reward"]).item(), **close)
        assert mine["done"][t] == step["done"]
        np.testing.assert_allclose(mine["info"]["action"][t], step["info"]["action"], **close)


@pytest.mark.parametrize("name", [name for name in CASES if "TimeAware" not in name and "other way" not in name])
def test_the_same_spaces_are_declared(name: str) -> None:
    ours, wrap, observation, action = CASES[name]
    played = Recording(observation, action, length=2)
    env, reference = ours(played.env), wrap(played.in_gymnasium())
    for mine, other in (
        (env.observation_space(env.default_params), reference.observation_space),
        (env.action_space(env.default_params), reference.action_space),
    ):
        other = spaces.from_gymnasium(other)
        assert type(mine) is type(other)
        assert mine.shape == other.shape
        assert mine.dtype == other.dtype
        if isinstance(mine, Box):
            np.testing.assert_allclose(mine.low, other.low, rtol=1e-6)
            np.testing.assert_allclose(mine.high, other.high, rtol=1e-6)
        elif not isinstance(mine, MultiDiscrete) or mine.nvec.size:
            assert mine == other


class Scripted:
    """Hand out numbers that were drawn elsewhere, as a generator of Gymnasium."""

    def __init__(self, sticks: np.ndarray, durations: np.ndarray) -> None:
        self.sticks, self.durations, self.t = sticks, durations, -1

    def uniform(self) -> float:
        return float(self.sticks[self.t])

    random = uniform

    def integers(self, *_: Any) -> int:
        return int(self.durations[self.t])


@pytest.mark.parametrize("duration", [1, 2, (1, 4)])
def test_sticky_actions_stick_as_in_gymnasium_given_the_same_draws(duration: Any) -> None:
    played = Recording(PLACE, Discrete(1000), length=400, limit=15)
    env = wrappers.StickyAction(played.env, 0.3, duration)
    actions = np.arange(1, 301)
    keys = jax.random.split(jax.random.key(1), 300)
    params = env.default_params.replace(env_params=played.params)
    # Reset and transition both draw, so a step splits its key; the first part is the transition's.
    draws = jax.vmap(lambda key: env.draw_step(jax.random.split(key)[0], params))(keys)

    def one(state: Any, x: Any) -> Any:
        state, reward, done, info = env.step(x[0], state, x[1], params)[1:]
        return state, info["action"]

    arrived = np.asarray(jax.lax.scan(one, env.reset(jax.random.key(0), params)[1], (keys, jnp.asarray(actions, jnp.int32)))[1])

    reference = theirs.StickyAction(played.in_gymnasium(), 0.3, duration)
    reference.reset(seed=0)
    script = Scripted(np.asarray(draws.sticks), np.asarray(draws.duration))
    for t, action in enumerate(actions):
        script.t = t
        reference.np_random = script
        _, _, terminated, truncated, info = reference.step(int(action))
        assert arrived[t] == info["action"], t
        if terminated or truncated:
            reference.reset()
    assert 0.1 < (arrived != actions).mean() < 0.7


def test_episode_statistics_are_gymnasiums() -> None:
    played = Recording(PLACE, PUSH)
    actions = np.zeros((90, 2), np.float32)
    _, mine = played.play(wrappers.RecordEpisodeStatistics(played.env), actions)
    _, others = played.play_in_gymnasium(theirs.RecordEpisodeStatistics(played.in_gymnasium()), actions)
    for t, step in enumerate(others):
        assert mine["info"]["returned_episode"][t] == step["done"]
        if step["done"]:
            np.testing.assert_allclose(mine["info"]["returned_episode_returns"][t], step["info"]["episode"]["r"], rtol=1e-6)
            assert mine["info"]["returned_episode_lengths"][t] == step["info"]["episode"]["l"]
