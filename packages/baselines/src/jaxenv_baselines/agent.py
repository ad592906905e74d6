"""Trained agents and their files: ``agent.safetensors`` holds the weights, ``agent.json`` everything else.

>>> import jaxenv, jaxenv_baselines
>>> agent = jaxenv_baselines.load("CartPole-v1")
>>> result = jaxenv.rollout(agent.env, agent.params, agent.policy, jaxenv.random.key(0), num_envs=8, num_steps=500,
...                         policy_params=agent.policy_params, initial_carry=agent.initial_carry)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jaxenv import EnvSpec, spaces
from jaxenv.environment import Environment
from jaxenv.errors import JaxenvError, UnknownEnvError
from jaxenv.registry import LoadedPolicy

from jaxenv_baselines import files
from jaxenv_baselines.algorithms import algorithm, config_of, settings_of
from jaxenv_baselines.errors import DamagedAgentError, NotConfiguredError, OtherFieldsError, OtherTaskError
from jaxenv_baselines.tasks import Task

FORMAT = 1
"""Version of the format of ``agent.json``."""
SHIPPED = Path(__file__).parent / "agents"
"""Directory of the shipped agents, each in a folder named like its full id."""
WEIGHTS, DESCRIPTION = "agent.safetensors", "agent.json"


@dataclass(frozen=True)
class Agent:
    """A trained agent: everything that :func:`jaxenv.rollout` needs."""

    env: Environment[Any, Any]
    """The environment of the training."""
    params: Any
    """Its parameters."""
    policy: Callable[..., Any]
    """``(policy_params, obs, key) -> action``; with a carry, ``(policy_params, carry, obs, key) -> (carry, action)``."""
    policy_params: dict[str, Any]
    """Weights and normalization statistics: nested dicts of arrays."""
    initial_carry: Any
    """The carry at the start of an episode; None if the policy is not recurrent."""
    description: dict[str, Any]
    """Contents of ``agent.json``: environment, algorithm, config, seed, versions, steps and returns."""


def description(
    spec: EnvSpec,
    overrides: Mapping[str, Any],
    name: str,
    config: Any,
    *,
    seed: int,
    member: int,
    steps: int,
    seconds: float,
    returns: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the contents of ``agent.json``, except the SHA-256 of the weights.

    Args:
        spec: spec of the environment.
        overrides: keyword arguments of ``make``.
        name: name of the algorithm.
        config: config of the algorithm.
        seed: seed of the training.
        member: index of the member.
        steps: environment steps of the training, per member.
        seconds: duration of the training, including compilation.
        returns: result of :func:`jaxenv_baselines.evaluation.summary`.
    """
    return {
        "format": FORMAT,
        "spec": spec.to_json(),
        "overrides": dict(overrides),
        "algorithm": name,
        "config": settings_of(config),
        "seed": seed,
        "member": member,
        "prng": str(jax.random.key_impl(jaxenv.random.key(0))),
        "versions": {what: version(what) for what in ("jax", "jaxenv-core", "jaxenv-baselines")},
        "steps": steps,
        "seconds": round(seconds, 3),
        "returns": dict(returns),
    }


def save(directory: Path, described: Mapping[str, Any], policy_params: Any, *, half: bool = False) -> None:
    """Write an agent into a directory.

    Args:
        directory: created if missing.
        described: result of :func:`description`.
        policy_params: nested dicts of arrays.
        half: whether to store weights as float16; pass what :func:`rounded` returned, which loses nothing then.

    Raises:
        NotWrittenError: a file can't be written.
    """
    kept = jax.tree.map(np.asarray, jax.device_get(policy_params))
    if half:
        weights = jax.tree.map(lambda leaf: leaf.astype(np.float16) if leaf.dtype == np.float32 else leaf, kept["weights"])
        kept = {**kept, "weights": weights}
    data = files.packed(kept)
    files.write(directory / WEIGHTS, data)
    files.write_json(directory / DESCRIPTION, {**described, "sha256": files.sha256(data)})


def rounded(policy_params: dict[str, Any]) -> dict[str, Any]:
    """Round float32 weights to the nearest float16, still as float32.

    Normalization statistics stay as they are: a mean that is large beside its deviation, as that of a cosine, would move too far.
    ``lax.reduce_precision`` and not ``astype``, as XLA removes a conversion to float16 and back from a compiled program.
    """

    def nearest(leaf: Any) -> Any:
        return jax.lax.reduce_precision(leaf, exponent_bits=5, mantissa_bits=10) if leaf.dtype == jnp.float32 else leaf

    return {**policy_params, "weights": jax.tree.map(nearest, policy_params["weights"])}


