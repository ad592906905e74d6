"""How the classes that an author writes become values: environments, and what is a pytree (params, states, transitions).

An author need not decorate any of them, and may do so with ``@dataclasses.dataclass(frozen=True)`` or
``@flax.struct.dataclass``: all three mean the same. An environment may also have an ``__init__`` of its own that sets fields. What
means something else is refused with a sentence when the class is made, not by an error of ``dataclasses`` or of JAX later.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from abc import ABCMeta
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import jax
from flax import serialization, struct

from jaxenv.errors import EnvironmentClassError, FrozenEnvironmentError, RecordClassError, UndeclaredFieldError, UnsetFieldError

_ABSENT = object()
_PARAMS = "__dataclass_params__"  # the first attribute that ``dataclasses.dataclass`` sets
_FREEZERS = ("__setattr__", "__delattr__")
_AS_WRITTEN = "_jaxenv_as_written"


class EnvironmentType(ABCMeta):
    """The class of environments: makes each a frozen dataclass, and lets its author say so a second time."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name == _PARAMS and _AS_WRITTEN in cls.__dict__:
            cls._write_anew(value)
        if name not in _FREEZERS:  # Frozen's serve every subclass
            super().__setattr__(name, value)

    def _write_anew(cls, chosen: Any) -> None:
        """Undo what the first decorator did, for the author's own that has begun: it then reads the class as it was written."""
        if not chosen.frozen:
            reason, action = "but it is not frozen", "Remove @dataclass, or write @dataclasses.dataclass(frozen=True)"
            raise EnvironmentClassError(cls.__name__, f"is decorated as a dataclass, {reason}", action)
        if not chosen.eq:
            reason, action = "is decorated with eq=False, so that no two of it are equal", "Remove eq=False"
            raise EnvironmentClassError(cls.__name__, reason, action)
        for name, value in cls.__dict__[_AS_WRITTEN].items():
            if value is not _ABSENT:
                super().__setattr__(name, value)
            elif name in cls.__dict__:
                super().__delattr__(name)
        super().__delattr__(_AS_WRITTEN)


def make_environment(cls: type) -> None:
    """Make a new subclass of Environment a frozen dataclass."""
    if "__dataclass_fields__" in cls.__dict__:  # a copy of a class that is one already
        raise EnvironmentClassError(cls.__name__, "is decorated with slots=True, which makes another class", "Remove slots=True")
    for name in _FREEZERS:
        if name in cls.__dict__:
            raise EnvironmentClassError(cls.__name__, f"defines {name}, but environments never change", f"Remove {name}")
    for name in ("__init__", "__post_init__"):
        if name in cls.__dict__:
            setattr(cls, name, _setting_fields(cls.__dict__[name]))
    before = {name: copy.copy(value) if isinstance(value, dataclasses.Field) else value for name, value in cls.__dict__.items()}
    dataclasses.dataclass(frozen=True, init=own_init(cls) is None)(cls)  # an own __init__ is inherited, too
    after = dict(cls.__dict__)
    changed = [name for name in {*before, *after} if before.get(name, _ABSENT) is not after.get(name, _ABSENT)]
    setattr(cls, _AS_WRITTEN, {name: before.get(name, _ABSENT) for name in changed})


def own_init(cls: type) -> Callable[..., None] | None:
    """Return the ``__init__`` that an author wrote, if that is what makes the environments of a class."""
    init = cast("Any", cls).__init__
    return cast("Callable[..., None]", inspect.unwrap(init)) if hasattr(init, "_jaxenv_sets_fields") else None


_under_construction: set[int] = set()
"""The ids of the environments whose ``__init__`` runs."""


def _setting_fields(written: Any) -> Any:
    """Let an author's ``__init__`` or ``__post_init__`` set fields, which are frozen elsewhere."""

    @functools.wraps(written)
    def initialise(self: Any, *args: Any, **kwargs: Any) -> None:
        if id(self) in _under_construction:
            return written(self, *args, **kwargs)
        _under_construction.add(id(self))
        try:
            written(self, *args, **kwargs)
            if written.__name__ == "__init__":
                _set_defaults(self)
                getattr(self, "__post_init__", lambda: None)()  # what core and wrappers check, they check here, too
        finally:
            _under_construction.discard(id(self))
        return None

    cast("Any", initialise)._jaxenv_sets_fields = True
    return initialise


