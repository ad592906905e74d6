"""CartPole: keep a pole upright on a cart that moves along a track."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxtyping import Bool, Float, Int, UInt8

from jaxenv_classic.bounds import either


@struct.dataclass
class CartPoleParams(Params):
    """Numeric settings of CartPole. Total mass and pole-mass length are computed from these, never stored."""

    max_steps_in_episode: Array | int = struct.field(default=500, kw_only=True)
    """Steps after which an episode is truncated; 500 in CartPole-v1, 200 in CartPole-v0."""
    gravity: Array | float = 9.8
    """Gravitational acceleration, m/s^2."""
    masscart: Array | float = ranges.number(1.0, above=0)
    """Mass of the cart, kg, above 0."""
    masspole: Array | float = ranges.number(0.1, above=0)
    """Mass of the pole, kg, above 0."""
    length: Array | float = ranges.number(0.5, above=0)
    """Half the length of the pole, m, above 0."""
    force_mag: Array | float = ranges.number(10.0, at_least=0)
    """Magnitude of the push, N, at least 0."""
    tau: Array | float = ranges.number(0.02, above=0)
    """Time between two steps, s, above 0."""
    x_threshold: Array | float = ranges.number(2.4, above=0, infinite=True)
    """Distance of the cart from the centre beyond which the episode terminates, m, above 0."""
    theta_threshold: Array | float = ranges.number(12 * math.pi / 180, above=0, infinite=True)
    """Angle of the pole from the vertical beyond which the episode terminates, rad, above 0."""
    reset_low: Array | float = -0.05
    """Lower bound of each of the four numbers of the first state."""
    reset_high: Array | float = 0.05
    """Upper bound of each of the four numbers of the first state."""
    sutton_barto_reward: Array | bool = False
    """Whether the reward is -1 on the terminating step and 0 before it, instead of 1 on every step."""


@struct.dataclass
class CartPoleState(State):
    """Where the cart and the pole are, and how fast they move."""

    x: Float[Array, ""]
    """Position of the cart, m; 0 is the centre."""
    x_dot: Float[Array, ""]
    """Velocity of the cart, m/s."""
    theta: Float[Array, ""]
    """Angle of the pole from the vertical, rad; positive leans right."""
    theta_dot: Float[Array, ""]
    """Angular velocity of the pole, rad/s."""


class Draws(NamedTuple):
    """The randomness of a reset: four uniform numbers between ``reset_low`` and ``reset_high``."""

    x: Array
    x_dot: Array
    theta: Array
    theta_dot: Array


class CartPole(Environment[CartPoleState, CartPoleParams]):
    """Balance a pole that is hinged to a cart by pushing the cart left or right.

    ===========  ========================  =====  =====================
    Observation  Meaning                   Unit   Range
    ===========  ========================  =====  =====================
    0            position of the cart      m      [-4.8, 4.8]
    1            velocity of the cart      m/s    (-inf, inf)
    2            angle of the pole         rad    [-0.419, 0.419]
    3            angular velocity          rad/s  (-inf, inf)
    ===========  ========================  =====  =====================

    The bounds of position and angle are twice the thresholds, Gymnasium's. Where a param makes a step longer than there (a larger
    force, say), or a threshold nearer, a last observation can lie anywhere, and ``observation_space`` has no bounds.

    ======  =====================================
    Action  Meaning
    ======  =====================================
    0       push the cart to the left (-10 N)
    1       push the cart to the right (+10 N)
    ======  =====================================

    Reward: 1 on every step, the terminating one included (``sutton_barto_reward``: 0, and -1 on the terminating step).
    Termination: the cart is more than 2.4 m from the centre or the pole leans more than 12 degrees, on the new state.
    Time limit: 500 steps (CartPole-v1) or 200 (CartPole-v0), a truncation.

    **Source**: Barto, Sutton & Anderson 1983; Gymnasium >= 1.0, ``classic_control/cartpole.py``.

    **Differences**: the state is float32 where Gymnasium computes in float64; under x64 it is float64.

    **Coming from gymnax**: the spaces are unbounded in the velocities, the force is chosen by ``action == 1``, and ``masspole`` or
    ``length`` may be varied alone because nothing derived from them is stored.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("CartPole-v1", masspole=0.2)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 1, params)
    >>> float(reward), bool(done), int(state.time)
    (1.0, False, 1)
    """

    integrator: Literal["euler", "semi-implicit euler"] = "euler"
    """``euler``, where the old velocities move the positions, or ``semi-implicit euler``, where the new ones do."""

    def __post_init__(self) -> None:
        if self.integrator not in ("euler", "semi-implicit euler"):
            raise ValueError(
                f"integrator must be 'euler' or 'semi-implicit euler', but {self.integrator!r} was given; choose one of the two"
            )

    @property
    def default_params(self) -> CartPoleParams:
        return CartPoleParams()

    @property
    def differentiable(self) -> bool:
        return True

    def draw_reset(self, key: Array, params: CartPoleParams) -> Draws:
        """Draw the four numbers of a first state.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        return Draws(*(random.uniform(word, params.reset_low, params.reset_high) for word in random.words(key, 4)))

    def init(self, key: Array, params: CartPoleParams) -> CartPoleState:
        return CartPoleState(*self.draw_reset(key, params))

    def transition(
        self, key: Array, state: CartPoleState, action: Int[Array, ""], params: CartPoleParams
    ) -> Transition[CartPoleState]:
        state = self._move(state, jnp.where(action == 1, params.force_mag, -params.force_mag), params)
        terminated = (jnp.abs(state.x) > params.x_threshold) | (jnp.abs(state.theta) > params.theta_threshold)
        return Transition(state, self._reward(terminated, params), terminated)

    def _move(self, state: CartPoleState, force: Array, p: CartPoleParams) -> CartPoleState:
        total_mass = p.masscart + p.masspole
        polemass_length = p.masspole * p.length
        sin, cos = jnp.sin(state.theta), jnp.cos(state.theta)
        push = (force + polemass_length * jnp.square(state.theta_dot) * sin) / total_mass
        theta_acc = (p.gravity * sin - cos * push) / (p.length * (4.0 / 3.0 - p.masspole * jnp.square(cos) / total_mass))
        x_acc = push - polemass_length * theta_acc * cos / total_mass
        x_dot, theta_dot = state.x_dot + p.tau * x_acc, state.theta_dot + p.tau * theta_acc
        # Gymnasium's integrators differ in which velocities move the positions: the old ones or the new ones.
        moving = state if self.integrator == "euler" else state.replace(x_dot=x_dot, theta_dot=theta_dot)
        return state.replace(
            x=state.x + p.tau * moving.x_dot,
            x_dot=x_dot,
            theta=state.theta + p.tau * moving.theta_dot,
            theta_dot=theta_dot,
        )

    def _reward(self, terminated: Bool[Array, ""], params: CartPoleParams) -> Float[Array, ""]:
        sutton_barto = jnp.where(terminated, -1.0, 0.0)
        return jnp.where(params.sutton_barto_reward, sutton_barto, 1.0)

    def observe(self, state: CartPoleState, params: CartPoleParams) -> Float[Array, "4"]:
        return jnp.stack([state.x, state.x_dot, state.theta, state.theta_dot])

    def render(self, state: CartPoleState, params: CartPoleParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_classic import drawing

        return drawing.cartpole(state, params, size)

    def _tame(self, p: CartPoleParams) -> Any:
        """Whether no param makes a step longer, or a threshold nearer, than the published task's: then no step passes twice it."""
        q = CartPoleParams()
        slow = (p.force_mag <= q.force_mag) & (p.tau <= q.tau) & (abs(p.gravity) <= q.gravity)
        heavy = (p.masscart >= q.masscart) & (p.masspole <= q.masspole) & (p.length >= q.length)
        wide = (p.x_threshold >= q.x_threshold) & (p.theta_threshold >= q.theta_threshold)
        return slow & heavy & wide & (p.reset_low >= q.reset_low) & (p.reset_high <= q.reset_high)

    def action_space(self, params: CartPoleParams) -> spaces.Discrete:
        return spaces.Discrete(2)

    def observation_space(self, params: CartPoleParams) -> spaces.Box:
        tame = self._tame(params)
        x, theta = (either(tame, 2 * bound, math.inf) for bound in (params.x_threshold, params.theta_threshold))
        high = (x, math.inf, theta, math.inf)
        return spaces.Box(tuple(-bound for bound in high), high, (4,))
