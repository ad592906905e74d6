"""UmbrellaChain: decide once whether to take an umbrella, and learn at the end of the day whether it was right."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, random, ranges, spaces
from jaxtyping import Bool, Float, Int, UInt8, UInt32

from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import ratio, real, unpack, words_for


@struct.dataclass
class UmbrellaChainParams(Params):
    """Numeric settings of UmbrellaChain."""

    chain_length: Array | int = ranges.number(10, at_least=1)
    """Steps of an episode, at least 1."""


@struct.dataclass
class UmbrellaChainState(State):
    """The weather, the umbrella, and what distracts from both."""

    need: Bool[Array, ""]
    """Whether an umbrella will be needed."""
    has: Bool[Array, ""]
    """Whether one was taken; a coin's toss before the first step."""
    distractors: UInt32[Array, " words"]
    """The bits that distract, the lowest of each word first; new ones with every observation."""
    failures: Int[Array, ""]
    """Episodes with the wrong decision; counts on over all episodes."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    need: Array
    has: Array
    distractors: Array


class StepDraws(NamedTuple):
    """The randomness of a step."""

    coin: Array
    """Whether a step before the last is rewarded with 1 rather than -1."""
    distractors: Array


class UmbrellaChain(BsuiteEnvironment[UmbrellaChainState, UmbrellaChainParams]):
    """Take an umbrella or not with the first action; only the last reward says whether that was right, all others are noise.

    ===============  ================================================  ====  ======
    Observation      Meaning                                           Unit  Range
    ===============  ================================================  ====  ======
    [0, 0]           whether an umbrella will be needed                      0 or 1
    [0, 1]           whether one was taken; random before the choice         0 or 1
    [0, 2]           part of the episode that is left                        [0, 1]
    [0, 3] and on    ``n_distractor`` random bits, new ones each time        0 or 1
    ===============  ================================================  ====  ======

    ======  ================================================================
    Action  Meaning
    ======  ================================================================
    0       on the first step: leave the umbrella; after it, without effect
    1       on the first step: take it; after it, without effect
    ======  ================================================================

    Reward: on the last step 1 if the umbrella was taken just when it is needed, else -1; on every step before, -1 or 1 at random.
    Termination: after ``chain_length`` steps. Time limit: none.

    Fields: ``n_distractor``.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/umbrella_chain.py``.

    **Differences**: ``chain_length`` is 10 by default; bsuite has no default. bsuite's ``seed`` is the key.

    **Coming from gymnax**: the observation is (1, 3 + n_distractor), the reward a float, a chain of 100 steps ends as any
    other, and the count of failures lasts.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("UmbrellaChain-bsuite", n_distractor=20)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 1, params)
    >>> obs.shape, float(obs[0, 1]), float(abs(reward))
    ((1, 23), 1.0, 1.0)
    """

    n_distractor: int = ranges.number(0, at_least=0)
    """Random entries at the end of the observation, at least 0."""

    counters = ("failures",)

    @property
    def default_params(self) -> UmbrellaChainParams:
        return UmbrellaChainParams()

    def draw_reset(self, key: Array) -> ResetDraws:
        """Draw the weather, the umbrella that the first observation shows, and its distractors.

        Args:
            key: a typed key.

        Returns:
            The draws, a NamedTuple.
        """
        words = random.words(key, 1 + words_for(self.n_distractor))
        need, has = unpack(words[:1], 2)
        return ResetDraws(need, has, words[1:])

    def draw_step(self, key: Array, params: UmbrellaChainParams) -> StepDraws:
        """Draw the noise of a step's reward and the distractors of its observation."""
        words = random.words(key, 1 + words_for(self.n_distractor))
        return StepDraws(unpack(words[:1], 1)[0], words[1:])

    def init(self, key: Array, params: UmbrellaChainParams) -> UmbrellaChainState:
        return UmbrellaChainState(*self.draw_reset(key), failures=jnp.int32(0))

    def dynamics(
        self, state: UmbrellaChainState, action: Int[Array, ""], draws: StepDraws, params: UmbrellaChainParams
    ) -> Transition[UmbrellaChainState]:
        has = jnp.where(state.time == 0, action == 1, state.has)
        ended = state.time + 1 == params.chain_length
        right = has == state.need
        state = state.replace(
            has=has,
            distractors=draws.distractors,
            failures=state.failures + (ended & ~right).astype(jnp.int32),
        )
        return Transition(state, jnp.where(jnp.where(ended, right, draws.coin), 1.0, -1.0), ended)

    def observe(self, state: UmbrellaChainState, params: UmbrellaChainParams) -> Float[Array, "1 features"]:
        length = jnp.asarray(params.chain_length)
        left = ratio(length - jnp.asarray(state.time), length)
        flags = jnp.stack([state.need, state.has]).astype(left.dtype)
        distractors = unpack(state.distractors, self.n_distractor).astype(left.dtype)
        return jnp.concatenate([flags, left[None], distractors])[None]

    def render(
        self, state: UmbrellaChainState, params: UmbrellaChainParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import chains

        return chains.umbrella_chain(self, state, params, size)

    def action_space(self, params: UmbrellaChainParams) -> spaces.Discrete:
        return spaces.Discrete(2)

    def observation_space(self, params: UmbrellaChainParams) -> spaces.Box:
        return spaces.Box(0.0, 1.0, (1, 3 + self.n_distractor))

    def bsuite_info(self, state: UmbrellaChainState, params: UmbrellaChainParams | None = None) -> dict[str, Any]:
        return {"total_regret": real(2 * state.failures)}
