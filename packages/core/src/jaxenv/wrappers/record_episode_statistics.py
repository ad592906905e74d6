"""Returns and lengths of the episodes that completed."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv.environment import Transition
from jaxenv.wrappers.base import StatefulWrapper, WrapperState


@struct.dataclass
class RecordEpisodeStatisticsState(WrapperState):
    """State of :class:`RecordEpisodeStatistics`."""

    episode_returns: Array
    """The sum of this episode's rewards, float32[]."""
    episode_lengths: Array
    """The steps of this episode, int32[]."""
    returned_episode_returns: Array
    """The return of the last episode that completed, float32[]; 0 before."""
    returned_episode_lengths: Array
    """The length of the last episode that completed, int32[]; 0 before."""
    timestep: Array
    """Steps taken in all episodes, int32[]."""


class RecordEpisodeStatistics(StatefulWrapper):
    """Report return and length of every episode, with the names of gymnax's ``LogWrapper``.

    ``info`` of every step gains ``returned_episode`` (whether this step completed an episode), ``returned_episode_returns`` and
    ``returned_episode_lengths`` (of the last episode that completed, 0 before) and ``timestep`` (steps taken in all
    episodes). Rewards are those that this wrapper sees: put it inside wrappers that change them.

    ``info`` of this wrapper does not hold ``final_observation`` unless asked for: programs that return every step's ``info`` would
    otherwise keep every observation twice.

    >>> env = RecordEpisodeStatistics(env)
    >>> # under a scan: info["returned_episode_returns"][info["returned_episode"]]
    """

    final_observation: bool = False
    """Whether ``info`` holds ``final_observation``."""

    def report(self, info: dict[str, Any]) -> dict[str, Any]:
        reported = super().report(info)
        return reported if self.final_observation else {n: x for n, x in reported.items() if n != "final_observation"}

    def begin(self, env_state: Any, params: Any) -> RecordEpisodeStatisticsState:
        no_return, no_steps = jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
        return RecordEpisodeStatisticsState(env_state, no_return, no_steps, no_return, no_steps, no_steps)

    def keep(self, begun: Any, ended: RecordEpisodeStatisticsState, params: Any) -> RecordEpisodeStatisticsState:
        return begun.replace(
            returned_episode_returns=ended.returned_episode_returns,
            returned_episode_lengths=ended.returned_episode_lengths,
            timestep=ended.timestep,
        )

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        done = jnp.asarray(out.terminated) | out.truncated
        episode_return, episode_length = state.episode_returns + out.reward, state.episode_lengths + 1
        new = RecordEpisodeStatisticsState(
            env_state=out.state,
            episode_returns=episode_return,
            episode_lengths=episode_length,
            returned_episode_returns=jnp.where(done, episode_return, state.returned_episode_returns),
            returned_episode_lengths=jnp.where(done, episode_length, state.returned_episode_lengths),
            timestep=state.timestep + 1,
        )
        info = {
            **out.info,
            "returned_episode": done,
            "returned_episode_returns": new.returned_episode_returns,
            "returned_episode_lengths": new.returned_episode_lengths,
            "timestep": new.timestep,
        }
        return out.replace(state=new, info=info)  # type: ignore[attr-defined]


LogWrapper = RecordEpisodeStatistics
