"""From a spec to an environment: imports one module, sets the fields and replaces the leaves of the params."""

from __future__ import annotations

import dataclasses
import inspect
import numbers
from collections.abc import Mapping
from typing import Any, cast

import jax.numpy as jnp
import numpy as np

from jaxenv._classes import own_init
from jaxenv.environment import Environment
from jaxenv.errors import (
    AmbiguousOverrideError,
    ConstructionError,
    EntryPointError,
    JaxenvError,
    OverrideValueError,
    UnknownOverrideError,
)
from jaxenv.registry.loading import load_object
from jaxenv.registry.names import nearest
from jaxenv.registry.spec import EnvSpec

Path = tuple[str, ...]


def build(spec: EnvSpec, overrides: Mapping[str, Any], factory: Any = None) -> tuple[Environment[Any, Any], Any]:
    """Return the environment and the parameters that ``spec`` and ``overrides`` describe."""
    factory = load_factory(spec) if factory is None else factory
    known = field_types(factory)
    env = _construct(spec, factory, {**spec.kwargs, **{name: value for name, value in overrides.items() if name in known}})
    params = env.default_params
    leaves = {**spec.params, **{name: value for name, value in overrides.items() if name not in known}}
    for name, value in leaves.items():
        params = _replace(spec.id, params, _path(spec.id, name, known, params), value)
    return env, params


def load_factory(spec: EnvSpec) -> Any:
    """Return the class, or the function, that builds the spec's environment."""
    action = f"Repair or reinstall {spec.distribution}." if spec.distribution else "Correct the entry_point of the spec."
    factory = load_object(spec.id, spec.entry_point, action)
    if not callable(factory):
        raise EntryPointError(spec.id, spec.entry_point, "it is neither a class nor a function", action)
    return factory


def field_types(factory: Any) -> dict[str, Any]:
    """Return the annotation of what ``make`` can set: a class's fields, or the arguments of a function or an own ``__init__``."""
    init = own_init(factory) if isinstance(factory, type) and issubclass(factory, Environment) else None
    if init is None and isinstance(factory, type) and issubclass(factory, Environment):
        return {field.name: field.type for field in dataclasses.fields(cast("Any", factory)) if field.init}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = list(inspect.signature(init or factory).parameters.values())[1 if init else 0 :]
    return {parameter.name: parameter.annotation for parameter in parameters if parameter.kind in named}


def leaf_paths(params: Any, above: Path = ()) -> list[Path]:
    """Return the path of every leaf of ``params``, through nested dataclasses."""
    if not dataclasses.is_dataclass(params) or isinstance(params, type):
        return [above]
    fields = [field.name for field in dataclasses.fields(params) if field.init]
    return [path for name in fields for path in leaf_paths(getattr(params, name), (*above, name))]


def _construct(spec: EnvSpec, factory: Any, fields: Mapping[str, Any]) -> Environment[Any, Any]:
    types = field_types(factory)
    fields = {name: _field(spec.id, name, types.get(name), value) for name, value in fields.items()}
    try:
        env = factory(**fields)
    except JaxenvError:
        raise
    except (TypeError, ValueError) as cause:
        raise ConstructionError(spec.id, fields, cause) from cause
    if not isinstance(env, Environment):
        reason = f"it built {type(env).__name__}, which is not an Environment"
        raise EntryPointError(spec.id, spec.entry_point, reason, "Make it return an Environment.")
    return cast("Environment[Any, Any]", env)


_PLAIN_TYPES: dict[str, tuple[type, Any]] = {
    "bool": (bool, bool | np.bool_),
    "int": (int, numbers.Integral),
    "float": (float, numbers.Real),
    "str": (str, str),
}


def _field(env_id: str, name: str, annotation: Any, value: Any) -> Any:
    """Return ``value`` as a static field can hold it; the plain types are checked, the others are the environment's affair."""
    try:
        hash(value)
    except TypeError:
        action = "Pass numbers, strings, booleans or tuples of them."
        raise OverrideValueError(env_id, name, value, "a hashable value", action) from None
    type_name = getattr(annotation, "__name__", annotation)
    if type_name not in _PLAIN_TYPES:
        return value
    plain, accepted = _PLAIN_TYPES[type_name]
    if not isinstance(value, accepted) or (isinstance(value, bool) and plain is not bool):
        raise OverrideValueError(env_id, name, value, f"a field of type {plain.__name__}", "Pass a value of that type.")
    return plain(value)


def _path(env_id: str, name: str, fields: Mapping[str, Any], params: Any) -> Path:
    """Return the path of the outermost leaf called ``name``."""
    paths = leaf_paths(params)
    found = [path for path in paths if path[-1] == name]
    outermost = [path for path in found if len(path) == min(map(len, found))]
    if len(outermost) > 1:
        raise AmbiguousOverrideError(env_id, name, [".".join(path) for path in outermost])
    if not outermost:
        leaves = list(dict.fromkeys(path[-1] for path in paths))
        raise UnknownOverrideError(env_id, name, list(fields), leaves, nearest(name, [*fields, *leaves]))
    return outermost[0]


def _replace(env_id: str, params: Any, path: Path, value: Any) -> Any:
    head, *rest = path
    old = getattr(params, head)
    new = _replace(env_id, old, tuple(rest), value) if rest else _leaf(env_id, head, old, value)
    return dataclasses.replace(params, **{head: new})


def _leaf(env_id: str, name: str, old: Any, value: Any) -> Any:
    """Return ``value`` as something that can stand where ``old`` stood: of the same kind, an integer where a float may be."""
    if isinstance(value, list | tuple):
        value = np.asarray(value) if hasattr(old, "dtype") else tuple(cast("Any", value))
    expected, given = _kind(old), _kind(value)
    if (expected, given) == ("float", "int"):
        return value.astype(jnp.result_type(float)) if hasattr(value, "dtype") else float(value)
    if expected not in (given, "NoneType"):
        action = f"Pass a value of type {expected}, or an array of them."
        raise OverrideValueError(env_id, name, value, f"a param of type {expected}", action)
    return jnp.asarray(value, old.dtype) if isinstance(value, np.ndarray) and hasattr(old, "dtype") else value


def _kind(value: Any) -> str:
    """``bool``, ``int`` or ``float``, of a number or an array alike; for anything else, its type."""
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return type(value).__name__
    for kind, name in ((jnp.bool_, "bool"), (jnp.integer, "int"), (jnp.floating, "float")):
        if jnp.issubdtype(dtype, kind):
            return name
    return str(dtype)
