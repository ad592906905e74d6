"""Rollouts in one kernel: what must be found out step by step, and what can be worked out afterwards for all steps at once.

Only states depend on the step before. The kernel plays and writes down the states, with what is cheap to write beside them
(actions, rewards, flags). Observations, and whatever else ``info`` holds, are functions of those, which XLA computes for all
steps and environments in one elementwise pass, and leaves out where nobody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv.environment import Environment, _observation
from jaxenv.episodes import Trajectory
from jaxenv.fused import kernel
from jaxenv.fused.lanes import UnsupportedError

OneStep = Callable[[Any, Array, Any], tuple[Any, Trajectory]]
"""``one_step(keys, time, loop) -> (loop, trajectory)`` of one environment."""
Inform = Callable[[Any, Array, Any, Any], dict[str, Any]]
"""``inform(keys, time, state, action) -> info`` of one environment's step."""


def play(
    env: Environment[Any, Any], params: Any, one_step: OneStep, inform: Inform, keys: Any, loop: Any, times: Array, *, interpret: bool
) -> tuple[Any, Trajectory]:
    """Play as ``lax.scan`` over a vmapped ``one_step`` would.

    Args:
        env: the environment.
        params: its parameters, shared by all environments.
        one_step: one step of one environment. Its loop is ``(obs, state, ...)``, with what ``env`` observes in ``state``.
        inform: works the ``info`` of a step out again from where it began.
        keys: the environments' keys, typed or raw; leaves ``[num_envs]``.
        loop: where to begin; leaves ``[num_envs, ...]``.
        times: the numbers of the steps, uint32[num_steps].
        interpret: whether Pallas only pretends, for tests on a CPU.

    Returns:
        The last loop, leaves ``[num_envs, ...]``, and the trajectory, leaves ``[num_steps, num_envs, ...]``.

    Raises:
        UnsupportedError: the step has something that can't be split into lanes.
    """

    if type(env).step is not Environment.step:
        raise UnsupportedError("a step method of its own")

    def step(data: Any, rest: Any, time: Array) -> tuple[Any, Any]:
        (_, *after), now = one_step(jax.tree.map(_like, data, keys), time, (_observation(env, rest[0], params), *rest))
        return tuple(after), (rest[0], now.action, now.reward, now.info["terminated"], now.info["truncated"])

    data = jax.tree.map(jax.random.key_data, keys)
    last, outputs = kernel.scan(step, data, tuple(loop[1:]), times, interpret=interpret)
    states, actions, rewards, terminated, truncated = outputs

    def observe(state: Any) -> Any:
        return _observation(env, state, params)

    informed = jax.vmap(jax.vmap(inform, in_axes=(0, None, -1, -1)), in_axes=(None, 0, 0, 0))(keys, times, states, actions)
    info = informed | {
        "terminated": terminated,
        "truncated": truncated,
        "discount": jnp.where(terminated, jnp.float32(0.0), jnp.float32(1.0)),
    }
    trajectory = Trajectory(
        obs=jax.vmap(jax.vmap(observe, in_axes=-1))(states),
        action=jax.tree.map(lambda x: jnp.moveaxis(x, -1, 1), actions),
        reward=rewards,
        done=terminated | truncated,
        info=info,
    )
    return (jax.vmap(observe)(last[0]), *last), trajectory


def _like(words: Array, key: Array) -> Array:
    """Return a key's data in the form of the ``key`` that they were taken from, typed or raw."""
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return jax.random.wrap_key_data(words, impl=jax.random.key_impl(key)) if typed else words
