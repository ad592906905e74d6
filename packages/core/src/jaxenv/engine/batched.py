"""``env.step`` and ``env.reset`` whose batches, ``jax.vmap(env.step)``, are one kernel on a GPU.

A launch costs microseconds, and XLA makes several of a step. In a kernel each thread takes the step of one environment: with its
reset, its observation and its ``info``, as far as these are small. Large ones (the boards of MinAtar) are functions of the states,
which XLA computes with many threads for each, and only where they are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax import Array

from jaxenv.engine.operation import BatchedCall

SMALL = 32
"""Elements up to which an observation, or what else an environment reports, is written by the kernel."""


def elements(tree: Any) -> int:
    """Return the number of elements of a tree of arrays or shapes."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


@dataclass(frozen=True)
class Steps:
    """The parts of a step that ``environment`` hands over."""

    env: Any
    """The environment."""
    step: Callable[..., tuple[Any, Any, Array, Array, dict[str, Any]]]
    """The step with its reset, by JAX's own operations: ``step(env, key, state, action, params)``."""

    def __call__(self, key: Array, state: Any, action: Any, params: Any) -> tuple[Any, ...]:
        """Return what the kernel computes: the state, reward, done, the observation if it is small, and what of ``info`` is."""
        obs, state, reward, done, info = self.step(self.env, key, state, action, params)
        return (
            state,
            reward,
            done,
            *({name: item for name, item in items.items() if elements(item) <= SMALL} for items in ({"obs": obs}, info)),
        )


def step(
    env: Any,
    plain: Callable[..., Any],
    observe: Callable[..., Any],
    key: Array,
    state: Any,
    action: Any,
    params: Any,
) -> tuple[Any, Any, Array, Array, dict[str, Any]]:
    """Take the step that ``plain`` takes.

    Args:
        env: the environment.
        plain: the step by JAX's own operations, ``plain(env, key, state, action, params)``.
        observe: ``observe(env, state, params)``.
        key: as everywhere, and so the rest.
        state: likewise.
        action: likewise.
        params: likewise.
    """
    names, results = ("key", "state", "action", "params"), ("state", "reward", "done", "small", "info")
    what = f"The step of {env.name}"
    after, reward, done, observed, small = BatchedCall.of(what, Steps(env, plain), names, results, key, state, action, params)
    shapes = jax.eval_shape(lambda *args: plain(env, *args), key, state, action, params)
    large = {name: item for name, item in shapes[4].items() if name not in small}
    info = {name: small.get(name) for name in shapes[4]}
    if large:
        _, _, _, _, rest = plain(env, key, state, action, params)
        info |= {name: rest[name] for name in large}
    return observed["obs"] if observed else observe(env, after, params), after, reward, done, info


@dataclass(frozen=True)
class Resets:
    """A reset that ``environment`` hands over."""

    env: Any
    reset: Callable[..., tuple[Any, Any]]
    """The reset by JAX's own operations: ``reset(env, key, params)``."""

    def __call__(self, key: Array, params: Any) -> tuple[Any, ...]:
        """Return what the kernel computes: the state, and the observation if it is small."""
        obs, state = self.reset(self.env, key, params)
        return state, {"obs": obs} if elements(obs) <= SMALL else {}


def reset(env: Any, plain: Callable[..., Any], observe: Callable[..., Any], key: Array, params: Any) -> tuple[Any, Any]:
    """Reset as ``plain(env, key, params)`` does."""
    what = f"The reset of {env.name}"
    state, small = BatchedCall.of(what, Resets(env, plain), ("key", "params"), ("state", "small"), key, params)
    return small["obs"] if small else observe(env, state, params), state
