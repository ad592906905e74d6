"""The environment under test, and the runs that its checks share.

Compiling is nearly all of what a check costs, so there is one compiled scan: a batch of copies plays random actions, and what
has to be compared (the step against ``step_env``, the restart against ``init``, ...) is compared inside it. Every leaf of
the params is batched, so the same scan serves a run in which each copy has a time limit of its own.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _canonical, environment
from jaxenv.environment import Environment
from jaxenv.testing import trees

COPIES = 32
"""Environments that play side by side."""
SEGMENT = 40
"""Steps of one call of the compiled scan."""
SEGMENTS = 8
"""Calls that make the long play."""


_QUICKLY = {"xla_backend_optimization_level": 0}
"""Compiler options of all runs: they take milliseconds, so only their compilation costs."""


class First(NamedTuple):
    """What a batch of resets gave."""

    obs: Any
    state: Any
    observation_inside: Any
    """Whether the observation is a member of its space."""
    no_nan: Any
    """Whether neither observation nor state holds a NaN."""


class Step(NamedTuple):
    """One step as an input and an output, so that it can be taken again in another way."""

    key: Array
    state: Any
    action: Any
    outputs: Any
    """``(obs, state, reward, done, info)``."""


class Facts(NamedTuple):
    """What was seen on one step; every field is a scalar."""

    reward: Any
    done: Any
    terminated: Any
    truncated: Any
    discount: Any
    time_before: Any
    """``state.time`` of the state that was stepped."""
    time_advanced: Any
    """``state.time`` that ``step_env`` returned."""
    time_after: Any
    """``state.time`` that ``step`` returned."""
    limit: Any
    """``max_steps_in_episode`` of this copy."""
    action_inside: Any
    """Whether the action that the space drew is a member of it."""
    observation_inside: Any
    final_observation_inside: Any
    no_nan: Any
    """Whether neither observations, state, reward nor info hold a NaN."""
    observation_is_observe: Any
    """Whether the observation is what ``observe`` says about the returned state."""
    final_is_step_env: Any
    """Whether ``final_observation`` is ``step_env``'s observation."""
    final_is_observation: Any
    """Whether ``final_observation`` is the returned observation."""
    results_are_step_env: Any
    """Whether reward, done and info are ``step_env``'s."""
    state_is_step_env: Any
    """Whether the returned state is ``step_env``'s."""
    state_is_restart: Any
    """Whether the returned state is ``carry_over(init(key_reset), ended)``."""


class Subject:
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
        return getattr(self.env, "name", type(self.env).__name__)

    @cached_property
    def params(self) -> Any:
        """The params to test with."""
        return self.env.default_params if self._params is None else self._params

    @property
    def differentiable(self) -> bool:
        """Whether finite gradients are promised: by the caller, or by the class attribute ``differentiable``."""
        if self._differentiable is not None:
            return self._differentiable
        return bool(getattr(self.env.unwrapped, "differentiable", False))

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
        canonical = _canonical.params(self.params, self.env.default_params, self.name)
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
        return _first(self.env, self.start_keys, self.batched_params)

    @property
    def start(self) -> tuple[Any, Any]:
        """Observations and states of a batch of resets."""
        return self.first.obs, self.first.state

    def play(self, state: Any, params: Any, number: int) -> tuple[Any, Step, Facts]:
        """Play one segment from ``state``; the same ``number`` gives the same keys."""
        return _play(self.env, self.key(number), state, params)

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

        self._step = jax.jit(step, static_argnums=0, compiler_options=_QUICKLY)

    def __call__(self, env: Any, step: Step, params: Any) -> Any:
        return self._step(env, step.key, step.state, step.action, params)


@partial(jax.jit, static_argnums=0, compiler_options=_QUICKLY)
def _first(env: Environment[Any, Any], keys: Array, params: Any) -> First:
    def one(key: Array, params: Any) -> First:
        obs, state = env.reset(key, params)
        return First(obs, state, env.observation_space(params).contains(obs), trees.without_nan((obs, state)))

    return jax.vmap(one)(keys, params)


@partial(jax.jit, static_argnums=0, compiler_options=_QUICKLY)
def _play(env: Environment[Any, Any], key: Array, state: Any, params: Any) -> tuple[Any, Step, Facts]:
    def body(state: Any, key: Array) -> tuple[Any, tuple[Step, Facts]]:
        keys = jax.random.split(key, (2, COPIES))
        actions = jax.vmap(lambda key, params: env.action_space(params).sample(key))(keys[0], params)
        results = jax.vmap(partial(_results, env))(keys[1], state, actions, params)
        # Without the barrier the compiler would put a copy of the step into the computation of every single fact.
        results = jax.lax.optimization_barrier(results)
        facts = jax.vmap(partial(_facts, env))(state, actions, params, *results)
        outputs = results[0]
        return outputs[1], (Step(keys[1], state, actions, outputs), facts)

    state, (steps, facts) = jax.lax.scan(body, state, jax.random.split(key, SEGMENT))
    return state, steps, facts


def _results(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> tuple[Any, Any, Any]:
    """Return what ``step`` and ``step_env`` give, and the restart as the protocol words it."""
    last = env.step_env(key, state, action, params)
    _, key_reset = environment._keyed_advance(env, *environment._arguments(env, key, state, action, params))
    restart = env.carry_over(environment._init(env, key_reset, params), last[1], params)
    return env.step(key, state, action, params), last, _canonical.strong(restart)


def _facts(env: Environment[Any, Any], state: Any, action: Any, params: Any, outputs: Any, last: Any, restart: Any) -> Facts:
    obs, after, reward, done, info = outputs
    last_obs, last_state, *last_results = last
    final, space = info["final_observation"], env.observation_space(params)
    return Facts(
        reward=reward,
        done=done,
        terminated=info["terminated"],
        truncated=info["truncated"],
        discount=info["discount"],
        time_before=state.time,
        time_advanced=last_state.time,
        time_after=after.time,
        limit=params.max_steps_in_episode,
        action_inside=env.action_space(params).contains(action),
        observation_inside=space.contains(obs),
        final_observation_inside=space.contains(final),
        no_nan=trees.without_nan((outputs, last_state)),
        observation_is_observe=trees.same(obs, space.cast(env.observe(after, params), "the observation")),
        final_is_step_env=trees.same(final, last_obs),
        final_is_observation=trees.same(final, obs),
        results_are_step_env=trees.same([reward, done, info], last_results),
        state_is_step_env=trees.same(after, last_state),
        state_is_restart=trees.same(after, restart),
    )
