"""What the five games share: sticky actions, action sets, and pictures of 10 x 10 cells."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxenv.staging import stage
from jaxtyping import Bool, Float, Int, UInt8, UInt32

SIZE = 10
"""Rows and columns of every board."""

NOOP, LEFT, UP, RIGHT, DOWN, FIRE = range(6)
"""MinAtar's full action set."""


@struct.dataclass
class MinAtarParams(Params):
    """Numeric settings that every game has."""

    sticky_action_prob: Array | float = ranges.number(0.1, at_least=0, at_most=1)
    """Probability that the game repeats its last action instead of taking the one it is given, in [0, 1]."""


@struct.dataclass
class RampedParams(MinAtarParams):
    """Numeric settings of a game that grows harder."""

    ramping: Array | bool = True
    """Whether the difficulty grows during an episode."""


@struct.dataclass
class MinAtarState(State):
    """What every game remembers."""

    last_action: Int[Array, ""]
    """The action that was executed last, index in the full action set; survives the end of an episode, as in MinAtar."""


StateT = TypeVar("StateT", bound=Any)
ParamsT = TypeVar("ParamsT", bound=Any)


class MinAtarGame(Environment[StateT, ParamsT]):
    """A game of MinAtar. Subclasses name their channels and the actions that matter to them."""

    channels: ClassVar[tuple[str, ...]] = ()
    """Meaning of each channel of the observation."""
    minimal_action_set: ClassVar[tuple[int, ...]] = ()
    """The actions that have an effect, as indices in the full action set."""

    minimal_actions: bool = True
    """Whether the agent chooses among the actions that have an effect; otherwise among all six."""

    def draw(self, key: Array) -> Any:
        """Draw all that a step needs, whatever happens in it.

        Args:
            key: a typed key.

        Returns:
            The draws, a NamedTuple with ``sticky`` among its fields.
        """
        raise NotImplementedError(f"{type(self).__name__} must define draw(key)")

    def play(self, state: StateT, action: Any, draws: Any, params: ParamsT) -> Transition[StateT]:
        """Take one step with these draws: a pure function.

        Args:
            state: the state.
            action: the executed action, an index in the full action set.
            draws: the result of ``draw``.
            params: the parameters.

        Returns:
            The transition.
        """
        raise NotImplementedError(f"{type(self).__name__} must define play(state, action, draws, params)")

    def transition(self, key: Array, state: StateT, action: Int[Array, ""], params: ParamsT) -> Transition[StateT]:
        return self.play(state, action, self.draw(key), params)

    def executed(self, state: MinAtarState, action: Int[Array, ""], sticky: Float[Array, ""], params: MinAtarParams) -> Array:
        """Return the action that the game executes: the last one, if ``sticky`` is small enough.

        Args:
            state: the state, which has the last action.
            action: the action that the agent chose.
            sticky: a number uniform on [0, 1).
            params: the parameters, which have ``sticky_action_prob``.
        """
        if self.minimal_actions:
            # The set as an integer of one hexadecimal digit an action, because looking things up costs more than shifting.
            packed = sum(chosen << (4 * index) for index, chosen in enumerate(self.minimal_action_set))
            action = (packed >> (4 * action)) & 0xF
        return jnp.where(sticky < params.sticky_action_prob, state.last_action, action)

    def carry_over(self, fresh: StateT, ended: StateT, params: ParamsT) -> StateT:
        return fresh.replace(last_action=ended.last_action)

    def render(self, state: StateT, params: ParamsT, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_minatar import drawing

        return drawing.game(self, state, params, size)

    def action_space(self, params: ParamsT) -> spaces.Discrete:
        return spaces.Discrete(len(self.minimal_action_set) if self.minimal_actions else FIRE + 1)

    def observation_space(self, params: ParamsT) -> spaces.Box:
        return spaces.Box(False, True, (SIZE, SIZE, len(self.channels)), jnp.bool_)


def words(key: Array, count: int) -> tuple[UInt32[Array, ""], ...]:
    """Draw random words: on a CPU once, and not for each number of the next state anew."""

    @stage
    def draw(key: Array) -> tuple[Array, ...]:
        return tuple(random.words(key, count))

    return draw(key)


def direction(action: Int[Array, ""], back: int, forth: int) -> Int[Array, ""]:
    """Return -1 for the action ``back``, 1 for the action ``forth``, 0 for any other."""
    return count(action == forth) - count(action == back)


def count(event: Bool[Array, "..."]) -> Int[Array, "..."]:
    """Return 1 where it happened, else 0."""
    return event.astype(jnp.int32)


def cell(row: Array | int, column: Array | int) -> Array:
    """Return a cell of the board as one number: 16 * row + column."""
    return jnp.asarray(row << 4 | column, jnp.int32)


def row_of(cell: Array) -> Array:
    """Return the row of a cell."""
    return cell >> 4


def column_of(cell: Array) -> Array:
    """Return the column of a cell."""
    return cell & 15


ROW_BELOW = 16
"""What leads from a cell to the one below."""

NOWHERE = -1
"""The cell of something that is not on the board; it has no row and no column."""
