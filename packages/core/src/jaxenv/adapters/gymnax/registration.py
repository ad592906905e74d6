"""gymnax's registry: its ids, those that are registered here, and every id of jaxenv."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jaxenv
from jaxenv import environment
from jaxenv.adapters.gymnax import environments
from jaxenv.adapters.gymnax.environments.adapted import AdaptedEnvironment
from jaxenv.adapters.gymnax.table import ROWS
from jaxenv.errors import GymnaxFactoryError, GymnaxIdError, GymnaxSettingError, UnknownEnvError
from jaxenv.errors.gymnax import no_environment, unknown_id
from jaxenv.errors.wording import named, short

_registry: dict[str, Callable[..., Any]] = {row.name: getattr(environments, row.class_name) for row in ROWS}

registered_envs = [row.name for row in ROWS]
"""gymnax's ids, in its order, and then those of :func:`register`."""


def make(env_id: str, *, step_values: int | None = None, **env_kwargs: Any) -> tuple[Any, Any]:
    """Make an environment with gymnax's interface.

    Args:
        env_id: one of :data:`registered_envs`, or any id that ``jaxenv.make`` takes.
        step_values: 5 or 6 values of ``step``; None means the setting of :func:`~jaxenv.adapters.gymnax.install`, 5 by default.
        **env_kwargs: passed to the factory; for environments of jaxenv, whatever ``jaxenv.make`` takes.

    Returns:
        ``(env, env.default_params)``.

    Raises:
        GymnaxIdError: there is no such id.
        GymnaxFactoryError: a registered factory made no environment.
        GymnaxSettingError: ``step_values`` is neither 5 nor 6.
    """
    if step_values not in (None, 5, 6):
        raise GymnaxSettingError(f"make got step_values = {short(step_values)}, but step returns 5 or 6 values. Pass 5 or 6.")
    if env_id in _registry:
        env = _registry[env_id](**env_kwargs)
    else:
        try:
            env, _ = jaxenv.make(env_id, **env_kwargs)
        except UnknownEnvError as error:
            raise unknown_id(env_id, str(error)) from error
    if isinstance(env, environment.Environment):
        env = AdaptedEnvironment(env, env_id)
    missing = [name for name in ("default_params", "reset", "step") if not hasattr(env, name)]
    if missing:
        raise no_environment(env_id, env, missing)
    if step_values is not None:
        env.step_values = step_values
    return env, env.default_params


def register(env_id: str, factory: Callable[..., Any]) -> None:
    """Register an id with :func:`make`.

    Args:
        env_id: an id that is not registered yet.
        factory: called with the keyword arguments of ``make``, it returns an environment: of gymnax's kind, or of jaxenv's.

    Raises:
        GymnaxIdError: the id is empty or taken.
        GymnaxFactoryError: the id is no string, or the factory can't be called.
    """
    if not isinstance(env_id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise GymnaxFactoryError(f"The id of an environment must be a string, but {named(env_id)} was given. Pass a string.")
    if not env_id:
        raise GymnaxIdError("The id of an environment must not be empty. Pass a name, such as 'Corridor-v0'.")
    if not callable(factory):
        raise GymnaxFactoryError(f"The factory of {short(env_id)} must be callable, but {named(factory)} was given. Pass a class.")
    if env_id in _registry:
        raise GymnaxIdError(f"{short(env_id)} is already registered. Choose another id.")
    _registry[env_id] = factory
    registered_envs.append(env_id)