def _set_defaults(env: Any) -> None:
    for field in dataclasses.fields(env):
        if not hasattr(env, field.name):
            if field.default_factory is dataclasses.MISSING:
                raise UnsetFieldError(type(env).__name__, field.name)
            object.__setattr__(env, field.name, field.default_factory())


def replaced(env: Any, **changes: Any) -> Any:
    """Return ``env`` with other fields, as ``dataclasses.replace`` does, also where its own ``__init__`` takes other arguments."""
    if own_init(type(env)) is None:
        return dataclasses.replace(env, **changes)
    names = [field.name for field in dataclasses.fields(env)]
    for name in changes:
        if name not in names:
            raise TypeError(f"{type(env).__name__} has no field {name!r}. Choose from {', '.join(names)}.")
    twin = copy.copy(env)
    for name, value in changes.items():
        object.__setattr__(twin, name, value)
    return twin


class Frozen:
    """What has no attribute set after it was made; an author's ``__init__`` and ``__post_init__`` may set fields."""

    if not TYPE_CHECKING:  # a type checker knows a frozen dataclass by ``dataclass_transform``

        def __setattr__(self, name: str, value: Any) -> None:
            if id(self) not in _under_construction:
                raise FrozenEnvironmentError(type(self).__name__, name)
            if name not in {field.name for field in dataclasses.fields(self)}:
                raise UndeclaredFieldError(type(self).__name__, name, type(value).__name__)
            object.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            raise FrozenEnvironmentError(type(self).__name__, name)


class RecordType(type):
    """The class of params, states and transitions: frozen dataclasses that are pytrees, whichever way they are written."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name == _PARAMS and not value.frozen:
            action = "Write @flax.struct.dataclass or @dataclasses.dataclass(frozen=True) instead of @dataclass"
            raise RecordClassError(cls.__name__, "is a dataclass that is not frozen", action)
        super().__setattr__(name, value)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "__dataclass_fields__" not in cls.__dict__:
            make_record(cls)
        record = super().__call__(*args, **kwargs)
        if not cls.__dict__.get("_jaxenv_is_pytree"):
            if jax.tree_util.all_leaves([record]):
                _register(cls)
            cls._jaxenv_is_pytree = True
        return record


def make_record(cls: type) -> None:
    """Make a subclass of a record, and what it derives from, a dataclass if its author left that out."""
    for base in reversed(cls.__mro__):
        if isinstance(base, RecordType) and "__dataclass_fields__" not in base.__dict__ and _is_concrete(base):
            struct.dataclass(base)


def _is_concrete(cls: type) -> bool:
    """Whether ``cls`` derives from a record with fields, as all do but the base class of records."""
    return any("__dataclass_fields__" in base.__dict__ for base in cls.__mro__[1:])


def check_record(cls: type) -> None:
    """Refuse a new subclass of a record that no pytree can be; what it derives from is complete."""
    for base in cls.__bases__:
        make_record(base)
    if "__slots__" in cls.__dict__:
        raise RecordClassError(cls.__name__, "has __slots__, which makes another class of it", "Remove slots=True or __slots__")
    if "__init__" in cls.__dict__ and "__dataclass_fields__" not in cls.__dict__:
        action = (
            "Remove __init__ and declare each field by an annotation, such as `speed: float = 1.0`; what has to be computed is "
            "computed where the class is called"
        )
        raise RecordClassError(cls.__name__, "has an __init__ of its own, but JAX makes it again from its fields alone", action)


def _register(cls: type) -> None:
    """Do for a standard dataclass what ``flax.struct.dataclass`` does beyond it."""
    names: dict[bool, list[str]] = {True: [], False: []}
    for field in _fields(cls):
        names[bool(field.metadata.get("pytree_node", True))].append(field.name)
    data, meta = names[True], names[False]
    jax.tree_util.register_dataclass(cls, data, meta)

    def to_state_dict(record: Any) -> dict[str, Any]:
        return {name: serialization.to_state_dict(getattr(record, name)) for name in data}

    def from_state_dict(record: Any, state: dict[str, Any]) -> Any:
        missing = [name for name in data if name not in state]
        unknown = [name for name in state if name not in data]
        if missing or unknown:
            raise ValueError(f"{cls.__name__} has the fields {data}, but the state to restore lacks {missing} and adds {unknown}.")
        updates = {name: serialization.from_state_dict(getattr(record, name), state[name], name=name) for name in data}
        return dataclasses.replace(record, **updates)

    serialization.register_serialization_state(cls, to_state_dict, from_state_dict)


def _fields(cls: Any) -> Iterator[Any]:
    return iter(dataclasses.fields(cls))
