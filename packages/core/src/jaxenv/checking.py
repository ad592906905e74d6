"""``jaxenv.checks()``: actions, params and observations outside of their spaces and ranges become errors, under ``jit`` too."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenv import ranges
from jaxenv._jax_compat import is_traced
from jaxenv.errors import CheckError
from jaxenv.errors.formatting import short

ENVIRONMENT_VARIABLE = "JAXENV_CHECKS"
"""With the value 1 it turns checks on for a whole process; read when jaxenv's protocol is imported."""


class _Switch:
    """Whether checks are on, who waits for what they find, and what they found."""

    def __init__(self) -> None:
        self.always = os.environ.get(ENVIRONMENT_VARIABLE, "") not in ("", "0")
        self.contexts = 0
        self.waiting = 0
        self.found: list[CheckError] = []
        self.lock = threading.Lock()

    def add(self, error: CheckError) -> None:
        """Keep the error for the context that waits; without one, raise it in the computation."""
        with self.lock:
            if self.waiting:
                self.found.append(error)
                return
        raise error

    @contextmanager
    def settled(self) -> Generator[None, None, None]:
        """Wait for all checks of the computations within, and raise the first thing they found."""
        self.waiting += 1
        try:
            yield
            jax.effects_barrier()
        finally:
            self.waiting -= 1
            with self.lock:
                found = self.found[:1]
                if found or not self.waiting:
                    self.found.clear()
        if found:
            raise found[0]


_switch = _Switch()


def enabled() -> bool:
    """Whether checks are on."""
    return _switch.always or _switch.contexts > 0


@contextmanager
def checks() -> Generator[None, None, None]:
    """Turn any action, param or observation outside of its space or range into an error with its value, under ``jit`` too.

    Without it, a choice outside of its space acts as the nearest inside, and numbers are checked only where their values are known.
    With it, every ``reset``, ``step`` and ``step_env`` within checks the computed values. That costs time: use it to find mistakes.

    A mistake within ``jax.jit`` is raised at the end of the context; a call from Python raises at once. Compiled functions are
    compiled anew on the way in and out. ``JAXENV_CHECKS=1`` does the same for a whole process. There, mistakes under ``jax.jit``
    surface as JAX's own runtime error with the same sentence in it.

    Returns:
        A context manager.

    Raises:
        CheckError: something was outside; the message says what, where and its value.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("CartPole-v1")
    >>> with jaxenv.checks():
    ...     obs, state = env.reset(jax.random.key(0), params)
    """
    outermost = not enabled()
    if outermost:
        jax.clear_caches()
    try:
        with switched_on():
            yield
    finally:
        if outermost:
            jax.clear_caches()


@contextmanager
def switched_on() -> Generator[None, None, None]:
    """Do what :func:`checks` does, to functions that are compiled within."""
    _switch.contexts += 1
    try:
        with _switch.settled():
            yield
    finally:
        _switch.contexts -= 1


def run(function: Callable[..., Any], env: Any, key: Any, *args: Any, **options: Any) -> Any:
    """Call a jitted function of the protocol with its checks if they are on; called from Python, wait for what they find."""
    if not enabled():
        return function(env, key, *args, **options)
    if is_traced(key):
        return function(env, key, *args, True, **options)
    with _switch.settled():
        return jax.block_until_ready(function(env, key, *args, True, **options))


def action(name: str, space: Any, value: Any) -> None:
    """Look whether an action is a member of its space."""
    _look(f"{name}'s action", space.contains(value), value, short(space), "Pass a member of env.action_space(params).")


def observation(name: str, space: Any, value: Any) -> None:
    """Look whether an observation is a member of its space."""
    advice = "Correct observe or observation_space, or the params that led here."
    _look(f"{name}'s observation", space.contains(value), value, short(space), advice)


def params(name: str, values: Any, above: str = "params") -> None:
    """Look whether every param is inside its range."""
    for field in dataclasses.fields(values):
        value: Any = getattr(values, field.name)
        where = f"{above}.{field.name}"
        if dataclasses.is_dataclass(value):
            params(name, value, where)
        elif hasattr(value, "dtype") and (value.dtype.kind in "iu" or jnp.issubdtype(value.dtype, jnp.floating)):
            stated = ranges.of(type(values), field.name) or ranges.ANY
            limits: Any = jnp.finfo(value.dtype) if jnp.issubdtype(value.dtype, jnp.floating) else jnp.iinfo(value.dtype)
            inside = jnp.all(stated.holds(value, limits.max))
            _look(f"{name}: {where}", inside, value, f"its range: {stated.in_words}", "Pass a value inside.")


def _look(what: str, inside: Any, value: Any, expected: str, advice: str) -> None:
    jax.debug.callback(partial(_tell, what, expected, advice), inside, value)


def _tell(what: str, expected: str, advice: str, inside: Any, value: Any) -> None:
    if not np.asarray(inside).all():
        text = " ".join(str(jax.tree.map(lambda x: np.asarray(x).tolist(), value)).split())
        _switch.add(CheckError(what, text if len(text) <= 200 else f"{text[:197]}...", expected, advice))
