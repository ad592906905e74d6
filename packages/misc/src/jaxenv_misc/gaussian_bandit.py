"""GaussianBandit: one arm pays nothing, the other an unknown amount, more often a loss than a gain."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array, lax
from jaxenv import Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, Int, UInt8

from jaxenv_misc.two_armed_bandit import NO_ACTION, TwoArmedBandit


@struct.dataclass
class GaussianBanditParams(Params):
    """Numeric settings of GaussianBandit."""

    max_steps_in_episode: Array | int = struct.field(default=100, kw_only=True)
    """Pulls in an episode."""
    mean_mu: Array | float = -1.0
    """Mean of the distribution of arm 1's mean."""
    sigma_p: Array | float = ranges.number(1.0, at_least=0)
    """Standard deviation of the distribution of arm 1's mean, at least 0."""
    sigma_l: Array | float = ranges.number(0.1, at_least=0)
    """Standard deviation of arm 1's reward around its mean, at least 0."""


@struct.dataclass
class GaussianBanditState(State):
    """What arm 1 pays, and the last pull."""

    mu: Float[Array, ""]
    """Mean reward of arm 1; arm 0 pays 0."""
    last_action: Int[Array, ""]
    """The last arm, int32; -1 before the first pull."""
    last_reward: Float[Array, ""]
    """The last reward; 0 before the first pull."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    mean: Array
    """Standard normal: how far arm 1's mean lies from ``mean_mu``, in ``sigma_p``."""


class StepDraws(NamedTuple):
    """The randomness of a step."""

    noise: Array
    """Standard normal: how far the reward of arm 1 lies from its mean, in ``sigma_l``."""


class GaussianBandit(TwoArmedBandit[GaussianBanditState, GaussianBanditParams]):
    """Find out whether an arm of unknown mean is worth pulling: is it better to learn, or to know by instinct that it rarely is?

    Arm 0 always pays 0. Arm 1 pays a normal reward around a mean that each episode draws from a normal distribution around -1.

    ===========  ======================================  ============
    Observation  Meaning                                 Range
    ===========  ======================================  ============
    0            last reward                             (-inf, inf)
    1, 2         last arm, one-hot; zeros at first       0, 1
    3            pulls so far                            0 .. 100
    ===========  ======================================  ============

    ======  ==============
    Action  Meaning
    ======  ==============
    0, 1    pull this arm
    ======  ==============

    Reward: what the arm pays. Termination: never. Time limit: 100 pulls, a truncation.
    ``info["regret"]`` is the better arm's mean minus the pulled one's.

    **Source**: Lange & Sprekeler 2022, "Learning not to learn".

    **Differences**: none known.

    **Coming from gymnax**: ``normalize_time=True`` divides the time by the limit; there it runs from -1 to 1. There the
    space of the observation holds neither that time nor a negative reward, the first observation shows a pull of arm 0 that
    nobody made, and x64 fails.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("GaussianBandit-misc", sigma_p=0.0, sigma_l=0.0)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 1, params)
    >>> float(reward), float(info["regret"]), obs.tolist()
    (-1.0, 1.0, [-1.0, 0.0, 1.0, 1.0])
    """

    @property
    def default_params(self) -> GaussianBanditParams:
        return GaussianBanditParams()

    def draw_reset(self, key: Array, params: GaussianBanditParams) -> ResetDraws:
        """Draw the mean of arm 1, as a standard normal number.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        return ResetDraws(_normal(random.words(key, 1)[0]))

    def init(self, key: Array, params: GaussianBanditParams) -> GaussianBanditState:
        mu = params.mean_mu + params.sigma_p * self.draw_reset(key, params).mean
        return GaussianBanditState(mu=mu, last_action=jnp.int32(NO_ACTION), last_reward=jnp.zeros_like(mu))

    def draw_step(self, key: Array, params: GaussianBanditParams) -> StepDraws:
        """Draw the noise of a reward of arm 1, as a standard normal number."""
        return StepDraws(_normal(random.words(key, 1)[0]))

    def dynamics(
        self, state: GaussianBanditState, action: Int[Array, ""], draws: StepDraws, params: GaussianBanditParams
    ) -> Transition[GaussianBanditState]:
        reward = jnp.where(action == 0, 0.0, state.mu + params.sigma_l * draws.noise)
        info = {"regret": jnp.maximum(state.mu, 0.0) - jnp.where(action == 0, 0.0, state.mu)}
        return Transition(state.replace(last_action=action, last_reward=reward), reward, terminated=False, info=info)

    def render(
        self, state: GaussianBanditState, params: GaussianBanditParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.gaussian_bandit(state, params, size)

    def observation_space(self, params: GaussianBanditParams) -> spaces.Box:
        return spaces.Box((-math.inf, 0.0, 0.0, 0.0), (math.inf, 1.0, 1.0, self.latest(params)), (4,))


def _normal(word: Array) -> Array:
    """Turn one word into a standard normal float, through the inverse of the distribution function.

    The normal numbers are most of this environment's step; this costs a third of what the polar form of two words does.
    The uniform numbers lie in the middle of their 2**24 steps, so neither end of the range, an infinity, occurs.
    """
    half_step = 2.0**-24
    return math.sqrt(2.0) * lax.erf_inv(random.uniform(word, half_step - 1.0, half_step + 1.0))
