"""Swimmer: reach a goal in the sea without touching an urchin."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, ranges, spaces
from jaxtyping import Float, UInt8


@struct.dataclass
class SwimmerParams(Params):
    """Numeric settings of Swimmer."""

    max_steps_in_episode: Array | int = struct.field(default=500, kw_only=True)
    """Steps after which an episode is truncated."""
    dt: Array | float = ranges.number(0.05, above=0)
    """Time between two steps, s, above 0."""


@struct.dataclass
class SwimmerState(State):
    """Where everybody is, and how fast the swimmer moves."""

    urchins: Float[Array, "n 2"]
    """Position of each urchin, x and y."""
    position: Float[Array, "2"]
    """Position of the swimmer, x and y."""
    velocity: Float[Array, "2"]
    """Velocity of the swimmer along x and y, 1/s."""
    goal: Float[Array, "2"]
    """Position of the goal, x and y."""


class ResetDraws(NamedTuple):
    """The randomness of a reset, all uniform on [-1, 1)."""

    urchins: Array
    position: Array
    goal: Array


class Swimmer(Environment[SwimmerState, SwimmerParams]):
    """Swim to a goal and stay there, away from urchins that do not move.

    =============  ======================================  ====  ============
    Observation    Meaning (n = num_urchins, 5)            Unit  Range
    =============  ======================================  ====  ============
    0 .. 2n-1      urchins: x, y of the first, and so on         [-1, 1]
    2n, 2n+1       position of the swimmer, x and y              (-inf, inf)
    2n+2, 2n+3     velocity of the swimmer                 1/s   (-inf, inf)
    2n+4, 2n+5     goal, x and y                                 [-1, 1]
    =============  ======================================  ====  ============

    ======  ==========================  =====  ========
    Action  Meaning                     Unit   Range
    ======  ==========================  =====  ========
    0, 1    acceleration along x and y  1/s^2  [-1, 1]
    ======  ==========================  =====  ========

    Reward: exp(-d^2 / 2), with d the distance to the goal, times 1 - exp(-30 u^2) for each urchin at distance u, on the new
    state. Termination: never. Time limit: 500 steps, a truncation. Actions outside their range are not clipped.

    **Source**: ``swimmer.py`` of ivy-llc/gym.

    **Differences**: the state is float32 unless x64 is enabled.

    **Coming from gymnax**: the same task and the same order of the observation; there the part of ``state_space`` for the
    urchins has a wrong shape.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("Swimmer-misc", num_urchins=3)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs.shape, state.urchins.shape
    ((12,), (3, 2))
    """

    num_urchins: int = ranges.number(5, at_least=1)
    """How many urchins there are, at least 1."""

    @property
    def default_params(self) -> SwimmerParams:
        return SwimmerParams()

    @property
    def differentiable(self) -> bool:
        return True

    def draw_reset(self, key: Array, params: SwimmerParams) -> ResetDraws:
        """Draw where urchins, swimmer and goal are.

        Args:
            key: a typed key.
            params: the parameters.

        Returns:
            The draws, a NamedTuple.
        """
        places = random.uniform(random.words(key, 2 * self.num_urchins + 4), -1.0, 1.0).reshape(-1, 2)
        return ResetDraws(urchins=places[:-2], position=places[-2], goal=places[-1])

    def init(self, key: Array, params: SwimmerParams) -> SwimmerState:
        draws = self.draw_reset(key, params)
        return SwimmerState(
            urchins=draws.urchins, position=draws.position, velocity=jnp.zeros_like(draws.position), goal=draws.goal
        )

    def transition(
        self, key: Array, state: SwimmerState, action: Float[Array, "2"], params: SwimmerParams
    ) -> Transition[SwimmerState]:
        velocity = state.velocity + params.dt * action.astype(state.velocity.dtype)
        position = state.position + params.dt * velocity
        to_goal = jnp.sum(jnp.square(position - state.goal))
        to_urchins = jnp.sum(jnp.square(position[None] - state.urchins), axis=-1)
        reward = jnp.exp(-0.5 * to_goal) * jnp.prod(1.0 - jnp.exp(-30.0 * to_urchins))
        return Transition(state.replace(position=position, velocity=velocity), reward, terminated=False)

    def observe(self, state: SwimmerState, params: SwimmerParams) -> Float[Array, " {2*self.num_urchins+6}"]:
        return jnp.concatenate([state.urchins.ravel(), state.position, state.velocity, state.goal])

    def render(self, state: SwimmerState, params: SwimmerParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_misc import drawing

        return drawing.swimmer(state, size)

    def action_space(self, params: SwimmerParams) -> spaces.Box:
        return spaces.Box(-1.0, 1.0, (2,))

    def observation_space(self, params: SwimmerParams) -> spaces.Box:
        high = (1.0,) * (2 * self.num_urchins) + (math.inf,) * 4 + (1.0, 1.0)
        return spaces.Box(tuple(-bound for bound in high), high, (2 * self.num_urchins + 6,))
