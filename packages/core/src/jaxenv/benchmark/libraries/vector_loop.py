"""Libraries in Python: a loop over the ``step`` of a vector environment."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxenv.benchmark.network import Network, network
from jaxenv.benchmark.workload import Workload


class VectorTasks(NamedTuple):
    """A vector environment, as functions of the whole batch."""

    reset: Callable[[int], Any]
    """From a seed to observations."""
    step: Callable[[Any], tuple[Any, ...]]
    """From actions to ``(obs, rewards, terminated, truncated, info)``, with automatic reset."""
    sample: Callable[[], Any]
    """Returns random actions, of the stream that ``reset`` seeded."""
    action_space: Any
    """The space of one environment's actions."""


class VectorProgram:
    """A vector environment, stepped from Python."""

    compiles = False
    state_bytes = 0

    def __init__(self, tasks: VectorTasks, workload: Workload) -> None:
        self._tasks, self._workload = tasks, workload

    @property
    def network(self) -> Network:
        """The network of the policy ``mlp``."""
        observations = self._tasks.reset(0)
        return network(jax.tree.map(lambda leaf: np.asarray(leaf)[0], observations), self._tasks.action_space)

    @cached_property
    def _act(self) -> Callable[[Any], Any]:
        """The policy: from observations, where a network looks at them, to actions, in NumPy as the library wants them."""
        if self._workload.policy == "random":
            return lambda obs: self._tasks.sample()
        mlp = self.network
        weights, act = jax.device_put(mlp.weights()), jax.jit(jax.vmap(mlp.act, in_axes=(None, 0)))
        return lambda obs: np.asarray(act(weights, obs))

    def compile(self) -> None:
        self._act(self._tasks.reset(0))

    def ready(self, seed: int) -> None:
        """Nothing: a seed is a number here."""

    def run(self, seed: int) -> None:
        act, step = self._act, self._tasks.step
        obs = self._tasks.reset(seed)
        for _ in range(self._workload.num_steps):
            obs = step(act(obs))[0]
