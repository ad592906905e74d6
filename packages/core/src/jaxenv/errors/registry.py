"""Why an id gives no environment, and what can be wrong with what ``register`` and ``make`` are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import listed, named, short


class RegisterTypeError(JaxenvError, TypeError):
    """Something that is neither an EnvSpec nor an Environment class was registered."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"register takes an EnvSpec or a subclass of Environment, but {named(given)} was given. "
            "Pass the class itself, or an EnvSpec that names it."
        )


class NamespaceTypeError(JaxenvError, TypeError):
    """Something that is not a string was given as a namespace."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"registered_envs takes a namespace, but {named(given)} was given. Pass a string, such as 'classic', or None for all."
        )


class UnknownEnvError(JaxenvError, LookupError):
    """No environment has this id."""

    def __init__(self, env_id: Any, hints: Sequence[str] = (), near: Sequence[str] = ()) -> None:
        self.near = tuple(near)
        """Ids that may have been meant."""
        sentences = [f"No environment has the id {short(env_id)}.", *hints, "Run `jaxenv list` to see which there are."]
        super().__init__(" ".join(sentences))


class UnknownNamespaceError(JaxenvError, LookupError):
    """No environment has this namespace."""

    def __init__(self, namespace: str, known: Sequence[str], near: Sequence[str]) -> None:
        there = f"There are {listed(known, 'and')}." if known else "No environment is installed at all: run `jaxenv doctor`."
        super().__init__(
            f"No environment has the namespace {short(namespace)}. " + (f"Did you mean {listed(near)}?" if near else there)
        )


class NamespaceNotInstalledError(JaxenvError, LookupError):
    """The environments of this namespace need a library that is not installed."""

    def __init__(self, namespace: str, distribution: str, requires: str, command: str) -> None:
        super().__init__(
            f"{distribution} provides the namespace {namespace!r} with its extra {requires}, which is not installed. Run {command}."
        )


class AmbiguousEnvError(JaxenvError, LookupError):
    """Several environments have this short id."""

    def __init__(self, env_id: str, full_ids: Sequence[str]) -> None:
        super().__init__(f"Several environments are named {short(env_id)}. Write one of the full ids: {', '.join(full_ids)}.")


class UnavailableEnvError(JaxenvError, LookupError):
    """The id belongs to a plugin that is refused or disabled."""

    def __init__(self, env_id: str, reason: str) -> None:
        super().__init__(f"Environment {short(env_id)} is not available. {reason}")


class EntryPointError(JaxenvError, ImportError):
    """The object that a spec or a command names cannot be imported, or is of the wrong kind."""

    def __init__(self, owner: str, entry_point: str, reason: str, action: str) -> None:
        super().__init__(f"{owner} names {entry_point!r}, which cannot be used: {reason.rstrip('.')}. {action}")


class UnknownOverrideError(JaxenvError, TypeError):
    """A keyword of ``make`` is neither a field of the environment nor a leaf of its params."""

    def __init__(self, env_id: str, name: str, fields: Sequence[str], params: Sequence[str], near: Sequence[str]) -> None:
        super().__init__(
            f"{env_id} has neither a field nor a param named {name!r}. Fields: {', '.join(fields) or 'none'}. "
            f"Params: {', '.join(params) or 'none'}. " + (f"Did you mean {listed(near)}?" if near else "Choose one of these.")
        )


class AmbiguousOverrideError(JaxenvError, TypeError):
    """A keyword of ``make`` names several leaves of the params at the same depth."""

    def __init__(self, env_id: str, name: str, paths: Sequence[str]) -> None:
        super().__init__(
            f"{env_id} has several params named {name!r}: {listed(paths, 'and')}. "
            "Change the one you mean in the params that make returns, with .replace(...)."
        )


class OverrideValueError(JaxenvError, ValueError):
    """A field or a param was given a value that it cannot take."""

    def __init__(self, env_id: str, name: str, given: Any, expected: str, action: str) -> None:
        super().__init__(f"{env_id}: {name} is {named(given)}, but {expected} was expected. {action}")


class ConstructionError(JaxenvError, ValueError):
    """An environment refused the values of its fields."""

    def __init__(self, env_id: str, fields: Mapping[str, Any], cause: Exception) -> None:
        given = ", ".join(f"{name}={short(value)}" for name, value in fields.items()) or "no fields"
        super().__init__(f"{env_id} cannot be built with {given}: {str(cause).rstrip('.')}. Correct the values.")
