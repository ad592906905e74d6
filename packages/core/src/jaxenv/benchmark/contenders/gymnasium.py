"""Gymnasium: its vector environments, one that computes the whole batch in NumPy where it has it, else a loop over single ones."""

from __future__ import annotations

from jaxenv.benchmark.contenders.base import Contender, counterpart, finder, module
from jaxenv.benchmark.contenders.vector_loop import VectorProgram, VectorTasks
from jaxenv.benchmark.workload import Workload

NEXT_STEP = "the step after an episode's end resets and does nothing else"


def _has(name: str) -> bool:
    return name in module("gymnasium").registry


def _program(workload: Workload) -> VectorProgram:
    gymnasium = module("gymnasium")
    name = counterpart(GYMNASIUM, workload)
    mode = "vector_entry_point" if gymnasium.spec(name).vector_entry_point else "sync"
    envs = gymnasium.make_vec(name, num_envs=workload.num_envs, vectorization_mode=mode)

    def reset(seed: int) -> object:
        envs.action_space.seed(seed)
        return envs.reset(seed=seed)[0]

    return VectorProgram(VectorTasks(reset, envs.step, envs.action_space.sample, envs.single_action_space), workload)


GYMNASIUM = Contender("Gymnasium", ("gymnasium>=1.0",), "gymnasium", finder("gymnasium", NEXT_STEP, _has), _program)
