"""From an id to a spec, with suggestions for an id that does not exist."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, TypeVar

from jaxenv.errors import AmbiguousEnvError, NamespaceTypeError, RegisterTypeError, UnavailableEnvError, UnknownEnvError
from jaxenv.registry.discovery import found_plugins
from jaxenv.registry.known import known_distributions
from jaxenv.registry.names import LOCAL, nearest
from jaxenv.registry.spec import EnvSpec, Plugin

if TYPE_CHECKING:
    from jaxenv.environment import Environment

_RegisteredT = TypeVar("_RegisteredT", bound="EnvSpec | type[Environment[Any, Any]]")

_local: dict[str, EnvSpec] = {}
_local_classes: dict[str, type[Any]] = {}


def make(env_id: str | EnvSpec, /, **overrides: Any) -> tuple[Environment[Any, Any], Any]:
    """Build an environment and its parameters.

    Args:
        env_id: a full id (``"classic/CartPole-v1"``), a short one (``"CartPole-v1"``) if one installed plugin has it, or a spec.
        **overrides: fields of the environment (its static structure), and leaves of its params by name. Where params are
            nested, as a wrapper's are, the outermost leaf of that name is meant.

    Returns:
        ``(env, params)``. ``params`` are what the id and the overrides stand for, and so are ``env.default_params``: a call
        that is given none plays the same task, through wrappers too. Only an override that is being traced is in ``params``
        alone.

    Raises:
        UnknownEnvError: there is no such id; the message names the nearest.
        AmbiguousEnvError: several plugins have this short id.
        UnavailableEnvError: the plugin that the id belongs to is refused or disabled.
        EntryPointError: the environment's module cannot be imported.
        UnknownOverrideError: an override names neither a field nor a leaf.
        OverrideValueError: an override has a value of the wrong kind.
        RangeError: an override is outside of the range that its field states.
        ConstructionError: the environment refused the values of its fields.

    >>> import jaxenv
    >>> env, params = jaxenv.make("CartPole-v1", gravity=1.6)
    >>> params.gravity
    1.6
    """
    from jaxenv.registry.build import build  # needs JAX, which listing and looking up do not

    found = env_id if isinstance(env_id, EnvSpec) else spec(env_id)
    registered_by_hand = found is _local.get(found.name)
    return build(found, overrides, _local_classes.get(found.name) if registered_by_hand else None)


def spec(env_id: str, /) -> EnvSpec:
    """Look a spec up by its id.

    Args:
        env_id: a full id (``"classic/CartPole-v1"``), or a short one (``"CartPole-v1"``) if one installed plugin has it.

    Returns:
        The :class:`EnvSpec`.

    Raises:
        UnknownEnvError: there is no such id; the message names the nearest.
        AmbiguousEnvError: several plugins have this short id.
        UnavailableEnvError: the plugin that the id belongs to is refused or disabled.
    """
    specs = registered_envs()
    for candidate in specs:
        if candidate.id == env_id:
            return candidate
    named = [candidate for candidate in specs if candidate.name == env_id and not candidate.full_id_only]
    if len(named) > 1:
        raise AmbiguousEnvError(env_id, [candidate.id for candidate in named])
    if not named:
        raise _missing(env_id, specs)
    return named[0]


def registered_envs(namespace: str | None = None) -> tuple[EnvSpec, ...]:
    """List the specs of all environments, or of one namespace.

    Args:
        namespace: the namespace, such as ``"classic"``; None means all.

    Returns:
        The specs, by namespace and then in each plugin's own order; none if there is no such namespace.

    Raises:
        NamespaceTypeError: the namespace is no string.
    """
    given: Any = namespace
    if given is not None and not isinstance(given, str):
        raise NamespaceTypeError(given)
    specs = [*_local.values(), *(candidate for plugin in found_plugins() for candidate in plugin.specs)]
    wanted = [candidate for candidate in specs if namespace in (None, candidate.namespace)]
    return tuple(sorted(wanted, key=lambda candidate: candidate.namespace or ""))


def plugins() -> tuple[Plugin, ...]:
    """List every installed plugin, refused and disabled ones included.

    Returns:
        The plugins, by namespace.
    """
    return found_plugins()


def register(spec_or_class: _RegisteredT, /) -> _RegisteredT:
    """Register an environment under the namespace ``local``, in this process; a later one of the same name takes its place.

    Args:
        spec_or_class: an :class:`EnvSpec`, or a subclass of :class:`jaxenv.Environment`, which is registered under its own name.

    Returns:
        Its argument, so that ``register`` serves as a decorator.

    Raises:
        RegisterTypeError: the argument is neither a spec nor a subclass of :class:`jaxenv.Environment`.

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
    name = given.__name__
    summary = (given.__doc__ or "").strip().partition("\n")[0]
    _local[name] = EnvSpec(name, f"{given.__module__}:{given.__qualname__}", summary=summary, namespace=LOCAL)
    _local_classes[name] = given
    return spec_or_class


