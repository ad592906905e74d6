"""Observations that tell the time."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenv import spaces
from jaxenv.environment import NO_TIME_LIMIT
from jaxenv.errors import WrapperSettingError
from jaxenv.wrappers.base import Wrapper


class TimeAwareObservation(Wrapper):
    """Add to every observation the steps taken in the episode, int32[1], or their share of the time limit, float32[1].

    The time becomes an entry of a ``Dict`` observation and the last element of a ``Tuple``; with any other observation it makes a
    ``Dict`` of "obs" and "time". Then all is flattened, unless ``flatten`` is off.

    >>> env = TimeAwareObservation(env, normalize_time=True)
    """

    flatten: bool = True
    """Whether observation and time are made into one vector."""
    normalize_time: bool = False
    """Whether the time is divided by ``max_steps_in_episode``."""
    dict_time_key: str = "time"
    """The name of the time in a Dict."""

    def __post_init__(self) -> None:
        super().__post_init__()
        space = self.env.observation_space(self.env.default_params)
        if isinstance(space, spaces.Dict) and self.dict_time_key in space.spaces:
            advice = "Pass another dict_time_key."
            self.refuse("observation", space, f"observations without an entry {self.dict_time_key!r}", advice)
        if self.normalize_time and int(self.env.default_params.max_steps_in_episode) == NO_TIME_LIMIT:
            raise WrapperSettingError(
                f"TimeAwareObservation cannot divide the time by a limit: {self.env.name} has none. Leave normalize_time out."
            )

    def observe(self, state: Any, params: Any) -> Any:
        time: Array = jnp.asarray(state.time, jnp.int32).reshape(1)
        if self.normalize_time:
            time = time.astype(jnp.float32) / jnp.asarray(params.max_steps_in_episode, jnp.float32)
        observation = self._joined(super().observe(state, params), time)
        return self._structured_space(params).flatten(observation) if self.flatten else observation

    def observation_space(self, params: Any) -> spaces.Space:
        space = self._structured_space(params)
        return spaces.flatten_space(space) if self.flatten else space

    def _structured_space(self, params: Any) -> spaces.Space:
        inner = super().observation_space(params)
        limit = params.max_steps_in_episode
        time = spaces.Box(0.0, 1.0, (1,)) if self.normalize_time else spaces.Box(0, limit, (1,), jnp.int32)
        match inner:
            case spaces.Dict():
                return spaces.Dict({**inner.spaces, self.dict_time_key: time})
            case spaces.Tuple():
                return spaces.Tuple((*inner, time))
            case _:
                return spaces.Dict({"obs": inner, self.dict_time_key: time})

    def _joined(self, observation: Any, time: Array) -> Any:
        match observation:
            case dict():
                return {**observation, self.dict_time_key: time}
            case tuple():
                return (*observation, time)
            case _:
                return {"obs": observation, self.dict_time_key: time}
