"""Every exception of jaxenv and every message it can carry.

A message is a sentence that ends in an action: what was given, what was expected, what to do. Each class derives from
:class:`JaxenvError` and from the builtin that a caller would expect to catch.
"""

from __future__ import annotations

from typing import Any


class JaxenvError(Exception):
    """Base class of everything that jaxenv raises on purpose."""


# -- the protocol --------------------------------------------------------------------------------------------------


class KeyTypeError(JaxenvError, TypeError):
    """Something that is not a JAX random key was passed as one."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"key must be a JAX random key, but {type(given).__name__} {_short(given)} was given. "
            "Pass jax.random.key(seed) or jax.random.PRNGKey(seed)."
        )


class ParamsTypeError(JaxenvError, TypeError):
    """Parameters of another environment were passed."""

    def __init__(self, name: str, given: Any, expected: type) -> None:
        super().__init__(
            f"{name} takes params of type {expected.__module__}.{expected.__qualname__}, but "
            f"{type(given).__module__}.{type(given).__qualname__} was given. "
            "Start from env.default_params and change leaves with .replace(...), or pass None for the defaults."
        )


class StateMismatchError(JaxenvError, TypeError):
    """A state does not have the structure or dtypes that the last state had."""

    def __init__(self, name: str, where: str, given: str, expected: str) -> None:
        super().__init__(
            f"{name}: {where} is {given}, but {expected} was expected: every state of an episode must have the same "
            "structure, shapes and dtypes. Make init, transition and carry_over agree."
        )


class TransitionValueError(JaxenvError, ValueError):
    """A transition returned a reward or a flag that is not a scalar."""

    def __init__(self, name: str, field: str, shape: tuple[int, ...]) -> None:
        super().__init__(
            f"{name}: transition returned a {field} of shape {shape}, but a scalar was expected. "
            "Hooks see one environment: return one number, and let the caller use jax.vmap."
        )


class RenderNotSupportedError(JaxenvError, NotImplementedError):
    """The environment has no drawing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not define render(state, params), so it cannot be drawn. Define it on the class.")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# -- spaces --------------------------------------------------------------------------------------------------------


# -- the registry --------------------------------------------------------------------------------------------------


# -- rollouts ------------------------------------------------------------------------------------------------------


class RolloutArgumentError(JaxenvError, ValueError):
    """A size of a rollout is not a positive integer."""

    def __init__(self, name: str, given: Any) -> None:
        super().__init__(f"{name} must be a positive integer, but {_short(given)} was given. Sizes are static: pass a Python int.")


class RolloutLengthError(JaxenvError, ValueError):
    """The length of a rollout cannot be told from the environment."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} has no time limit, so the length of a rollout is unknown. Pass num_env_steps, or set max_steps_in_episode."
        )


class RolloutEnvError(JaxenvError, TypeError):
    """RolloutWrapper was given no environment, or two."""

    def __init__(self, env_name: Any, env: Any) -> None:
        super().__init__(
            f"RolloutWrapper takes either env_name or env, but env_name={_short(env_name)} and env={_short(env)} were given. "
            "Pass exactly one of them."
        )


# -- wrappers ------------------------------------------------------------------------------------------------------
