"""Policies for tasks with two continuous numbers of state, computed on a fine grid and then played in the environment itself.

Value iteration on a grid is only as good as its interpolation, so what it says of itself is not believed: the policy that follows
from it plays whole episodes, and what it earns there is what is reported. That much can be achieved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jax import Array
from jaxenv import Environment
from numpy.typing import NDArray

EPISODES = 16_384
"""Episodes that are played."""


@dataclass(frozen=True)
class Played:
    """Episodes that a policy played."""

    returns: NDArray[np.float32]
    """Undiscounted return of each episode, float32[N]."""
    method: str
    """How the policy was made."""


@dataclass(frozen=True)
class Grid:
    """Points of a two-dimensional state space, and the actions to choose from."""

    fields: tuple[str, str]
    """The two fields of the state."""
    low: tuple[float, float]
    """Their smallest values."""
    high: tuple[float, float]
    """Their largest values."""
    points: tuple[int, int]
    """How many points there are along each, both ends included."""
    actions: Array
    """The actions, with a leading axis ``[A]``."""
    from_obs: Callable[[Any], tuple[Array, Array]]
    """Returns both fields of the state that an observation shows."""
    periodic: bool = False
    """Whether the first field is an angle: its two ends are the same point."""

    @property
    def size(self) -> int:
        """Number of points."""
        return self.points[0] * self.points[1]

    def coordinates(self) -> tuple[Array, Array]:
        """Return both fields at all points, float[G] each."""
        axes = [jnp.linspace(low, high, n) for low, high, n in zip(self.low, self.high, self.points, strict=True)]
        first, second = jnp.meshgrid(*axes, indexing="ij")
        return first.ravel(), second.ravel()

    def place(self, state: Any) -> tuple[Array, Array, Array]:
        """Return the lower corner of the cell that ``state`` lies in, and how far in it lies, each way from 0 to 1."""
        ranges = list(zip(self.low, self.high, self.points, strict=True))
        first, second = (getattr(state, name) for name in self.fields)
        if self.periodic:
            low, high, _ = ranges[0]
            first = jnp.mod(first - low, high - low) + low
        x, y = (
            (value - low) * ((count - 1) / (high - low)) for value, (low, high, count) in zip((first, second), ranges, strict=True)
        )
        i, j = (jnp.clip(jnp.floor(value), 0.0, count - 2.0) for value, count in zip((x, y), self.points, strict=True))
        corner = i.astype(jnp.int32) * self.points[1] + j.astype(jnp.int32)
        return corner, jnp.clip(x - i, 0.0, 1.0), jnp.clip(y - j, 0.0, 1.0)

    def interpolated(self, values: Array, place: tuple[Array, Array, Array]) -> Array:
        """Return a function that is known at all points, float[G], in between."""
        corner, x, y = place
        width = self.points[1]
        below = values[corner] * (1.0 - y) + values[corner + 1] * y
        above = values[corner + width] * (1.0 - y) + values[corner + width + 1] * y
        return below * (1.0 - x) + above * x


def value_iteration(env: Environment[Any, Any], params: Any, grid: Grid, sweeps: int, tolerance: float) -> Array:
    """Return the value of all points, float[G]: the return of the steps to come, at most ``sweeps`` of them.

    Fewer sweeps do once none changes a value by more than ``tolerance``.
    """

    @jax.jit
    def solve() -> Array:
        first, second = grid.coordinates()
        place, reward, ended = jax.vmap(partial(_lookahead, env, params, grid))(first, second)

        def sweep(loop: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            values, _, count = loop
            after = jnp.where(ended, 0.0, grid.interpolated(values, place))
            new = (reward + after).max(axis=1)
            return new, jnp.abs(new - values).max(), count + 1

        def goes_on(loop: tuple[Array, Array, Array]) -> Array:
            return (loop[2] < sweeps) & (loop[1] > tolerance)

        return jax.lax.while_loop(goes_on, sweep, (jnp.zeros(grid.size), jnp.asarray(jnp.inf), jnp.int32(0)))[0]

    return solve()


def _lookahead(env: Environment[Any, Any], params: Any, grid: Grid, first: Array, second: Array) -> tuple[Any, Array, Array]:
    """Return for each action where it leads, what it earns, and whether it ends the episode."""
    shapes = env.state_shapes(params)
    empty = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    state = empty.replace(
        **{name: value.astype(getattr(shapes, name).dtype) for name, value in zip(grid.fields, (first, second), strict=True)}
    )

    def ahead(action: Array) -> tuple[Any, Array, Array]:
        out = env.advance(jax.random.key(0), state, action, params)
        return grid.place(out.state), jnp.asarray(out.reward, first.dtype), jnp.asarray(out.terminated)

    return jax.vmap(ahead)(grid.actions)


def greedy(env: Environment[Any, Any], grid: Grid) -> Callable[..., Array]:
    """Return the policy ``(values, params), obs, key -> action`` that looks one step ahead."""

    def policy(given: tuple[Array, Any], obs: Any, key: Array) -> Array:
        del key
        values, params = given
        place, reward, ended = _lookahead(env, params, grid, *grid.from_obs(obs))
        return grid.actions[(reward + jnp.where(ended, 0.0, grid.interpolated(values, place))).argmax()]

    return policy


def _iterated(env: Environment[Any, Any], params: Any, grid: Grid, num_steps: int, tolerance: float) -> Played:
    values = value_iteration(env, params, grid, num_steps, tolerance)
    key = jaxenv.random.key(0)
    played = jaxenv.evaluate(
        env, params, greedy(env, grid), key, num_episodes=EPISODES, policy_params=(values, params), max_steps=num_steps
    )
    method = f"value iteration on {grid.points[0]} x {grid.points[1]} points with {len(grid.actions)} actions"
    return Played(np.asarray(played.returns), method)


def mountain_car(env: Any, params: Any, points: tuple[int, int] = (1001, 1001)) -> Played:
    """Play a MountainCar, Gymnasium's or bsuite's."""
    limit = int(params.max_steps if hasattr(params, "max_steps") else params.max_steps_in_episode)
    box = env.observation_space(params)
    low, high = (np.asarray(bound, np.float64).ravel()[:2].tolist() for bound in (box.low, box.high))
    grid = Grid(
        fields=("position", "velocity"),
        low=(low[0], low[1]),
        high=(high[0], high[1]),
        points=points,
        actions=jnp.arange(3, dtype=jnp.int32),
        from_obs=lambda obs: (obs.ravel()[0], obs.ravel()[1]),
    )
    return _iterated(env, params, grid, limit, tolerance=1e-3)


def pendulum(env: Any, params: Any, points: tuple[int, int] = (721, 481), torques: int = 31) -> Played:
    """Play a Pendulum."""
    steps = jnp.linspace(-1.0, 1.0, torques)
    speed = max(float(params.max_speed), float(params.y_init))
    grid = Grid(
        fields=("theta", "theta_dot"),
        low=(-math.pi, -speed),
        high=(math.pi, speed),
        points=points,
        actions=(float(params.max_torque) * steps * jnp.abs(steps))[:, None],  # finer where the torque is small
        from_obs=lambda obs: (jnp.arctan2(obs[1], obs[0]), obs[2]),
        periodic=True,
    )
    return _iterated(env, params, grid, int(params.max_steps_in_episode), tolerance=1e-4)


def mountain_car_continuous(env: Any, params: Any) -> Played:
    """Play a MountainCarContinuous, not on a grid: with a throttle that grows with the velocity, as well as such a rule can be.

    The energy that the car needs is given, and paid for by the square of the throttle. So it is cheapest to take all the time
    there is, and to push when the car is quick, since then a push does most work: ``gain * velocity + push * sign(velocity)``.
    The push gets a car under way that begins near the valley's floor. Both numbers are searched for by playing.
    """

    def policy(rule: Array, obs: Array, key: Array) -> Array:
        del key
        return (rule[0] * obs[1] + rule[1] * jnp.where(obs[1] < 0.0, -1.0, 1.0))[None]

    key_search, key_play = jaxenv.random.split(jaxenv.random.key(0))
    pushes, gains = jnp.linspace(0.0, 0.12, 13), jnp.linspace(1.0, 12.0, 23)
    rules = jnp.stack([grid.ravel() for grid in jnp.meshgrid(gains, pushes)], axis=-1)
    tried = jaxenv.evaluate(env, params, policy, key_search, num_episodes=256, policy_params=rules, policy_params_axis=0)
    best = rules[tried.returns.mean(axis=1).argmax()]
    played = jaxenv.evaluate(env, params, policy, key_play, num_episodes=EPISODES, policy_params=best)
    method = f"throttle = {float(best[0]):.2f} velocity + {float(best[1]):.3f} sign(velocity), the best of {len(rules)} such rules"
    return Played(np.asarray(played.returns), method)
