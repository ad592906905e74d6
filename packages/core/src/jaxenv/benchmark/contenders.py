"""The libraries that a benchmark can run, each as a function from a workload to a program that can be timed.

A program of a JAX library is one compiled function of a key: a scan in which every environment samples from the library's
own action space (or asks the policy) and takes the library's own step with its own automatic reset, and which returns what
must be computed. ``jaxenv`` is played by :func:`jaxenv.rollout`, as its users do; ``gymnax`` by the loop of its
documentation, which splits the keys of each step; ``jaxenv-loop`` by that same loop, for the difference. A vector
environment in Python is a loop over its ``step``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv.errors import BenchmarkPeerError


class Workload(NamedTuple):
    """What is run."""

    env_id: str
    """The environment, by the name that all libraries know it by."""
    num_envs: int
    """Environments in the batch."""
    num_steps: int
    """Steps of each environment in one run."""
    policy: str = "random"
    """``random`` (uniform over the action space) or ``mlp`` (two tanh layers of 64, fixed random weights)."""
    force: bool = True
    """Whether observations of every step are returned, not only rewards and flags."""
    unroll: int = 1
    """Steps in one iteration of the scan."""
    prng: str = "default"
    """``default`` (JAX's own keys) or ``jaxenv`` (``jaxenv.random.key``)."""


class Program(Protocol):
    """Something ready to run."""

    def compile(self) -> None:
        """Do all that happens once: tracing and compiling. Timed apart."""
        ...

    def run(self, seed: int) -> None:
        """Play the workload once and wait for every output."""
        ...


class Tasks(NamedTuple):
    """One environment of a JAX library, for single environments; the harness batches it."""

    reset: Callable[[Array], tuple[Any, Any]]
    step: Callable[[Array, Any, Any], tuple[Any, Any, Array, Array]]
    sample: Callable[[Array], Any]
    num_outputs: int
    discrete: bool
    state_bytes: int


class JaxProgram:
    """A JAX library in the loop that gymnax documents."""

    def __init__(self, tasks: Tasks, workload: Workload) -> None:
        self._tasks, self._workload = tasks, workload
        self._jitted = jax.jit(self._play)
        self._compiled: Any = None
        self.state_bytes = tasks.state_bytes

    def compile(self) -> None:
        self._compiled = self._jitted.lower(self._key(0)).compile()

    def run(self, seed: int) -> None:
        jax.block_until_ready(self._compiled(self._key(seed)))

    def _key(self, seed: int) -> Array:
        if self._workload.prng == "jaxenv":
            from jaxenv import random

            return random.key(seed)
        return jax.random.key(seed)

    def _play(self, key: Array) -> Any:
        tasks, work = self._tasks, self._workload
        key_reset, key_policy, key_scan = jax.random.split(key, 3)
        obs, state = jax.vmap(tasks.reset)(jax.random.split(key_reset, work.num_envs))
        mlp = _mlp(key_policy, tasks, obs)

        def body(loop: tuple[Any, Any], key_step: Array) -> tuple[Any, Any]:
            obs, state = loop
            key_act, key_env = jax.random.split(key_step)
            if work.policy == "mlp":
                action = jax.vmap(mlp)(obs)
            else:
                action = jax.vmap(tasks.sample)(jax.random.split(key_act, work.num_envs))
            obs, state, reward, done = jax.vmap(tasks.step)(jax.random.split(key_env, work.num_envs), state, action)
            return (obs, state), (obs, reward, done) if work.force else (reward, done)

        return jax.lax.scan(body, (obs, state), jax.random.split(key_scan, work.num_steps), unroll=work.unroll)


class RolloutProgram(JaxProgram):
    """jaxenv in its own rollout."""

    def __init__(self, tasks: Tasks, workload: Workload, env: Any, params: Any) -> None:
        super().__init__(tasks, workload)
        self._env, self._params = env, params

    def _play(self, key: Array) -> Any:
        from jaxenv.rollouts import rollout

        work = self._workload
        policy = None
        if work.policy == "mlp":
            mlp = _mlp(key, self._tasks, jax.eval_shape(jax.vmap(self._tasks.reset), jax.random.split(key, 1))[0])
            policy = lambda obs, key: mlp(obs)  # noqa: E731 - a policy is a function of both
        result = rollout(self._env, self._params, policy, key, num_envs=work.num_envs, num_steps=work.num_steps, unroll=work.unroll)
        played = result.trajectory
        outputs = (played.obs, played.reward, played.done) if work.force else (played.reward, played.done)
        return result.obs, result.state, outputs


def _mlp(key: Array, tasks: Tasks, obs: Any) -> Callable[[Any], Array]:
    """Return a policy of two tanh layers of 64 with random weights; ``obs`` is a batch of observations, or its shapes."""
    width = sum(int(np.prod(leaf.shape[1:])) for leaf in jax.tree.leaves(obs))
    sizes = (width, 64, 64, tasks.num_outputs)
    keys = jax.random.split(key, 3)
    weights = [jax.random.normal(k, (m, n), jnp.float32) / m**0.5 for k, m, n in zip(keys, sizes[:-1], sizes[1:], strict=True)]

    def act(obs: Any) -> Array:
        hidden = jnp.concatenate([leaf.reshape(-1).astype(jnp.float32) for leaf in jax.tree.leaves(obs)])
        for weight in weights[:-1]:
            hidden = jnp.tanh(hidden @ weight)
        out = hidden @ weights[-1]
        return jnp.argmax(out).astype(jnp.int32) if tasks.discrete else jnp.tanh(out)

    return act


def _state_bytes(reset: Callable[[Array], tuple[Any, Any]]) -> int:
    _, state = jax.eval_shape(reset, jax.eval_shape(lambda: jax.random.key(0)))
    return sum(int(np.prod(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))


def jaxenv_program(workload: Workload, loop: bool = False) -> JaxProgram:
    """Return the program of this library's environment: its own rollout, or the common loop."""
    import jaxenv

    env, params = jaxenv.make(workload.env_id)
    space = env.action_space(params)

    def reset(key: Array) -> tuple[Any, Any]:
        return env.reset(key, params)

    def step(key: Array, state: Any, action: Any) -> tuple[Any, Any, Array, Array]:
        return env.step(key, state, action, params)[:4]

    discrete = isinstance(space, jaxenv.spaces.Discrete)
    tasks = Tasks(reset, step, space.sample, env.num_actions, discrete, _state_bytes(reset))
    return JaxProgram(tasks, workload) if loop else RolloutProgram(tasks, workload, env, params)


def gymnax_program(workload: Workload) -> JaxProgram:
    """Return the program of the environment of the same name in gymnax 1.0."""
    gymnax = _peer("gymnax")
    env, params = gymnax.make(short_name(workload.env_id))
    space = env.action_space(params)

    def reset(key: Array) -> tuple[Any, Any]:
        return env.reset(key, params)

    def step(key: Array, state: Any, action: Any) -> tuple[Any, Any, Array, Array]:
        obs, state, reward, terminated, truncated, _ = env.step(key, state, action, params)
        return obs, state, reward, terminated | truncated

    discrete = hasattr(space, "n")
    return JaxProgram(Tasks(reset, step, space.sample, env.num_actions, discrete, _state_bytes(reset)), workload)


class GymnasiumProgram:
    """Gymnasium's own vector environment (a vectorised one where it has it), stepped from Python."""

    state_bytes = 0

    def __init__(self, workload: Workload) -> None:
        gymnasium = _peer("gymnasium")
        name = short_name(workload.env_id)
        mode = "vector_entry_point" if gymnasium.spec(name).vector_entry_point else "sync"
        self._envs = gymnasium.make_vec(name, num_envs=workload.num_envs, vectorization_mode=mode)
        self._steps = workload.num_steps

    def compile(self) -> None:
        self._envs.reset(seed=0)

    def run(self, seed: int) -> None:
        self._envs.action_space.seed(seed)
        self._envs.reset(seed=seed)
        for _ in range(self._steps):
            self._envs.step(self._envs.action_space.sample())


def _gymnax_has(name: str) -> bool:
    return name in _peer("gymnax").registered_envs


def _gymnasium_has(name: str) -> bool:
    return name in _peer("gymnasium").registry


class Contender(NamedTuple):
    """A library that can be measured."""

    distribution: str
    """What it is called where it is installed from."""
    has: Callable[[str], bool]
    """Whether it has a task of this name (without jaxenv's namespace)."""
    program: Callable[[Workload], Any]
    """Makes the program that plays a workload."""


CONTENDERS: dict[str, Contender] = {
    "jaxenv": Contender("jaxenv-core", lambda name: True, jaxenv_program),
    "jaxenv-loop": Contender("jaxenv-core", lambda name: True, partial(jaxenv_program, loop=True)),
    "gymnax": Contender("gymnax", _gymnax_has, gymnax_program),
    "gymnasium": Contender("gymnasium", _gymnasium_has, GymnasiumProgram),
}


def contender(library: str) -> Contender:
    """Look a library up.

    Raises:
        BenchmarkPeerError: it is unknown or not installed.
    """
    if library not in CONTENDERS:
        raise BenchmarkPeerError(library, tuple(CONTENDERS))
    if CONTENDERS[library].distribution == library:
        _peer(library)
    return CONTENDERS[library]


def short_name(env_id: str) -> str:
    """Return the name of an environment without jaxenv's namespace, as other libraries know it."""
    return env_id.rpartition("/")[2]


def version(library: str) -> str:
    """Return the installed version of a contender."""
    return importlib.metadata.version(CONTENDERS[library].distribution)


def _peer(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise BenchmarkPeerError(library, tuple(CONTENDERS)) from error
