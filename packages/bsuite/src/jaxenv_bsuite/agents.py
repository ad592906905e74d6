"""Agents that a run can play: a policy function, or a class that learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
from jax import Array
from jaxenv import Environment
from jaxenv.cli.objects import load_here, refusal
from jaxenv.cli.sentences import brief
from jaxenv.errors import EntryPointError, JaxenvError


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
    try:
        found = load_here("the agent", name, "'random' or 'module:object'")
    except EntryPointError as error:
        raise AgentError(name, f"cannot be imported ({brief(error.__cause__ or error)})") from error
    if isinstance(found, type):
        missing = [method for method in ("begin", "act", "learn") if not hasattr(found, method)]
        if missing:
            raise AgentError(name, f"is a class without {' and '.join(missing)}")
        _refuse_other_arguments(name, found, "its class", "env", "params")
        return found
    if not callable(found):
        raise AgentError(name, f"is {type(found).__name__}, which can't be called")
    _refuse_other_arguments(name, found, "the function", "obs", "key")
    return lambda env, params: PolicyAgent(found)


def try_agent(name: str, factory: AgentFactory, env: Environment[Any, Any], params: Any) -> None:
    """Trace an agent's first step on an environment, so that mistakes are found before anything is played.

    Raises:
        AgentError: it fails, gives no action of the environment, or changes the shape of its memory.
    """
    try:
        agent = factory(env, params)
    except (Exception, SystemExit) as error:
        raise AgentError(name, f"cannot be made for {env.name} ({brief(error)})") from error
    for method, arguments in (("begin", ["key"]), ("act", ["memory", "obs", "key"]), ("learn", ["memory", "experience", "key"])):
        _refuse_other_arguments(name, getattr(agent, method), f"its method {method}", *arguments)

    def begin(key: Array, params: Any) -> Any:
        obs, state = env.reset(key, params)
        return agent.begin(key), obs, state

    def step(key: Array, params: Any, memory: Any, obs: Any, state: Any) -> Any:
        action = env.action_space(params).cast(agent.act(memory, obs, key), "the action")
        _, _, reward, _, info = env.step(key, state, action, params)
        return agent.learn(memory, Experience(obs, action, reward, info["discount"], info["final_observation"]), key)

    try:
        key = jax.eval_shape(lambda: jax.random.key(0))
        memory, obs, state = jax.eval_shape(begin, key, params)
        learned = jax.eval_shape(step, key, params, memory, obs, state)
        # Under vmap, as it is played: not everything that can be traced can be batched.
        lanes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((2, *leaf.shape), leaf.dtype), (key, memory, obs, state))
        jax.eval_shape(jax.vmap(lambda lane: step(lane[0], params, *lane[1:])), lanes)
    except JaxenvError as error:
        raise AgentError(name, f"does not fit {env.name}: {str(error).rstrip('.')}") from error
    except (Exception, SystemExit) as error:
        raise AgentError(name, f"failed when it was tried on {env.name} ({brief(error)})") from error
    before, after = _form(memory), _form(learned)
    if before != after:
        raise AgentError(name, f"gives a memory of {after} from learn, but begin gave {before}")


def _form(memory: Any) -> str:
    """Return the leaves of a memory in words: where, dtype and shape."""
    leaves = jax.tree.leaves_with_path(memory)
    return ", ".join(f"{jax.tree_util.keystr(path)} {leaf.dtype}{list(leaf.shape)}".strip() for path, leaf in leaves) or "nothing"


def _refuse_other_arguments(name: str, function: Any, what: str, *arguments: str) -> None:
    reason = refusal(function, *arguments)
    if reason:
        raise AgentError(name, f"cannot be used, as {what} does not fit: {reason}")
