"""MountainCar: bsuite's own, with the time in the observation."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, Int, UInt8

from jaxenv_bsuite.base import BsuiteEnvironment
from jaxenv_bsuite.numerics import ratio, real

MIN_POSITION, MAX_POSITION = -1.2, 0.6
MAX_SPEED = 0.07
FIRST_POSITIONS = (-0.6, -0.4)


@struct.dataclass
class MountainCarParams(Params):
    """Numeric settings of MountainCar."""

    max_steps: Array | int = ranges.number(1000, at_least=1)
    """Steps after which an episode terminates, at least 1."""
    force: Array | float = ranges.number(0.001, at_least=0)
    """Acceleration by the engine in a step, at least 0."""
    gravity: Array | float = 0.0025
    """Acceleration by the steepest slope in a step."""
    goal_position: Array | float = 0.5
    """Position at which an episode terminates."""


@struct.dataclass
class MountainCarState(State):
    """Where the car is and how fast."""

    position: Float[Array, ""]
    """Position, in [-1.2, 0.6]; the valley's floor is near -0.52."""
    velocity: Float[Array, ""]
    """Velocity in one step, in [-0.07, 0.07]."""
    total_steps: Int[Array, ""]
    """Steps over all episodes."""


class MountainCar(BsuiteEnvironment[MountainCarState, MountainCarParams]):
    """Drive an underpowered car out of a valley.

    ===========  ===================================  ==========  =============
    Observation  Meaning                              Unit        Range
    ===========  ===================================  ==========  =============
    [0, 0]       position                                         [-1.2, 0.6]
    [0, 1]       velocity in one step                             [-0.07, 0.07]
    [0, 2]       time since the start of the episode  max_steps   [0, 1]
    ===========  ===================================  ==========  =============

    ======  =====================
    Action  Meaning
    ======  =====================
    0       accelerate to the left
    1       do not accelerate
    2       accelerate to the right
    ======  =====================

    Reward: -1 on every step.
    Termination: the position is at least 0.5, or on step ``max_steps`` (1,000), with discount 0.
    Time limit: none besides; bsuite's is a termination.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/mountain_car.py``.

    **Differences**: the state is float32 where bsuite computes in float64; under x64 it is float64.

    **Coming from gymnax**: this is not Gymnasium's MountainCar-v0: 1,000 steps, and their share that has passed is observed.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("MountainCar-bsuite")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 2, params)
    >>> float(reward), round(float(obs[0, 2]), 3)
    (-1.0, 0.001)
    """

    counters = ("total_steps",)

    @property
    def default_params(self) -> MountainCarParams:
        return MountainCarParams()

    @property
    def differentiable(self) -> bool:
        return True

    def draw_reset(self, key: Array) -> Float[Array, ""]:
        """Draw the first position.

        Args:
            key: a typed key.

        Returns:
            The position, a float.
        """
        return random.uniform(random.words(key, 1)[0], *FIRST_POSITIONS)

    def init(self, key: Array, params: MountainCarParams) -> MountainCarState:
        position = self.draw_reset(key)
        return MountainCarState(position, velocity=jnp.zeros_like(position), total_steps=jnp.int32(0))

    def transition(
        self, key: Array, state: MountainCarState, action: Int[Array, ""], params: MountainCarParams
    ) -> Transition[MountainCarState]:
        engine = (action - 1).astype(state.velocity.dtype) * params.force
        velocity = state.velocity + engine - params.gravity * jnp.cos(3.0 * state.position)
        velocity = jnp.clip(velocity, -MAX_SPEED, MAX_SPEED)
        position = jnp.clip(state.position + velocity, MIN_POSITION, MAX_POSITION)
        velocity = jnp.where(position == MIN_POSITION, jnp.clip(velocity, 0.0, MAX_SPEED), velocity)
        terminated = (position >= params.goal_position) | (state.time + 1 >= params.max_steps)
        state = state.replace(position=position, velocity=velocity, total_steps=state.total_steps + 1)
        return Transition(state, -1.0, terminated)

    def observe(self, state: MountainCarState, params: MountainCarParams) -> Float[Array, "1 3"]:
        time = ratio(jnp.asarray(state.time), params.max_steps)
        return jnp.stack([state.position, state.velocity, time])[None]

    def render(
        self, state: MountainCarState, params: MountainCarParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import control

        return control.mountain_car(state, params, size)

    def action_space(self, params: MountainCarParams) -> spaces.Discrete:
        return spaces.Discrete(3)

    def observation_space(self, params: MountainCarParams) -> spaces.Box:
        high = [[MAX_POSITION, MAX_SPEED, 1.0]]
        return spaces.Box([[MIN_POSITION, -MAX_SPEED, 0.0]], high, (1, 3))

    def bsuite_info(self, state: MountainCarState, params: MountainCarParams | None = None) -> dict[str, Any]:
        return {"raw_return": real(-state.total_steps)}
