"""PointRobot: find a hidden goal on a half circle by walking there."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, UInt8

START_LOW, START_HIGH = (-1.5, -0.5), (1.5, 1.5)
"""Corners of the rectangle that an episode begins in: x and y."""


@struct.dataclass
class PointRobotParams(Params):
    """Numeric settings of PointRobot."""

    max_steps_in_episode: Array | int = struct.field(default=20, kw_only=True)
    """Steps after which an episode is truncated; with ``observe_context`` the observed time is a fraction of it."""
    max_force: Array | float = ranges.number(0.1, at_least=0)
    """Longest move along each axis; actions beyond it are clipped; at least 0."""
    circle_radius: Array | float = ranges.number(1.0, at_least=0)
    """Radius of the half circle that the goal lies on, at least 0."""
    goal_radius: Array | float = ranges.number(0.2, at_least=0)
    """The goal is reached at this distance from it or less; at least 0."""


@struct.dataclass
class PointRobotState(State):
    """Where the robot is and has to go, and what it has just done and earned."""

    position: Float[Array, "2"]
    """Position of the robot, x and y."""
    start: Float[Array, "2"]
    """Where the episode began."""
    goal: Float[Array, "2"]
    """The goal, which the robot cannot see."""
    last_action: Float[Array, "2"]
    """The last move, after clipping; zeros before the first step."""
    last_reward: Float[Array, ""]
    """The last reward; 0 before the first step."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    position: Array
    """Where the episode begins."""
    angle: Array
    """The goal's angle on the half circle, rad."""


class PointRobot(Environment[PointRobotState, PointRobotParams]):
    """Walk over a plane to find a goal that lies, unseen, somewhere on the upper half of the unit circle.

    ===========  ==================================  ============
    Observation  Meaning                             Range
    ===========  ==================================  ============
    0, 1         position of the robot, x and y      (-inf, inf)
    ===========  ==================================  ============

    With ``observe_context``, as a meta-learner needs it, these follow:

    ===========  ==================================  ============
    2            last reward                         [0, 1]; with ``dense_reward`` (-inf, 0]
    3, 4         last move, clipped                  [-0.1, 0.1]
    5            time, as a fraction of the limit    [0, 1]
    ===========  ==================================  ============

    ======  ==================================  ============
    Action  Meaning                             Range
    ======  ==================================  ============
    0, 1    move along x and y                  [-0.1, 0.1]
    ======  ==================================  ============

    Reward: 1 where the robot, after its move, is at most 0.2 from the goal, else 0 (``dense_reward``: minus its distance).
    Termination: never. Time limit: 20 steps, a truncation.
    An episode begins uniformly in [-1.5, 1.5] x [-0.5, 1.5], and the goal's angle is uniform in [0, pi).

    **Source**: Dorfman, Shenfeld & Tamar 2021, ``SparsePointEnv`` of Rondorf/BOReL.

    **Differences**: the options below.

    **Coming from gymnax**: ``observe_context=True, respawn=True, max_steps_in_episode=100`` give its task, but for two things:
    there the robot starts within the half disc that the goals surround, at a new place after each respawn, and the time runs from
    -1 to 1. There the reward belongs to the position before the move, the last action is observed unclipped, the time is divided
    by 100 whatever the limit, and x64 fails.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("PointRobot-misc", center_init=True, goal_radius=1.0)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, state.goal, params)
    >>> float(reward), bool((abs(obs) <= 0.1).all())
    (1.0, True)
    """

    dense_reward: bool = False
    """Whether the reward is minus the distance to the goal."""
    respawn: bool = False
    """Whether reaching the goal sends the robot back to where the episode began."""
    observe_context: bool = False
    """Whether the last reward, the last action and the time are observed."""
    center_init: bool = False
    """Whether an episode begins at the origin."""

    @property
    def default_params(self) -> PointRobotParams:
        return PointRobotParams()

    @property
    def differentiable(self) -> bool:
        return True

    def draw_reset(self, key: Array, params: PointRobotParams) -> ResetDraws:
        """Draw where the robot starts and the goal's angle.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        if self.center_init:
            return ResetDraws(jnp.zeros(2, jnp.result_type(float)), random.uniform(random.words(key, 1)[0], 0.0, math.pi))
        words = random.words(key, 3)
        position = [random.uniform(*bounds) for bounds in zip(words[:2], START_LOW, START_HIGH, strict=True)]
        return ResetDraws(jnp.stack(position), random.uniform(words[2], 0.0, math.pi))

    def init(self, key: Array, params: PointRobotParams) -> PointRobotState:
        draws = self.draw_reset(key, params)
        return PointRobotState(
            position=draws.position,
            start=draws.position,
            goal=params.circle_radius * jnp.stack([jnp.cos(draws.angle), jnp.sin(draws.angle)]),
            last_action=jnp.zeros_like(draws.position),
            last_reward=jnp.zeros_like(draws.angle),
        )

    def transition(
        self, key: Array, state: PointRobotState, action: Float[Array, "2"], params: PointRobotParams
    ) -> Transition[PointRobotState]:
        move = jnp.clip(action.astype(state.position.dtype), -params.max_force, params.max_force)
        position = state.position + move
        distance = _length(position - state.goal)
        reached = distance <= params.goal_radius
        reward = -distance if self.dense_reward else reached.astype(position.dtype)
        if self.respawn:
            position = jnp.where(reached, state.start, position)
        return Transition(state.replace(position=position, last_action=move, last_reward=reward), reward, terminated=False)

    def observe(self, state: PointRobotState, params: PointRobotParams) -> Float[Array, " n"]:
        if not self.observe_context:
            return state.position
        dtype = state.position.dtype
        time = jnp.asarray(state.time, dtype) / jnp.asarray(params.max_steps_in_episode, dtype)
        return jnp.concatenate([state.position, state.last_reward[None], state.last_action, time[None]])

    def render(self, state: PointRobotState, params: PointRobotParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.point_robot(state, params, size)

    def action_space(self, params: PointRobotParams) -> spaces.Box:
        return spaces.Box(-params.max_force, params.max_force, (2,))

    def observation_space(self, params: PointRobotParams) -> spaces.Box:
        if not self.observe_context:
            return spaces.Box(-math.inf, math.inf, (2,))
        reward_low, reward_high = (-math.inf, 0.0) if self.dense_reward else (0.0, 1.0)
        low = (-math.inf, -math.inf, reward_low, -params.max_force, -params.max_force, 0.0)
        high = (math.inf, math.inf, reward_high, params.max_force, params.max_force, 1.0)
        return spaces.Box(jnp.asarray(low, jnp.float32), jnp.asarray(high, jnp.float32), (6,))


def _length(vector: Float[Array, "2"]) -> Float[Array, ""]:
    """Return a vector's length, whose gradient at zero is zero; that of the plain root is NaN."""
    square = jnp.sum(jnp.square(vector))
    return jnp.where(square > 0.0, jnp.sqrt(jnp.where(square > 0.0, square, 1.0)), 0.0)
