"""Rollouts in one kernel: what must be found out step by step, and what can be worked out afterwards for all steps at once.

Only states depend on the step before. The kernel plays and writes down the states, with what is cheap to write beside them
(actions, rewards, flags). Observations, and whatever else ``info`` holds, are functions of those, which XLA computes for all
steps and environments in one elementwise pass, and leaves out where nobody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv.environment import Environment, _observation
from jaxenv.episodes import Trajectory
from jaxenv.fused import kernel
from jaxenv.fused.elements import UnsupportedError

OneStep = Callable[[Any, Array, Any], tuple[Any, Trajectory]]
"""``one_step(keys, time, loop) -> (loop, trajectory)`` of one environment."""
StepEnv = Callable[[Any, Array, Any, Any], tuple[Any, Any, Array, Array, dict[str, Any]]]
"""``step_env(keys, time, state, action) -> obs, state, reward, done, info`` of one environment's step, without a reset."""
Begin = Callable[[Any], tuple[Any, Any]]
"""``begin(inputs) -> (keys, loop)`` of one environment."""

MOST_AT_ONCE = 2**24
"""Environment steps of one kernel; a longer rollout is a scan over several, so that what nobody asks for takes no memory."""


def play(
    env: Environment[Any, Any],
    params: Any,
    one_step: OneStep,
    step_env: StepEnv,
    begin: Begin,
    inputs: Any,
    times: Array,
    *,
    interpret: bool,
) -> tuple[Any, Trajectory]:
    """Play as ``lax.scan`` over a vmapped ``one_step`` would.

    Args:
        env: the environment.
        params: its parameters, shared by all environments.
        one_step: one step of one environment. Its loop is ``(obs, state, ...)``, with what ``env`` observes in ``state``.
        step_env: the environment's part of that step once more, up to the reset: what ``info`` says is found by it.
        begin: makes what one environment begins with.
        inputs: what ``begin`` is given; leaves ``[num_envs, ...]``.
        times: the numbers of the steps, uint32[num_steps].
        interpret: whether Pallas only pretends, for tests on a CPU.

    Returns:
        The last loop, leaves ``[num_envs, ...]``, and the trajectory, leaves ``[num_steps, num_envs, ...]``.

    Raises:
        UnsupportedError: something in a step can't be split into lanes.
    """
    if type(env).step is not Environment.step or type(env).step_env is not Environment.step_env:
        raise UnsupportedError("a step method of its own")
    num_steps, num_envs = len(times), len(jax.tree.leaves(inputs)[0])
    game = _Game(env, params, one_step, step_env, interpret)
    pieces = -(-num_steps * num_envs // MOST_AT_ONCE)
    if pieces == 1:
        return game.play_at_once(begin, inputs, times)
    length = -(-num_steps // pieces)
    keys, loop = jax.vmap(begin)(inputs)

    def go_on(loop: Any, times: Array) -> tuple[Any, Trajectory]:
        return game.play_at_once(lambda given: given, (keys, loop), times)

    whole = num_steps // length
    loop, trajectory = jax.lax.scan(go_on, loop, times[: whole * length].reshape(whole, length))
    trajectory = jax.tree.map(lambda x: x.reshape(whole * length, *x.shape[2:]), trajectory)
    if whole * length < num_steps:
        loop, rest = go_on(loop, times[whole * length :])
        trajectory = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), trajectory, rest)
    return loop, trajectory


class _Game(NamedTuple):
    """What is played, and how; :func:`play` describes the fields."""

    env: Environment[Any, Any]
    params: Any
    one_step: OneStep
    step_env: StepEnv
    interpret: bool

    def play_at_once(self, begin: Begin, inputs: Any, times: Array) -> tuple[Any, Trajectory]:
        """Play all steps in one kernel."""
        reported: set[str] = set()
        """The entries of ``info`` that wrappers leave."""

        def prepare(inputs: Any) -> tuple[Any, Any]:
            keys, (_, *rest) = begin(inputs)
            return keys, tuple(rest)

        def step(keys: Any, rest: Any, time: Array) -> tuple[Any, Any]:
            (_, *after), now = self.one_step(keys, time, (observe(rest[0]), *rest))
            reported.update(now.info)
            if not {"terminated", "truncated"} <= reported:
                raise UnsupportedError("info that a wrapper takes its flags from")
            return tuple(after), (rest[0], now.action, now.reward, now.done, now.info["terminated"], now.info["truncated"])

        def detail(keys: Any, outputs: Any, time: Array) -> dict[str, Any]:
            obs, _, _, _, info = self.step_env(keys, time, *outputs[:2])
            final = {"final_observation": obs} if "final_observation" in info else {}
            return {name: item for name, item in info.items() if name != "discount"} | final

        def observe(state: Any) -> Any:
            return _observation(self.env, state, self.params)

        last, outputs, info = kernel.scan(prepare, step, detail, inputs, times, interpret=self.interpret)
        states, actions, rewards, done, terminated, truncated = outputs
        observe_all = jax.vmap(jax.vmap(observe))
        info |= {"terminated": terminated, "truncated": truncated}
        if "discount" in reported:
            info["discount"] = jnp.where(terminated, jnp.float32(0.0), jnp.float32(1.0))
        trajectory = Trajectory(obs=observe_all(states), action=actions, reward=rewards, done=done, info=info)
        return (jax.vmap(observe)(last[0]), *last), trajectory
