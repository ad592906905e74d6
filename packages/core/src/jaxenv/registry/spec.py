"""What a plugin says about its environments and commands, as plain data. Imports no JAX."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from jaxenv.errors import InvalidCommandError, InvalidPolicySourceError, InvalidSpecError, PluginError
from jaxenv.registry.names import (
    COMMAND_RULE,
    LOCAL,
    NAME_RULE,
    NAMESPACE_RULE,
    SOURCE_RULE,
    is_command,
    is_entry_point,
    is_name,
    is_namespace,
    is_source,
)


@dataclasses.dataclass(frozen=True)
class EnvSpec:
    """One environment: its name, where its class is, and how it is built. Immutable, hashable, and JSON can hold it."""

    name: str
    """The short id, unique within its plugin: parts of letters, digits, ``.``, ``_`` and ``-``, joined by ``/``."""
    entry_point: str
    """``"module:Class"``, or ``"module:function"`` with a function that returns an environment; imported by ``make`` alone."""
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    """Fields of the environment (for a function: its arguments). Values are JSON's; a list becomes a tuple."""
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    """Leaves of the environment's ``default_params`` that are different under this name."""
    summary: str = ""
    """What the task is, in one line."""
    reference: str = ""
    """The publication or implementation that the environment follows, with its version."""
    oracle: str | None = None
    """``"module:compare_with_reference"``, the function that ``jaxenv fidelity`` runs; see :mod:`jaxenv.testing.fidelity`."""
    group: str | None = None
    """The task that this is a variant of: ``jaxenv list`` shows those of one group with one summary as one line."""
    full_id_only: bool = False
    """Whether the name alone is no id: for another suite's environments, which have names that ours have too."""
    peer_tasks: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict, hash=False)
    """The same task in libraries that ``jaxenv bench --against`` knows: for each, its name there and what differs, or ``""``."""
    namespace: str | None = dataclasses.field(default=None, kw_only=True)
    """The plugin's entry-point name; filled in when the plugin is found."""
    distribution: str | None = dataclasses.field(default=None, kw_only=True)
    """The distribution that the plugin came in; filled in when the plugin is found."""
    version: str | None = dataclasses.field(default=None, kw_only=True)
    """The version of that distribution; filled in when the plugin is found."""

    def __post_init__(self) -> None:
        self._check(is_name(self.name), "name", NAME_RULE)
        self._check(is_entry_point(self.entry_point), "entry_point", "'module:Class'")
        self._check(self.oracle is None or is_entry_point(self.oracle), "oracle", "'module:function' or None")
        self._check(self.namespace in (None, LOCAL) or is_namespace(self.namespace), "namespace", NAMESPACE_RULE)
        for field in ("summary", "reference"):
            self._check(isinstance(getattr(self, field), str), field, "a string")
        for field in ("group", "distribution", "version"):
            self._check(isinstance(getattr(self, field), str | None), field, "a string or None")
        self._check(isinstance(cast("object", self.full_id_only), bool), "full_id_only", "True or False")
        for field in ("kwargs", "params"):
            given: Any = getattr(self, field)
            named = isinstance(given, Mapping) and all(isinstance(name, str) and name.isidentifier() for name in given)
            self._check(named, field, "a mapping from names to values")
            object.__setattr__(self, field, MappingProxyType({name: self._frozen(field, given[name]) for name in given}))
        others: Any = self.peer_tasks
        paired = isinstance(others, Mapping) and all(_is_peer_task(name, other) for name, other in others.items())
        self._check(paired, "peer_tasks", "a mapping from libraries to pairs of strings, (name, difference)")
        object.__setattr__(self, "peer_tasks", MappingProxyType({name: tuple(others[name]) for name in others}))

    @property
    def id(self) -> str:
        """The full id, ``namespace/name``; the name alone before the plugin is found."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def to_json(self) -> dict[str, Any]:
        """Return the spec as plain data, ``distribution`` and ``version`` included."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            "id": self.id,
            **fields,
            "kwargs": _thawed(self.kwargs),
            "params": _thawed(self.params),
            "peer_tasks": _thawed(self.peer_tasks),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EnvSpec:
        """Return the spec that ``to_json`` described.

        Args:
            data: the result of ``to_json``, before or after a trip through JSON.

        Raises:
            InvalidSpecError: ``data`` does not describe a spec.
        """
        fields = {name: value for name, value in data.items() if name != "id"}
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = [name for name in fields if name not in known]
        missing = [name for name in ("name", "entry_point") if name not in fields]
        if unknown or missing:
            raise InvalidSpecError(data.get("name"), "JSON", dict(data), f"an object with name, entry_point and any of {known[2:]}")
        return cls(**fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return EnvSpec.from_json, (self.to_json(),)

    def _check(self, valid: bool, field: str, expected: str) -> None:
        if not valid:
            raise InvalidSpecError(self.name, field, getattr(self, field), expected)

    def _frozen(self, field: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple(self._frozen(field, item) for item in cast("Iterable[Any]", value))
        self._check(
            isinstance(value, bool | int | float | str | None), field, "None, booleans, numbers, strings and lists of these"
        )
        return value


@dataclasses.dataclass(frozen=True)
class Command:
    """A command that a plugin adds to the ``jaxenv`` command line."""

    name: str
    """What the user types: lower-case letters, digits and ``-``; none of jaxenv's own commands."""
    entry_point: str
    """``"module:object"``, a Typer application or a function with Typer's annotations; imported when the command is used."""
    help: str = ""
    """One line for ``jaxenv --help``. ``jaxenv NAME --help`` shows the docstring of the object, or this where it has none."""

    def __post_init__(self) -> None:
        self._check(is_command(self.name), "name", COMMAND_RULE)
        self._check(is_entry_point(self.entry_point), "entry_point", "'module:object'")
        self._check(isinstance(cast("object", self.help), str), "help", "a string")

    def _check(self, valid: bool, field: str, expected: str) -> None:
        if not valid:
            raise InvalidCommandError(self.name, field, getattr(self, field), expected)


@dataclasses.dataclass(frozen=True)
class PolicySource:
    """A kind of policies that a plugin can load: what ``--policy NAME:ARGUMENT`` means, in every command that has ``--policy``."""

    name: str
    """What the user types before the colon: a lower-case letter, then lower-case letters, digits and ``-``; not ``random``."""
    entry_point: str
    """``"module:function"``; imported when a policy is asked for. The function is called as ``function(argument, spec, env,
    params)`` with what the user typed after the colon, the environment's :class:`EnvSpec`, the environment and its params, and
    returns a :class:`LoadedPolicy`, or raises a :class:`~jaxenv.errors.JaxenvError` that says what the user can do."""
    help: str = ""
    """One line on what may follow the colon, such as ``'a directory, or shipped'``."""

    def __post_init__(self) -> None:
        self._check(is_source(self.name), "name", SOURCE_RULE)
        self._check(is_entry_point(self.entry_point), "entry_point", "'module:function'")
        self._check(isinstance(cast("object", self.help), str), "help", "a string")

    def _check(self, valid: bool, field: str, expected: str) -> None:
        if not valid:
            raise InvalidPolicySourceError(self.name, field, getattr(self, field), expected)


class LoadedPolicy(NamedTuple):
    """A policy, and what :func:`jaxenv.rollout` needs beside it."""

    policy: Callable[..., Any]
    """``policy([policy_params,] [carry,] obs, key)``."""
    policy_params: Any = None
    """Its parameters; None without."""
    initial_carry: Any = None
    """Its carry at the start of an episode; None without."""


@dataclasses.dataclass(frozen=True)
class Plugin:
    """One plugin that was found, whether it works or not."""

    namespace: str
    """The name of its entry point."""
    entry_point: str
    """The module (or ``"module:object"``) that it names."""
    distribution: str
    """The distribution that declares it."""
    version: str
    """The version of that distribution."""
    disabled: bool = False
    """Whether ``JAXENV_DISABLED_PLUGINS`` names it."""
    error: PluginError | None = None
    """Why it is refused, with the cause as ``__cause__``; None if it works."""
    specs: tuple[EnvSpec, ...] = ()
    """Its environments; none if it is refused or disabled."""
    commands: tuple[Command, ...] = ()
    """Its commands; none if it is refused or disabled."""
    policies: tuple[PolicySource, ...] = ()
    """The kinds of policies that it loads; none if it is refused or disabled."""

    @property
    def status(self) -> str:
        """``"ok"``, ``"broken"`` or ``"disabled"``."""
        return "broken" if self.error else "disabled" if self.disabled else "ok"

    def to_json(self) -> dict[str, Any]:
        """Return the plugin as plain data, with the number of its environments and the names of its commands."""
        return {
            "namespace": self.namespace,
            "entry_point": self.entry_point,
            "distribution": self.distribution,
            "version": self.version,
            "status": self.status,
            "environments": len(self.specs),
            "commands": [command.name for command in self.commands],
            "policies": [source.name for source in self.policies],
            "error": str(self.error) if self.error else None,
        }


def _is_peer_task(library: object, other: Any) -> bool:
    pair = isinstance(other, list | tuple) and len(cast("tuple[Any, ...]", other)) == 2
    return isinstance(library, str) and pair and all(isinstance(text, str) for text in cast("tuple[Any, ...]", other))


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _thawed(item) for name, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, tuple):
        return [_thawed(item) for item in cast("tuple[Any, ...]", value)]
    return value
