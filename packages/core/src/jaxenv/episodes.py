"""What a rollout returns: every step of it, and the episodes within, counted while they are played."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array


class Trajectory(NamedTuple):
    """What happened, step by step; every leaf begins with the axes ``[num_steps, num_envs]``."""

    obs: Any
    """The observation that the action answered."""
    action: Any
    """The action."""
    reward: Array
    """The reward of the step, float32."""
    done: Array
    """Whether the step ended its episode, bool."""
    info: dict[str, Any]
    """``terminated``, ``truncated``, ``discount``, ``final_observation`` and the environment's own."""
    state: Any = None
    """The state that the step began with, if the rollout was asked to keep states; else None."""


@struct.dataclass
class EpisodeStatistics:
    """The episodes that ended within a rollout. Episodes still running at its end are not counted."""

    episodes: Array
    """How many ended, int32[]."""
    return_mean: Array
    """Mean undiscounted return, float32[]; NaN if none ended."""
    return_std: Array
    """Standard deviation of the returns (of the population, ddof = 0), float32[]."""
    return_sem: Array
    """Standard error of the mean return (ddof = 1), float32[]; NaN for fewer than two episodes."""
    return_min: Array
    """Smallest return, float32[]; inf if none ended."""
    return_max: Array
    """Largest return, float32[]; -inf if none ended."""
    length_mean: Array
    """Mean length in steps, float32[]; NaN if none ended."""


@struct.dataclass
class EpisodeAccumulator:
    """One environment's running episode, and Welford's moments of its ended ones."""

    running_return: Array
    running_length: Array
    episodes: Array
    mean: Array
    sum_squares: Array
    low: Array
    high: Array
    steps: Array

    @classmethod
    def empty(cls) -> EpisodeAccumulator:
        zero, none = jnp.float32(0.0), jnp.int32(0)
        return cls(zero, none, none, zero, zero, jnp.float32(jnp.inf), jnp.float32(-jnp.inf), none)

    def add(self, reward: Array, done: Array) -> EpisodeAccumulator:
        total, length = self.running_return + reward, self.running_length + 1
        episodes = self.episodes + done.astype(jnp.int32)
        delta = total - self.mean
        mean = self.mean + jnp.where(done, delta / jnp.maximum(episodes, 1).astype(jnp.float32), 0.0)
        return EpisodeAccumulator(
            running_return=jnp.where(done, 0.0, total),
            running_length=jnp.where(done, 0, length),
            episodes=episodes,
            mean=mean,
            sum_squares=self.sum_squares + jnp.where(done, delta * (total - mean), 0.0),
            low=jnp.where(done, jnp.minimum(self.low, total), self.low),
            high=jnp.where(done, jnp.maximum(self.high, total), self.high),
            steps=self.steps + jnp.where(done, length, 0),
        )


class FirstEpisode(NamedTuple):
    """One environment's first episode, of which nothing counts after its end."""

    total: Array
    """The undiscounted return so far, float32[]."""
    length: Array
    """Steps so far, int32[]."""
    running: Array
    """Whether it goes on, bool[]."""

    @classmethod
    def empty(cls) -> FirstEpisode:
        return cls(jnp.float32(0.0), jnp.int32(0), jnp.bool_(True))

    def add(self, reward: Array, done: Array) -> FirstEpisode:
        total = self.total + jnp.where(self.running, reward, 0.0)
        return FirstEpisode(total, self.length + self.running.astype(jnp.int32), self.running & ~done)


def summary(accumulator: EpisodeAccumulator) -> EpisodeStatistics:
    """Merge the environments' moments (Chan, Golub & LeVeque 1983)."""
    count = accumulator.episodes.astype(jnp.float32)
    total = count.sum()
    mean = (accumulator.mean * count).sum() / total
    squares = accumulator.sum_squares.sum() + (count * jnp.square(accumulator.mean - mean)).sum()
    return EpisodeStatistics(
        episodes=accumulator.episodes.sum(),
        return_mean=mean,
        return_std=jnp.sqrt(squares / total),
        return_sem=jnp.where(total > 1, jnp.sqrt(squares / (total - 1) / total), jnp.nan),
        return_min=accumulator.low.min(),
        return_max=accumulator.high.max(),
        length_mean=accumulator.steps.astype(jnp.float32).sum() / total,
    )
