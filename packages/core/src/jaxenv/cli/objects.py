"""Policies, agents and classes that a user names as ``module:object``: one way to load and to try them, for every command."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from jaxenv.cli.failures import brief
from jaxenv.errors import EntryPointError, JaxenvError, PolicyClashError, SettingError
from jaxenv.errors.formatting import named
from jaxenv.registry import EnvSpec, LoadedPolicy, PolicySource, plugins
from jaxenv.registry.loading import load_object


def load_here(option: str, text: str, expected: str) -> Any:
    """Return the object that ``text``, ``module:object``, names; the module may be in the current folder, which comes first.

    Args:
        option: what asks for it, for messages, such as ``--policy``.
        text: what the user wrote.
        expected: what may be written, for messages, such as ``'random' or 'module:function'``.

    Raises:
        SettingError: it is not of that form.
        EntryPointError: the module cannot be imported, or has no such object.
    """
    module, colon, name = text.partition(":")
    if colon and module.endswith(".py"):
        written = re.sub(r"[/\\]", ".", module.removesuffix(".py").removeprefix("./"))
        raise SettingError(option, text, f"the name of a module, such as {written}:{name or 'object'}, and not of a file")
    if not (colon and re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", module) and re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name)):
        raise SettingError(option, text, expected)
    _look_here()
    return load_object(option, text, "Check the module, which may be in the current folder, and the name.")


def _look_here() -> None:
    """Let Python look for modules in the current folder before it looks elsewhere, as ``python -m`` does."""
    try:
        here = str(Path.cwd())
    except FileNotFoundError:  # the folder was removed
        return
    if sys.path[:1] not in ([here], [""]):
        sys.path.insert(0, here)
    importlib.invalidate_caches()


def refusal(function: Any, *arguments: str) -> str | None:
    """Return why ``function`` cannot be called with these arguments; None if it can, or if nobody knows."""
    if not callable(function):
        return f"it is {type(function).__name__}, which cannot be called"
    if inspect.iscoroutinefunction(function):
        return "it is defined by async def, and is called without await"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*arguments)
    except TypeError as error:
        return f"it takes {signature}, and is called with ({', '.join(arguments)}): {error}"
    return None


def policy_sources() -> dict[str, dict[str, PolicySource]]:
    """Return, for each kind of policies, which plugins load it."""
    offers: dict[str, dict[str, PolicySource]] = {}
    for plugin in plugins():
        for source in plugin.policies:
            offers.setdefault(source.name, {})[plugin.namespace] = source
    return offers


def load_policy(option: str, text: str, spec: EnvSpec, env: Any, params: Any) -> LoadedPolicy:
    """Return the policy that ``text`` names, tried on the environment.

    Args:
        option: what asks for it, for messages, such as ``--policy``.
        text: ``NAME:ARGUMENT`` for a kind of policies that a plugin loads, else ``module:function``.
        spec: of the environment.
        env: the environment.
        params: its parameters.

    Raises:
        SettingError: ``text`` has neither form.
        PolicyClashError: several plugins load this kind of policies.
        EntryPointError: it cannot be imported, takes other arguments, fails, or gives no action of the environment.
    """
    name, colon, argument = text.partition(":")
    sources = policy_sources()
    if colon and name in sources:
        loaded, wanted = _from_plugin(name, argument, sources[name], spec, env, params), "Choose another policy."
    else:
        kinds = "".join(f", '{kind}:...'" for kind in sorted(sources))
        function, wanted = load_here(option, text, f"'random'{kinds} or 'module:function'"), _WANTED
        reason = refusal(function, "observation", "key")
        if reason:
            raise EntryPointError(option, text, reason, wanted)
        loaded = LoadedPolicy(function)
    import jax

    from jaxenv.engine.plan import Plan, RolloutInputs

    def act(key: Any, inputs: RolloutInputs) -> Any:
        obs, _ = env.reset(key, inputs.params)
        _, action = Plan(env, loaded.policy).act(inputs.initial_carry, obs, key, inputs)
        return env.action_space(inputs.params).cast(action, "its result")

    try:
        # Under vmap, as it is played: not everything that can be traced can be batched.
        inputs = RolloutInputs(params, jax.random.key(0), loaded.policy_params, loaded.initial_carry)
        jax.eval_shape(jax.vmap(act, in_axes=(0, None)), jax.random.split(jax.random.key(0), 2), inputs)
    except JaxenvError as error:
        raise EntryPointError(option, text, str(error), wanted) from error
    except (Exception, SystemExit) as error:
        raise EntryPointError(option, text, f"it failed when it was tried: {brief(error)}", wanted) from error
    return loaded


_WANTED = "Write a function (observation, key) -> action, in JAX."


def _from_plugin(name: str, argument: str, offers: dict[str, PolicySource], spec: EnvSpec, env: Any, params: Any) -> LoadedPolicy:
    """Return the policy that a plugin loads."""
    if len(offers) > 1:
        raise PolicyClashError(name, list(offers))
    (namespace, source), *_ = offers.items()
    owner, action = f"The policy {name!r} of plugin '{namespace}'", "Repair or reinstall the plugin."
    loaded = load_object(owner, source.entry_point, action)(argument, spec, env, params)
    if not isinstance(loaded, LoadedPolicy):
        raise EntryPointError(owner, source.entry_point, f"it gave {named(loaded)}, and no LoadedPolicy", action)
    return loaded
