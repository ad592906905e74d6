"""DiscountingChain: the first action decides when a reward comes, and the best one comes last or first."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, ranges, spaces
from jaxtyping import Float, Int, UInt8

from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import ratio
from jaxenv_bsuite.seeding import bonus_arm

REWARD_TIMES = (1, 3, 10, 30, 100)
"""The step on which each chain pays."""
EPISODE_LENGTH = 100
BONUS = 0.1


@struct.dataclass
class DiscountingChainParams(Params):
    """Which chain is the best."""

    bonus_arm: Array | int = ranges.number(0, at_least=0, at_most=4)
    """The chain that pays 1.1, 0 to 4; all others pay 1."""


@struct.dataclass
class DiscountingChainState(State):
    """What was chosen."""

    context: Int[Array, ""]
    """The chain: the first action of the episode, -1 before it."""


class DiscountingChain(BsuiteEnvironment[DiscountingChainState, DiscountingChainParams]):
    """Choose one of five chains with the first action; each pays once, after 1, 3, 10, 30 or 100 steps, and one of them pays more.

    ===========  ===================================  =========  =======
    Observation  Meaning                              Unit       Range
    ===========  ===================================  =========  =======
    [0, 0]       the chain, -1 before it is chosen               -1 to 4
    [0, 1]       time since the start of the episode  100 steps  [0, 1]
    ===========  ===================================  =========  =======

    ======  =============================================================
    Action  Meaning
    ======  =============================================================
    i       on the first step: choose chain i; after that, without effect
    ======  =============================================================

    Reward: 1, or 1.1 in chain ``params.bonus_arm``, on step 1, 3, 10, 30 or 100 as chosen; else 0.
    Termination: on step 100, after the reward, with discount 0. Time limit: none besides; bsuite's is a termination.

    Fields: ``mapping_seed``, which modulo 5 is the bonus arm of ``default_params``.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/discounting_chain.py``.

    **Differences**: ``mapping_seed`` is 0 by default; bsuite's default, None, draws a bonus arm for every object.

    **Coming from gymnax**: every seed has a bonus arm, the observation is (1, 2), and the end is a termination.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("bsuite/discounting_chain/7")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 0, params)
    >>> params.bonus_arm, float(reward), obs.shape
    (2, 1.0, (1, 2))
    """

    mapping_seed: int = ranges.number(0, at_least=0)
    """Modulo 5, the bonus arm of ``default_params``, at least 0."""

    @property
    def default_params(self) -> DiscountingChainParams:
        return DiscountingChainParams(bonus_arm(self.mapping_seed))

    def draws_in_init(self, params: DiscountingChainParams) -> bool:
        return False

    def draws_in_transition(self, params: DiscountingChainParams) -> bool:
        return False

    def init(self, key: Array, params: DiscountingChainParams) -> DiscountingChainState:
        return DiscountingChainState(context=jnp.int32(-1))

    def transition(
        self, key: Array, state: DiscountingChainState, action: Int[Array, ""], params: DiscountingChainParams
    ) -> Transition[DiscountingChainState]:
        context = jnp.where(state.time == 0, action, state.context)
        steps = state.time + 1
        chains = np.arange(len(REWARD_TIMES), dtype=np.int32)
        pays = ((chains == context) & (np.array(REWARD_TIMES, np.int32) == steps)).any()
        amount = jnp.where(context == params.bonus_arm, 1.0 + BONUS, 1.0)
        return Transition(state.replace(context=context), jnp.where(pays, amount, 0.0), steps == EPISODE_LENGTH)

    def observe(self, state: DiscountingChainState, params: DiscountingChainParams) -> Float[Array, "1 2"]:
        time = ratio(jnp.asarray(state.time), EPISODE_LENGTH)
        return jnp.stack([state.context.astype(time.dtype), time])[None]

    def render(
        self, state: DiscountingChainState, params: DiscountingChainParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import chains

        return chains.discounting_chain(state, params, size)

    def action_space(self, params: DiscountingChainParams) -> spaces.Discrete:
        return spaces.Discrete(len(REWARD_TIMES))

    def observation_space(self, params: DiscountingChainParams) -> spaces.Box:
        return spaces.Box([[-1.0, 0.0]], [[4.0, 1.0]], (1, 2))
