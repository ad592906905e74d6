"""gymnax: JAX environments whose names are jaxenv's, played by the loop of its documentation."""

from __future__ import annotations

from typing import Any

from jax import Array

from jaxenv.benchmark.contenders.base import Contender, counterpart, finder, module
from jaxenv.benchmark.contenders.jax_loop import JaxProgram, Tasks
from jaxenv.benchmark.workload import Workload


def _has(name: str) -> bool:
    return name in module("gymnax").registered_envs


def _program(workload: Workload) -> JaxProgram:
    env, params = module("gymnax").make(counterpart(GYMNAX, workload))

    def reset(key: Array) -> tuple[Any, Any]:
        return env.reset(key, params)

    def step(key: Array, state: Any, action: Any) -> tuple[Any, Any, Array, Array]:
        obs, state, reward, terminated, truncated, _ = env.step(key, state, action, params)
        return obs, state, reward, terminated | truncated

    space = env.action_space(params)
    return JaxProgram(Tasks(reset, step, space.sample, space), workload)


GYMNAX = Contender("gymnax", ("gymnax>=1.0", "six"), "gymnax", finder("gymnax", has=_has), _program)
