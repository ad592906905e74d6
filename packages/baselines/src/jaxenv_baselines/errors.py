"""Errors of agents and their training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxenv.errors import JaxenvError
from jaxenv.errors.wording import listed, short


class ActionSpaceError(JaxenvError, TypeError):
    """An algorithm does not support an action space."""

    def __init__(self, name: str, space: Any, most: int) -> None:
        super().__init__(
            f"{name}'s action space is {short(space)}, but a Discrete or MultiDiscrete one of at most {most:,} combinations, or a "
            "bounded Box of floats, was expected. Choose another environment, or wrap this one (jaxenv.wrappers)."
        )


class TorsoError(JaxenvError, ValueError):
    """A torso does not support an observation space."""

    def __init__(self, name: str, torso: str, known: Sequence[str], space: Any) -> None:
        super().__init__(
            f"torso is {torso!r}, but for {name}'s observations, {short(space)}, {listed(known)} was expected. "
            "Set another: --set torso=mlp."
        )


class ConfigError(JaxenvError, ValueError):
    """A setting of an algorithm is out of its range."""

    def __init__(self, name: str, given: Any, expected: str) -> None:
        super().__init__(f"{name} is {short(given)}, but {expected} was expected. Set another value: --set {name}=VALUE.")


class UnknownSettingError(JaxenvError, LookupError):
    """An algorithm has no setting of this name."""

    def __init__(self, algorithm: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"{algorithm} has no setting {name!r}. Choose one of {listed(known)}.")


class UnknownAlgorithmError(JaxenvError, LookupError):
    """No algorithm has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no algorithm {name!r}. Choose {listed(known)}.")


class NotConfiguredError(JaxenvError, LookupError):
    """No agent is shipped for an environment."""

    def __init__(self, env_id: str) -> None:
        super().__init__(
            f"No agent is shipped for {env_id}. Train one (jaxenv train {env_id}) and name its directory, or choose one that "
            "`jaxenv agents` lists."
        )


class MissingAgentError(JaxenvError, FileNotFoundError):
    """A directory holds no agent."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"There is no file {file}. Name a directory that `jaxenv train` has written to, or train an agent.")


class DamagedAgentError(JaxenvError, ValueError):
    """A file of an agent or a checkpoint is damaged."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file} is damaged: {reason}. Get it anew, or train again into another directory.")


class OtherTaskError(JaxenvError, ValueError):
    """An agent, or a training, belongs to another environment."""

    def __init__(self, directory: Path, found: str, wanted: str) -> None:
        super().__init__(
            f"{directory} holds an agent of {found}, but {wanted} was requested. Name another directory or environment."
        )


class OtherFieldsError(JaxenvError, ValueError):
    """An agent was trained in an environment of the same id with other observations or actions."""

    def __init__(self, where: object, name: str, role: str, space: Any, overrides: Mapping[str, Any]) -> None:
        words = " ".join(f"--set {field}={json.dumps(value)}" for field, value in overrides.items())
        super().__init__(
            f"The agent {where} does not fit {name} with the {role} space {short(space)}. "
            + (f"Make the environment as it was in training: {words}." if words else "Leave out what changes this space.")
        )


class OtherTrainingError(JaxenvError, ValueError):
    """A checkpoint belongs to a training with other settings."""

    def __init__(self, directory: Path, name: str, found: Any, wanted: Any) -> None:
        super().__init__(
            f"{directory} holds a training whose {name} is {short(found)}, but {short(wanted)} was requested. "
            "Use the same settings, or choose another directory (--out)."
        )


class DirectoryTakenError(JaxenvError, FileExistsError):
    """A directory holds a training or a search already."""

    def __init__(self, directory: Path, what: str, *, resumable: bool = False) -> None:
        action = "Resume it (--resume), or choose" if resumable else "Choose"
        super().__init__(f"{directory} holds {what} already. {action} another directory (--out).")


class NotWrittenError(JaxenvError, OSError):
    """A file could not be written."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(
            f"{file} could not be written: {reason}. The previous file is intact. Make room, or choose another directory (--out)."
        )


class ChoicesError(JaxenvError, TypeError):
    """An algorithm supports discrete actions only."""

    def __init__(self, name: str, algorithm: str, space: Any) -> None:
        super().__init__(
            f"{algorithm} supports discrete actions only, but {name}'s action space is {short(space)}. Use --algorithm ppo, or "
            "wrap the environment in DiscretizeAction."
        )


class MissingExtraError(JaxenvError, ImportError):
    """A dependency of an algorithm is not installed."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f"{package} is not installed. Install it: pip install 'jaxenv-baselines[{extra}]'.")


class NoReferenceError(JaxenvError, LookupError):
    """A task has no reference implementation to evaluate an agent in."""

    def __init__(self, env_id: str, reason: str) -> None:
        super().__init__(
            f"No reference implementation can evaluate the agent of {env_id}: {reason}. Choose an agent of classic, minatar or "
            "bsuite with the published settings."
        )


class MissingReferenceError(JaxenvError, ImportError):
    """The reference implementation of a task is not installed."""

    def __init__(self, package: str, distribution: str) -> None:
        super().__init__(f"{package} is not installed. Install it: pip install '{distribution}[oracle]'.")


class SweepError(JaxenvError, ValueError):
    """A search over hyperparameters can't be done as it was requested."""

    def __init__(self, given: str, expected: str) -> None:
        super().__init__(f"--sweep has {given!r}, but {expected} was expected. Change the option.")


class SweepOptionError(JaxenvError, ValueError):
    """An option of ``jaxenv train`` does not go together with a search, or needs one."""

    def __init__(self, option: str, *, needs: bool) -> None:
        if needs:
            super().__init__(f"{option} needs a search. Add --sweep NAME=VALUES, or leave {option} out.")
        else:
            super().__init__(f"{option} does not go together with --sweep. Leave one of them out.")
