"""MountainCarContinuous: rock an underpowered car out of a valley, paying for the energy."""

from __future__ import annotations

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Transition, ranges, spaces
from jaxtyping import Float

from jaxenv_classic.mountain_car_dynamics import MountainCarBase, MountainCarParams, MountainCarState, at_goal, move


@struct.dataclass
class MountainCarContinuousParams(MountainCarParams):
    """Numeric settings of MountainCarContinuous: MountainCar's with other values, and the range of the throttle."""

    max_steps_in_episode: Array | int = struct.field(default=999, kw_only=True)
    """Steps after which an episode is truncated."""
    goal_position: Array | float = 0.45
    """Position at which the episode terminates."""
    force: Array | float = ranges.number(0.0015, at_least=0)
    """What full throttle adds to the velocity in a step, at least 0."""
    min_action: Array | float = -1.0
    """Full throttle to the left; actions beyond it are clipped before they move the car."""
    max_action: Array | float = 1.0
    """Full throttle to the right; actions beyond it are clipped before they move the car."""


class MountainCarContinuous(MountainCarBase[MountainCarContinuousParams]):
    """Drive an underpowered car out of a valley with a continuous throttle, paying for its square.

    ===========  ========  =============
    Observation  Meaning   Range
    ===========  ========  =============
    0            position  [-1.2, 0.6]
    1            velocity  [-0.07, 0.07]
    ===========  ========  =============

    ======  ==========  =======
    Action  Meaning     Range
    ======  ==========  =======
    0       throttle    [-1, 1]
    ======  ==========  =======

    Reward: 100 on the terminating step, minus 0.1 times the square of the action as given, on every step.
    Termination: position at least 0.45 with velocity at least ``goal_velocity``, on the new state.
    Time limit: 999 steps, a truncation.

    **Source**: Moore 1990; Gymnasium >= 1.0, ``classic_control/continuous_mountain_car.py``.

    **Differences**: Gymnasium casts the state to float32 after every step; so does this by being float32. Under x64 the
    state is float64 throughout.

    **Coming from gymnax**: the left wall stops the car (there, the goal did), and the energy of an action beyond the throttle
    counts in full.

    >>> import jax, jax.numpy as jnp, jaxenv
    >>> env, params = jaxenv.make("MountainCarContinuous-v0")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, jnp.array([0.5]), params)
    >>> round(float(reward), 6)
    -0.025
    """

    @property
    def default_params(self) -> MountainCarContinuousParams:
        return MountainCarContinuousParams()

    def transition(
        self, key: Array, state: MountainCarState, action: Float[Array, "1"], params: MountainCarContinuousParams
    ) -> Transition[MountainCarState]:
        throttle = action[0].astype(state.velocity.dtype)
        state = move(state, jnp.clip(throttle, params.min_action, params.max_action) * params.force, params)
        terminated = at_goal(state, params)
        return Transition(state, jnp.where(terminated, 100.0, 0.0) - 0.1 * jnp.square(throttle), terminated)

    def action_space(self, params: MountainCarContinuousParams) -> spaces.Box:
        return spaces.Box(params.min_action, params.max_action, (1,))
