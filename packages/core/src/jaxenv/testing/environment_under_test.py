"""The environment under test, and the runs that its checks share."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _canonical
from jaxenv.environment import Environment
from jaxenv.testing import runs, trees
from jaxenv.testing.runs import COPIES, Facts, First, Step

SEGMENTS = 8
"""Calls that make the long play."""


class EnvironmentUnderTest:
    """An environment with its params, and its shared runs, each made when a check first asks for it."""

    def __init__(self, env: Any, params: Any, *, spec: Any = None, differentiable: bool | None = None, seed: int = 0) -> None:
        self.env = env
        self._params = params
        self.spec = spec
        self._differentiable = differentiable
        self.key = partial(jax.random.fold_in, jax.random.key(seed))

    @property
    def name(self) -> str:
        """How to call it in a sentence."""
        name = getattr(self.env, "name", None)
        return name if isinstance(name, str) else getattr(self.env, "__name__", type(self.env).__name__)

    @property
    def by_default(self) -> bool:
        """Whether the params to test with are the environment's defaults."""
        return self._params is None

    @cached_property
    def params(self) -> Any:
        """The params to test with."""
        return self.env.default_params if self._params is None else self._params

    @property
    def differentiable(self) -> bool:
        """Whether finite gradients are promised: by the caller, or by the environment's ``differentiable``."""
        return self.env.differentiable if self._differentiable is None else self._differentiable

    @property
    def wrapped(self) -> bool:
        """Whether it is a wrapper: one step of it may be several of the environment inside."""
        return self.env.unwrapped is not self.env

    def twin(self) -> Any:
        """Return a deep copy of the environment, in which functions, even jitted ones, are the same objects."""
        return copy.deepcopy(self.env, {id(function): function for function in _functions(self.env)})

    # -- types, from tracing alone ---------------------------------------------------------------------------------

    @property
    def abstract_key(self) -> Any:
        """The type of a random key."""
        return jax.eval_shape(lambda: jax.random.key(0))

    def reset_types(self) -> tuple[Any, Any]:
        """Return the types of ``reset``'s results."""
        return jax.eval_shape(self.env.reset, self.abstract_key, self.params)

    def action_type(self) -> Any:
        """Return the type of an action."""
        return jax.eval_shape(lambda key, params: self.env.action_space(params).sample(key), self.abstract_key, self.params)

    def step_types(self, state: Any, *, restarts: bool = True) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Return the types of ``step``'s results, or of ``step_env``'s."""
        step = self.env.step if restarts else self.env.step_env
        return jax.eval_shape(step, self.abstract_key, state, self.action_type(), self.params)

    # -- runs ------------------------------------------------------------------------------------------------------

    @cached_property
    def batched_params(self) -> Any:
        """The params, once for each copy, in the dtypes that hooks see."""
        canonical = _canonical.params(self.params, self.env)
        return trees.fetch(jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (COPIES, *leaf.shape)), canonical))

    @cached_property
    def limited_params(self) -> Any:
        """The batched params, where copy ``i`` has a time limit of ``i + 1`` steps."""
        limits = np.arange(1, COPIES + 1, dtype=np.int32)
        return trees.map_named(lambda name, leaf: limits if name == "max_steps_in_episode" else leaf, self.batched_params)

    @cached_property
    def start_keys(self) -> Array:
        """The keys of the first resets."""
        return jax.random.split(self.key(0), COPIES)

    @cached_property
    def first(self) -> First:
        """A batch of resets."""
        return runs.first(self.env, self.start_keys, self.batched_params)

    @property
    def start(self) -> tuple[Any, Any]:
        """Observations and states of a batch of resets."""
        return self.first.obs, self.first.state

    def play(self, state: Any, params: Any, number: int) -> tuple[Any, Step, Facts]:
        """Play one segment from ``state``; the same ``number`` gives the same keys."""
        return runs.play(self.env, self.key(number), state, params)

    @cached_property
    def limited(self) -> tuple[Step, Facts]:
        """A segment in which copy ``i`` has a time limit of ``i + 1`` steps: [SEGMENT, COPIES, ...] leaves."""
        _, steps, facts = self.play(self.start[1], self.limited_params, 1)
        return trees.fetch(steps), trees.to_host(facts)

    @cached_property
    def long(self) -> Facts:
        """The long play, [SEGMENTS * SEGMENT, COPIES] leaves."""
        state, parts = self.start[1], []
        for number in range(2, 2 + SEGMENTS):
            state, _, facts = self.play(state, self.batched_params, number)
            parts.append(trees.to_host(facts))
        return Facts(*(np.concatenate(leaves) for leaves in zip(*parts, strict=True)))

    @cached_property
    def facts(self) -> Facts:
        """Both runs, the limited one first; the clocks of the long one begin anew."""
        return Facts(*(np.concatenate(pair) for pair in zip(self.limited[1], self.long, strict=True)))

    @cached_property
    def samples(self) -> list[tuple[int, int]]:
        """A few ``(step, copy)`` of the limited run to take again in another way, ends of episodes among them."""
        done = np.asarray(self.limited[1].done)
        ends, ordinary = np.argwhere(done), np.argwhere(~done)
        chosen = [*ends[:: max(1, len(ends) // 4)][:4], *ordinary[:: max(1, len(ordinary) // 4)][:4]]
        return [(int(step), int(copy)) for step, copy in chosen]

    def sample(self, step: int, copy: int) -> tuple[Step, Any]:
        """Return one step of the limited run, and the params of its copy."""
        return trees.take(self.limited[0], step, copy), trees.take(self.limited_params, copy)

    @cached_property
    def single(self) -> CountedStep:
        """``step`` on one environment, which counts how often it is traced."""
        return CountedStep()


def _functions(env: Any) -> Iterator[Any]:
    """Yield the functions that an environment holds, or one within it."""
    for field in dataclasses.fields(env):
        value = getattr(env, field.name)
        if isinstance(value, Environment):
            yield from _functions(value)
        elif callable(value):
            yield value


class CountedStep:
    """``jax.jit`` of ``step``, with the environment as a static argument, counting its traces."""

    def __init__(self) -> None:
        self.traces = 0

        def step(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> Any:
            self.traces += 1
            return env.step(key, state, action, params)

        self._step = jax.jit(step, static_argnums=0, compiler_options=runs.QUICKLY)

    def __call__(self, env: Any, step: Step, params: Any) -> Any:
        return self._step(env, step.key, step.state, step.action, params)
