"""Rewards with Gaussian noise."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import random, ranges
from jaxenv.environment import Transition
from jaxenv.wrappers.base import ParametricWrapper, WrapperParams


@struct.dataclass
class RewardNoiseParams(WrapperParams):
    """Parameters of :class:`RewardNoise`."""

    scale: Array | float = ranges.number(1.0, at_least=0)
    """The standard deviation of the noise, at least 0."""


class Draws(NamedTuple):
    """The randomness of one step."""

    noise: Array
    """A standard normal number."""
    key: Array
    """The key of the wrapped environment's step."""


class RewardNoise(ParametricWrapper):
    """Add ``scale`` times a standard normal number to every reward; ``scale`` is a leaf of the parameters.

    The noise of each step is independent of everything else. The wrapped environment's own draws are the ones that it takes
    without this wrapper only where its step draws nothing; else the key is split between the two.

    >>> env = RewardNoise(env, 0.1)
    >>> params = env.default_params.replace(scale=0.5)
    """

    scale: float = ranges.number(at_least=0)
    """The default of the parameter ``scale``."""

    @property
    def default_params(self) -> RewardNoiseParams:
        return RewardNoiseParams(env_params=self.env.default_params, scale=self.scale)

    def draw_step(self, key: Array, params: RewardNoiseParams) -> Draws:
        key_inner, key_own = self.split_key(key, params)
        words = random.words(key_own, 2)
        return Draws(noise=random.normal(words[0], words[1]), key=key_inner)

    def advance(self, key: Array, state: Any, action: Any, params: RewardNoiseParams) -> Transition[Any]:
        draws = self.draw_step(key, params)
        out = self.inner_advance(draws.key, state, action, params)
        noise = params.scale * draws.noise
        return out.replace(reward=out.reward + noise.astype(jnp.float32))  # type: ignore[attr-defined]
