"""Every wrapper, ready to be put around two tiny environments: for tests that hold of all wrappers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, spaces, wrappers
from jaxenv.errors import RenderNotSupportedError, WrapperSettingError, WrapperSpaceError


@struct.dataclass
class DriftState(State):
    x: Array


class Drift(Environment[DriftState, Params]):
    """Push a drifting ball to keep it near the middle: continuous, random, with gradients."""

    @property
    def default_params(self) -> Any:
        return Params(max_steps_in_episode=50)

    @property
    def differentiable(self) -> bool:
        return True

    def init(self, key: Array, params: Any) -> Any:
        return DriftState(random.uniform(random.words(key, 2), -0.5, 0.5))

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        x = state.x + 0.3 * action.astype(state.x.dtype) + random.uniform(random.words(key, 2), -0.1, 0.1)
        return Transition(state.replace(x=x), reward=-jnp.square(x).sum(), terminated=(jnp.abs(x) > 1.0).any())

    def observe(self, state: Any, params: Any) -> Any:
        return state.x

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-1.0, 1.0, (2,))

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-2.0, 2.0, (2,))

    def render(self, state: Any, params: Any, size: int | tuple[int, int] = 256) -> Array:
        height, width = (size, size) if isinstance(size, int) else size
        return jnp.full((height, width, 3), 127.0 + 60.0 * state.x[0]).astype(jnp.uint8)


@struct.dataclass
class LadderState(State):
    rung: Array
    episodes: Array


class Ladder(Environment[LadderState, Params]):
    """Climb a ladder: discrete and deterministic, with a Dict of integers to see, info, and a counter that outlives episodes."""

    rungs: int = 6

    @property
    def default_params(self) -> Any:
        return Params()

    def init(self, key: Array, params: Any) -> Any:
        return LadderState(jnp.int32(2), jnp.int32(0))

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        rung = jnp.clip(state.rung + jnp.where(action == 1, 1, -1), 0, self.rungs - 1)
        top = rung == self.rungs - 1
        return Transition(state.replace(rung=rung), reward=top, terminated=top, info={"bottom": rung == 0})

    def observe(self, state: Any, params: Any) -> Any:
        return {"even": state.rung % 2 == 0, "rung": state.rung}

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Discrete(3, start=-1)

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Dict({"even": spaces.Box(0, 1, (), jnp.bool_), "rung": spaces.Discrete(self.rungs)})

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> Any:
        return fresh.replace(episodes=ended.episodes + 1)


def same(x: Any) -> Any:
    return x


def squash(x: Array) -> Array:
    return jnp.tanh(x)


def shortened(key: Array, params: Any) -> Any:
    return params.replace(max_steps_in_episode=jax.random.randint(key, (), 1, 3))


def statistics_of(env: Any) -> Any:
    space = env.observation_space(env.default_params)
    if not isinstance(space, spaces.Box):
        return wrappers.RunningStatistics.empty(())
    statistics = wrappers.RunningStatistics.empty(space.shape)
    return statistics.update(jnp.ones(space.shape)).update(jnp.zeros(space.shape))


PROBES: tuple[Callable[[], Any], ...] = (Drift, Ladder)
WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "ClipAction": wrappers.ClipAction,
    "ClipReward": partial(wrappers.ClipReward, min_reward=-1.0, max_reward=1.0),
    "DelayObservation": partial(wrappers.DelayObservation, delay=2),
    "DiscretizeAction": partial(wrappers.DiscretizeAction, bins=3),
    "DtypeObservation": partial(wrappers.DtypeObservation, dtype=jnp.float16),
    "FlattenObservation": wrappers.FlattenObservation,
    "FrameStackObservation": partial(wrappers.FrameStackObservation, stack_size=3),
    "FrozenNormalizeObservation": lambda env: wrappers.NormalizeObservation.frozen(env, statistics_of(env)),
    "FrozenNormalizeReward": partial(wrappers.FrozenNormalizeReward, statistics=wrappers.RunningStatistics.empty(())),
    "NormalizeObservation": wrappers.NormalizeObservation,
    "NormalizeReward": wrappers.NormalizeReward,
    "PixelObservation": partial(wrappers.PixelObservation, size=8),
    "PreviousActionAndReward": wrappers.PreviousActionAndReward,
    "RandomizeParams": partial(wrappers.RandomizeParams, distribution=shortened),
    "RecordEpisodeStatistics": wrappers.RecordEpisodeStatistics,
    "RepeatAction": partial(wrappers.RepeatAction, num_repeats=2),
    "RescaleAction": partial(wrappers.RescaleAction, min_action=0.0, max_action=10.0),
    "RescaleObservation": partial(wrappers.RescaleObservation, min_obs=0.0, max_obs=1.0),
    "RewardNoise": partial(wrappers.RewardNoise, scale=0.1),
    "ScaleReward": partial(wrappers.ScaleReward, scale=0.1),
    "SelectInfo": partial(wrappers.SelectInfo, drop=("discount", "final_observation")),
    "StickyAction": partial(wrappers.StickyAction, repeat_action_probability=0.25),
    "TimeAwareObservation": wrappers.TimeAwareObservation,
    "TransformAction": partial(wrappers.TransformAction, func=same),
    "TransformObservation": partial(wrappers.TransformObservation, func=same),
    "TransformReward": partial(wrappers.TransformReward, func=squash),
}


def stacked(probe: Callable[[], Any], names: tuple[str, ...]) -> Any:
    """Build the stack, the first name innermost; None where a wrapper refuses the spaces that it would get."""
    env = probe()
    for name in names:
        try:
            env = WRAPPERS[name](env)
        except (RenderNotSupportedError, WrapperSettingError, WrapperSpaceError):
            return None
    return env
