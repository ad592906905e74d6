"""Agents that a run can play: a policy function, or a class that learns."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from jax import Array
from jaxenv import Environment
from jaxenv.errors import JaxenvError


class AgentError(JaxenvError, ValueError):
    """A name does not stand for an agent."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(
            f"the agent {name!r} {problem}. Name 'random', or 'module:object' with a function policy(obs, key) -> action or a "
            "class with begin, act and learn."
        )


class Experience(NamedTuple):
    """One step, as an agent learns from it."""

    obs: Any
    """The observation that the action answered."""
    action: Any
    """The action."""
    reward: Array
    """Its reward."""
    discount: Array
    """1, or 0 where the episode ended."""
    next_obs: Any
    """The observation after the step, of the same episode."""


class Agent(Protocol):
    """What plays one id: pure functions of a memory, which a run carries, stores and restores.

    A class of one's own is called with the environment and its params, and gives such an object. Many ids of one experiment
    are played at once, each with a memory of its own, under ``jax.vmap``.
    """

    def begin(self, key: Array) -> Any:
        """Return the memory before the first episode: arrays of fixed shapes and dtypes in any tree."""
        ...

    def act(self, memory: Any, obs: Any, key: Array) -> Any:
        """Return an action."""
        ...

    def learn(self, memory: Any, experience: Experience, key: Array) -> Any:
        """Return the memory after a step."""
        ...


AgentFactory = Callable[[Environment[Any, Any], Any], Agent]
"""A class of agents: called with an environment and its params."""


class PolicyAgent:
    """Plays a policy function and remembers nothing."""

    def __init__(self, policy: Callable[[Any, Array], Any]) -> None:
        self._policy = policy

    def begin(self, key: Array) -> Any:
        return ()

    def act(self, memory: Any, obs: Any, key: Array) -> Any:
        return self._policy(obs, key)

    def learn(self, memory: Any, experience: Experience, key: Array) -> Any:
        return memory


def random_agent(env: Environment[Any, Any], params: Any) -> Agent:
    """Return an agent that takes any action with the same probability."""
    space = env.action_space(params)
    return PolicyAgent(lambda obs, key: space.sample(key))


def find_agent(name: str) -> AgentFactory:
    """Return the agent that a name stands for: ``"random"``, or ``"module:object"`` with a module that can be imported from here.

    Raises:
        AgentError: the name has another form, or stands for nothing that can play.
    """
    if name == "random":
        return random_agent
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise AgentError(name, "is not of the form module:object")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise AgentError(name, f"cannot be imported ({type(error).__name__}: {error})") from error
    if isinstance(found, type):
        missing = [method for method in ("begin", "act", "learn") if not hasattr(found, method)]
        if missing:
            raise AgentError(name, f"is a class without {' and '.join(missing)}")
        return found
    if not callable(found):
        raise AgentError(name, f"is {type(found).__name__}, which can't be called")
    return lambda env, params: PolicyAgent(found)
