"""DeepSea: dive to the treasure in the far corner, where every wrong move is final."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, random, ranges, spaces
from jaxtyping import Bool, Int, UInt8

from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import one_hot_board
from jaxenv_bsuite.seeding import action_mapping


@struct.dataclass
class DeepSeaParams(Params):
    """Which action moves right where, and what that costs."""

    action_mapping: Int[Array, "size size"] | np.ndarray[Any, Any]
    """The action that moves right in each cell, 0 or 1; the other one moves left."""
    unscaled_move_cost: Array | float = 0.01
    """What moving right costs in a whole episode; ``1 / size`` of it for a step."""


@struct.dataclass
class DeepSeaState(State):
    """Where the diver is. Every step leads one row down, so ``time`` is the row."""

    column: Int[Array, ""]
    """Column of the diver, 0 to ``size - 1``."""
    bad_episode: Bool[Array, ""]
    """Whether this episode left the diagonal, the only way to the treasure."""
    total_bad_episodes: Int[Array, ""]
    """Episodes that left it; counts on over all episodes."""
    denoised_return: Int[Array, ""]
    """Treasures taken, over all episodes."""


class Draws(NamedTuple):
    """The randomness of a step of the stochastic task."""

    noise: Array
    """Added to the reward in the last row's corners, standard normal."""
    wind: Array
    """Uniform on [0, 1); a move to the right succeeds above ``1 / size``."""


class DeepSea(BsuiteEnvironment[DeepSeaState, DeepSeaParams]):
    """Dive through a square from its upper left corner; a treasure lies in the lower right one.

    ===========  ===========================  ====  ======
    Observation  Meaning                      Unit  Range
    ===========  ===========================  ====  ======
    [y, x]       whether the diver is here          0 or 1
    ===========  ===========================  ====  ======

    At the end, below the last row, the observation is all zeros.

    ======  =====================================================================
    Action  Meaning
    ======  =====================================================================
    0, 1    down and to the right if ``params.action_mapping`` has this action in
            this cell, else down and to the left
    ======  =====================================================================

    Reward: 1 for a move to the right from the last column; ``-0.01 / size`` for every move to the right; with
    ``deterministic=False`` a standard normal number besides, for any move from a corner of the last row.
    Termination: after ``size`` steps. Time limit: none.

    Fields: ``size``; ``deterministic=False`` lets a move to the right fail with probability ``1 / size``, and still cost;
    ``mapping_seed``, from which NumPy's ``RandomState`` makes the mapping of ``default_params``;
    ``randomize_actions=False`` lets 1 move right everywhere.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/deep_sea.py``.

    **Differences**: ``mapping_seed`` is 42 by default, as in all of bsuite's experiments; bsuite's own default, None, draws
    a new mapping for every object. ``size`` is 8 by default; bsuite has no default.

    **Coming from gymnax**: the mapping is bsuite's, and an episode terminates without being truncated.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("DeepSea-bsuite", size=10)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> right = params.action_mapping[0, 0]
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, right, params)
    >>> int(state.column), round(float(reward), 4)
    (1, -0.001)
    """

    size: int = ranges.number(8, at_least=1)
    """Rows and columns of the board, at least 1."""
    deterministic: bool = True
    """Whether every move to the right succeeds; else it fails with probability ``1 / size``, and still costs."""
    mapping_seed: int = ranges.number(42, at_least=0, at_most=2**32 - 1)
    """Seed of NumPy's ``RandomState``, from which the mapping of actions of ``default_params`` comes, 0 to 2**32 - 1."""
    randomize_actions: bool = True
    """Whether the action that moves right differs from cell to cell; else it is 1 everywhere."""

    counters = ("total_bad_episodes", "denoised_return")

    @property
    def default_params(self) -> DeepSeaParams:
        if self.randomize_actions:
            return DeepSeaParams(action_mapping(self.size, self.mapping_seed))
        return DeepSeaParams(np.ones((self.size, self.size), np.int8))

    def draws_in_init(self, params: DeepSeaParams) -> bool:
        return False

    def draws_in_transition(self, params: DeepSeaParams) -> bool:
        return not self.deterministic

    def init(self, key: Array, params: DeepSeaParams) -> DeepSeaState:
        return DeepSeaState(jnp.int32(0), jnp.bool_(False), jnp.int32(0), jnp.int32(0))

    def draw_step(self, key: Array, params: DeepSeaParams) -> Draws:
        """Draw the noise and the wind of a step; a deterministic sea has neither."""
        if self.deterministic:
            calm = jnp.zeros((), jnp.result_type(float))
            return Draws(noise=calm, wind=calm)
        words = random.words(key, 3)
        return Draws(noise=random.normal(words[0], words[1]), wind=random.uniform(words[2]))

    def dynamics(
        self, state: DeepSeaState, action: Int[Array, ""], draws: Draws, params: DeepSeaParams
    ) -> Transition[DeepSeaState]:
        last = self.size - 1
        mapping = jnp.asarray(params.action_mapping).reshape(-1)
        right = mapping[state.time * self.size + state.column].astype(jnp.int32) == action
        treasure = right & (state.column == last)
        reward = jnp.where(treasure, 1.0, 0.0)
        moves_right = right
        if not self.deterministic:
            in_corner = (state.time == last) & ((state.column == 0) | (state.column == last))
            reward = reward + jnp.where(in_corner, draws.noise, 0.0)
            moves_right = right & (draws.wind > 1.0 / self.size)
        # Both the treasure and the cost belong to the intended move, even if the wind prevents it.
        reward = reward - jnp.where(right, params.unscaled_move_cost / self.size, 0.0)
        bad_episode = state.bad_episode | (~right & (state.column == state.time))
        moved = jnp.where(right, moves_right.astype(jnp.int32), -1)
        terminated = state.time == last
        state = state.replace(
            column=jnp.clip(state.column + moved, 0, last),
            bad_episode=bad_episode,
            total_bad_episodes=state.total_bad_episodes + (terminated & bad_episode).astype(jnp.int32),
            denoised_return=state.denoised_return + treasure.astype(jnp.int32),
        )
        return Transition(state, reward, terminated)

    def observe(self, state: DeepSeaState, params: DeepSeaParams) -> Bool[Array, "size size"]:
        return one_hot_board(self.size, self.size, jnp.asarray(state.time), state.column)

    def render(self, state: DeepSeaState, params: DeepSeaParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import boards

        return boards.deep_sea(self, state, params, size)

    def action_space(self, params: DeepSeaParams) -> spaces.Discrete:
        return spaces.Discrete(2)

    def observation_space(self, params: DeepSeaParams) -> spaces.Box:
        return spaces.Box(0.0, 1.0, (self.size, self.size))

    def bsuite_info(self, state: DeepSeaState, params: DeepSeaParams | None = None) -> dict[str, Any]:
        return {"total_bad_episodes": state.total_bad_episodes, "denoised_return": state.denoised_return}