def load(where: str | Path, /, *, env_id: str | None = None) -> Agent:
    """Load an agent.

    Args:
        where: id of an environment, for its shipped agent; or a directory that ``jaxenv train`` wrote.
        env_id: id that the agent must have been trained on; None accepts any.

    Returns:
        The agent, ready for :func:`jaxenv.rollout` and :func:`jaxenv.evaluate`.

    Raises:
        NotConfiguredError: no agent is shipped for the id.
        MissingAgentError: the directory holds no agent.
        DamagedAgentError: a file is damaged.
        OtherTaskError: the agent was trained on another environment than ``env_id``.
    """
    directory = where if isinstance(where, Path) else _directory(where)
    described = files.read_json(directory / DESCRIPTION)
    found = _checked(directory, described)
    if env_id is not None and jaxenv.spec(env_id).id != found:
        raise OtherTaskError(directory, found, jaxenv.spec(env_id).id)
    overrides = {name: _tuples(value) for name, value in described["overrides"].items()}
    env, params = jaxenv.make(found, **overrides)
    file = directory / DESCRIPTION
    try:
        config = config_of(described["algorithm"], described["config"])
        module, task = algorithm(described["algorithm"]), Task.of(env, params)
        module.check(task, config)
    except JaxenvError as error:
        raise DamagedAgentError(file, f"its agent can't be built: {str(error).split('. ')[0]}") from error
    data = files.read(directory / WEIGHTS)
    if files.sha256(data) != described["sha256"]:
        raise DamagedAgentError(directory / WEIGHTS, f"its SHA-256 is not the one in {DESCRIPTION}")
    shapes = jax.eval_shape(lambda key: module.policy_params(task, config, module.begin(task, config, key)), jaxenv.random.key(0))
    policy_params = files.unpacked(directory / WEIGHTS, data, shapes)
    return Agent(env, params, module.policy(task, config), policy_params, module.initial_carry(task, config), described)


def shipped() -> list[dict[str, Any]]:
    """Return the descriptions of all shipped agents, sorted by full id."""
    return [files.read_json(file) for file in sorted(SHIPPED.rglob(DESCRIPTION))]


def policy_for(argument: str, spec: EnvSpec, env: Environment[Any, Any], params: Any) -> LoadedPolicy:
    """Return the policy of ``--policy agent:ARGUMENT``; the argument is ``shipped`` or a directory (see ``jaxenv_policies``)."""
    agent = load(spec.id) if argument == "shipped" else load(Path(argument), env_id=spec.id)
    require_fit(agent, argument, env, params)
    return LoadedPolicy(agent.policy, agent.policy_params, agent.initial_carry)


def require_fit(agent: Agent, where: str | Path, env: Environment[Any, Any], params: Any) -> None:
    """Check that an agent's spaces have the shapes, dtypes and numbers of choices of an environment's.

    Raises:
        OtherFieldsError: they differ.
    """
    for role in ("observation", "action"):
        own, given = getattr(agent.env, f"{role}_space")(agent.params), getattr(env, f"{role}_space")(params)
        if _form(own) != _form(given):
            raise OtherFieldsError(where, env.name, role, given, agent.description["overrides"])


def _form(space: spaces.Space) -> Any:
    """Return what a network depends on: shapes, dtypes, and the choices of discrete components, but not the bounds of a Box."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        named = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        return [(name, _form(part)) for name, part in named]
    if isinstance(space, spaces.Box):
        return space.shape, jnp.dtype(space.dtype)
    return space


def _directory(name: str) -> Path:
    try:
        found = jaxenv.spec(name)
    except UnknownEnvError:
        if Path(name).is_dir():
            return Path(name)
        raise
    if not (SHIPPED / found.id / DESCRIPTION).is_file():
        raise NotConfiguredError(found.id)
    return SHIPPED / found.id


def _checked(directory: Path, described: dict[str, Any]) -> str:
    """Validate a description and return its id."""
    file = directory / DESCRIPTION
    if described.get("format") != FORMAT:
        raise DamagedAgentError(file, f"its format is {described.get('format')!r}, but {FORMAT} is read")
    kinds = {"spec": dict, "overrides": dict, "algorithm": str, "config": dict, "sha256": str}
    for name, kind in kinds.items():
        if not isinstance(described.get(name), kind):
            raise DamagedAgentError(file, f"its {name} is missing or of another kind")
    if not isinstance(described["spec"].get("id"), str):
        raise DamagedAgentError(file, "its spec has no id")
    return described["spec"]["id"]


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
