"""Pendulum: swing a pendulum up with a motor too weak to lift it directly."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, UInt8

from jaxenv_classic.bounds import largest


@struct.dataclass
class PendulumParams(Params):
    """Numeric settings of Pendulum."""

    max_steps_in_episode: Array | int = struct.field(default=200, kw_only=True)
    """Steps after which an episode is truncated."""
    max_speed: Array | float = ranges.number(8.0, at_least=0)
    """Largest angular speed, rad/s, at least 0."""
    max_torque: Array | float = ranges.number(2.0, at_least=0)
    """Largest torque, N m; actions beyond it are clipped; at least 0."""
    dt: Array | float = ranges.number(0.05, above=0)
    """Time between two steps, s, above 0."""
    g: Array | float = 10.0
    """Gravitational acceleration, m/s^2."""
    m: Array | float = ranges.number(1.0, above=0)
    """Mass of the pendulum, kg, above 0."""
    l: Array | float = ranges.number(1.0, above=0)  # noqa: E741 - the source's name
    """Length of the pendulum, m, above 0."""
    x_init: Array | float = ranges.number(math.pi, at_least=0)
    """The first angle is uniform between minus this and this, rad; at least 0."""
    y_init: Array | float = ranges.number(1.0, at_least=0)
    """The first angular velocity is uniform between minus this and this, rad/s; at least 0."""


@struct.dataclass
class PendulumState(State):
    """Angle and angular velocity of the pendulum."""

    theta: Float[Array, ""]
    """Angle from upright, rad; not wrapped."""
    theta_dot: Float[Array, ""]
    """Angular velocity, rad/s, in [-max_speed, max_speed]."""


class Draws(NamedTuple):
    """The randomness of a reset."""

    theta: Array
    theta_dot: Array


class Pendulum(Environment[PendulumState, PendulumParams]):
    """Swing a pendulum up and keep it upright with as little torque as possible.

    ===========  ===================  =====  =======
    Observation  Meaning              Unit   Range
    ===========  ===================  =====  =======
    0            cos(theta)                  [-1, 1]
    1            sin(theta)                  [-1, 1]
    2            angular velocity     rad/s  [-8, 8]
    ===========  ===================  =====  =======

    The bound of the angular velocity is the larger of ``max_speed`` and ``y_init``.

    ======  ==================  ====  =======
    Action  Meaning             Unit  Range
    ======  ==================  ====  =======
    0       torque              N m   [-2, 2]
    ======  ==================  ====  =======

    Reward: minus (angle wrapped to [-pi, pi))^2 + 0.1 angular velocity^2 + 0.001 torque^2, of the state before the step.
    Termination: never. Time limit: 200 steps, a truncation.

    **Source**: Gymnasium >= 1.0, ``classic_control/pendulum.py``.

    **Differences**: the state is float32 where Gymnasium computes in float64; under x64 it is float64.

    **Coming from gymnax**: the first angle and velocity are drawn from ``x_init`` and ``y_init``, and x64 works.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("Pendulum-v1", g=9.81)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs.shape, env.action_space(params).shape
    ((3,), (1,))
    """

    @property
    def default_params(self) -> PendulumParams:
        return PendulumParams()

    @property
    def differentiable(self) -> bool:
        return True

    def draw_reset(self, key: Array, params: PendulumParams) -> Draws:
        """Draw the first angle and angular velocity.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        words = random.words(key, 2)
        return Draws(
            theta=random.uniform(words[0], -params.x_init, params.x_init),
            theta_dot=random.uniform(words[1], -params.y_init, params.y_init),
        )

    def init(self, key: Array, params: PendulumParams) -> PendulumState:
        return PendulumState(*self.draw_reset(key, params))

    def transition(
        self, key: Array, state: PendulumState, action: Float[Array, "1"], params: PendulumParams
    ) -> Transition[PendulumState]:
        p = params
        torque = jnp.clip(action[0].astype(state.theta.dtype), -p.max_torque, p.max_torque)
        angle = jnp.mod(state.theta + math.pi, 2 * math.pi) - math.pi
        cost = jnp.square(angle) + 0.1 * jnp.square(state.theta_dot) + 0.001 * jnp.square(torque)
        acceleration = 3.0 * p.g / (2.0 * p.l) * jnp.sin(state.theta) + 3.0 / (p.m * jnp.square(p.l)) * torque
        theta_dot = jnp.clip(state.theta_dot + acceleration * p.dt, -p.max_speed, p.max_speed)
        state = state.replace(theta=state.theta + theta_dot * p.dt, theta_dot=theta_dot)
        return Transition(state, -cost, terminated=False)

    def observe(self, state: PendulumState, params: PendulumParams) -> Float[Array, "3"]:
        return jnp.stack([jnp.cos(state.theta), jnp.sin(state.theta), state.theta_dot])

    def render(self, state: PendulumState, params: PendulumParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_classic import drawing

        return drawing.pendulum(state, size)

    def action_space(self, params: PendulumParams) -> spaces.Box:
        return spaces.Box(-params.max_torque, params.max_torque, (1,))

    def observation_space(self, params: PendulumParams) -> spaces.Box:
        high = (1.0, 1.0, largest(params.max_speed, params.y_init))
        return spaces.Box(tuple(-bound for bound in high), high, (3,))
