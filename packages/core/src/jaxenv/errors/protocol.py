"""What can be wrong with an environment, or with what a caller passes to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import listed, named, short


class KeyTypeError(JaxenvError, TypeError):
    """Something that is not a JAX random key was passed as one."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"key must be a JAX random key, but {named(given)} was given. Pass jax.random.key(seed) or jax.random.PRNGKey(seed)."
        )


class ParamsTypeError(JaxenvError, TypeError):
    """Parameters of another environment were passed."""

    def __init__(self, name: str, given: Any, expected: Any) -> None:
        super().__init__(
            f"{name} takes params of type {_params_type(expected)}, but {_params_type(given)} was given. "
            "Start from env.default_params and change leaves with .replace(...), or pass None for the defaults."
        )


def _params_type(params: Any) -> str:
    """The type of params, and of those within a wrapper's; what something else is."""
    if not hasattr(params, "__dataclass_fields__"):
        return named(params)
    inner = getattr(params, "env_params", None)
    text = f"{type(params).__module__}.{type(params).__qualname__}"
    return text if inner is None else f"{text} around {_params_type(inner)}"


class ParamsLeafError(JaxenvError, TypeError):
    """A parameter that counts something was given a fraction."""

    def __init__(self, name: str, where: str, given: str) -> None:
        super().__init__(f"{name}: params{where} is {given}, but an integer was expected. Pass an int or an integer array.")


class RangeError(JaxenvError, ValueError):
    """A param or a field has a value outside of the range that its documentation states."""

    def __init__(self, owner: str, name: str, given: Any, expected: str) -> None:
        super().__init__(f"{owner}: {name} is {short(given)}, but {expected} was expected. Pass one.")


class TracedParamError(JaxenvError, TypeError):
    """Params were left out, but the environment was made with a traced value, which it can't hold."""

    def __init__(self, name: str, leaves: Sequence[str]) -> None:
        super().__init__(
            f"{name} was made with a traced value of {listed(leaves, 'and')}, which an environment can't remember. "
            "Pass the params that make returned."
        )


class CheckError(JaxenvError, ValueError):
    """Under :func:`jaxenv.checks`, an action, an observation or a param was outside of where it must be."""

    def __init__(self, what: str, given: str, expected: str, advice: str) -> None:
        super().__init__(f"{what} is {given}, which is outside of {expected}. {advice}")


class BatchError(JaxenvError, ValueError):
    """A batch was given where one is expected."""

    def __init__(self, what: str, given: str, expected: str, how: str) -> None:
        super().__init__(f"{what} is {given}, but {expected} was expected. For a batch of them, use jax.vmap: {how}.")


class StateTypeError(JaxenvError, TypeError):
    """A state was given that the environment doesn't make."""

    def __init__(self, name: str, where: str, given: str, expected: str) -> None:
        super().__init__(
            f"{name}: {where} is {given}, but {expected} was expected. "
            "Pass the state that this environment's reset or step returned, or change values of it in their dtypes."
        )


class ArgumentTypeError(JaxenvError, TypeError):
    """Something that JAX can't compute with was given as a key, a state, an action or as params."""

    def __init__(self, name: str, what: str, given: Any, expected: str) -> None:
        super().__init__(f"{name}: {what} is {named(given)}, but {expected} was expected. Pass one.")


class EnvironmentTypeError(JaxenvError, TypeError):
    """Something that is not an environment was given as one."""

    def __init__(self, function: str, given: Any) -> None:
        advice = (
            f"Build it first: env, params = jaxenv.make({short(given)})."
            if isinstance(given, str)
            else "Pass the environment alone; make returns it together with its params."
        )
        super().__init__(f"{function} takes an environment, but {named(given)} was given. {advice}")


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
