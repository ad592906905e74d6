"""The cart and the pole of bsuite, which Cartpole and CartpoleSwingup share. They are not Gymnasium's."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple, TypeVar

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Params, State, random, ranges, spaces
from jaxtyping import Float

from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import ratio


@struct.dataclass
class PoleParams(Params):
    """Numeric settings of the cart and the pole."""

    x_threshold: Array | float = ranges.number(3.0, above=0)
    """Distance of the cart from the centre at which the track ends, m; also the unit of position and velocity in the
    observation, above 0."""
    init_range: Array | float = ranges.number(0.05, at_least=0)
    """Each of the four numbers of the first state is uniform between minus this and this; at least 0."""
    gravity: Array | float = 9.8
    """Gravitational acceleration, m/s^2."""
    mass_cart: Array | float = ranges.number(1.0, above=0)
    """Mass of the cart, kg, above 0."""
    mass_pole: Array | float = ranges.number(0.1, above=0)
    """Mass of the pole, kg, above 0."""
    length: Array | float = ranges.number(0.5, above=0)
    """Half the length of the pole, m, above 0."""
    force_mag: Array | float = ranges.number(10.0, at_least=0)
    """Magnitude of the push, N, at least 0."""


@struct.dataclass
class PoleState(State):
    """Where the cart and the pole are, and how fast they move."""

    x: Float[Array, ""]
    """Position of the cart, m; 0 is the centre."""
    x_dot: Float[Array, ""]
    """Velocity of the cart, m/s."""
    theta: Float[Array, ""]
    """Angle of the pole from upright, rad; in [0, 2 pi) after the first step of an episode."""
    theta_dot: Float[Array, ""]
    """Angular velocity of the pole, rad/s."""


PoleStateT = TypeVar("PoleStateT", bound=PoleState)
PoleParamsT = TypeVar("PoleParamsT", bound=PoleParams)


class Draws(NamedTuple):
    """The randomness of a reset: four numbers in [-init_range, init_range), in the order of bsuite's draws."""

    x: Array
    x_dot: Array
    theta: Array
    theta_dot: Array


def draw_reset(key: Array, params: PoleParams) -> Draws:
    """Draw the four numbers of a first state."""
    return Draws(*(random.uniform(word, -params.init_range, params.init_range) for word in random.words(key, 4)))


def push(state: PoleStateT, action: Array, timescale: float, p: PoleParams) -> PoleStateT:
    """Push the cart for ``timescale`` seconds (explicit Euler: every right-hand side is of the old state)."""
    force = (action - 1).astype(state.x.dtype) * p.force_mag
    mass, pole = p.mass_cart + p.mass_pole, p.mass_pole * p.length
    sin, cos = jnp.sin(state.theta), jnp.cos(state.theta)
    thrust = (force + pole * jnp.square(state.theta_dot) * sin) / mass
    theta_acc = (p.gravity * sin - cos * thrust) / (p.length * (4.0 / 3.0 - p.mass_pole * jnp.square(cos) / mass))
    x_acc = thrust - pole * theta_acc * cos / mass
    return state.replace(
        x=state.x + timescale * state.x_dot,
        x_dot=state.x_dot + timescale * x_acc,
        theta=_wrapped(state.theta + timescale * state.theta_dot),
        theta_dot=state.theta_dot + timescale * theta_acc,
    )


def features(state: PoleState, timescale: float, max_time: float, p: PoleParams) -> list[Array]:
    """Return the six features of the observation that both tasks have."""
    return [
        state.x / p.x_threshold,
        state.x_dot / p.x_threshold,
        jnp.sin(state.theta),
        jnp.cos(state.theta),
        state.theta_dot,
        ratio(jnp.asarray(state.time), max_time / timescale),
    ]


@cache
def episode_steps(max_time: float, timescale: float) -> int:
    """Return after how many steps more than ``max_time`` has passed on a clock that is summed up in float64, as bsuite's is.

    Ten seconds are 1,001 steps: 1,000 times 0.01 adds up to 9.999999999999831.
    """
    elapsed, steps = 0.0, 0
    while elapsed <= max_time:
        elapsed += timescale
        steps += 1
    return steps


def _wrapped(angle: Array) -> Array:
    """Return the angle modulo a full turn, as ``numpy.remainder`` rounds it; a floor vectorises where a remainder does not."""
    return angle - jnp.floor(angle * (0.5 / math.pi)) * (2.0 * math.pi)


class PoleTask(BsuiteEnvironment[PoleStateT, PoleParamsT]):
    """What both tasks have besides the physics: a clock that ends episodes, and three pushes to choose from."""

    max_time: float = ranges.number(10.0, above=0)
    """Seconds after which an episode is over, above 0."""
    timescale: float = ranges.number(0.01, above=0)
    """Seconds that a step takes, above 0."""

    def __post_init__(self) -> None:
        if not (0.0 < self.timescale <= self.max_time <= 1e7 * self.timescale < math.inf):
            raise ValueError(
                f"an episode of max_time = {self.max_time!r} in steps of timescale = {self.timescale!r} is not possible; "
                "choose 0 < timescale <= max_time, at most ten million steps"
            )

    def draws_in_transition(self, params: PoleParamsT) -> bool:
        return False

    @property
    def differentiable(self) -> bool:
        return True

    def time_is_up(self, state: PoleStateT) -> Array:
        """Whether the episode ends with the step from ``state``, bool[]."""
        return jnp.asarray(state.time) + 1 >= episode_steps(self.max_time, self.timescale)

    def action_space(self, params: PoleParamsT) -> spaces.Discrete:
        return spaces.Discrete(3)
