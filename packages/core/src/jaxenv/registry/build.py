"""From a spec to an environment: imports one module, sets the fields and replaces the leaves of the params."""

from __future__ import annotations

import dataclasses
import inspect
import numbers
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from jaxenv import _overrides
from jaxenv._classes import own_init
from jaxenv.environment import Environment
from jaxenv.errors import (
    ConstructionError,
    EntryPointError,
    JaxenvError,
    OverrideValueError,
)
from jaxenv.registry.loading import load_object
from jaxenv.registry.spec import EnvSpec


def build(spec: EnvSpec, overrides: Mapping[str, Any], factory: Any = None) -> tuple[Environment[Any, Any], Any]:
    """Return the environment and the parameters that ``spec`` and ``overrides`` describe."""
    factory = load_factory(spec) if factory is None else factory
    known = field_types(factory)
    env = construct(spec, factory, overrides)
    params = env.default_params
    leaves = {**spec.params, **{name: value for name, value in overrides.items() if name not in known}}
    found = _overrides.resolve(spec.id, params, known, leaves)
    return (env.with_leaves(found) if found else env), _overrides.put_all(params, found)


def construct(spec: EnvSpec, factory: Any, overrides: Mapping[str, Any]) -> Environment[Any, Any]:
    """Return the environment alone, without params: those of the overrides that are no fields are left aside."""
    known = field_types(factory)
    return _construct(spec, factory, {**spec.kwargs, **{name: value for name, value in overrides.items() if name in known}})


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
        return {
            field.name: field.type
            for field in dataclasses.fields(cast("Any", factory))
            if field.init and not field.metadata.get("internal")
        }
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = list(inspect.signature(init or factory).parameters.values())[1 if init else 0 :]
    return {parameter.name: parameter.annotation for parameter in parameters if parameter.kind in named}


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
    """Return ``value`` as a static field can hold it; the plain types are checked, the others are left to the environment."""
    value = _tuples(value)
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


def _tuples(value: Any) -> Any:
    """Return lists as tuples, which can be hashed: what a list in a spec becomes, too."""
    return tuple(map(_tuples, cast("Any", value))) if isinstance(value, list) else value
