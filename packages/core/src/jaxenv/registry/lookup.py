"""From an id to a spec, and from a spec to an environment."""

from __future__ import annotations

import dataclasses
import difflib
import re
from typing import TYPE_CHECKING, Any, TypeVar

from jaxenv.errors import AmbiguousEnvError, RegisterTypeError, UnavailableEnvError, UnknownEnvError
from jaxenv.registry.discovery import found_plugins
from jaxenv.registry.spec import LOCAL, EnvSpec, Plugin

if TYPE_CHECKING:
    from jaxenv.environment import Environment

CUTOFF = 0.75
"""difflib's cutoff; at its default of 0.6, ``atari`` would become ``minatar``."""

_RegisteredT = TypeVar("_RegisteredT", bound="EnvSpec | type[Environment[Any, Any]]")

_local: dict[str, EnvSpec] = {}
_local_classes: dict[str, type[Any]] = {}


def make(env_id: str | EnvSpec, /, **overrides: Any) -> tuple[Environment[Any, Any], Any]:
    """Build an environment and its parameters.

    Args:
        env_id: a full id (``"classic/CartPole-v1"``), a short one (``"CartPole-v1"``) if one installed plugin has it, or a spec.
        **overrides: fields of the environment (its static structure) and leaves of its params (at any depth, by name).

    Returns:
        ``(env, params)``. Pass ``params`` to every call of the environment: they are the ones that this id stands for, and may differ
        from ``env.default_params``.

    Raises:
        UnknownEnvError: there is no such id; the message names the nearest.
        AmbiguousEnvError: several plugins have this short id.
        UnavailableEnvError: the plugin that the id belongs to is broken or disabled.
        EntryPointError: the environment's module cannot be imported.
        UnknownOverrideError: an override names neither a field nor a leaf.
        OverrideValueError: an override has a value that its field or leaf cannot take.

    >>> import jaxenv
    >>> env, params = jaxenv.make("CartPole-v1", gravity=1.6)
    >>> params.gravity
    1.6
    """
    from jaxenv.registry.build import build

    found = env_id if isinstance(env_id, EnvSpec) else spec(env_id)
    local = _local_classes.get(found.name) if found.namespace == LOCAL and found is _local.get(found.name) else None
    return build(found, overrides, local)


def spec(env_id: str) -> EnvSpec:
    """Return the spec of a full or short id; raises what :func:`make` raises for an unknown one."""
    specs = registered_envs()
    by_full_id = {candidate.id: candidate for candidate in specs}
    if env_id in by_full_id:
        return by_full_id[env_id]
    named = [candidate for candidate in specs if candidate.name == env_id]
    if len(named) == 1:
        return named[0]
    if named:
        raise AmbiguousEnvError(env_id, [candidate.id for candidate in named])
    raise _unknown(str(env_id), specs)


def registered_envs(namespace: str | None = None) -> tuple[EnvSpec, ...]:
    """Return the specs of all environments, or of one namespace, by namespace and then in each plugin's own order."""
    specs = [*_local.values(), *(candidate for plugin in found_plugins() for candidate in plugin.specs)]
    if namespace is not None:
        specs = [candidate for candidate in specs if candidate.namespace == namespace]
    return tuple(sorted(specs, key=lambda candidate: candidate.namespace or ""))


def plugins() -> tuple[Plugin, ...]:
    """Return every installed plugin by namespace, broken and disabled ones included."""
    return found_plugins()


def register(spec_or_class: _RegisteredT, /) -> _RegisteredT:
    """Register an environment under the namespace ``local``, for this process; a second one of the same name takes its place.

    Args:
        spec_or_class: an :class:`EnvSpec`, or a subclass of :class:`jaxenv.Environment`, which is registered under its own name.

    Returns:
        Its argument, so that ``register`` serves as a decorator.

    >>> import jaxenv
    >>> _ = jaxenv.register(jaxenv.EnvSpec("MoonPole", "jaxenv_classic.cartpole:CartPole", params={"gravity": 1.6}))
    >>> env, params = jaxenv.make("local/MoonPole")
    """
    given: Any = spec_or_class
    if isinstance(given, EnvSpec):
        _local_classes.pop(given.name, None)
        _local[given.name] = dataclasses.replace(given, namespace=LOCAL, distribution=None, version=None)
        return spec_or_class

    from jaxenv.environment import Environment

    if not (isinstance(given, type) and issubclass(given, Environment)):
        raise RegisterTypeError(given)
    summary = (given.__doc__ or "").strip().partition("\n")[0]
    entry_point = f"{given.__module__}:{given.__qualname__}"
    _local[given.__name__] = EnvSpec(given.__name__, entry_point, summary=summary, namespace=LOCAL)
    _local_classes[given.__name__] = given
    return spec_or_class


def _unknown(env_id: str, specs: tuple[EnvSpec, ...]) -> UnknownEnvError | UnavailableEnvError:
    """Return the error for an id that nobody has: a broken plugin's own, or one with the most likely intention."""
    namespace, slash, _ = env_id.partition("/")
    for plugin in found_plugins():
        if slash and plugin.namespace == namespace and plugin.error:
            unavailable = UnavailableEnvError(env_id, str(plugin.error))
            unavailable.__cause__ = plugin.error
            return unavailable
        if slash and plugin.namespace == namespace and plugin.disabled:
            return UnavailableEnvError(env_id, f"JAXENV_DISABLED_PLUGINS disables the plugin '{namespace}'. Remove it from there.")
    hints: list[str] = []
    near = _variants(env_id, specs) or _close(env_id, specs)
    if near:
        hints.append(f"Did you mean {_some(near)}?")
    broken = sorted({plugin.namespace for plugin in found_plugins() if plugin.error})
    if broken and not slash:
        hints.append(f"It may belong to a plugin that is refused ({', '.join(broken)}): run `jaxenv doctor`.")
    return UnknownEnvError(env_id, hints)


def _essence(name: str) -> str:
    """A name without version and case."""
    return re.sub(r"-v\d+$", "", name.casefold())


def _variants(env_id: str, specs: tuple[EnvSpec, ...]) -> list[str]:
    """Ids of the same name in another namespace, version or case."""
    wanted = {_essence(env_id), _essence(env_id.partition("/")[2])}
    return [candidate.id for candidate in specs if _essence(candidate.name) in wanted]


def _close(env_id: str, specs: tuple[EnvSpec, ...]) -> list[str]:
    """Ids with a similar name, or with a name of which this is the first word."""
    known = {form: candidate.id for candidate in specs for form in (_essence(candidate.name), _essence(candidate.id))}
    wanted = _essence(env_id)
    matches = difflib.get_close_matches(wanted, known, n=3, cutoff=CUTOFF)
    words = [form for form in known if form.startswith((f"{wanted}-", f"{wanted}/"))]
    return list(dict.fromkeys(known[form] for form in matches or words))


def _some(ids: list[str], most: int = 5) -> str:
    shown = ", ".join(ids[:most])
    return f"{shown} or another of {len(ids)}" if len(ids) > most else shown
