"""BernoulliBandit: two arms, of which one pays more often, and nobody says which."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, Int, UInt8

from jaxenv_misc.two_armed_bandit import NO_ACTION, TwoArmedBandit


@struct.dataclass
class BernoulliBanditParams(Params):
    """Numeric settings of BernoulliBandit."""

    max_steps_in_episode: Array | int = struct.field(default=100, kw_only=True)
    """Pulls in an episode."""
    reward_prob: Array | float = ranges.number(0.1, at_least=0, at_most=1)
    """Probability q that one of the arms pays; the other one pays with 1 - q; in [0, 1]."""


@struct.dataclass
class BernoulliBanditState(State):
    """What the arms pay, and the last pull."""

    first_prob: Float[Array, ""]
    """Probability that arm 0 pays; arm 1 pays with one minus it."""
    last_action: Int[Array, ""]
    """The last arm, int32; -1 before the first pull."""
    last_reward: Float[Array, ""]
    """The last reward; 0 before the first pull."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    swap: Array
    """Whether arm 0 pays with 1 - q and arm 1 with q, rather than the other way round."""


class StepDraws(NamedTuple):
    """The randomness of a step."""

    uniform: Array
    """A number uniform on [0, 1): the arm pays if it lies below the arm's probability."""


class BernoulliBandit(TwoArmedBandit[BernoulliBanditState, BernoulliBanditParams]):
    """Find out in a hundred pulls which of two dependent arms pays more often, while earning as much as possible.

    One arm pays 1 with probability q, the other with 1 - q; each episode tosses a coin for which is which.

    ===========  ======================================  ===========
    Observation  Meaning                                 Range
    ===========  ======================================  ===========
    0            last reward                             0, 1
    1, 2         last arm, one-hot; zeros at first       0, 1
    3            pulls so far                            0 .. 100
    ===========  ======================================  ===========

    ======  ==============
    Action  Meaning
    ======  ==============
    0, 1    pull this arm
    ======  ==============

    Reward: 1 if the arm pays, else 0. Termination: never. Time limit: 100 pulls, a truncation.
    ``info["regret"]`` is the better arm's probability minus the pulled one's. The Bayes-optimal agent's expected return is
    89.375 for q = 0.1, 74.000 for 0.25 and 57.688 for 0.4.

    **Source**: Wang et al. 2017; RobertTLange/minimal-meta-rl, ``bandits/bandit_env.py``.

    **Differences**: the observation holds the last reward and arm, which there the agent's code appends.

    **Coming from gymnax**: ``normalize_time=True`` divides the time by the limit; there it runs from -1 to 1. There the
    rewards are integers in a space up to 2, the first observation shows a pull of arm 0 that nobody made, the limit is a float,
    and x64 fails.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("BernoulliBandit-misc", reward_prob=0.0)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> best = (state.first_prob == 0).astype(int)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, best, params)
    >>> float(reward), float(info["regret"]), float(obs[3])
    (1.0, 0.0, 1.0)
    """

    @property
    def default_params(self) -> BernoulliBanditParams:
        return BernoulliBanditParams()

    def draw_reset(self, key: Array, params: BernoulliBanditParams) -> ResetDraws:
        """Toss the coin for which arm is the better one.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        return ResetDraws(random.bernoulli(random.words(key, 1)[0]))

    def init(self, key: Array, params: BernoulliBanditParams) -> BernoulliBanditState:
        prob = jnp.where(self.draw_reset(key, params).swap, 1.0 - params.reward_prob, params.reward_prob)
        return BernoulliBanditState(first_prob=prob, last_action=jnp.int32(NO_ACTION), last_reward=jnp.zeros_like(prob))

    def draw_step(self, key: Array, params: BernoulliBanditParams) -> StepDraws:
        """Draw the number that decides whether the arm pays."""
        return StepDraws(random.uniform(random.words(key, 1)[0]))

    def dynamics(
        self, state: BernoulliBanditState, action: Int[Array, ""], draws: StepDraws, params: BernoulliBanditParams
    ) -> Transition[BernoulliBanditState]:
        first, second = state.first_prob, 1.0 - state.first_prob
        chosen = jnp.where(action == 0, first, second)
        reward = (draws.uniform < chosen).astype(first.dtype)
        info = {"regret": jnp.maximum(first, second) - chosen}
        return Transition(state.replace(last_action=action, last_reward=reward), reward, terminated=False, info=info)

    def render(
        self, state: BernoulliBanditState, params: BernoulliBanditParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.bernoulli_bandit(state, params, size)

    def observation_space(self, params: BernoulliBanditParams) -> spaces.Box:
        return spaces.Box(0.0, jnp.asarray((1.0, 1.0, 1.0, self.latest(params)), jnp.float32), (4,))
