"""The valley that both mountain cars drive in: its shape, its state, and what can be seen of it."""

from __future__ import annotations

from typing import TypeVar

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, random, ranges, spaces
from jaxtyping import Float, UInt8

from jaxenv_classic.bounds import highest, lowest


@struct.dataclass
class MountainCarParams(Params):
    """Numeric settings of MountainCar."""

    max_steps_in_episode: Array | int = struct.field(default=200, kw_only=True)
    """Steps after which an episode is truncated."""
    min_position: Array | float = -1.2
    """Left wall, where the car stops."""
    max_position: Array | float = 0.6
    """Right end of the track."""
    max_speed: Array | float = ranges.number(0.07, at_least=0)
    """Largest speed, per step, at least 0."""
    goal_position: Array | float = 0.5
    """Position at which the episode terminates."""
    goal_velocity: Array | float = 0.0
    """Velocity that the car must have there at least."""
    force: Array | float = ranges.number(0.001, at_least=0)
    """What full throttle adds to the velocity in a step, at least 0."""
    gravity: Array | float = 0.0025
    """What the steepest slope takes from the velocity in a step."""
    reset_low: Array | float = -0.6
    """Lower bound of the first position."""
    reset_high: Array | float = -0.4
    """Upper bound of the first position."""


@struct.dataclass
class MountainCarState(State):
    """Where the car is and how fast it moves."""

    position: Float[Array, ""]
    """Position along the track, in [min_position, max_position]."""
    velocity: Float[Array, ""]
    """Velocity per step, in [-max_speed, max_speed]."""


def move(state: MountainCarState, push: Array, params: MountainCarParams) -> MountainCarState:
    """Add ``push`` and the slope to the velocity, then move; the left wall takes all velocity towards it."""
    slope = -params.gravity * jnp.cos(3.0 * state.position)
    velocity = jnp.clip(state.velocity + push + slope, -params.max_speed, params.max_speed)
    position = jnp.clip(state.position + velocity, params.min_position, params.max_position)
    velocity = jnp.where((position == params.min_position) & (velocity < 0.0), 0.0, velocity)
    return state.replace(position=position, velocity=velocity)


def at_goal(state: MountainCarState, params: MountainCarParams) -> Array:
    """Whether the car is at the goal, and fast enough."""
    return (state.position >= params.goal_position) & (state.velocity >= params.goal_velocity)


ParamsT = TypeVar("ParamsT", bound=MountainCarParams)


class MountainCarBase(Environment[MountainCarState, ParamsT]):
    """A car in a valley, before it has an engine: subclasses add params, actions, reward and termination."""

    @property
    def differentiable(self) -> bool:
        return True

    def draws_in_transition(self, params: ParamsT) -> bool:
        return False

    def draw_reset(self, key: Array, params: ParamsT) -> Float[Array, ""]:
        """Draw the first position."""
        return random.uniform(random.words(key, 1)[0], params.reset_low, params.reset_high)

    def init(self, key: Array, params: ParamsT) -> MountainCarState:
        position = self.draw_reset(key, params)
        return MountainCarState(position, jnp.zeros_like(position))

    def observe(self, state: MountainCarState, params: ParamsT) -> Float[Array, "2"]:
        return jnp.stack([state.position, state.velocity])

    def render(self, state: MountainCarState, params: ParamsT, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_classic import drawing

        return drawing.mountain_car(state, params, size)

    def observation_space(self, params: ParamsT) -> spaces.Box:
        p = params  # an episode may begin outside of the track
        low, high = lowest(p.min_position, p.reset_low, p.reset_high), highest(p.max_position, p.reset_low, p.reset_high)
        return spaces.Box((low, -p.max_speed), (high, p.max_speed), (2,))
