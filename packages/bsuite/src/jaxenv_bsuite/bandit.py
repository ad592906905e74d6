"""SimpleBandit: pull one of eleven arms whose rewards never change."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, ranges, spaces
from jaxtyping import Float, Int, UInt8

from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import pick, ratio, real
from jaxenv_bsuite.seeding import reward_ranks


@struct.dataclass
class SimpleBanditParams(Params):
    """Which arm pays what."""

    ranks: Int[Array, " num_actions"] | np.ndarray[Any, Any]
    """For each arm its place in the order of rewards, a permutation: 0 pays 0, ``num_actions - 1`` pays 1. The task's one
    secret."""


@struct.dataclass
class SimpleBanditState(State):
    """What was missed so far."""

    shortfall: Int[Array, ""]
    """How many ranks below the best arm all pulls were together; counts on over all episodes."""


class SimpleBandit(BsuiteEnvironment[SimpleBanditState, SimpleBanditParams]):
    """Find the best of ``num_actions`` arms. An episode is one pull.

    ===========  ==================  ====  =====
    Observation  Meaning             Unit  Range
    ===========  ==================  ====  =====
    [0, 0]       nothing: always 1         1
    ===========  ==================  ====  =====

    ======  =============
    Action  Meaning
    ======  =============
    i       pull arm i
    ======  =============

    Reward: the arms pay 0, 0.1, ..., 1 in the order of ``params.ranks``, which stays the same over all episodes.
    Termination: after every pull. Time limit: none.

    Fields: ``num_actions``, and ``mapping_seed``, from which NumPy's ``RandomState`` makes the ranks of ``default_params``.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/bandit.py``.

    **Differences**: ``mapping_seed`` is 0 by default; bsuite's default, None, draws new ranks for every object.

    **Coming from gymnax**: an arm pays the same in every episode, so the task can be learned.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("bsuite/bandit/3")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 10, params)
    >>> round(float(reward), 1), bool(done)
    (1.0, True)
    """

    num_actions: int = ranges.number(11, at_least=1)  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """Arms, at least 1."""
    mapping_seed: int = ranges.number(0, at_least=0, at_most=2**32 - 1)
    """Seed of NumPy's ``RandomState``, from which the order of the arms' means of ``default_params`` comes, 0 to 2**32 - 1."""

    counters = ("shortfall",)

    @property
    def default_params(self) -> SimpleBanditParams:
        return SimpleBanditParams(ranks=reward_ranks(self.num_actions, self.mapping_seed))

    def draws_in_init(self, params: SimpleBanditParams) -> bool:
        return False

    def draws_in_transition(self, params: SimpleBanditParams) -> bool:
        return False

    def init(self, key: Array, params: SimpleBanditParams) -> SimpleBanditState:
        return SimpleBanditState(shortfall=jnp.int32(0))

    def transition(
        self, key: Array, state: SimpleBanditState, action: Int[Array, ""], params: SimpleBanditParams
    ) -> Transition[SimpleBanditState]:
        best = self.num_actions - 1
        rank = pick(params.ranks, action)
        return Transition(state.replace(shortfall=state.shortfall + best - rank), ratio(rank, best), terminated=True)

    def observe(self, state: SimpleBanditState, params: SimpleBanditParams) -> Float[Array, "1 1"]:
        return jnp.ones((1, 1))

    def render(
        self, state: SimpleBanditState, params: SimpleBanditParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import chains

        return chains.bandit(self, state, params, size)

    def action_space(self, params: SimpleBanditParams) -> spaces.Discrete:
        return spaces.Discrete(self.num_actions)

    def observation_space(self, params: SimpleBanditParams) -> spaces.Box:
        return spaces.Box(1.0, 1.0, (1, 1))

    def bsuite_info(self, state: SimpleBanditState, params: SimpleBanditParams | None = None) -> dict[str, Any]:
        return {"total_regret": real(state.shortfall) / (self.num_actions - 1)}
