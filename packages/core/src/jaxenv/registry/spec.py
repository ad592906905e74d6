"""What a plugin says about its environments and commands, as plain data. Imports no JAX."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

from jaxenv.errors import InvalidCommandError, InvalidSpecError, PluginError

LOCAL = "local"
"""The namespace of environments that were registered by hand."""

BUILTIN_COMMANDS = ("list", "show", "rollout", "fidelity", "doctor")
"""The commands of jaxenv itself."""

_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_NAME = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_COMMAND = re.compile(r"[a-z0-9][a-z0-9-]*")
_OBJECT = re.compile(r"[A-Za-z_][\w.]*:[\w.<>]+")

NAME_RULE = "one or more parts of letters, digits, '.', '_' and '-', each beginning with a letter or digit, joined by '/'"
NAMESPACE_RULE = "lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit"


@dataclasses.dataclass(frozen=True)
class EnvSpec:
    """One environment: its name, where its class is, and how it is built. Immutable, hashable, and JSON can hold it."""

    name: str
    """The short id, unique within its plugin: one or more parts of letters, digits, ``.``, ``_`` and ``-``, joined by ``/``."""
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
    """``"module:certify"``, the function that ``jaxenv fidelity`` runs; see :mod:`jaxenv.testing.certificate`."""
    group: str | None = None
    """A heading under which ``jaxenv list`` gathers the variants of one task."""
    namespace: str | None = dataclasses.field(default=None, kw_only=True)
    """The plugin's entry-point name; filled in when the plugin is found."""
    distribution: str | None = dataclasses.field(default=None, kw_only=True)
    """The distribution that the plugin came in; filled in when the plugin is found."""
    version: str | None = dataclasses.field(default=None, kw_only=True)
    """The version of that distribution; filled in when the plugin is found."""

    def __post_init__(self) -> None:
        _check(self, "name", self.name, _NAME, NAME_RULE)
        _check(self, "entry_point", self.entry_point, _OBJECT, "'module:Class'")
        if self.oracle is not None:
            _check(self, "oracle", self.oracle, _OBJECT, "'module:function'")
        if self.namespace is not None:
            _check(self, "namespace", self.namespace, _NAMESPACE, NAMESPACE_RULE)
        for field in ("summary", "reference"):
            if not isinstance(getattr(self, field), str):
                raise InvalidSpecError(str(self.name), field, getattr(self, field), "a string")
        if self.group is not None and not isinstance(cast("object", self.group), str):
            raise InvalidSpecError(self.name, "group", self.group, "a string or None")
        for field in ("kwargs", "params"):
            object.__setattr__(self, field, self._frozen_mapping(field))

    @property
    def id(self) -> str:
        """The full id, ``namespace/name``; the name alone before a plugin is found."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def to_json(self) -> dict[str, Any]:
        """Return the spec as plain data, ``distribution`` and ``version`` included."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"id": self.id, **values, "kwargs": _thawed(self.kwargs), "params": _thawed(self.params)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EnvSpec:
        """Return the spec that ``data = spec.to_json()`` describes, after a round trip through JSON or not."""
        names = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(data) - names - {"id"})
        if unknown:
            raise InvalidSpecError(str(data.get("name")), "JSON", unknown, f"nothing but the keys {', '.join(sorted(names))}")
        return cls(**{key: value for key, value in data.items() if key != "id"})

    def __reduce__(self) -> tuple[Any, ...]:
        return EnvSpec.from_json, (self.to_json(),)

    def _frozen_mapping(self, field: str) -> Mapping[str, Any]:
        given: Any = getattr(self, field)
        if not isinstance(given, Mapping) or not all(isinstance(key, str) and key.isidentifier() for key in given):
            raise InvalidSpecError(self.name, field, given, "a mapping from names to values")
        return MappingProxyType({key: self._frozen(field, value) for key, value in given.items()})

    def _frozen(self, field: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple(self._frozen(field, item) for item in cast("Iterable[Any]", value))
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise InvalidSpecError(self.name, field, value, "None, booleans, numbers, strings, and lists of these")


@dataclasses.dataclass(frozen=True)
class Command:
    """A command that a plugin adds to the ``jaxenv`` command line."""

    name: str
    """What the user types: lower-case letters, digits and ``-``; none of jaxenv's own commands."""
    entry_point: str
    """``"module:object"``, a Typer application or a function with Typer's annotations; imported when the command is used."""
    help: str = ""
    """One line for ``jaxenv --help``."""

    def __post_init__(self) -> None:
        name: Any = self.name
        if not isinstance(name, str) or not _COMMAND.fullmatch(name) or name in BUILTIN_COMMANDS:
            raise InvalidCommandError(
                name, "name", name, f"lower-case letters, digits and '-', other than {', '.join(BUILTIN_COMMANDS)}"
            )
        entry_point: Any = self.entry_point
        if not isinstance(entry_point, str) or not _OBJECT.fullmatch(entry_point):
            raise InvalidCommandError(name, "entry_point", entry_point, "'module:object'")
        if not isinstance(cast("object", self.help), str):
            raise InvalidCommandError(name, "help", self.help, "a string")


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
            "error": str(self.error) if self.error else None,
        }


def is_namespace(name: str) -> bool:
    """Whether a plugin may claim ``name`` as its namespace."""
    return _NAMESPACE.fullmatch(name) is not None and name != LOCAL


def _check(spec: EnvSpec, field: str, value: Any, pattern: re.Pattern[str], rule: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidSpecError(str(spec.name), field, value, rule)


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, tuple):
        return [_thawed(item) for item in cast("tuple[Any, ...]", value)]
    return value
