"""Finding plugins: the only module that talks to pluggy.

Plugins are loaded one by one, and a plugin's environments are taken all together or not at all, so one that fails takes
nobody along. It costs one warning; its error is kept for ``jaxenv doctor`` and for whoever asks for one of its ids.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import warnings
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import pluggy
from importlib_metadata import EntryPoint, entry_points

from jaxenv import hookspecs
from jaxenv.errors import (
    DiscoveryError,
    DuplicateNameError,
    HookResultError,
    NamespaceClashError,
    NamespaceError,
    NoHookError,
    PluginError,
    PluginWarning,
)
from jaxenv.registry.loading import describe_exception
from jaxenv.registry.names import NAMESPACE_RULE, is_namespace
from jaxenv.registry.spec import Command, EnvSpec, Plugin, PolicySource

GROUP = "jaxenv"
"""The entry-point group of plugins."""

_EntryT = TypeVar("_EntryT", EnvSpec, Command, PolicySource)


class _Discovery:
    """The plugins of this process, loaded when they are first asked for."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._plugins: tuple[Plugin, ...] | None = None
        self._loading = False

    def plugins(self, *, quiet: bool = False) -> tuple[Plugin, ...]:
        """Return every installed plugin by namespace, loading them if need be.

        Loading warns once about each plugin that is refused, or raises its error if ``JAXENV_STRICT_PLUGINS`` is set;
        ``quiet`` does neither, for a caller that shows the errors itself.
        """
        with self._lock:
            if self._plugins is not None:
                return self._plugins
            if self._loading:
                raise DiscoveryError
            self._loading = True
            try:
                plugins = _load_all()
            finally:
                self._loading = False
            errors = list(dict.fromkeys(plugin.error for plugin in plugins if plugin.error))
            if errors and not quiet and os.environ.get("JAXENV_STRICT_PLUGINS", "0") not in ("", "0"):
                raise errors[0]
            self._plugins = plugins
        for error in () if quiet else errors:
            warnings.warn(str(error), PluginWarning, stacklevel=2)
        return plugins


found_plugins = _Discovery().plugins


def _load_all() -> tuple[Plugin, ...]:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    claims: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        claims.setdefault(entry.name, []).append(entry)

    disabled = {name.strip() for name in os.environ.get("JAXENV_DISABLED_PLUGINS", "").split(",")}
    plugins: list[Plugin] = []
    for namespace, entries in sorted(claims.items()):
        records = [_record(entry) for entry in entries]
        if namespace in disabled:
            plugins += [dataclasses.replace(record, disabled=True) for record in records]
        elif len(records) > 1:
            clash = NamespaceClashError(namespace, sorted(f"{record.distribution} {record.version}" for record in records))
            plugins += [dataclasses.replace(record, error=clash) for record in records]
        else:
            plugins.append(_load(manager, entries[0], records[0]))
    return tuple(plugins)


def _record(entry: EntryPoint) -> Plugin:
    try:
        metadata: Any = cast("Any", entry.dist).metadata
        distribution, version = metadata["Name"], metadata["Version"]
    except Exception:  # a distribution without readable metadata still has a plugin that may work
        distribution = version = None
    return Plugin(entry.name, entry.value, distribution or "an unnamed distribution", version or "of unknown version")


def _load(manager: pluggy.PluginManager, entry: EntryPoint, record: Plugin) -> Plugin:
    """Load one plugin; whatever goes wrong, leave the others as they were."""
    try:
        if not is_namespace(entry.name):
            raise NamespaceError(entry.name, NAMESPACE_RULE)
        plugin: Any = entry.load()
        manager.register(plugin, name=entry.name)
        manager.check_pending()
        if not manager.get_hookcallers(plugin):
            raise NoHookError(entry.value)
        specs = _call(manager, plugin, "jaxenv_envs", EnvSpec)
        commands = _call(manager, plugin, "jaxenv_commands", Command)
        policies = _call(manager, plugin, "jaxenv_policies", PolicySource)
    except (Exception, SystemExit) as cause:
        if manager.has_plugin(entry.name):
            manager.unregister(name=entry.name)
        error = PluginError(record.namespace, record.distribution, record.version, describe_exception(cause))
        error.__cause__ = cause
        return dataclasses.replace(record, error=error)
    origin = {"namespace": record.namespace, "distribution": record.distribution, "version": record.version}
    specs = tuple(dataclasses.replace(spec, **origin) for spec in specs)
    return dataclasses.replace(record, specs=specs, commands=commands, policies=policies)


def _call(manager: pluggy.PluginManager, plugin: object, hook: str, kind: type[_EntryT]) -> tuple[_EntryT, ...]:
    """Call the hook of this plugin alone, and check what it gives."""
    caller = manager.subset_hook_caller(hook, [other for other in manager.get_plugins() if other is not plugin])
    if not caller.get_hookimpls():
        return ()
    results: list[object] = caller()
    returned = results[0] if results else None  # pluggy leaves a result of None out
    if isinstance(returned, str) or not isinstance(returned, Iterable):
        raise HookResultError(hook, returned, kind.__name__)
    entries = tuple(cast("Iterable[Any]", returned))
    for entry in entries:
        if not isinstance(entry, kind):
            raise HookResultError(hook, entry, kind.__name__)
    repeated = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if repeated:
        raise DuplicateNameError(hook, repeated)
    return cast("tuple[_EntryT, ...]", entries)
