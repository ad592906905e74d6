"""FourRooms: find a goal in four rooms joined by doorways, with actions that sometimes slip."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxenv.division import truncating_divmod
from jaxtyping import Bool, Int, UInt8

from jaxenv_misc.errors import FieldValueError

LAYOUT = (
    "#############",
    "#     #     #",
    "#     #     #",
    "#           #",
    "#     #     #",
    "#     #     #",
    "## ####     #",
    "#     ### ###",
    "#     #     #",
    "#     #     #",
    "#           #",
    "#     #     #",
    "#############",
)
"""The rooms of Sutton et al.: ``#`` is a wall, the other 104 cells are free."""

MOST_FREE_CELLS = 256
"""Above this a pair of distinct cells would no longer come out of one word of randomness."""


@struct.dataclass
class FourRoomsParams(Params):
    """Numeric settings of FourRooms."""

    max_steps_in_episode: Array | int = struct.field(default=500, kw_only=True)
    """Steps after which an episode is truncated."""
    fail_prob: Array | float = ranges.number(1 / 3, at_least=0, at_most=0.75)
    """Probability that the move is not the intended one, in [0, 3/4], equal for the other three."""


@struct.dataclass
class FourRoomsState(State):
    """Where the agent and the goal are. A cell's number is ``y * width + x``."""

    position: Int[Array, ""]
    """The agent's cell, int32."""
    goal: Int[Array, ""]
    """The goal's cell, int32."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    position: Array
    """The first cell of the agent."""
    goal: Array
    """The cell of the goal, another one."""


class StepDraws(NamedTuple):
    """The randomness of a step."""

    slips: Array
    """Whether the move is drawn instead of being the action."""
    move: Array
    """The move if it is, uniform over the four."""


class FourRooms(Environment[FourRoomsState, FourRoomsParams]):
    """Find the goal in four rooms joined by doorways; moves slip, and position and goal are new in each episode.

    ===========  ==========================  =========
    Observation  Meaning                     Range
    ===========  ==========================  =========
    0            row of the agent            0 .. 12
    1            column of the agent         0 .. 12
    2            row of the goal             0 .. 12
    3            column of the goal          0 .. 12
    ===========  ==========================  =========

    With ``use_visual_obs`` the observation is bool[13, 13, 3], indexed by row and column; the channels are walls, agent, goal.

    ======  =======
    Action  Meaning
    ======  =======
    0       up
    1       right
    2       down
    3       left
    ======  =======

    Reward: 1 on reaching the goal, else 0. Termination: on reaching the goal. Time limit: 500 steps, a truncation.
    A move into a wall leaves the agent where it is. With probability 4/3 ``fail_prob`` the move is uniform over the four, so at the
    default of 1/3 the intended move happens with probability 2/3 and each other one with 1/9.

    **Source**: Sutton, Precup & Singh 1999; howardh/gym-fourrooms.

    **Differences**: a time limit, and the visual observation.

    **Coming from gymnax**: ``resample_init_pos=False, resample_goal_pos=False`` (fields here, not params) give its task, the start
    (4, 1) and the goal (8, 9) in every episode; ``start`` and ``goal`` are its ``pos_fixed`` and ``goal_fixed``. There the visual
    observation is transposed and lacks the goal, a drawn goal may be the start, and the integer observation lies in a float space.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("FourRooms-misc", fail_prob=0.0, resample_init_pos=False, resample_goal_pos=False)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs.tolist()
    [4, 1, 8, 9]
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 1, params)
    >>> obs.tolist()
    [4, 2, 8, 9]
    """

    use_visual_obs: bool = False
    """Whether the observation is the map, the agent and the goal as channels."""
    resample_init_pos: bool = True
    """Whether each episode begins in a cell drawn anew; else in ``start``."""
    resample_goal_pos: bool = True
    """Whether each episode has a goal drawn anew; else ``goal``."""
    start: tuple[int, int] = (4, 1)
    """Row and column of the first position where it is not drawn."""
    goal: tuple[int, int] = (8, 9)
    """Row and column of the goal where it is not drawn."""
    layout: tuple[str, ...] = LAYOUT
    """The map, row by row: ``#`` is a wall, anything else is free; walled in on all sides."""

    def __post_init__(self) -> None:
        for field in ("start", "goal", "layout"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        self._check_layout()
        for field in ("start", "goal"):
            y, x = getattr(self, field)
            if not (0 <= y < self._height and 0 <= x < self._width) or self.layout[y][x] == "#":
                raise FieldValueError(self.name, field, (y, x), "the row and column of a free cell of the layout")
        if self.start == self.goal:
            raise FieldValueError(self.name, "goal", self.goal, "another cell than start")

    @property
    def default_params(self) -> FourRoomsParams:
        return FourRoomsParams()

    def draw_reset(self, key: Array, params: FourRoomsParams) -> ResetDraws:
        """Draw the cells of agent and goal: uniform over free cells, and never the same.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        free = self._free_cells
        cells, count = jnp.asarray(np.array(free, np.int32)), len(free)
        start, goal = (y * self._width + x for y, x in (self.start, self.goal))
        if self.resample_init_pos and self.resample_goal_pos:
            pair = random.uniform_int(random.words(key, 1)[0], 0, count * (count - 1))
            position, other = truncating_divmod(pair, count - 1)
            return ResetDraws(cells[position], cells[other + (other >= position).astype(jnp.int32)])
        if not (self.resample_init_pos or self.resample_goal_pos):
            return ResetDraws(jnp.int32(start), jnp.int32(goal))
        kept = goal if self.resample_init_pos else start
        other = random.uniform_int(random.words(key, 1)[0], 0, count - 1)
        drawn = cells[other + (other >= free.index(kept)).astype(jnp.int32)]
        return ResetDraws(drawn, jnp.int32(goal)) if self.resample_init_pos else ResetDraws(jnp.int32(start), drawn)

    def init(self, key: Array, params: FourRoomsParams) -> FourRoomsState:
        draws = self.draw_reset(key, params)
        return FourRoomsState(position=draws.position, goal=draws.goal)

    def draw_step(self, key: Array, params: FourRoomsParams) -> StepDraws:
        """Draw whether the action slips and where to, both from one word: its high 24 bits and its lowest two."""
        word = random.words(key, 1)[0]
        return StepDraws(random.bernoulli(word, params.fail_prob * (4 / 3)), (word & 3).astype(jnp.int32))

    def dynamics(
        self, state: FourRoomsState, action: Int[Array, ""], draws: StepDraws, params: FourRoomsParams
    ) -> Transition[FourRoomsState]:
        move = jnp.where(draws.slips, draws.move, action)
        width = self._width
        target = state.position + jnp.asarray(np.array((-width, 1, width, -1), np.int32))[move]
        walls = jnp.asarray(np.array([cell == "#" for row in self.layout for cell in row]))
        position = jnp.where(walls[target], state.position, target)
        reached = position == state.goal
        return Transition(state.replace(position=position), jnp.where(reached, 1.0, 0.0), reached)

    def observe(self, state: FourRoomsState, params: FourRoomsParams) -> Int[Array, "4"] | Bool[Array, "h w 3"]:
        if self.use_visual_obs:
            walls = np.array([[cell == "#" for cell in row] for row in self.layout])
            cells = np.arange(walls.size, dtype=np.int32).reshape(walls.shape)
            return jnp.stack([jnp.asarray(walls), cells == state.position, cells == state.goal], axis=-1)
        return jnp.stack([*truncating_divmod(state.position, self._width), *truncating_divmod(state.goal, self._width)])

    def render(self, state: FourRoomsState, params: FourRoomsParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.four_rooms(self, state, size)

    def action_space(self, params: FourRoomsParams) -> spaces.Discrete:
        return spaces.Discrete(4)

    def observation_space(self, params: FourRoomsParams) -> spaces.Box:
        height, width = self._height, self._width
        if self.use_visual_obs:
            return spaces.Box(0, 1, (height, width, 3), jnp.bool_)
        return spaces.Box(0, (height - 1, width - 1, height - 1, width - 1), (4,), jnp.int32)

    @property
    def _height(self) -> int:
        return len(self.layout)

    @property
    def _width(self) -> int:
        return len(self.layout[0])

    @property
    def _free_cells(self) -> list[int]:
        return [number for number, cell in enumerate("".join(self.layout)) if cell != "#"]

    def _check_layout(self) -> None:
        rows = self.layout
        closed = len({len(row) for row in rows}) == 1 and set(rows[0] + rows[-1]) == {"#"}
        if not closed or any({row[0], row[-1]} != {"#"} for row in rows):
            raise FieldValueError(self.name, "layout", rows, "rows of equal length with walls ('#') on all four sides")
        if not 2 <= len(self._free_cells) <= MOST_FREE_CELLS:
            raise FieldValueError(self.name, "layout", rows, f"a map with 2 to {MOST_FREE_CELLS} free cells")
