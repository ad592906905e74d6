"""MemoryChain: see some bits, wait, and recall one of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, Int, UInt8, UInt32

from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import pick, ratio, real, unpack, words_for


@struct.dataclass
class MemoryChainParams(Params):
    """Numeric settings of MemoryChain."""

    memory_length: Array | int = ranges.number(5, at_least=1)
    """Steps from the first sight of the bits to the question; the answer is the step after. At least 1."""


@struct.dataclass
class MemoryChainState(State):
    """What is to be remembered, and how often it was."""

    context: UInt32[Array, " words"]
    """The bits, the lowest of each word first."""
    query: Int[Array, ""]
    """Which bit is asked for."""
    total_perfect: Int[Array, ""]
    """Right answers; counts on over all episodes."""
    mistakes: Int[Array, ""]
    """Wrong answers, over all episodes."""


class Draws(NamedTuple):
    """The randomness of a reset."""

    context: Array
    query: Array


class MemoryChain(BsuiteEnvironment[MemoryChainState, MemoryChainParams]):
    """Remember ``num_bits`` bits and say, ``memory_length`` steps later, what one of them was.

    ===============  ==============================================================  ====  ===============
    Observation      Meaning                                                         Unit  Range
    ===============  ==============================================================  ====  ===============
    [0, 0]           part of the episode that is left                                      [0, 1]
    [0, 1]           the index of the bit asked for, in the question; 0 before             0 to num_bits-1
    [0, 2] and on    the bits, as -1 and 1, at the beginning; 0 after it                   -1, 0 or 1
    ===============  ==============================================================  ====  ===============

    As in bsuite, the observation after the first step is the first one again, and all later ones are a step behind: after
    step t they show time t - 1. In the observation after the last step everything is 0.

    ======  ========================================================================
    Action  Meaning
    ======  ========================================================================
    0, 1    on the last step: the answer; before it, without effect
    ======  ========================================================================

    Reward: 1 for the right answer, -1 for the wrong one, 0 on every step before.
    Termination: with the answer, on step ``memory_length + 1``. Time limit: none.

    Fields: ``num_bits``.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/memory_chain.py``.

    **Differences**: ``memory_length`` is 5 by default; bsuite has no default. bsuite's ``seed`` is the key.

    **Coming from gymnax**: the observation is (1, num_bits + 2), the reward a float, any length is possible, and the counts last.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("MemoryChain-bsuite", memory_length=3, num_bits=2)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> again, state, reward, done, info = env.step(jax.random.key(1), state, 0, params)
    >>> obs.shape, bool((obs == again).all())
    ((1, 4), True)
    """

    num_bits: int = ranges.number(1, at_least=1)
    """Bits to remember, at least 1."""

    counters = ("total_perfect", "mistakes")

    @property
    def default_params(self) -> MemoryChainParams:
        return MemoryChainParams()

    def draw_reset(self, key: Array) -> Draws:
        """Draw the bits, and which of them will be asked for.

        Args:
            key: a typed key.

        Returns:
            The draws, a NamedTuple.
        """
        count = words_for(self.num_bits)
        words = random.words(key, count + 1)
        return Draws(context=words[:count], query=random.uniform_int(words[count], 0, self.num_bits))

    def init(self, key: Array, params: MemoryChainParams) -> MemoryChainState:
        return MemoryChainState(*self.draw_reset(key), total_perfect=jnp.int32(0), mistakes=jnp.int32(0))

    def transition(
        self, key: Array, state: MemoryChainState, action: Int[Array, ""], params: MemoryChainParams
    ) -> Transition[MemoryChainState]:
        answered = state.time == params.memory_length
        right = pick(unpack(state.context, self.num_bits).astype(jnp.int32), state.query) == action
        state = state.replace(
            total_perfect=state.total_perfect + (answered & right).astype(jnp.int32),
            mistakes=state.mistakes + (answered & ~right).astype(jnp.int32),
        )
        return Transition(state, jnp.where(answered, jnp.where(right, 1.0, -1.0), 0.0), answered)

    def observe(self, state: MemoryChainState, params: MemoryChainParams) -> Float[Array, "1 features"]:
        length = jnp.asarray(params.memory_length)
        shown = jnp.maximum(jnp.asarray(state.time) - 1, 0)  # bsuite observes before it moves its clock
        left = ratio(length - shown, length)
        query = jnp.where(shown == length - 1, state.query, 0).astype(left.dtype)
        bits = jnp.where(unpack(state.context, self.num_bits), 1.0, -1.0)
        return jnp.concatenate([jnp.stack([left, query]), jnp.where(shown == 0, bits, 0.0)])[None]

    def render(
        self, state: MemoryChainState, params: MemoryChainParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import chains

        return chains.memory_chain(self, state, params, size)

    def action_space(self, params: MemoryChainParams) -> spaces.Discrete:
        return spaces.Discrete(2)

    def observation_space(self, params: MemoryChainParams) -> spaces.Box:
        bits = (1.0,) * self.num_bits
        low = (0.0, 0.0, *(-bit for bit in bits))
        return spaces.Box([low], [(1.0, float(max(self.num_bits - 1, 0)), *bits)], (1, self.num_bits + 2))

    def bsuite_info(self, state: MemoryChainState, params: MemoryChainParams | None = None) -> dict[str, Any]:
        return {"total_perfect": state.total_perfect, "total_regret": real(2 * state.mistakes)}