def _missing(env_id: Any, specs: tuple[EnvSpec, ...]) -> UnknownEnvError | UnavailableEnvError:
    """Return the error for an unknown id: its own plugin's, or one that suggests ids."""
    namespace, slash, name = str(env_id).partition("/")
    for plugin in found_plugins() if slash else ():
        if plugin.namespace == namespace and plugin.error:
            unavailable = UnavailableEnvError(env_id, str(plugin.error))
            unavailable.__cause__ = plugin.error
            return unavailable
        if plugin.namespace == namespace and plugin.disabled:
            return UnavailableEnvError(env_id, f"JAXENV_DISABLED_PLUGINS disables the plugin '{namespace}'. Remove it from there.")

    hints: list[str] = []
    wanted = {_normalized(str(env_id)), _normalized(name)}
    there = any(_normalized(candidate.name) in wanted and not candidate.full_id_only for candidate in specs)
    known = any(env_id in distribution.ids for distribution in known_distributions())
    provided = None if there and not known else _provided(wanted, slash != "")
    if provided:
        return UnknownEnvError(env_id, [provided], [str(env_id)])
    likely = [candidate.id for candidate in specs if _normalized(candidate.name) in wanted] or _similar(str(env_id), specs)
    if likely:
        more = f", or another of {len(likely)}" if len(likely) > 5 else ""
        hints.append(f"Did you mean {', '.join(likely[:5])}{more}?")
    refused = sorted({plugin.namespace for plugin in found_plugins() if plugin.error})
    if refused and not likely and namespace not in {candidate.namespace for candidate in specs}:
        hints.append(f"It may belong to a plugin that is refused ({', '.join(refused)}): run `jaxenv doctor`.")
    return UnknownEnvError(env_id, hints, likely)


def _provided(wanted: set[str], full: bool) -> str | None:
    """Say which distribution, published beside jaxenv-core, has one of these names, and why its environments are not there.

    Of a full id, the distribution that has it comes first; of a name alone, one whose environments need nothing else.
    """
    there = {plugin.namespace: plugin for plugin in found_plugins()}
    distributions = known_distributions()
    exact = [known for known in distributions if full and wanted & set(map(_normalized, known.ids))]
    others = sorted(distributions, key=lambda known: known.requires is not None)
    for known in (*exact, *others):
        if not wanted & {_normalized(name) for name in (*known.names, *known.ids)}:
            continue
        plugin = there.get(known.namespace)
        if known.requires and (plugin is None or plugin.status == "ok"):
            if plugin is not None and plugin.specs:  # it is there, under its full id
                continue
            return f"{known.distribution} provides it with its extra {known.requires}: run {known.command}."
        if plugin is None:
            return f"{known.distribution} provides it, and is not installed: install {known.distribution} beside jaxenv-core."
        if plugin.disabled:
            return f"{known.distribution} provides it, but JAXENV_DISABLED_PLUGINS disables '{known.namespace}': remove it."
        if plugin.error:
            return f"{known.distribution} provides it, but is refused: run `jaxenv doctor`."
    return None


def _normalized(name: str) -> str:
    """A name without its version and case."""
    return re.sub(r"-v\d+$", "", name.casefold())


def _similar(env_id: str, specs: tuple[EnvSpec, ...]) -> list[str]:
    """Ids that begin with this word, or else that are spelled alike."""
    ids: dict[str, list[str]] = {}
    for candidate in specs:
        for form in {_normalized(candidate.name), _normalized(candidate.id), _normalized(candidate.name).partition("-")[0]}:
            ids.setdefault(form, []).append(candidate.id)
    word = _normalized(env_id)
    forms = [form for form in ids if form.startswith((f"{word}-", f"{word}/"))] or nearest(word, ids)
    return list(dict.fromkeys(full_id for form in forms for full_id in ids[form]))
