"""Policies, agents and classes that a user names as ``module:object``: one way to load and to try them, for every command."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxenv.cli.sentences import brief
from jaxenv.errors import EntryPointError, JaxenvError, SettingError
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


def load_policy(option: str, text: str, env: Any, params: Any) -> Callable[[Any, Any], Any]:
    """Return the policy ``(observation, key) -> action`` that ``text`` names, tried on the environment.

    Raises:
        SettingError: ``text`` is not of the form module:function.
        EntryPointError: it cannot be imported, takes other arguments, fails, or gives no action of the environment.
    """
    policy = load_here(option, text, "'random' or 'module:function'")
    wanted = "Write a function (observation, key) -> action, in JAX."
    reason = refusal(policy, "observation", "key")
    if reason:
        raise EntryPointError(option, text, reason, wanted)
    import jax

    def act(key: Any, params: Any) -> Any:
        obs, _ = env.reset(key, params)
        return env.action_space(params).cast(policy(obs, key), "its result")

    try:
        # Under vmap, as it is played: not everything that can be traced can be batched.
        jax.eval_shape(jax.vmap(act, in_axes=(0, None)), jax.random.split(jax.random.key(0), 2), params)
    except JaxenvError as error:
        raise EntryPointError(option, text, str(error), wanted) from error
    except (Exception, SystemExit) as error:
        raise EntryPointError(option, text, f"it failed when it was tried: {brief(error)}", wanted) from error
    return policy
