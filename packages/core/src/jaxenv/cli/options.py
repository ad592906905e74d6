"""Arguments and options that several commands have, so that each is written and checked in one way. Imports no JAX."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxenv.errors import NamespaceNotInstalledError, SettingError, UnknownNamespaceError
from jaxenv.registry import EnvSpec, make, plugins, registered_envs
from jaxenv.registry.known import known_distributions
from jaxenv.registry.lookup import spec as find_spec
from jaxenv.registry.names import nearest

LARGEST = 2**31 - 1
"""The largest size: JAX counts in int32."""


def finite(value: float | None) -> float | None:
    """Refuse what a float can be and a number cannot."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


EnvId = Annotated[str, typer.Argument(metavar="ID", help="A full or short id.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set a field or a param; may be repeated.")]
PolicyName = Annotated[
    str,
    typer.Option(
        "--policy",
        help="'random'; NAME:ARGUMENT of a policy that a plugin provides; or 'module:function' of a function "
        "(observation, key) -> action, in JAX.",
    ),
]
# Not more: without 64-bit types jax.random.key takes 2**32 for 0.
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of all randomness.")]


def in_namespace(namespace: str | None) -> tuple[EnvSpec, ...]:
    """Return the specs of a namespace, or of all for None.

    Raises:
        NamespaceNotInstalledError: its environments need a library that is not installed.
        UnknownNamespaceError: no environment has it.
    """
    specs = registered_envs(namespace)
    if namespace is not None and not specs:
        known = list(dict.fromkeys(spec.namespace or "" for spec in registered_envs()))
        waiting = next((other for other in known_distributions() if other.namespace == namespace and other.requires), None)
        if waiting and namespace not in {plugin.namespace for plugin in plugins() if plugin.status != "ok"}:
            raise NamespaceNotInstalledError(namespace, waiting.distribution, str(waiting.requires), waiting.command)
        raise UnknownNamespaceError(namespace, known, nearest(namespace, known))
    return specs


def overrides(settings: Sequence[str] | None, option: str = "--set") -> dict[str, Any]:
    """Return the values of ``--set``, or of an option like it, by name.

    Raises:
        SettingError: it is not of the form NAME=VALUE, or one name is set twice.
    """
    found: dict[str, Any] = {}
    for text in settings or ():
        name, value = setting(text, option)
        if name in found:
            raise SettingError(option, text, f"one value for {name}")
        found[name] = value
    return found


def setting(text: str, option: str = "--set") -> tuple[str, Any]:
    """Read ``name=value``: the value as JSON if it is JSON, as Python's True, False and None, else as the string it is."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise SettingError(option, text, "NAME=VALUE")
    words = {"True": True, "False": False, "None": None}
    if value in words:
        return name, words[value]
    try:
        found = _tuples(json.loads(value))
    except (ValueError, RecursionError):
        return name, value
    if not all(_is_number(leaf, value) for leaf in _leaves(found)):
        raise SettingError(option, text, "a number that a float can hold")
    return name, found


def built(env_id: str, settings: Sequence[str] | None) -> tuple[EnvSpec, Any, Any]:
    """Return the spec of an id, and the environment and the params that it gives with these settings."""
    spec = find_spec(env_id)
    env, params = make(spec, **overrides(settings))
    return spec, env, params


def changed(spec: EnvSpec, values: Mapping[str, Any]) -> EnvSpec:
    """Return a spec that stands for what ``make(spec, **values)`` builds; the values were tried."""
    if not values:
        return spec
    from jaxenv.registry.build import field_types, load_factory

    fields = field_types(load_factory(spec))
    kwargs = {name: value for name, value in values.items() if name in fields}
    params = {name: value for name, value in values.items() if name not in fields}
    return dataclasses.replace(spec, kwargs={**spec.kwargs, **kwargs}, params={**spec.params, **params})


def output_file(path: Path) -> Path:
    """Return the path of a file that is about to be written, if it can be.

    Raises:
        OutputFileError: its folder is missing, or it is a folder itself, or it may not be written.
    """
    from jaxenv.visualize.files import check_output

    check_output(path)
    return path


def _leaves(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, tuple) else [value]


def _is_number(leaf: Any, text: str) -> bool:
    """Whether a float is what was written: not NaN, and infinite only by that word, where 1e400 is too large for a float."""
    return not isinstance(leaf, float) or math.isfinite(leaf) or (math.isinf(leaf) and "Infinity" in text)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
