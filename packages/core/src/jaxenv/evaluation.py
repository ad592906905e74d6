"""Evaluating policies: whole episodes, of which only returns and lengths are kept."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array

from jaxenv import ranges
from jaxenv._jax_compat import is_traced
from jaxenv._policies import require_environment, require_policy
from jaxenv._sizes import is_size, whole
from jaxenv.engine import scan, select
from jaxenv.engine.plan import Given, Plan, Policy
from jaxenv.environment import NO_TIME_LIMIT, Environment
from jaxenv.episodes import FirstEpisode
from jaxenv.errors import EvaluationLengthError, EvaluationMembersError, RolloutArgumentError, RolloutFusedError
from jaxenv.rollouts import Choice


@struct.dataclass
class Evaluation:
    """The result of :func:`evaluate`; leaves are ``[num_episodes]``, and of a population ``[members, num_episodes]``."""

    returns: Array
    """Undiscounted return of each episode, float32."""
    lengths: Array
    """Length of each episode in steps, int32."""
    finished: Array
    """Whether the episode ended within ``max_steps``, bool."""


def evaluate(
    env: Environment[Any, Any],
    params: Any,
    policy: Policy | None,
    key: Array,
    *,
    num_episodes: int,
    policy_params: Any = None,
    initial_carry: Any = None,
    policy_params_axis: int | None = None,
    params_axis: int | None = None,
    max_steps: int | None = None,
    fused: bool | None = None,
) -> Evaluation:
    """Play exactly ``num_episodes`` episodes of a policy, or of each member of a population, and return their returns and lengths.

    Every episode is the first one of an environment of its own and is played to its end, so that short episodes count no more than
    long ones. (The episodes that happen to end within a rollout are biased towards short ones.) Episode ``i`` is the one that
    environment ``i`` of :func:`jaxenv.rollout` begins with for the same key, up to the rounding of floats, and all members of a
    population play with the same random numbers, which makes them easier to compare. No trajectory is kept.

    Args:
        env: the environment.
        params: its parameters, shared by all episodes; None means ``env.default_params``.
        policy: as in :func:`jaxenv.rollout`: ``policy([policy_params,] [carry,] obs, key)``; None plays random actions.
        key: a typed or raw key.
        num_episodes: episodes, of each member.
        policy_params: passed to the policy if not None.
        initial_carry: the carry of one environment at the start of an episode; makes the policy recurrent if not None.
        policy_params_axis: 0 if ``policy_params`` are those of a population, leaves ``[members, ...]``; None for a single policy.
        params_axis: 0 if every episode has parameters of its own, leaves ``[num_episodes, ...]``; None if all share one set.
        max_steps: steps after which an episode is left, with what it returned so far. None plays all to their ends, and needs a
            time limit (``max_steps_in_episode``).
        fused: whether one kernel plays on a GPU, as in :func:`jaxenv.rollout`; of a population, all members together.

    Returns:
        An :class:`Evaluation`.

    Raises:
        RolloutArgumentError: a size is not a positive integer, or an axis is neither 0 nor None.
        EvaluationLengthError: there is neither a time limit nor ``max_steps``.
        EvaluationMembersError: the leaves of ``policy_params`` have no common number of members.
        RolloutEnvironmentError: ``env`` is no environment, or a batch of them.
        RangeError: a parameter whose value is known is outside of its range.
        RolloutPolicyError: the policy takes other arguments than it is called with, or returns something else.
        RolloutFusedError: ``fused`` is True, and no kernel can be had.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("CartPole-v1")
    >>> result = jaxenv.evaluate(env, params, None, jax.random.key(0), num_episodes=100)
    >>> result.returns.shape, bool(result.finished.all())
    ((100,), True)
    """
    require_environment(env)
    require_policy(policy)
    num_episodes = whole(num_episodes)
    if not is_size(num_episodes):
        raise RolloutArgumentError("num_episodes", num_episodes)
    for name, axis in (("policy_params_axis", policy_params_axis), ("params_axis", params_axis)):
        if axis not in (None, 0):
            raise RolloutArgumentError(name, axis, "must be 0 or None")
    if params is not None:
        ranges.check_tree(env.name, params)
    params = env._told(params)
    limit = params.max_steps_in_episode
    if max_steps is None:
        if not is_traced(limit) and bool(np.any(np.asarray(limit) == NO_TIME_LIMIT)):
            raise EvaluationLengthError(env.name)
        max_steps = NO_TIME_LIMIT
    elif not is_size(whole(max_steps)):
        raise RolloutArgumentError("max_steps", max_steps)
    if policy_params_axis is not None:
        _require_members(policy_params)
    plan = Plan(env.without_overrides, policy, own_params=params_axis == 0, once=True)
    given = Given(params, key, policy_params, initial_carry)
    return _evaluate(plan, num_episodes, whole(max_steps), policy_params_axis, Choice.of(fused, key), given)


def _require_members(policy_params: Any) -> None:
    """Refuse parameters of a population that don't agree on how many members there are."""
    sizes: list[int | None] = [jnp.shape(leaf)[0] if jnp.ndim(leaf) else None for leaf in jax.tree.leaves(policy_params)]
    if len(set(sizes)) != 1 or sizes[0] is None:
        raise EvaluationMembersError(sizes)


@partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _evaluate(plan: Plan, num_episodes: int, max_steps: int, members_axis: int | None, choice: Choice, given: Given) -> Evaluation:
    indices, given = jnp.arange(num_episodes, dtype=jnp.uint32), jax.tree.map(jnp.asarray, given)

    def of_member(policy_params: Any) -> FirstEpisode:
        return _play(plan, indices, given._replace(policy_params=policy_params), max_steps, choice)

    played = jax.vmap(of_member)(given.policy_params) if members_axis == 0 else of_member(given.policy_params)
    return Evaluation(played.total, played.length, ~played.running)


def _play(plan: Plan, indices: Array, given: Given, max_steps: int, choice: Choice) -> FirstEpisode:
    reason = choice.reason
    if choice.where is not None:
        from jaxenv.engine import rollout as kernel

        try:
            return kernel.episodes(plan, indices, given, max_steps, choice.where)
        except (NotImplementedError, kernel.KernelRefusedError) as error:
            reason = str(error)
            if not choice.required and not isinstance(error, kernel.SlowerError):
                select.warn(f"An evaluation of {plan.env.name}", reason)
    if choice.required:
        raise RolloutFusedError(plan.env.name, reason)
    return scan.episodes(plan, indices, given, max_steps)
