"""The reference executor: ``lax.scan`` over a vmapped step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv.engine.plan import Loop, Plan, RolloutInputs, times
from jaxenv.episodes import FirstEpisode, Trajectory

UNROLL = {"cpu": 1, "gpu": 2}
"""Steps in one iteration of the scan, by backend.

On an H100 with 2,000 environments, two steps in an iteration made Catch 1.2 and FourRooms 1.6 times as fast as one, at 1.3
times the compile time; CartPole and Breakout stayed as they were. Four made Breakout 1.3 times as fast, at 3.7 times the
compile time.
"""

LATER = 4096
"""The largest observation, in bytes, that is made for all steps at once: what is needed on the way is then in memory for all."""


def default_unroll() -> int:
    """Return the unrolling for JAX's default backend."""
    return UNROLL.get(jax.default_backend(), 1)


def begin(plan: Plan, indices: Array, inputs: RolloutInputs) -> Loop:
    """Begin an episode in every environment."""
    return jax.vmap(plan.begin, in_axes=(0, plan.axes()))(indices, inputs)


def play(
    plan: Plan, indices: Array, loop: Loop | None, elapsed: Array | int, inputs: RolloutInputs, num_steps: int, unroll: int
) -> tuple[Loop, Trajectory]:
    """Play steps of every environment.

    Args:
        plan: what to play.
        indices: the numbers of the environments, uint32[num_envs].
        loop: where they stand, leaves ``[num_envs, ...]``; None begins an episode in each.
        elapsed: the number of steps played before.
        inputs: what all share, and parameters of their own.
        num_steps: how many steps.
        unroll: steps in one iteration of the scan.

    Returns:
        Where they stand then, and the trajectory, leaves ``[num_steps, num_envs, ...]``.
    """
    keys = jax.vmap(plan.env_key, in_axes=(0, plan.axes()))(indices, inputs)
    if loop is None:
        loop = begin(plan, indices, inputs)
    step = jax.vmap(plan.step, in_axes=(0, None, 0, plan.axes()))
    when = times(elapsed, num_steps)
    if not plan.observes:
        return jax.lax.scan(lambda loop, time: step(keys, time, loop, inputs), loop, when, unroll=unroll)
    # Observations are made from the states where they are used: large ones cost much to carry from step to step. Where no policy
    # looks at them, those that are larger than their states are made for all steps at once, into memory that no scan clears.
    observe = jax.vmap(plan.observe, in_axes=(0, plan.axes().params))
    later = plan.policy is None and _bytes(loop.state) < _bytes(loop.obs) <= LATER * len(indices)

    def scan_step(rest: Any, time: Array) -> tuple[Any, Trajectory]:
        after, now = step(keys, time, Loop(observe(rest[0], inputs.params), *rest), inputs)
        return tuple(after[1:]), now._replace(obs=None) if later else now

    rest, trajectory = jax.lax.scan(scan_step, tuple(loop[1:]), when, unroll=unroll)
    if later:
        trajectory = trajectory._replace(obs=jax.vmap(observe, in_axes=(0, None))(trajectory.state, inputs.params))
    return Loop(observe(rest[0], inputs.params), *rest), trajectory


def episodes(plan: Plan, indices: Array, inputs: RolloutInputs, max_steps: int) -> FirstEpisode:
    """Play the first episode of every environment.

    Args:
        plan: what to play, once.
        indices: the numbers of the environments, uint32[num_episodes].
        inputs: what all share, and parameters of their own.
        max_steps: steps after which an episode is left, whether it has ended or not.

    Returns:
        The episodes, leaves ``[num_episodes]``.
    """
    keys = jax.vmap(plan.env_key, in_axes=(0, plan.axes()))(indices, inputs)
    first = begin(plan, indices, inputs)
    observe = jax.vmap(plan.observe, in_axes=(0, plan.axes().params))
    step = jax.vmap(plan.step, in_axes=(0, None, 0, plan.axes()))

    def play_step(rest: Any, time: Array) -> Any:
        after, _ = step(keys, time, Loop(observe(rest[0], inputs.params), *rest), inputs)
        return tuple(after[1:])

    return until_ended(play_step, tuple(first[1:]), max_steps)[-1]


def until_ended(step: Callable[[Any, Array], Any], rest: Any, max_steps: int) -> Any:
    """Take steps until all first episodes have ended, which come last in what goes from step to step."""

    def goes_on(now: tuple[Array, Any]) -> Array:
        return now[1][-1].running.any() & (now[0] <= jnp.uint32(max_steps))

    return jax.lax.while_loop(goes_on, lambda now: (now[0] + 1, step(now[1], now[0])), (jnp.uint32(1), rest))[1]


def _bytes(tree: Any) -> int:
    """Return the size of a tree of arrays."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
