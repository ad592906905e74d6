"""What can be wrong in code that was written for gymnax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import named, short


class GymnaxIdError(JaxenvError, ValueError):
    """``make`` or ``register`` of the gymnax adapter was given an id that it can't use."""


class GymnaxFactoryError(JaxenvError, TypeError):
    """What was registered makes no environment, or an argument of ``register`` has another type."""


class GymnaxTerminationError(JaxenvError, NotImplementedError):
    """A state was asked whether it is terminal."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} says at a step, not by its state, whether the task has ended. "
            'Use done, or info["terminated"], of the step that led to the state.'
        )


class GymnaxSettingError(JaxenvError, ValueError):
    """A setting of the gymnax adapter, or of one of its wrappers, makes no sense; the message says which and what to pass."""


def unknown_id(env_id: Any, reason: str) -> GymnaxIdError:
    """Say that neither the adapter nor jaxenv has an id."""
    return GymnaxIdError(f"{short(env_id)} is not in registered_envs of jaxenv.adapters.gymnax, nor an id of jaxenv. {reason}")


def no_environment(env_id: str, made: Any, missing: Sequence[str]) -> GymnaxFactoryError:
    """Say that a factory made something else."""
    return GymnaxFactoryError(
        f"The factory of {short(env_id)} must return a Gymnax Environment, but it returned {named(made)}, "
        f"which has no {', '.join(missing)}. Return an instance of a subclass of environments.environment.Environment."
    )
