"""What can be wrong with an environment, or with what a caller passes to it."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.wording import short


class KeyTypeError(JaxenvError, TypeError):
    """Something that is not a JAX random key was passed as one."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"key must be a JAX random key, but {type(given).__name__} {short(given)} was given. "
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


class ParamsLeafError(JaxenvError, TypeError):
    """A parameter that counts something was given a fraction."""

    def __init__(self, name: str, where: str, given: str) -> None:
        super().__init__(f"{name}: params{where} is {given}, but an integer was expected. Pass an int or an integer array.")


class StateMismatchError(JaxenvError, TypeError):
    """A state does not have the structure or dtypes that the last state had."""

    def __init__(self, name: str, where: str, given: str, expected: str) -> None:
        super().__init__(
            f"{name}: {where} is {given}, but {expected} was expected: every state of an episode must have the same "
            "structure, shapes and dtypes. Make init, transition and carry_over agree."
        )


class HookResultTypeError(JaxenvError, TypeError):
    """A hook returned something of another kind than the protocol says."""

    def __init__(self, name: str, hook: str, given: Any, expected: str, action: str) -> None:
        self.hook = hook
        if isinstance(given, tuple):
            kind = f"a tuple of {len(cast('tuple[Any, ...]', given))}"
        elif hasattr(given, "shape") and hasattr(given, "dtype"):
            kind = f"an array, {given.dtype}[{','.join(map(str, given.shape))}]"
        else:
            kind = "None" if given is None else f"a value of type {type(given).__name__}"
        super().__init__(f"{name}.{hook} returned {kind}, but {expected} was expected. {action}.")


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
        super().__init__(f"{name} does not define render(state, params, size), so it cannot be drawn. Define it on the class.")


class EnvironmentClassError(JaxenvError, TypeError):
    """A subclass of Environment is written in a way that means something else than a frozen dataclass."""

    def __init__(self, name: str, reason: str, action: str) -> None:
        super().__init__(f"{name} {reason}. An environment is a frozen dataclass by itself, without a decorator. {action}.")


class RecordClassError(JaxenvError, TypeError):
    """A subclass of Params, State or Transition is written in a way that no pytree can be."""

    def __init__(self, name: str, reason: str, action: str) -> None:
        super().__init__(
            f"{name} {reason}. Params and states are frozen dataclasses whose fields are leaves of a pytree. {action}."
        )


class FrozenEnvironmentError(JaxenvError, dataclasses.FrozenInstanceError):
    """An attribute of an environment was set after it was made."""

    def __init__(self, name: str, attribute: str) -> None:
        super().__init__(
            f"{name}.{attribute} cannot be set or deleted, because an environment never changes. What changes from step to step "
            f"is a field of its State: return state.replace({attribute}=...) from transition. For other settings make "
            f"another environment."
        )


class UndeclaredFieldError(JaxenvError, AttributeError):
    """The ``__init__`` of an environment sets what is not a field."""

    def __init__(self, name: str, attribute: str, kind: str) -> None:
        super().__init__(
            f"{name}.__init__ sets self.{attribute}, which is not a field, so that two environments with other values of it would "
            f"be equal. Declare it in the class, above __init__: `{attribute}: {kind}`."
        )


class UnsetFieldError(JaxenvError, AttributeError):
    """The ``__init__`` of an environment leaves a field without a value."""

    def __init__(self, name: str, field: str) -> None:
        super().__init__(f"{name}.__init__ does not set the field {field!r}. Set self.{field}, or give the field a default.")
