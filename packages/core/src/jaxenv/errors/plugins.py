"""Why a plugin is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import listed, named, short


class InvalidSpecError(JaxenvError, ValueError):
    """A field of an EnvSpec holds something that it cannot hold."""

    def __init__(self, name: Any, field: str, given: Any, expected: str) -> None:
        super().__init__(
            f"EnvSpec {short(name)}: {field} is {short(given)}, but {expected} was expected. Correct it where the spec is written."
        )


class InvalidCommandError(JaxenvError, ValueError):
    """A field of a Command holds something that it cannot hold."""

    def __init__(self, name: Any, field: str, given: Any, expected: str) -> None:
        super().__init__(
            f"Command {short(name)}: {field} is {short(given)}, but {expected} was expected. "
            "Correct it where the command is written."
        )


class InvalidPolicySourceError(JaxenvError, ValueError):
    """A field of a PolicySource holds something that it cannot hold."""

    def __init__(self, name: Any, field: str, given: Any, expected: str) -> None:
        super().__init__(
            f"PolicySource {short(name)}: {field} is {short(given)}, but {expected} was expected. "
            "Correct it where the source is written."
        )


class HookResultError(JaxenvError, TypeError):
    """A plugin's hook returned the wrong type."""

    def __init__(self, hook: str, given: Any, expected: str) -> None:
        super().__init__(f"{hook} gave {named(given)}, but an iterable of {expected} was expected. Return a list of {expected}.")


class DuplicateNameError(JaxenvError, ValueError):
    """A plugin gave one name to two things."""

    def __init__(self, hook: str, names: Sequence[str]) -> None:
        super().__init__(f"{hook} gave more than one entry the name {listed(names, 'and')}. Give each its own.")


class NoHookError(JaxenvError, TypeError):
    """A plugin implements no hook."""

    def __init__(self, entry_point: str) -> None:
        super().__init__(f"{entry_point} implements no hook. Decorate its jaxenv_envs function with jaxenv.hookspecs.hookimpl.")


class NamespaceError(JaxenvError, ValueError):
    """A plugin's entry point has a name that cannot be a namespace."""

    def __init__(self, namespace: str, rule: str) -> None:
        super().__init__(f"the entry point's name {namespace!r} is no namespace: {rule} was expected. Rename the entry point.")


class DiscoveryError(JaxenvError, RuntimeError):
    """A plugin asked which environments there are while plugins were being loaded."""

    def __init__(self) -> None:
        super().__init__(
            "The registry was asked for environments while it was loading the plugins. Ask in a function that is called later, "
            "not when the plugin's module is imported."
        )


class PluginError(JaxenvError, RuntimeError):
    """A plugin was refused; its ``__cause__`` is what went wrong."""

    def __init__(self, namespace: str, distribution: str, version: str, reason: str) -> None:
        super().__init__(
            f"Plugin '{namespace}' of {distribution} {version} is refused: {reason.rstrip('.')}. "
            f"Repair or uninstall {distribution}, or set JAXENV_DISABLED_PLUGINS={namespace}."
        )


class NamespaceClashError(PluginError):
    """Two distributions claim one namespace."""

    def __init__(self, namespace: str, claimants: Sequence[str]) -> None:
        JaxenvError.__init__(
            self,
            f"Plugin '{namespace}' is refused: the distributions {listed(claimants, 'and')} claim this namespace. "
            f"Uninstall all but one, or set JAXENV_DISABLED_PLUGINS={namespace}.",
        )


class PluginWarning(UserWarning):
    """A plugin was refused; every other plugin works."""
