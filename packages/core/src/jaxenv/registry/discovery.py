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
    DuplicateNameError,
    HookResultError,
    NamespaceClashError,
    NamespaceError,
    PluginError,
    PluginWarning,
)
from jaxenv.registry.spec import NAMESPACE_RULE, Command, EnvSpec, Plugin, is_namespace

GROUP = "jaxenv"
"""The entry-point group of plugins."""

_EntryT = TypeVar("_EntryT", EnvSpec, Command)
_lock = threading.RLock()
_found: tuple[Plugin, ...] | None = None


def found_plugins() -> tuple[Plugin, ...]:
    """Return every installed plugin, by namespace; the first call in a process loads them."""
    global _found
    with _lock:
        if _found is None:
            strict = os.environ.get("JAXENV_STRICT_PLUGINS", "") not in ("", "0")
            disabled = {name.strip() for name in os.environ.get("JAXENV_DISABLED_PLUGINS", "").split(",")}
            plugins = _load_all(disabled)
            errors = list(dict.fromkeys(plugin.error for plugin in plugins if plugin.error))
            if strict and errors:
                raise errors[0]
            _found = plugins
            for error in errors:
                warnings.warn(str(error), PluginWarning, stacklevel=2)
        return _found


def _load_all(disabled: set[str]) -> tuple[Plugin, ...]:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    by_namespace: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        by_namespace.setdefault(entry.name, []).append(entry)

    plugins: list[Plugin] = []
    for namespace, entries in sorted(by_namespace.items()):
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
    metadata: Any = entry.dist.metadata if entry.dist else {}
    return Plugin(
        namespace=entry.name,
        entry_point=entry.value,
        distribution=metadata.get("Name") or "a distribution without a name",
        version=metadata.get("Version") or "of unknown version",
    )


def _load(manager: pluggy.PluginManager, entry: EntryPoint, record: Plugin) -> Plugin:
    try:
        if not is_namespace(entry.name):
            raise NamespaceError(entry.name, NAMESPACE_RULE)
        manager.register(entry.load(), name=entry.name)
        manager.check_pending()
        specs = _call(manager, entry.name, "jaxenv_envs", EnvSpec)
        commands = _call(manager, entry.name, "jaxenv_commands", Command)
    except (Exception, SystemExit) as cause:
        if manager.has_plugin(entry.name):
            manager.unregister(name=entry.name)
        error = PluginError(record.namespace, record.distribution, record.version, _sentence(cause))
        error.__cause__ = cause
        return dataclasses.replace(record, error=error)
    origin = {"namespace": record.namespace, "distribution": record.distribution, "version": record.version}
    return dataclasses.replace(record, specs=tuple(dataclasses.replace(spec, **origin) for spec in specs), commands=commands)


def _call(manager: pluggy.PluginManager, namespace: str, hook: str, kind: type[_EntryT]) -> tuple[_EntryT, ...]:
    """Call one plugin's hook and check what it returns."""
    plugin = manager.get_plugin(namespace)
    others = [other for other in manager.get_plugins() if other is not plugin]
    caller = manager.subset_hook_caller(hook, others)
    if not caller.get_hookimpls():
        return ()
    results: list[object] = caller()
    returned = results[0] if results else None
    if isinstance(returned, str) or not isinstance(returned, Iterable):
        raise HookResultError(hook, returned, kind.__name__)
    entries = tuple(cast("Iterable[object]", returned))
    for entry in entries:
        if not isinstance(entry, kind):
            raise HookResultError(hook, entry, kind.__name__)
    checked = cast("tuple[_EntryT, ...]", entries)
    repeated = [name for name, count in Counter(entry.name for entry in checked).items() if count > 1]
    if repeated:
        raise DuplicateNameError(hook, repeated)
    return checked


def _sentence(cause: BaseException) -> str:
    text = " ".join(str(cause).split())
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__
