"""jaxenv itself: played by :func:`jaxenv.rollout`, as its users do, or by the loop that other JAX libraries get."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh

from jaxenv.benchmark.libraries.base import Library, PeerTask
from jaxenv.benchmark.libraries.jax_loop import JaxProgram, Tasks
from jaxenv.benchmark.workload import Workload
from jaxenv.registry import make
from jaxenv.rollouts import rollout


class RolloutProgram(JaxProgram):
    """jaxenv in its own rollout, over as many devices as the workload says."""

    def __init__(self, tasks: Tasks, workload: Workload, env: Any, params: Any) -> None:
        super().__init__(tasks, workload)
        self._env, self._params = env, params

    def _play(self, key: Array, weights: Any) -> Any:
        work = self._workload
        options: dict[str, Any] = {} if work.unroll is None else {"unroll": work.unroll}
        mesh = Mesh(np.array(jax.devices()[: work.devices]), "envs") if work.devices > 1 else None
        result = rollout(
            self._env,
            self._params,
            None if weights is None else lambda weights, obs, key: self.network.act(weights, obs),
            key,
            num_envs=work.num_envs,
            num_steps=work.num_steps,
            policy_params=weights,
            mesh=mesh,
            **options,
        )
        played = result.trajectory
        outputs = (played.obs, played.reward, played.done) if work.force else (played.reward, played.done)
        return result.obs, result.state, outputs


def _program(workload: Workload, *, common_loop: bool) -> JaxProgram:
    importlib.import_module("jaxenv.engine.rollout")  # importing is no part of the first compilation
    env, params = make(workload.env_id, **dict(workload.settings))

    def reset(key: Array) -> tuple[Any, Any]:
        return env.reset(key, params)

    def step(key: Array, state: Any, action: Any) -> tuple[Any, Any, Array, Array]:
        return env.step(key, state, action, params)[:4]

    space = env.action_space(params)
    tasks = Tasks(reset, step, space.sample, space)
    return JaxProgram(tasks, workload) if common_loop else RolloutProgram(tasks, workload, env, params)


JAXENV = Library("jaxenv", ("jaxenv-core",), "jaxenv", PeerTask, partial(_program, common_loop=False))
JAXENV_LOOP = Library("jaxenv in gymnax's loop", ("jaxenv-core",), "jaxenv", PeerTask, partial(_program, common_loop=True))
