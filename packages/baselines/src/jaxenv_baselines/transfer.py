"""Evaluation of agents in the reference implementation of their task: Gymnasium, MinAtar or bsuite.

An agent that was trained on an environment of jaxenv acts in the package that published the task. If both implement the same task,
the mean returns agree up to sampling error. Each episode has a reference environment of its own; the policy is evaluated on all of
them in one compiled call per step.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jaxenv import EnvSpec
from numpy.typing import NDArray

from jaxenv_baselines import limits
from jaxenv_baselines.agent import Agent
from jaxenv_baselines.errors import MissingReferenceError, NoReferenceError
from jaxenv_baselines.tasks import Task

ROUNDING = 1e-5
"""Relative difference of mean returns that is attributed to rounding: rewards are float32 here and float64 in the references."""


class Reference(Protocol):
    """One environment of a reference implementation."""

    def reset(self) -> Any:
        """Begin an episode and return the first observation."""

    def step(self, action: Any) -> tuple[Any, float, bool]:
        """Take a step and return observation, reward, and whether the episode ended."""
        ...


class Transfer(NamedTuple):
    """Returns of one agent in a reference implementation and in jaxenv."""

    package: str
    """Distribution of the reference implementation."""
    version: str
    """Its version."""
    returns: NDArray[np.float64]
    """Undiscounted returns in the reference, float64[episodes]."""
    own_returns: NDArray[np.float64]
    """Undiscounted returns in jaxenv, float64[episodes]."""

    @property
    def difference(self) -> float:
        """Mean return in the reference minus mean return in jaxenv."""
        return float(self.returns.mean() - self.own_returns.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the difference."""
        return math.hypot(_sem(self.returns), _sem(self.own_returns))

    @property
    def standard_errors(self) -> float:
        """Absolute difference in standard errors; a difference within rounding counts as 0."""
        if abs(self.difference) <= ROUNDING * max(1.0, abs(float(self.own_returns.mean()))):
            return 0.0
        return abs(self.difference) / self.standard_error if self.standard_error else math.inf

    def to_json(self) -> dict[str, Any]:
        """Return a summary as JSON data."""
        return {
            "package": self.package,
            "version": self.version,
            "episodes": len(self.returns),
            "mean": float(self.returns.mean()),
            "sem": _sem(self.returns),
            "own_episodes": len(self.own_returns),
            "own_mean": float(self.own_returns.mean()),
            "own_sem": _sem(self.own_returns),
            "standard_errors": self.standard_errors,
        }


def transfer(agent: Agent, *, episodes: int = 1000, max_steps: int | None = None, seed: int = 0) -> Transfer:
    """Evaluate an agent in the reference implementation of its task and in jaxenv.

    Args:
        agent: the agent; its environment is of ``jaxenv-classic``, ``jaxenv-minatar`` or ``jaxenv-bsuite``.
        episodes: episodes on either side.
        max_steps: steps after which an episode is cut on both sides; None means the time limit, or without one
            :data:`~jaxenv_baselines.limits.MAX_STEPS_IN_REFERENCE`.
        seed: seed of both sides.

    Raises:
        NoReferenceError: the task has no reference implementation, or not with the agent's settings.
        MissingReferenceError: the reference implementation is not installed.
    """
    spec = jaxenv.spec(agent.description["spec"]["id"])
    time_limit = Task.of(agent.env, agent.params).time_limit
    limit = limits.max_steps(time_limit, in_reference=True) if max_steps is None else max_steps
    if spec.namespace not in FAMILIES:
        raise NoReferenceError(spec.id, f"only the tasks of {', '.join(FAMILIES)} have one")
    package, build = FAMILIES[spec.namespace]
    with _no_warnings():
        try:
            importlib.import_module(package.lower())
        except ImportError as error:
            raise MissingReferenceError(package, str(spec.distribution)) from error
    with _no_warnings():  # again: Gymnasium changes the filters when it is imported
        references = [build(spec, agent, seed + number) for number in range(episodes)]
        returns = _play(agent, references, limit, seed)
    own = jaxenv.evaluate(
        agent.env,
        agent.params,
        agent.policy,
        jaxenv.random.key(seed),
        num_episodes=episodes,
        policy_params=agent.policy_params,
        initial_carry=agent.initial_carry,
        max_steps=limit,
    )
    return Transfer(package, importlib.metadata.version(package), returns, np.asarray(own.returns, np.float64))


