"""Pictures of this family. Each function is an environment's ``render``; what the agent cannot see is drawn as an outline."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv.visualize import Canvas, Size
from jaxenv.visualize.palette import BLUE, GREEN, GREY, INK, ORANGE, PAPER, PURPLE, SILVER, SKY, VERMILION, WHITE, YELLOW, mix

if TYPE_CHECKING:
    from jaxenv_misc.bernoulli_bandit import BernoulliBanditParams, BernoulliBanditState
    from jaxenv_misc.four_rooms import FourRooms, FourRoomsState
    from jaxenv_misc.frozen_lake import FrozenLake, FrozenLakeState
    from jaxenv_misc.gaussian_bandit import GaussianBanditParams, GaussianBanditState
    from jaxenv_misc.meta_maze import MetaMaze, MetaMazeParams, MetaMazeState
    from jaxenv_misc.point_robot import PointRobotParams, PointRobotState
    from jaxenv_misc.pong import Pong, PongState
    from jaxenv_misc.reacher import Reacher, ReacherState
    from jaxenv_misc.swimmer import SwimmerState

_ICE, _WATER = (214, 234, 248), (21, 67, 120)

_drawing = partial(jax.jit, static_argnames="size")
_drawing_of = partial(jax.jit, static_argnames=("env", "size"))


def _board(rows: int, columns: int, size: Size) -> tuple[Canvas, float]:
    """Return a canvas for a board whose lower left corner is at 0, 0, and the height of text in the line below it."""
    text = (rows + columns) / 2.0 / 29.0
    side = max(columns, rows + 2.0 * text)
    middle = columns / 2.0
    return Canvas(size, (middle - side / 2.0, -2.0 * text, middle + side / 2.0, side - 2.0 * text), WHITE), text


def _cell(rows: int, row: Array, column: Array) -> tuple[Array, Array]:
    """Return the centre of a cell; rows count downwards from the top."""
    return column.astype(jnp.float32) + 0.5, rows - 0.5 - row.astype(jnp.float32)


@_drawing_of
def four_rooms(env: FourRooms, state: FourRoomsState, size: Size) -> Array:
    """Draw the map, the goal and the agent."""
    walls = np.array([[cell == "#" for cell in row] for row in env.layout])
    rows, columns = walls.shape
    canvas, text = _board(rows, columns, size)
    canvas = canvas.grid(walls, [PAPER, INK])
    goal, agent = (_cell(rows, place // columns, place % columns) for place in (state.goal, state.position))
    canvas = canvas.rectangle(goal, (0.9, 0.9), GREEN).circle(agent, 0.38, BLUE)
    return canvas.legend([("agent", BLUE), ("goal", GREEN)], (0.0, -text), INK, height=text).image()


@_drawing_of
def meta_maze(env: MetaMaze, state: MetaMazeState, params: MetaMazeParams, size: Size) -> Array:
    """Draw the maze, light where the agent sees it, and the unseen goal; the bar is the time."""
    n, reach = env.maze_size, env.receptive_field // 2
    y, x = jnp.asarray(np.indices((n, n), np.int32))
    walls = env.is_wall(y, x).astype(jnp.int32)
    seen = (jnp.abs(y - state.y) <= reach) & (jnp.abs(x - state.x) <= reach)
    canvas, text = _board(n, n, size)
    canvas = canvas.grid(walls + 2 * seen.astype(jnp.int32), [SILVER, GREY, WHITE, INK])
    canvas = canvas.rectangle(_cell(n, *env.cell(state.goal)), (0.75, 0.75), GREEN, stroke=0.12)
    found = state.last_reward > 0.0
    canvas = canvas.circle(_cell(n, state.y, state.x), 0.38, mix(BLUE, ORANGE, found))
    canvas = canvas.legend([("agent", BLUE), ("unseen goal", GREEN)], (0.0, -text), INK, height=text)
    elapsed = jnp.asarray(state.time) / jnp.asarray(params.max_steps_in_episode)
    return canvas.meter(elapsed, (0.72 * n, -1.5 * text, float(n), -0.5 * text), SKY).image()


@_drawing_of
def frozen_lake(env: FrozenLake, state: FrozenLakeState, size: Size) -> Array:
    """Draw ice, holes, the starts, the goal and the player, who turns red in a hole."""
    tiles = np.array([list(row) for row in env.desc])
    rows, columns = tiles.shape
    canvas, text = _board(rows, columns, size)
    canvas = canvas.grid(np.zeros_like(tiles, np.int32), [_ICE], gap=0.04)
    y, x = np.indices(tiles.shape)
    centers = np.stack([x + 0.5, rows - y - 0.5], axis=-1)
    for kind, paint in (
        ("H", lambda c, at: c.circle(at, 0.38, _WATER)),
        ("S", lambda c, at: c.circle(at, 0.38, GREY, stroke=0.05)),
    ):
        if (tiles == kind).any():
            canvas = paint(canvas, centers[tiles == kind])
    if (tiles == "G").any():
        goals = centers[tiles == "G"]
        canvas = (
            canvas.rectangle(goals, (0.6, 0.6), GREEN).rectangle(goals, (0.14, 0.6), YELLOW).rectangle(goals, (0.6, 0.14), YELLOW)
        )
    drowned = jnp.asarray(tiles.ravel() == "H")[state.position]
    agent = _cell(rows, state.position // columns, state.position % columns)
    canvas = canvas.circle(agent, 0.24, mix(BLUE, VERMILION, drowned)).circle(agent, 0.09, WHITE)
    entries = [("player", BLUE), ("goal", GREEN), ("hole", _WATER)]
    return canvas.legend(entries, (0.0, -text), INK, height=text).image()


@_drawing
def point_robot(state: PointRobotState, params: PointRobotParams, size: Size) -> Array:
    """Draw the half circle that holds the goal, the unseen goal, the start and the robot, which turns orange when rewarded."""
    canvas = Canvas(size, (-2.0, -1.5, 2.0, 2.5), WHITE)
    radius = params.circle_radius
    canvas = canvas.circle((0.0, 0.0), radius, SILVER, stroke=0.03).rectangle(
        (0.0, -radius - 0.1), (8.0, 2.0 * radius + 0.2), WHITE
    )
    canvas = canvas.line((-2.0, 0.0), (2.0, 0.0), SILVER).line((0.0, -1.3), (0.0, 2.5), SILVER)
    canvas = canvas.circle(state.goal, params.goal_radius, GREEN, stroke=0.03)
    canvas = canvas.line(state.start, state.position, SKY, width=0.02).circle(state.start, 0.04, GREY)
    canvas = canvas.circle(state.position, 0.08, mix(BLUE, ORANGE, state.last_reward > 0.0))
    entries = [("robot", BLUE), ("unseen goal", GREEN), ("start", GREY)]
    return canvas.legend(entries, (-1.95, -1.4), INK, height=0.115).image()


_ARMS = (3.0, 7.0)


def _bandit(size: Size, last_action: Array, time: Array | int, limit: Array | int) -> Canvas:
    """Draw what all two-armed bandits show: the arms, the one that was pulled last, and the time."""
    canvas = Canvas(size, (0.0, 0.0, 10.0, 10.0), PAPER)
    for arm, x in enumerate(_ARMS):
        pulled = last_action == arm
        canvas = canvas.rectangle((x, 5.0), (2.4, 6.4), WHITE, rounding=0.2)
        canvas = canvas.rectangle((x, 5.0), (2.4, 6.4), mix(SILVER, ORANGE, pulled), rounding=0.2, stroke=0.14)
        canvas = canvas.text(f"arm {arm}", (x, 1.35), INK, height=0.3)
    canvas = canvas.text("pulls", (1.1, 0.5), INK, height=0.3)
    return canvas.meter(jnp.asarray(time) / jnp.asarray(limit), (1.9, 0.3, 9.5, 0.7), SKY)


@_drawing
def bernoulli_bandit(state: BernoulliBanditState, params: BernoulliBanditParams, size: Size) -> Array:
    """Draw how often each arm pays, unseen, and what the last pull paid: a coin, or an empty ring."""
    canvas = _bandit(size, state.last_action, state.time, params.max_steps_in_episode)
    for arm, x in enumerate(_ARMS):
        prob = jnp.where(arm == 0, state.first_prob, 1.0 - state.first_prob)
        canvas = canvas.rectangle((x, 2.0 + 2.8 * prob), (1.4, 5.6 * prob), GREEN, stroke=0.1)
        canvas = canvas.number(prob, (x - 0.2, 7.75), GREEN, height=0.3, digits=1, decimals=2)
        pulled = state.last_action == arm
        canvas = canvas.circle((x, 9.0), 0.45, YELLOW, opacity=pulled & (state.last_reward > 0.0))
        canvas = canvas.circle((x, 9.0), 0.42, GREY, stroke=0.1, opacity=pulled)
    return canvas.legend([("unseen chance", GREEN), ("coin", YELLOW)], (0.3, 9.75), INK, height=0.28).image()


@_drawing
def gaussian_bandit(state: GaussianBanditState, params: GaussianBanditParams, size: Size) -> Array:
    """Draw the mean of each arm, unseen, on a scale from -4 to 2, and what the last pull paid: a dot."""
    canvas = _bandit(size, state.last_action, state.time, params.max_steps_in_episode)
    zero, unit = 6.0, 0.95
    for arm, x in enumerate(_ARMS):
        mean = jnp.clip(jnp.where(arm == 0, 0.0, state.mu), -4.0, 2.0) * unit
        canvas = canvas.line((x - 1.1, zero), (x + 1.1, zero), GREY)
        canvas = canvas.rectangle((x, zero + mean / 2.0), (1.4, jnp.abs(mean)), GREEN, stroke=0.1)
        paid = jnp.clip(state.last_reward, -4.0, 2.0) * unit
        color = mix(VERMILION, BLUE, state.last_reward >= 0.0)
        canvas = canvas.circle((x, zero + paid), 0.22, color, opacity=state.last_action == arm)
    entries = [("unseen mean", GREEN), ("gain", BLUE), ("loss", VERMILION)]
    return canvas.legend(entries, (0.3, 9.6), INK, height=0.28).image()


@_drawing_of
def reacher(env: Reacher, state: ReacherState, size: Size) -> Array:
    """Draw the arm and the goal, which turns orange as the tip gets near."""
    reach = 1.15 * env.num_joints
    width = 0.05 * reach
    steps = jnp.stack([jnp.cos(state.angles), jnp.sin(state.angles)], axis=-1)
    joints = jnp.concatenate([jnp.zeros_like(steps[:1]), jnp.cumsum(steps, axis=0)])
    away = jnp.sum(jnp.square(joints[-1] - state.goal))
    canvas = Canvas(size, (-reach, -reach, reach, reach), WHITE)
    canvas = canvas.circle((0.0, 0.0), float(env.num_joints), SILVER, stroke=0.01)
    canvas = canvas.circle(state.goal, 2.0 * width, mix(GREEN, ORANGE, jnp.exp(-away)))
    canvas = canvas.line(joints[:-1], joints[1:], BLUE, width=width).circle(joints[:-1], 0.8 * width, INK)
    return canvas.circle(joints[-1], width, VERMILION).image()


@_drawing
def swimmer(state: SwimmerState, size: Size) -> Array:
    """Draw the sea, the goal, the urchins and the swimmer, whose tail points away from where it goes."""
    canvas = Canvas(size, (-1.5, -1.5, 1.5, 1.5), (222, 240, 250))
    canvas = canvas.circle(state.goal, 0.13, GREEN).circle(state.goal, 0.07, WHITE).circle(state.goal, 0.03, GREEN)
    turns = np.arange(4) * math.pi / 4
    spikes = 0.12 * jnp.asarray(np.stack([np.cos(turns), np.sin(turns)], axis=-1), jnp.float32)[:, None]
    urchins = state.urchins.astype(jnp.float32)[None]
    canvas = canvas.line(urchins - spikes, urchins + spikes, PURPLE, width=0.02)
    canvas = canvas.circle(state.urchins, 0.07, PURPLE)
    # Beyond the picture's edge, the swimmer waits at the edge.
    at = jnp.clip(state.position, -1.42, 1.42)
    speed = jnp.sqrt(jnp.sum(jnp.square(state.velocity)))
    ahead = jnp.where(speed > 0.0, state.velocity / jnp.maximum(speed, 1e-6), jnp.array([1.0, 0.0]))
    aside = jnp.stack([-ahead[1], ahead[0]])
    tail = jnp.stack([at, at - 0.17 * ahead + 0.07 * aside, at - 0.17 * ahead - 0.07 * aside])
    canvas = canvas.polygon(tail, ORANGE).circle(at, 0.08, ORANGE)
    return canvas.circle(at + 0.03 * ahead + 0.03 * aside, 0.015, INK).image()


@_drawing_of
def pong(env: Pong, state: PongState, size: Size) -> Array:
    """Draw the field, the paddles and the ball."""
    wide, high, reach = env.width, env.height, 2 * env.paddle_half_height + 1
    canvas = Canvas(size, (-1.0, -1.0, wide + 1.0, high + 1.0), INK)
    for y in (-0.25, high + 0.25):
        canvas = canvas.rectangle((wide / 2.0, y), (float(wide), 0.5), SILVER)
    dashes = jnp.arange(0.5, high, 2.0)
    canvas = canvas.rectangle((wide / 2.0, dashes), (0.3, 1.0), GREY)
    for x, row in ((0.5, state.left), (wide - 0.5, state.right)):
        canvas = canvas.rectangle((x, high - row - 0.5), (1.0, reach), WHITE)
    return canvas.rectangle((state.ball_column + 0.5, high - state.ball_row - 0.5), (1.2, 1.2), YELLOW).image()
