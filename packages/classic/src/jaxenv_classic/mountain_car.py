"""MountainCar: rock an underpowered car out of a valley."""

from __future__ import annotations

from jax import Array
from jaxenv import Transition, spaces
from jaxtyping import Int

from jaxenv_classic.mountain_car_dynamics import MountainCarBase, MountainCarParams, MountainCarState, at_goal, move


class MountainCar(MountainCarBase[MountainCarParams]):
    """Drive an underpowered car out of a valley: it must first swing back to gain speed.

    ===========  ========  =============
    Observation  Meaning   Range
    ===========  ========  =============
    0            position  [-1.2, 0.6]
    1            velocity  [-0.07, 0.07]
    ===========  ========  =============

    ======  ====================
    Action  Meaning
    ======  ====================
    0       accelerate left
    1       do not accelerate
    2       accelerate right
    ======  ====================

    Reward: -1 on every step. Termination: position at least 0.5 with velocity at least ``goal_velocity``, on the new state.
    Time limit: 200 steps, a truncation.

    **Source**: Moore 1990; Gymnasium >= 1.0, ``classic_control/mountain_car.py``.

    **Differences**: the state is float32 where Gymnasium computes in float64; under x64 it is float64.

    **Coming from gymnax**: the same task; the range of the first position is a parameter.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("MountainCar-v0")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> float(state.velocity)
    0.0
    """

    @property
    def default_params(self) -> MountainCarParams:
        return MountainCarParams()

    def transition(
        self, key: Array, state: MountainCarState, action: Int[Array, ""], params: MountainCarParams
    ) -> Transition[MountainCarState]:
        push = (action - 1).astype(state.velocity.dtype) * params.force
        state = move(state, push, params)
        return Transition(state, -1.0, at_goal(state, params))

    def action_space(self, params: MountainCarParams) -> spaces.Discrete:
        return spaces.Discrete(3)
