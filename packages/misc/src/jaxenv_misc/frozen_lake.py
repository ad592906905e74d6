"""FrozenLake: cross a frozen lake without falling into a hole; the ice is slippery."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxenv.division import truncating_divmod
from jaxtyping import Float, Int, UInt8

from jaxenv_misc.errors import FieldValueError
from jaxenv_misc.frozen_lake_maps import MAPS

FROZEN, HOLE, GOAL = 0, 1, 2
"""Kinds of tile; a start is frozen."""
KINDS = {"S": FROZEN, "F": FROZEN, "H": HOLE, "G": GOAL}
"""What the letters of a map mean."""


@struct.dataclass
class FrozenLakeParams(Params):
    """Numeric settings of FrozenLake."""

    max_steps_in_episode: Array | int = struct.field(default=100, kw_only=True)
    """Steps after which an episode is truncated."""
    success_rate: Array | float = ranges.number(1 / 3, at_least=0, at_most=1)
    """Probability that the move is the intended one, in [0, 1]; the rest is shared by the two moves perpendicular to it."""
    reward_schedule: tuple[Array | float, Array | float, Array | float] = (1.0, 0.0, 0.0)
    """Rewards for stepping on the goal, into a hole, and on frozen ice."""


@struct.dataclass
class FrozenLakeState(State):
    """Where the player is."""

    position: Int[Array, ""]
    """The player's tile, ``row * columns + column``, int32."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    start: Array
    """Which of the starts, counted row by row."""


class StepDraws(NamedTuple):
    """The randomness of a step."""

    uniform: Array
    """A number uniform on [0, 1) that chooses among the moves action - 1, action, action + 1, in this order."""


