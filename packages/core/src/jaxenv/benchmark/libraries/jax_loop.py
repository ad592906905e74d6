"""JAX libraries: one compiled function of a key, a scan over steps of a batch of environments.

In every iteration each environment samples from its library's own action space, or asks the policy, and takes its library's own
step with its own automatic reset. This is the loop of gymnax's documentation, which splits the keys of each step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv import random
from jaxenv.benchmark.network import Network, network
from jaxenv.benchmark.workload import Workload


class Tasks(NamedTuple):
    """A library's single environment, as functions; the loop batches them."""

    reset: Callable[[Array], tuple[Any, Any]]
    """From a key to ``(obs, state)``."""
    step: Callable[[Array, Any, Any], tuple[Any, Any, Array, Array]]
    """From a key, a state and an action to ``(obs, state, reward, done)``, with automatic reset."""
    sample: Callable[[Array], Any]
    """From a key to a random action."""
    action_space: Any
    """The library's space of actions."""


class JaxProgram:
    """A JAX library in the common loop."""

    compiles = True

    def __init__(self, tasks: Tasks, workload: Workload) -> None:
        self._tasks, self._workload = tasks, workload
        self._jitted = jax.jit(self._play)
        self._compiled: Any = None
        self._keys: dict[int, Array] = {}

    @cached_property
    def _reset(self) -> tuple[Any, Any]:
        """Shapes of one environment's observation and state."""
        return jax.eval_shape(self._tasks.reset, jax.eval_shape(lambda: self._key(0)))

    @property
    def state_bytes(self) -> int:
        """Size of one environment's state, bytes; a typed key counts as its words."""
        data = jax.eval_shape(lambda state: jax.tree.map(_data, state), self._reset[1])
        return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(data))

    @property
    def network(self) -> Network:
        """The network of the policy ``mlp``."""
        return network(self._reset[0], self._tasks.action_space)

    @cached_property
    def _weights(self) -> Any:
        return self.network.weights() if self._workload.policy == "mlp" else None

    def compile(self) -> None:
        key = jax.eval_shape(lambda: self._key(0))
        self._compiled = self._jitted.lower(key, self._weights).compile()

    def ready(self, seed: int) -> None:
        self._keys[seed] = jax.block_until_ready(self._key(seed))

    def run(self, seed: int) -> None:
        if seed not in self._keys:
            self.ready(seed)
        jax.block_until_ready(self._compiled(self._keys.pop(seed), self._weights))

    def _key(self, seed: int) -> Array:
        return random.key(seed) if self._workload.prng == "jaxenv" else jax.random.key(seed)

    def _play(self, key: Array, weights: Any) -> Any:
        tasks, work = self._tasks, self._workload
        key_reset, key_scan = jax.random.split(key)
        obs, state = jax.vmap(tasks.reset)(jax.random.split(key_reset, work.num_envs))

        def body(loop: tuple[Any, Any], key_step: Array) -> tuple[Any, Any]:
            obs, state = loop
            key_act, key_env = jax.random.split(key_step)
            if work.policy == "mlp":
                action = jax.vmap(self.network.act, in_axes=(None, 0))(weights, obs)
            else:
                action = jax.vmap(tasks.sample)(jax.random.split(key_act, work.num_envs))
            obs, state, reward, done = jax.vmap(tasks.step)(jax.random.split(key_env, work.num_envs), state, action)
            return (obs, state), (obs, reward, done) if work.force else (reward, done)

        return jax.lax.scan(body, (obs, state), jax.random.split(key_scan, work.num_steps), unroll=work.unroll or 1)


def _data(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