def _play(agent: Agent, references: list[Reference], limit: int, seed: int) -> NDArray[np.float64]:
    """Play one episode in each reference environment and return the returns."""
    space = agent.env.observation_space(agent.params)
    returns, running = np.zeros(len(references)), np.ones(len(references), bool)
    obs = np.stack([np.asarray(reference.reset()) for reference in references])
    carry = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(references), *jnp.shape(leaf))), agent.initial_carry)

    @jax.jit
    def act(policy_params: Any, carry: Any, obs: Any, time: Any) -> tuple[Any, Any]:
        keys = jaxenv.random.split(jaxenv.random.fold_in(jaxenv.random.key(seed), time), len(references))
        obs = jax.vmap(lambda one: space.cast(one, "the reference's observation"))(obs)
        if carry is None:
            return None, jax.vmap(partial(agent.policy, policy_params))(obs, keys)
        return jax.vmap(partial(agent.policy, policy_params))(carry, obs, keys)

    for time in range(limit):
        carry, actions = act(agent.policy_params, carry, obs, jnp.uint32(time))
        actions = np.asarray(actions)
        for index in np.flatnonzero(running):
            obs[index], reward, done = references[index].step(actions[index])
            returns[index] += reward
            running[index] = not done
        if not running.any():
            break
    return returns


@dataclass
class _Gymnasium:
    env: Any
    seed: int

    def reset(self) -> Any:
        return self.env.reset(seed=self.seed)[0]

    def step(self, action: Any) -> tuple[Any, float, bool]:
        obs, reward, terminated, truncated, _ = self.env.step(action)
        return obs, float(reward), bool(terminated or truncated)


@dataclass
class _MinAtar:
    game: Any
    actions: tuple[int, ...]

    def reset(self) -> Any:
        self.game.reset()
        return self.game.state()

    def step(self, action: Any) -> tuple[Any, float, bool]:
        reward, terminated = self.game.act(self.actions[int(action)])
        return self.game.state(), float(reward), bool(terminated)


@dataclass
class _Bsuite:
    env: Any

    def reset(self) -> Any:
        return self.env.reset().observation

    def step(self, action: Any) -> tuple[Any, float, bool]:
        step = self.env.step(int(action))
        return step.observation, float(step.reward), bool(step.last())


def _gymnasium(spec: EnvSpec, agent: Agent, seed: int) -> Reference:
    if agent.description["overrides"]:
        raise NoReferenceError(spec.id, f"it was trained with other settings, {agent.description['overrides']}")
    gymnasium = importlib.import_module("gymnasium")
    return _Gymnasium(gymnasium.make(spec.name, disable_env_checker=True), seed)


def _minatar(spec: EnvSpec, agent: Agent, seed: int) -> Reference:
    env: Any = agent.env
    params = agent.params
    game = importlib.import_module("minatar").Environment(
        importlib.import_module("jaxenv_minatar.reference_games").REFERENCE_GAMES[env.name].name,
        sticky_action_prob=float(params.sticky_action_prob),
        difficulty_ramping=bool(getattr(params, "ramping", False)),
    )
    game.random = game.env.random = np.random.RandomState(seed)
    return _MinAtar(game, env.minimal_action_set if env.minimal_actions else tuple(range(6)))


def _bsuite(spec: EnvSpec, agent: Agent, seed: int) -> Reference:
    reference = importlib.import_module("jaxenv_bsuite.reference")
    if spec.name in importlib.import_module("jaxenv_bsuite.sweep").SETTINGS:
        env = reference.load_id(spec.name)
    else:
        env = reference.REFERENCE_TASKS[agent.env.name].build(agent.env, agent.params)
    for offset, part in enumerate((env, getattr(env, "raw_env", env))):
        if hasattr(part, "_rng"):
            part._rng = np.random.RandomState(2 * seed + offset)
    return _Bsuite(env)


FAMILIES: dict[str, tuple[str, Callable[[EnvSpec, Agent, int], Reference]]] = {
    "classic": ("gymnasium", _gymnasium),
    "minatar": ("MinAtar", _minatar),
    "bsuite": ("bsuite", _bsuite),
}
"""Namespaces with a reference implementation: its distribution, and how one environment is built."""


@contextmanager
def _no_warnings() -> Generator[None]:
    """Silence the references' warnings, of old versions of tasks and of deprecated functions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _sem(returns: NDArray[np.float64]) -> float:
    return float(returns.std(ddof=1) / math.sqrt(len(returns)))
