"""Building what a spec describes: imports one environment's module, applies the spec and the overrides."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import inspect
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_type_hints

from jaxenv.environment import Environment
from jaxenv.errors import EntryPointError, JaxenvError, OverrideValueError, UnknownOverrideError
from jaxenv.registry.spec import EnvSpec

CUTOFF = 0.75


def load_object(owner: str, entry_point: str, action: str) -> Any:
    """Return the object that ``"module:object"`` names."""
    module, _, path = entry_point.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise EntryPointError(owner, entry_point, f"{type(error).__name__}: {error}", action) from error
    return found


def load_factory(spec: EnvSpec) -> Any:
    """Return the class, or the function, that builds the spec's environment."""
    action = f"Repair or reinstall {spec.distribution}." if spec.distribution else "Correct the spec's entry_point."
    factory = load_object(spec.id, spec.entry_point, action)
    if not callable(factory):
        raise EntryPointError(spec.id, spec.entry_point, "it is neither a class nor a function", action)
    return factory


def field_names(factory: Any) -> tuple[str, ...]:
    """Return the static fields that ``make`` can set: those of a class, or the arguments of a function."""
    if isinstance(factory, type) and dataclasses.is_dataclass(factory):
        return tuple(field.name for field in dataclasses.fields(factory) if field.init)
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(name for name, parameter in inspect.signature(factory).parameters.items() if parameter.kind in named)


def param_paths(params: Any) -> dict[str, tuple[str, ...]]:
    """Return the path of every leaf of ``params`` under its dotted name, the outermost first."""
    paths: dict[str, tuple[str, ...]] = {}
    queue: deque[tuple[tuple[str, ...], Any]] = deque([((), params)])
    while queue:
        path, value = queue.popleft()
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            queue.extend(((*path, field.name), getattr(value, field.name)) for field in dataclasses.fields(value) if field.init)
        elif path:
            paths[".".join(path)] = path
    return paths


def build(spec: EnvSpec, overrides: Mapping[str, Any], factory: Any = None) -> tuple[Environment[Any, Any], Any]:
    """Return the environment and the parameters that ``spec`` and ``overrides`` describe."""
    factory = load_factory(spec) if factory is None else factory
    names = field_names(factory)
    fields = {**spec.kwargs, **{name: value for name, value in overrides.items() if name in names}}
    env = _construct(spec, factory, fields)
    params = env.default_params
    for name, value in {**spec.params, **{name: value for name, value in overrides.items() if name not in names}}.items():
        path = _find(spec, name, names, params)
        params = _replace(spec.id, params, path, value)
    return env, params


def _construct(spec: EnvSpec, factory: Any, fields: Mapping[str, Any]) -> Environment[Any, Any]:
    for name, value in fields.items():
        _check_field(spec.id, factory, name, value)
    try:
        env = factory(**fields)
    except JaxenvError:
        raise
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in fields.items())
        action = f"{type(error).__name__}: {error}. Correct the values."
        raise OverrideValueError(spec.id, "the set of fields", given or "empty", f"the environment refused it: {action}") from error
    if not isinstance(env, Environment):
        action = "Make it return an Environment."
        raise EntryPointError(spec.id, spec.entry_point, f"it built {type(env).__name__}, not an Environment", action)
    return cast("Environment[Any, Any]", env)


def _check_field(env_id: str, factory: Any, name: str, value: Any) -> None:
    try:
        hash(value)
    except TypeError:
        expected = "a field must be hashable. Pass numbers, strings, booleans or tuples of them."
        raise OverrideValueError(env_id, name, value, expected) from None
    try:
        expected_type = get_type_hints(factory).get(name)
    except (NameError, TypeError):
        return
    accepted = {bool: (bool,), int: (int,), float: (float, int), str: (str,)}.get(cast("type", expected_type))
    if accepted and (not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted)):
        kind = cast("type", expected_type).__name__
        raise OverrideValueError(env_id, name, value, f"the field takes {kind}. Pass a value of that type.")


def _find(spec: EnvSpec, name: str, fields: Sequence[str], params: Any) -> tuple[str, ...]:
    """Return the path of the leaf ``name``: the outermost, if several have that name."""
    paths = param_paths(params)
    found = [path for path in paths.values() if path[-1] == name]
    outermost = [path for path in found if len(path) == min(map(len, found))]
    if len(outermost) == 1:
        return outermost[0]
    leaves = list(dict.fromkeys(path[-1] for path in paths.values()))
    near = difflib.get_close_matches(name, [*fields, *leaves], n=3, cutoff=CUTOFF)
    raise UnknownOverrideError(spec.id, name, fields, leaves, near, [".".join(path) for path in outermost])


def _replace(env_id: str, params: Any, path: tuple[str, ...], value: Any) -> Any:
    head, *rest = path
    old = getattr(params, head)
    new = _replace(env_id, old, tuple(rest), value) if rest else _leaf(env_id, head, old, value)
    return dataclasses.replace(params, **{head: new})


def _leaf(env_id: str, name: str, old: Any, value: Any) -> Any:
    """Return ``value`` as something that can stand where ``old`` stood."""
    import jax.numpy as jnp

    if isinstance(value, list | tuple) and hasattr(old, "dtype"):
        value = jnp.asarray(value, old.dtype)
    kinds = _kind(old), _kind(value)
    if kinds == ("float", "int") and isinstance(value, int):
        return float(value)
    if None in kinds or kinds[0] == kinds[1] or kinds == ("float", "int"):
        return value
    raise OverrideValueError(env_id, name, value, f"the param takes {kinds[0]}. Pass a number or an array of that kind.")


def _kind(value: Any) -> str | None:
    """``"bool"``, ``"int"`` or ``"float"``; None for anything else, such as a key."""
    import jax.numpy as jnp

    if value is None:
        return None
    dtype: Any = getattr(value, "dtype", None)
    if dtype is None:
        return type(value).__name__
    for kind, name in ((jnp.bool_, "bool"), (jnp.integer, "int"), (jnp.floating, "float")):
        if jnp.issubdtype(dtype, kind):
            return name
    return None
