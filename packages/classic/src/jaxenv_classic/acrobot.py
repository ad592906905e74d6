"""Acrobot: swing the tip of a two-link arm above a line."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, Int, UInt8

from jaxenv_classic.bounds import largest


@struct.dataclass
class AcrobotParams(Params):
    """Numeric settings of Acrobot."""

    max_steps_in_episode: Array | int = struct.field(default=500, kw_only=True)
    """Steps after which an episode is truncated."""
    dt: Array | float = ranges.number(0.2, above=0)
    """Time between two steps, s; one Runge-Kutta step; above 0."""
    link_length_1: Array | float = ranges.number(1.0, above=0)
    """Length of the first link, m. (The second link's length does not enter the dynamics.) Above 0."""
    link_mass_1: Array | float = ranges.number(1.0, above=0)
    """Mass of the first link, kg, above 0."""
    link_mass_2: Array | float = ranges.number(1.0, above=0)
    """Mass of the second link, kg, above 0."""
    link_com_pos_1: Array | float = ranges.number(0.5, at_least=0)
    """Distance of the first link's centre of mass from its joint, m, at least 0."""
    link_com_pos_2: Array | float = ranges.number(0.5, at_least=0)
    """Distance of the second link's centre of mass from its joint, m, at least 0."""
    link_moi: Array | float = ranges.number(1.0, above=0)
    """Moment of inertia of both links, kg m^2, above 0."""
    gravity: Array | float = 9.8
    """Gravitational acceleration, m/s^2."""
    max_vel_1: Array | float = ranges.number(4 * math.pi, at_least=0)
    """Largest angular speed of the first link, rad/s, at least 0."""
    max_vel_2: Array | float = ranges.number(9 * math.pi, at_least=0)
    """Largest angular speed of the second link, rad/s, at least 0."""
    torque: Array | float = 1.0
    """Torque of actions 0 (minus this) and 2 (plus this), N m."""
    torque_noise_max: Array | float | None = ranges.number(None, at_least=0)
    """Uniform noise of up to this is added to the torque, N m; None draws none (and consumes no random number); at least 0."""
    reset_low: Array | float = -0.1
    """Lower bound of each of the four numbers of the first state."""
    reset_high: Array | float = 0.1
    """Upper bound of each of the four numbers of the first state."""


@struct.dataclass
class AcrobotState(State):
    """Angles and angular velocities of the two links."""

    theta1: Float[Array, ""]
    """Angle of the first link from hanging down, rad, in [-pi, pi]."""
    theta2: Float[Array, ""]
    """Angle of the second link relative to the first, rad, in [-pi, pi]."""
    dtheta1: Float[Array, ""]
    """Angular velocity of the first link, rad/s."""
    dtheta2: Float[Array, ""]
    """Angular velocity of the second link, rad/s."""


class Draws(NamedTuple):
    """The randomness of a reset: four uniform numbers between ``reset_low`` and ``reset_high``."""

    theta1: Array
    theta2: Array
    dtheta1: Array
    dtheta2: Array


class StepDraws(NamedTuple):
    """The randomness of one step."""

    torque_noise: Array | float
    """Added to the torque, N m."""


class Motion(NamedTuple):
    """The four numbers that the equations of motion integrate, or their derivatives."""

    theta1: Array
    theta2: Array
    dtheta1: Array
    dtheta2: Array

    def plus(self, step: Array | float, rate: Motion) -> Motion:
        """Move along ``rate`` for ``step`` seconds."""
        return Motion(*(value + step * slope for value, slope in zip(self, rate, strict=True)))


def wrap(angle: Array) -> Array:
    """Wrap an angle into [-pi, pi], closed at both ends: exactly +pi and exactly -pi stay what they are."""
    turns = jnp.where(angle > math.pi, jnp.ceil((angle - math.pi) / (2 * math.pi)), 0.0)
    turns = jnp.where(angle < -math.pi, jnp.floor((angle + math.pi) / (2 * math.pi)), turns)
    return angle - 2 * math.pi * turns


class Acrobot(Environment[AcrobotState, AcrobotParams]):
    """Swing the free end of a two-link arm above a line, one link's length over the fixed joint.

    ===========  ================================  =====  ================
    Observation  Meaning                           Unit   Range
    ===========  ================================  =====  ================
    0, 1         cosine and sine of theta1                [-1, 1]
    2, 3         cosine and sine of theta2                [-1, 1]
    4            angular velocity of theta1        rad/s  [-4 pi, 4 pi]
    5            angular velocity of theta2        rad/s  [-9 pi, 9 pi]
    ===========  ================================  =====  ================

    ======  ================================
    Action  Meaning
    ======  ================================
    0       torque -1 N m on the second joint
    1       no torque
    2       torque +1 N m on the second joint
    ======  ================================

    Reward: -1 on every step, 0 on the terminating one. Termination: -cos(theta1) - cos(theta1 + theta2) > 1, on the new state.
    Time limit: 500 steps, a truncation.

    The field ``book_or_nips`` chooses the equations of Sutton & Barto's book or of the NIPS paper.

    **Source**: Sutton 1996; Gymnasium >= 1.0, ``classic_control/acrobot.py``.

    **Differences**: the state is float32 where Gymnasium computes in float64; under x64 it is float64.

    **Coming from gymnax**: gravity is a parameter, the "nips" equations exist, an angle of exactly pi stays, and no random
    numbers are spent on noise that is off.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("Acrobot-v1", book_or_nips="nips")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs.shape
    (6,)
    """

    book_or_nips: Literal["book", "nips"] = "book"
    """The equations: of Sutton & Barto's ``book``, or of the ``nips`` paper."""

    def __post_init__(self) -> None:
        if self.book_or_nips not in ("book", "nips"):
            raise ValueError(f"book_or_nips must be 'book' or 'nips', but {self.book_or_nips!r} was given; choose one of the two")

    @property
    def default_params(self) -> AcrobotParams:
        return AcrobotParams()

    @property
    def differentiable(self) -> bool:
        return True

    def draws_in_transition(self, params: AcrobotParams) -> bool:
        return params.torque_noise_max is not None

    def draw_reset(self, key: Array, params: AcrobotParams) -> Draws:
        """Draw the four numbers of a first state.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        return Draws(*(random.uniform(word, params.reset_low, params.reset_high) for word in random.words(key, 4)))

    def init(self, key: Array, params: AcrobotParams) -> AcrobotState:
        return AcrobotState(*self.draw_reset(key, params))

    def draw_step(self, key: Array, params: AcrobotParams) -> StepDraws:
        """Draw the noise on the torque; nothing is drawn where there is none."""
        if params.torque_noise_max is None:
            return StepDraws(0.0)
        return StepDraws(random.uniform(random.words(key, 1)[0], -params.torque_noise_max, params.torque_noise_max))

    def dynamics(
        self, state: AcrobotState, action: Int[Array, ""], draws: StepDraws, params: AcrobotParams
    ) -> Transition[AcrobotState]:
        """Apply an action with given noise on its torque.

        Args:
            state: the state before the step.
            action: the action, int32[], 0 to 2.
            draws: the result of ``draw_step``.
            params: the parameters.

        Returns:
            The transition.
        """
        torque = (action - 1).astype(state.theta1.dtype) * params.torque + draws.torque_noise
        start = Motion(state.theta1, state.theta2, state.dtheta1, state.dtheta2)
        end = self._runge_kutta(start, torque, params)
        state = state.replace(
            theta1=wrap(end.theta1),
            theta2=wrap(end.theta2),
            dtheta1=jnp.clip(end.dtheta1, -params.max_vel_1, params.max_vel_1),
            dtheta2=jnp.clip(end.dtheta2, -params.max_vel_2, params.max_vel_2),
        )
        terminated = -jnp.cos(state.theta1) - jnp.cos(state.theta2 + state.theta1) > 1.0
        return Transition(state, jnp.where(terminated, 0.0, -1.0), terminated)

    def _runge_kutta(self, start: Motion, torque: Array, params: AcrobotParams) -> Motion:
        dt = params.dt
        k1 = self._derivative(start, torque, params)
        k2 = self._derivative(start.plus(dt / 2.0, k1), torque, params)
        k3 = self._derivative(start.plus(dt / 2.0, k2), torque, params)
        k4 = self._derivative(start.plus(dt, k3), torque, params)
        slope = (a + 2.0 * b + 2.0 * c + d for a, b, c, d in zip(k1, k2, k3, k4, strict=True))
        return start.plus(dt / 6.0, Motion(*slope))

    def _derivative(self, s: Motion, torque: Array, p: AcrobotParams) -> Motion:
        m1, m2, l1, lc1, lc2, moi = (
            p.link_mass_1,
            p.link_mass_2,
            p.link_length_1,
            p.link_com_pos_1,
            p.link_com_pos_2,
            p.link_moi,
        )
        sin2, cos2 = jnp.sin(s.theta2), jnp.cos(s.theta2)
        square_lc2 = jnp.square(lc2)
        d1 = m1 * jnp.square(lc1) + m2 * (jnp.square(l1) + square_lc2 + 2.0 * l1 * lc2 * cos2) + moi + moi
        d2 = m2 * (square_lc2 + l1 * lc2 * cos2) + moi
        # cos(x - pi/2) is sin(x).
        phi2 = m2 * lc2 * p.gravity * jnp.sin(s.theta1 + s.theta2)
        phi1 = (
            -m2 * l1 * lc2 * jnp.square(s.dtheta2) * sin2
            - 2.0 * m2 * l1 * lc2 * s.dtheta2 * s.dtheta1 * sin2
            + (m1 * lc1 + m2 * l1) * p.gravity * jnp.sin(s.theta1)
            + phi2
        )
        drive = torque + d2 / d1 * phi1 - phi2
        if self.book_or_nips == "book":
            drive = drive - m2 * l1 * lc2 * jnp.square(s.dtheta1) * sin2
        ddtheta2 = drive / (m2 * square_lc2 + moi - jnp.square(d2) / d1)
        ddtheta1 = -(d2 * ddtheta2 + phi1) / d1
        return Motion(s.dtheta1, s.dtheta2, ddtheta1, ddtheta2)

    def observe(self, state: AcrobotState, params: AcrobotParams) -> Float[Array, "6"]:
        return jnp.stack(
            [
                jnp.cos(state.theta1),
                jnp.sin(state.theta1),
                jnp.cos(state.theta2),
                jnp.sin(state.theta2),
                state.dtheta1,
                state.dtheta2,
            ]
        )

    def render(self, state: AcrobotState, params: AcrobotParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_classic import drawing

        return drawing.acrobot(state, size)

    def action_space(self, params: AcrobotParams) -> spaces.Discrete:
        return spaces.Discrete(3)

    def observation_space(self, params: AcrobotParams) -> spaces.Box:
        fast = (largest(speed, params.reset_low, params.reset_high) for speed in (params.max_vel_1, params.max_vel_2))
        high = (1.0, 1.0, 1.0, 1.0, *fast)
        return spaces.Box(tuple(-bound for bound in high), high, (6,))
