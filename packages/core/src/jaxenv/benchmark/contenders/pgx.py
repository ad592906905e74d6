"""pgx: its MinAtar games, stepped as its documentation does, with ``pgx.experimental.auto_reset``.

A state holds its observation, its flags and the rewards of all players, of which there is one here. Every action is legal at any
time, so a random one is drawn without the mask, which costs less.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
from jax import Array

from jaxenv.benchmark.contenders.base import Contender, counterpart, finder, module
from jaxenv.benchmark.contenders.jax_loop import JaxProgram, Tasks
from jaxenv.benchmark.workload import Workload


def _program(workload: Workload) -> JaxProgram:
    env = module("pgx").make(counterpart(PGX, workload))
    auto_reset = module("pgx.experimental").auto_reset(env.step, env.init)

    def reset(key: Array) -> tuple[Any, Any]:
        state = env.init(key)
        return state.observation, state

    def step(key: Array, state: Any, action: Any) -> tuple[Any, Any, Array, Array]:
        state = auto_reset(state, action, key)
        return state.observation, state, state.rewards[0], state.terminated | state.truncated

    def sample(key: Array) -> Array:
        return jax.random.randint(key, (), 0, env.num_actions)

    return JaxProgram(Tasks(reset, step, sample, SimpleNamespace(n=env.num_actions)), workload)


PGX = Contender("pgx", ("pgx>=2.5",), "pgx", finder("pgx"), _program)
