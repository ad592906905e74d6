"""What comparisons with a reference implementation share: our steps with their draws, and a generator that returns these draws.

A family's oracle plays an environment inside :class:`RecordDraws`, turns the draws of each step into the calls that the reference
must make, and gives these to a :class:`ScriptedGenerator` in place of the reference's own. So both sides play the same game.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv.environment import Environment, Transition
from jaxenv.wrappers.base import Wrapper


class RecordDraws(Wrapper):
    """Add to ``info`` what each step drew, and the states before and after it.

    ``info["draws"]`` is the result of ``draw_step``, of the environment or of a wrapper around it; keys in it are given as words.
    It is ``()`` where a step draws nothing. ``info["before"]`` and ``info["after"]`` are the states of the wrapped environment.
    """

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        report = {"draws": draws_of(self.env, key, params), "before": state, "after": out.state}
        return out.replace(info={**out.info, **report})  # type: ignore[attr-defined]


def draws_of(env: Environment[Any, Any], key: Array, params: Any) -> Any:
    """Return what ``advance`` draws from ``key``, in the words of :meth:`jaxenv.Environment.draw_step`.

    Args:
        env: an environment, or wrappers around one that pass their key on whole.
        key: the key that ``advance`` gets.
        params: the params of ``env``.

    Returns:
        The draws, with keys as words; ``()`` where nothing is drawn.
    """
    while isinstance(env, Wrapper) and not _draws_apart(env):
        params, env = env.inner_params(params), env.env
    if not _draws_apart(env) or not env.draws_in_transition(params):
        return ()
    return jax.tree.map(_without_keys, env.draw_step(key, params))


def _draws_apart(env: Environment[Any, Any]) -> bool:
    return type(env).draw_step is not Environment.draw_step


def _without_keys(leaf: Any) -> Any:
    is_key = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if is_key else leaf


class ScriptedCall(NamedTuple):
    """A call of a reference's random generator."""

    method: str
    """The method's name."""
    arguments: tuple[Any, ...] | None
    """The arguments that the call must have, as :class:`ScriptedGenerator` writes them; None for any."""
    value: Any
    """What it returns."""


class ScriptedGenerator:
    """Takes the place of a reference's random generator, and returns what a script says.

    It fails on a call that the script does not expect, and on one that the reference left out.

    Args:
        reference: the reference's name, for messages.
    """

    def __init__(self, reference: str = "the reference") -> None:
        self._reference = reference
        self._script: collections.deque[ScriptedCall] = collections.deque()

    def push(self, calls: Iterable[ScriptedCall]) -> None:
        """Set the next calls.

        Args:
            calls: the calls in order.

        Raises:
            AssertionError: calls of the script before were not made.
        """
        self.finish()
        self._script.extend(calls)

    def finish(self) -> None:
        """Fail if the reference left a call out.

        Raises:
            AssertionError: it did; the message lists these calls.
        """
        if self._script:
            raise AssertionError(f"{self._reference} did not draw {[(call.method, call.arguments) for call in self._script]}")

    def rand(self, *shape: int) -> Any:
        """Return numbers uniform on [0, 1), as ``numpy.random.RandomState.rand``."""
        return self._next("rand", shape)

    def randn(self, *shape: int) -> Any:
        """Return standard normal numbers, as ``numpy.random.RandomState.randn``."""
        return self._next("randn", shape)

    def random(self) -> Any:
        """Return a number uniform on [0, 1), as ``numpy.random.Generator.random``."""
        return self._next("random", ())

    def randint(self, low: int, high: int | None = None, size: int | None = None) -> Any:
        """Return integers, as ``numpy.random.RandomState.randint``; its arguments are written as (low, high, size)."""
        return self._next("randint", (0, low, size) if high is None else (low, high, size))

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Any = None) -> Any:
        """Return numbers uniform on [low, high), as ``numpy.random.RandomState.uniform``."""
        return self._next("uniform", (low, high, size))

    def binomial(self, n: int, p: float, size: Any = None) -> Any:
        """Return counts of successes, as ``numpy.random.RandomState.binomial``."""
        return self._next("binomial", (n, p, size))

    def _next(self, method: str, arguments: tuple[Any, ...]) -> Any:
        if not self._script:
            raise AssertionError(f"{self._reference} drew {method}{arguments}, but jaxenv drew nothing more")
        call = self._script.popleft()
        if call.method != method or call.arguments not in (None, arguments):
            raise AssertionError(f"{self._reference} drew {method}{arguments}, but jaxenv drew {call.method}{call.arguments}")
        return call.value
