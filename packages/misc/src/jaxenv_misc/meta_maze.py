"""MetaMaze: find an unseen goal in a maze of pillars again and again, from nowhere in particular each time."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxenv.division import truncating_divmod
from jaxtyping import Bool, Float, Int, UInt8

from jaxenv_misc.errors import FieldValueError

NO_ACTION = -1
"""``last_action`` before the first step."""


@struct.dataclass
class MetaMazeParams(Params):
    """Numeric settings of MetaMaze."""

    max_steps_in_episode: Array | int = struct.field(default=200, kw_only=True)
    """Steps after which an episode is truncated; the observed time is a fraction of it."""
    goal_reward: Array | float = 10.0
    """Reward for reaching the goal."""
    wall_penalty: Array | float = 0.0
    """What running into a wall costs: subtracted from the reward."""


@struct.dataclass
class MetaMazeState(State):
    """Where the agent is, where the goal is, and what the agent has just done and earned."""

    y: Int[Array, ""]
    """Row of the agent, int32."""
    x: Int[Array, ""]
    """Column of the agent, int32."""
    goal: Int[Array, ""]
    """Number of the goal's cell among the free cells (see :meth:`MetaMaze.cell`), int32."""
    last_action: Int[Array, ""]
    """The last action, int32; -1 before the first step."""
    last_reward: Float[Array, ""]
    """The reward of the last step; 0 before the first."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    goal: Array
    """Number of the goal's cell, any but the centre's."""


class StepDraws(NamedTuple):
    """The randomness of a step."""

    landing: Array
    """Where the agent lands if it has reached the goal: which of the free cells other than the goal, counted row by row."""


class MetaMaze(Environment[MetaMazeState, MetaMazeParams]):
    """Find a goal that cannot be seen, remember where it was, and come back to it after each teleport.

    The maze has walls around it and a pillar in every interior cell of even row and even column; the centre is always free,
    and the episode begins there. The goal stays where it is for the whole episode; reaching it moves the agent to a random cell.

    ===========  ================================================  ================
    Observation  Meaning (k = receptive_field squared, 9)          Range
    ===========  ================================================  ================
    0 .. k-1     the cells around the agent, row by row, 1 = wall  0, 1
    k            unused                                            0
    k+1          bias                                              1
    k+2          time, as a fraction of the limit                  [0, 1]
    k+3          last reward                                       -penalty, 0, 10
    k+4 .. k+7   last action, one-hot; zeros at first              0, 1
    ===========  ================================================  ================

    ======  =======
    Action  Meaning
    ======  =======
    0       up
    1       down
    2       left
    3       right
    ======  =======

    Reward: 10 on reaching the goal, minus ``wall_penalty`` on running into a wall, which also leaves the agent where it is.
    Termination: never. Time limit: 200 steps, a truncation.

    **Source**: Miconi, Rawal, Clune & Stanley 2020, ``simplemaze/maze.py`` of uber-research/backpropamine.

    **Differences**: cells beyond the border, which a receptive field above 3 can reach, look like walls.

    **Coming from gymnax**: its ``maze_size=9`` (the default) is ``maze_size=11`` here, which counts the border; its ``rf_size`` is
    ``receptive_field``, its ``reward`` and ``punishment`` are ``goal_reward`` and ``wall_penalty``. There the observation lacks the
    unused entry and the bias, its time is not a fraction, and the first one shows an action; the start may lie inside a pillar,
    the goal on the start; the teleport may lead onto the goal and end the episode; the penalty is added; and x64 fails.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("MetaMaze-misc", wall_penalty=0.1)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs[:9].tolist()
    [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    """

    maze_size: int = ranges.number(11, at_least=5)
    """Rows and columns, the border included; odd, at least 5."""
    receptive_field: int = ranges.number(3, at_least=1)
    """Rows and columns of what the agent sees; odd."""

    def __post_init__(self) -> None:
        if self.maze_size < 5 or self.maze_size % 2 == 0:
            raise FieldValueError(self.name, "maze_size", self.maze_size, "an odd number, at least 5")
        if self.receptive_field < 1 or self.receptive_field % 2 == 0:
            raise FieldValueError(self.name, "receptive_field", self.receptive_field, "an odd number, at least 1")

    @property
    def default_params(self) -> MetaMazeParams:
        return MetaMazeParams()

    def draw_reset(self, key: Array, params: MetaMazeParams) -> ResetDraws:
        """Draw the goal: uniform over the free cells other than the centre.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        goal = random.uniform_int(random.words(key, 1)[0], 0, self.num_cells - 1)
        return ResetDraws(goal + (goal >= self._centre_cell).astype(jnp.int32))

    def init(self, key: Array, params: MetaMazeParams) -> MetaMazeState:
        centre = jnp.int32(self.maze_size // 2)
        return MetaMazeState(
            y=centre,
            x=centre,
            goal=self.draw_reset(key, params).goal,
            last_action=jnp.int32(NO_ACTION),
            last_reward=jnp.zeros((), jnp.result_type(float)),
        )

    def draw_step(self, key: Array, params: MetaMazeParams) -> StepDraws:
        """Draw where a teleport leads."""
        return StepDraws(random.uniform_int(random.words(key, 1)[0], 0, self.num_cells - 1))

    def dynamics(
        self, state: MetaMazeState, action: Int[Array, ""], draws: StepDraws, params: MetaMazeParams
    ) -> Transition[MetaMazeState]:
        y = state.y + (action == 1).astype(jnp.int32) - (action == 0).astype(jnp.int32)
        x = state.x + (action == 3).astype(jnp.int32) - (action == 2).astype(jnp.int32)
        blocked = self.is_wall(y, x)
        goal_y, goal_x = self.cell(state.goal)
        found = (y == goal_y) & (x == goal_x)
        landing_y, landing_x = self.cell(draws.landing + (draws.landing >= state.goal).astype(jnp.int32))
        reward = jnp.where(found, params.goal_reward, jnp.where(blocked, -params.wall_penalty, 0.0))
        state = state.replace(
            y=jnp.where(found, landing_y, jnp.where(blocked, state.y, y)),
            x=jnp.where(found, landing_x, jnp.where(blocked, state.x, x)),
            last_action=action,
            last_reward=reward,
        )
        return Transition(state, reward, terminated=False)

    def observe(self, state: MetaMazeState, params: MetaMazeParams) -> Float[Array, " n"]:
        side, cells = self.receptive_field, self.receptive_field**2
        entry = np.arange(cells + 8, dtype=np.int32)
        seen = self.is_wall(state.y + (entry // side - side // 2), state.x + (entry % side - side // 2))
        dtype = state.last_reward.dtype
        time = jnp.asarray(state.time, dtype) / jnp.asarray(params.max_steps_in_episode, dtype)
        # Before the first step the one-hot falls on the reward's entry, which hides it.
        bits = jnp.where(entry < cells, seen, (entry == cells + 1) | (entry == cells + 4 + state.last_action))
        observation = jnp.where(entry == cells + 2, time, bits.astype(dtype))
        return jnp.where(entry == cells + 3, state.last_reward, observation)

    def render(self, state: MetaMazeState, params: MetaMazeParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.meta_maze(self, state, params, size)

    def action_space(self, params: MetaMazeParams) -> spaces.Discrete:
        return spaces.Discrete(4)

    def observation_space(self, params: MetaMazeParams) -> spaces.Box:
        cells = self.receptive_field**2
        rewards = jnp.asarray((0.0, params.goal_reward, -params.wall_penalty), jnp.float32)
        is_reward = np.arange(cells + 8) == cells + 3
        return spaces.Box(jnp.where(is_reward, rewards.min(), 0.0), jnp.where(is_reward, rewards.max(), 1.0), (cells + 8,))

    def is_wall(self, y: Int[Array, "..."], x: Int[Array, "..."]) -> Bool[Array, "..."]:
        """Whether a cell is a wall; every cell beyond the border is.

        Args:
            y: rows, int32[...].
            x: columns, int32[...].
        """
        inner, centre = self.maze_size - 1, self.maze_size // 2
        outside = (y <= 0) | (x <= 0) | (y >= inner) | (x >= inner)
        pillar = ((y | x) & 1 == 0) & ~((y == centre) & (x == centre))
        return outside | pillar

    @property
    def num_cells(self) -> int:
        """How many free cells the maze has."""
        half = self.maze_size // 2
        return half * (self.maze_size - 2) + (half - 1) * half + self._centre_is_pillar

    def cell(self, number: Int[Array, ""]) -> tuple[Int[Array, ""], Int[Array, ""]]:
        """Return row and column of a free cell by its number, which counts them row by row.

        An open row and the row of pillars under it make a period. A centre that would be a pillar has the last number.

        Args:
            number: the number of the cell, int32[].
        """
        open_row, pillar_row = self.maze_size - 2, self.maze_size // 2
        pairs, place = truncating_divmod(number, open_row + pillar_row)
        in_open_row = place < open_row
        y = 2 * pairs + jnp.where(in_open_row, 1, 2)
        x = jnp.where(in_open_row, place + 1, 2 * (place - open_row) + 1)
        if not self._centre_is_pillar:
            return y, x
        is_centre = number == self.num_cells - 1
        return jnp.where(is_centre, self.maze_size // 2, y), jnp.where(is_centre, self.maze_size // 2, x)

    @property
    def _centre_is_pillar(self) -> bool:
        return self.maze_size % 4 == 1

    @property
    def _centre_cell(self) -> int:
        if self._centre_is_pillar:
            return self.num_cells - 1
        open_row, pillar_row, centre = self.maze_size - 2, self.maze_size // 2, self.maze_size // 2
        return (centre - 1) // 2 * (open_row + pillar_row) + centre - 1
