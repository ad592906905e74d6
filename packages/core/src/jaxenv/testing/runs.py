"""The compiled runs that the checks share.

Compiling is nearly all of what a check costs, so there is one compiled scan: a batch of copies plays random actions, and what
has to be compared (the step against ``step_env``, the restart against ``init``, ...) is compared inside it. Every leaf of
the params is batched, so the same scan serves a run in which each copy has a time limit of its own.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
from jax import Array

from jaxenv import _canonical, environment
from jaxenv.environment import Environment
from jaxenv.testing import trees

RESERVED = ("terminated", "truncated", "discount", "final_observation")
"""The entries of ``info`` that core writes."""
COPIES = 32
"""Environments that play side by side."""
SEGMENT = 40
"""Steps of one call of the compiled scan."""
QUICKLY = {"xla_backend_optimization_level": 0}
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


@partial(jax.jit, static_argnums=0, compiler_options=QUICKLY)
def first(env: Environment[Any, Any], keys: Array, params: Any) -> First:
    """Reset a batch."""

    def one(key: Array, params: Any) -> First:
        obs, state = env.reset(key, params)
        return First(obs, state, env.observation_space(params).contains(obs), trees.without_nan((obs, state)))

    return jax.vmap(one)(keys, params)


@partial(jax.jit, static_argnums=0, compiler_options=QUICKLY)
def play(env: Environment[Any, Any], key: Array, state: Any, params: Any) -> tuple[Any, Step, Facts]:
    """Play random actions for a segment, and return the last states, the steps and the facts: [SEGMENT, COPIES, ...] leaves."""

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


def _results(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> tuple[Any, Any, Any, Any]:
    """Return what ``step`` and ``step_env`` give, the restart as the protocol words it, and ``step``'s info with all entries."""
    last = env.step_env(key, state, action, params)
    _, key_reset = environment._keyed_advance(env, *environment._arguments(env, key, state, action, params))
    restart = env.carry_over(environment._init(env, key_reset, params), last[1], params)
    step = env.step(key, state, action, params)
    return step, last, _canonical.strong(restart), _whole_info(env, step[4], key, state, action, params)


def _whole_info(env: Environment[Any, Any], info: dict[str, Any], key: Array, state: Any, action: Any, params: Any) -> Any:
    """Return ``info`` with the entries that core wrote and a wrapper left out."""
    if set(RESERVED) <= set(info):
        return info
    return {**environment._step_with_all(env, key, state, action, params)[4], **info}


def _facts(
    env: Environment[Any, Any], state: Any, action: Any, params: Any, outputs: Any, last: Any, restart: Any, info: Any
) -> Facts:
    obs, after, reward, done, reported = outputs
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
        results_are_step_env=trees.same([reward, done, reported], last_results),
        state_is_step_env=trees.same(after, last_state),
        state_is_restart=trees.same(after, restart),
    )
