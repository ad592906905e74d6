"""Reacher: bring the tip of an arm of several joints to a goal."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, UInt8


@struct.dataclass
class ReacherParams(Params):
    """Numeric settings of Reacher."""

    max_steps_in_episode: Array | int = struct.field(default=100, kw_only=True)
    """Steps after which an episode is truncated."""
    torque_scale: Array | float = 1.0
    """Angular acceleration that an action of 1 gives, rad/s^2."""
    dt: Array | float = ranges.number(0.05, above=0)
    """Time between two steps, s, above 0."""


@struct.dataclass
class ReacherState(State):
    """Angles and angular velocities of the joints, and the goal."""

    angles: Float[Array, " n"]
    """Angle of each link from the x axis, rad; not wrapped."""
    velocities: Float[Array, " n"]
    """Angular velocity of each link, rad/s."""
    goal: Float[Array, "2"]
    """Where the tip should be, x and y."""


class ResetDraws(NamedTuple):
    """The randomness of a reset."""

    angles: Array
    """Uniform on [-pi, pi)."""
    velocities: Array
    """Uniform on [-1, 1)."""
    goal: Array
    """Uniform on [-n, n) in both coordinates."""


class Reacher(Environment[ReacherState, ReacherParams]):
    """Bring the tip of an arm of n links, each of length 1, to a goal and keep it there. Angles are absolute, not relative.

    ===============  ==================================  =====  ============
    Observation      Meaning (n = num_joints, 2)         Unit   Range
    ===============  ==================================  =====  ============
    0 .. n-1         cos(angles)                                [-1, 1]
    n .. 2n-1        sin(angles)                                [-1, 1]
    2n .. 3n-1       angular velocities                  rad/s  (-inf, inf)
    3n, 3n+1         goal, x and y                              [-n, n]
    ===============  ==================================  =====  ============

    ========  ========================  =======  ========
    Action    Meaning                   Unit     Range
    ========  ========================  =======  ========
    0 .. n-1  angular accelerations     rad/s^2  [-1, 1]
    ========  ========================  =======  ========

    Reward: exp(-d^2) with d the distance from the tip to the goal, on the new state; the tip is at (sum of cosines, sum of
    sines). Termination: never. Time limit: 100 steps, a truncation. Actions outside their range are not clipped.

    **Source**: ``reacher.py`` of ivy-llc/gym.

    **Differences**: the state is float32 unless x64 is enabled.

    **Coming from gymnax**: the same task and the same order of the observation; there ``num_joints`` other than 2 crashes.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("Reacher-misc", num_joints=3)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs.shape, env.action_space(params).shape
    ((11,), (3,))
    """

    num_joints: int = ranges.number(2, at_least=1)
    """How many links the arm has, at least 1."""

    @property
    def default_params(self) -> ReacherParams:
        return ReacherParams()

    @property
    def differentiable(self) -> bool:
        return True

    def draw_reset(self, key: Array, params: ReacherParams) -> ResetDraws:
        """Draw angles, velocities and goal.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        n = self.num_joints
        words = random.words(key, 2 * n + 2)
        return ResetDraws(
            angles=random.uniform(words[:n], -math.pi, math.pi),
            velocities=random.uniform(words[n : 2 * n], -1.0, 1.0),
            goal=random.uniform(words[2 * n :], -n, n),
        )

    def init(self, key: Array, params: ReacherParams) -> ReacherState:
        return ReacherState(*self.draw_reset(key, params))

    def transition(
        self, key: Array, state: ReacherState, action: Float[Array, " n"], params: ReacherParams
    ) -> Transition[ReacherState]:
        acceleration = params.torque_scale * action.astype(state.angles.dtype)
        velocities = state.velocities + params.dt * acceleration
        angles = state.angles + params.dt * velocities
        tip = jnp.stack([jnp.sum(jnp.cos(angles)), jnp.sum(jnp.sin(angles))])
        reward = jnp.exp(-jnp.sum(jnp.square(tip - state.goal)))
        return Transition(state.replace(angles=angles, velocities=velocities), reward, terminated=False)

    def observe(self, state: ReacherState, params: ReacherParams) -> Float[Array, " {3*self.num_joints+2}"]:
        return jnp.concatenate([jnp.cos(state.angles), jnp.sin(state.angles), state.velocities, state.goal])

    def render(self, state: ReacherState, params: ReacherParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.reacher(self, state, size)

    def action_space(self, params: ReacherParams) -> spaces.Box:
        return spaces.Box(-1.0, 1.0, (self.num_joints,))

    def observation_space(self, params: ReacherParams) -> spaces.Box:
        n = self.num_joints
        high = (1.0,) * (2 * n) + (math.inf,) * n + (float(n),) * 2
        return spaces.Box(tuple(-bound for bound in high), high, (3 * n + 2,))
