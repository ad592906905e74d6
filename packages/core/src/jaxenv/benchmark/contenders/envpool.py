"""envpool: environments in C++, stepped by a pool of threads through its synchronous ``step``, which every environment takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxenv.benchmark.contenders.base import Contender, counterpart, finder, module
from jaxenv.benchmark.contenders.gymnasium import NEXT_STEP
from jaxenv.benchmark.contenders.vector_loop import VectorProgram, VectorTasks
from jaxenv.benchmark.workload import Workload


def _program(workload: Workload) -> VectorProgram:
    name = counterpart(ENVPOOL, workload)
    envs = module("envpool").make_gymnasium(name, num_envs=workload.num_envs, num_threads=workload.threads or 0)
    space, rng = envs.action_space, np.random.default_rng(0)

    def reset(seed: int) -> Any:
        rng.bit_generator.state = np.random.default_rng(seed).bit_generator.state
        return envs.reset()[0]

    def sample() -> Any:
        if hasattr(space, "n"):
            return rng.integers(space.n, size=workload.num_envs, dtype=np.int32)
        return rng.uniform(space.low, space.high, (workload.num_envs, *space.shape)).astype(np.float32)

    return VectorProgram(VectorTasks(reset, envs.step, sample, space), workload)


ENVPOOL = Contender("envpool", ("envpool>=1.0",), "envpool", finder("envpool", NEXT_STEP), _program, threaded=True)