class FrozenLake(Environment[FrozenLakeState, FrozenLakeParams]):
    """Walk over a frozen lake to the goal; the ice is slippery, and where it has a hole the walk is over.

    ===========  =========================================  =========
    Observation  Meaning                                    Range
    ===========  =========================================  =========
    (scalar)     the player's tile, row * columns + column  0 .. 15
    ===========  =========================================  =========

    ======  =======
    Action  Meaning
    ======  =======
    0       left
    1       down
    2       right
    3       up
    ======  =======

    Reward: 1 for stepping on the goal, else 0 (``reward_schedule``). Termination: on the goal or in a hole; stepping on from
    there changes nothing and earns nothing. Time limit: 100 steps (FrozenLake-misc) or 200 (FrozenLake8x8-misc), a truncation.
    The intended move happens with probability ``success_rate``, each perpendicular one with half of the rest; at the edge the
    player stays. ``info["prob"]`` is the probability of the move that happened. The best policy reaches the goal within the limit
    with probability 0.7442 on the 4x4 map and 0.9132 on the 8x8 map.

    **Source**: Gymnasium >= 1.0, ``toy_text/frozen_lake.py``.

    **Differences**: none in the task. A random map is made by :func:`~jaxenv_misc.random_map` and passed as ``desc``.

    **Coming from gymnax**: FrozenLake-misc is the same task. There a step from a terminal tile moves on, a map must have exactly
    one start and one goal, and there are no random maps.

    >>> import jax, jaxenv
    >>> from jaxenv_misc import random_map
    >>> env, params = jaxenv.make("FrozenLake-misc", desc=random_map(size=5, seed=0), is_slippery=False)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 2, params)
    >>> int(obs), float(reward), float(info["prob"])
    (1, 0.0, 1.0)
    """

    desc: str | tuple[str, ...] = "4x4"
    """The map: the name of one of ``MAPS``, or rows of S (start), F (frozen), H (hole), G (goal)."""
    is_slippery: bool = True
    """Whether the ice is slippery; else every move is the intended one."""

    def __post_init__(self) -> None:
        expected = f"one of {', '.join(map(repr, MAPS))} or rows of equal length made of S, F, H and G, with at least one S"
        if isinstance(self.desc, str) and self.desc not in MAPS:
            raise FieldValueError(self.name, "desc", self.desc, expected)
        rows: Any = self.desc
        if not isinstance(rows, str | list | tuple) or not all(isinstance(row, str) for row in rows):
            raise FieldValueError(self.name, "desc", self.desc, expected)
        desc = MAPS[self.desc] if isinstance(self.desc, str) else tuple(self.desc)
        tiles = "".join(desc)
        if len({len(row) for row in desc}) != 1 or not set(tiles) <= KINDS.keys() or "S" not in tiles:
            raise FieldValueError(self.name, "desc", desc, expected)
        # A name and the map that it stands for make equal environments.
        object.__setattr__(self, "desc", desc)

    @property
    def default_params(self) -> FrozenLakeParams:
        return FrozenLakeParams()

    def draws_in_init(self, params: FrozenLakeParams) -> bool:
        return len(self._starts) > 1

    def draws_in_transition(self, params: FrozenLakeParams) -> bool:
        return self.is_slippery

    def draw_reset(self, key: Array, params: FrozenLakeParams) -> ResetDraws:
        """Draw the start; a map with one start needs no randomness.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws.
        """
        count = len(self._starts)
        return ResetDraws(jnp.int32(0) if count == 1 else random.uniform_int(random.words(key, 1)[0], 0, count))

    def init(self, key: Array, params: FrozenLakeParams) -> FrozenLakeState:
        return FrozenLakeState(position=jnp.asarray(np.array(self._starts, np.int32))[self.draw_reset(key, params).start])

    def draw_step(self, key: Array, params: FrozenLakeParams) -> StepDraws:
        """Draw the number that chooses the move; where the ice is not slippery, there is nothing to choose."""
        if not self.is_slippery:
            return StepDraws(jnp.zeros((), jnp.result_type(float)))
        return StepDraws(random.uniform(random.words(key, 1)[0]))

    def dynamics(
        self, state: FrozenLakeState, action: Int[Array, ""], draws: StepDraws, params: FrozenLakeParams
    ) -> Transition[FrozenLakeState]:
        if not self.is_slippery:
            return self._move(state, action, jnp.ones((), jnp.result_type(float)), params)
        fail_rate = (1.0 - params.success_rate) / 2.0
        past_first = draws.uniform >= fail_rate
        past_second = draws.uniform >= fail_rate + params.success_rate
        turn = past_first.astype(jnp.int32) + past_second.astype(jnp.int32) - 1
        prob = jnp.where(turn == 0, params.success_rate, fail_rate)
        return self._move(state, (action + turn) & 3, prob, params)

    def _move(
        self, state: FrozenLakeState, move: Int[Array, ""], prob: Float[Array, ""], params: FrozenLakeParams
    ) -> Transition[FrozenLakeState]:
        kinds = jnp.asarray(np.array([KINDS[tile] for row in self.desc for tile in row], np.int32))
        rows, columns = len(self.desc), len(self.desc[0])
        row, column = truncating_divmod(state.position, columns)
        row = jnp.clip(row + (move == 1).astype(jnp.int32) - (move == 3).astype(jnp.int32), 0, rows - 1)
        column = jnp.clip(column + (move == 2).astype(jnp.int32) - (move == 0).astype(jnp.int32), 0, columns - 1)
        absorbed = kinds[state.position] != FROZEN
        position = jnp.where(absorbed, state.position, row * columns + column)
        kind = kinds[position]
        at_goal, in_hole, on_ice = params.reward_schedule
        earned = jnp.where(kind == GOAL, at_goal, jnp.where(kind == HOLE, in_hole, on_ice))
        return Transition(
            state.replace(position=position),
            reward=jnp.where(absorbed, 0.0, earned),
            terminated=kind != FROZEN,
            info={"prob": jnp.where(absorbed, 1.0, prob)},
        )

    def observe(self, state: FrozenLakeState, params: FrozenLakeParams) -> Int[Array, ""]:
        return state.position

    def render(self, state: FrozenLakeState, params: FrozenLakeParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.frozen_lake(self, state, size)

    def action_space(self, params: FrozenLakeParams) -> spaces.Discrete:
        return spaces.Discrete(4)

    def observation_space(self, params: FrozenLakeParams) -> spaces.Discrete:
        return spaces.Discrete(len(self.desc) * len(self.desc[0]))

    @property
    def _starts(self) -> list[int]:
        return [number for number, tile in enumerate("".join(self.desc)) if tile == "S"]
