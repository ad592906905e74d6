"""envpool: environments in C++, stepped by a pool of threads through its synchronous ``step``, which every environment takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxenv.benchmark.contenders.base import Contender, Counterpart, module, short_name
from jaxenv.benchmark.contenders.gymnasium import NEXT_STEP
from jaxenv.benchmark.contenders.vector_loop import VectorProgram, VectorTasks
from jaxenv.benchmark.workload import Workload

TASKS = {
    "CartPole-v1": Counterpart("CartPole-v1", NEXT_STEP),
    "Pendulum-v1": Counterpart("Pendulum-v1", f"{NEXT_STEP}; the angle follows the velocity from before it is clipped"),
    "Acrobot-v1": Counterpart("Acrobot-v1", NEXT_STEP),
    "MountainCar-v0": Counterpart("MountainCar-v0", NEXT_STEP),
    "MountainCarContinuous-v0": Counterpart("MountainCarContinuous-v0", NEXT_STEP),
    "Catch-bsuite": Counterpart("Catch-v0", NEXT_STEP),
    "FrozenLake-misc": Counterpart("FrozenLake-v1", NEXT_STEP),
    "FrozenLake8x8-misc": Counterpart("FrozenLake8x8-v1", NEXT_STEP),
}


def _program(workload: Workload) -> VectorProgram:
    name = TASKS[short_name(workload.env_id)].name
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


ENVPOOL = Contender("envpool", ("envpool>=1.0",), "envpool", TASKS.get, _program, threaded=True)
