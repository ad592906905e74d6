"""Playing environments in batches: ``lax.scan`` over steps, ``vmap`` over environments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import random
from jaxenv.environment import Environment
from jaxenv.errors import RolloutArgumentError

Policy = Callable[..., Any]
"""A function from what the agent knows to an action; see :func:`rollout` for its arguments."""


class Trajectory(NamedTuple):
    """What happened, step by step; every leaf begins with the axes ``[num_steps, num_envs]``."""

    obs: Any
    """The observation that the action answered."""
    action: Any
    """The action."""
    reward: Array
    """The reward of the step, float32."""
    done: Array
    """Whether the step ended its episode, bool."""
    info: dict[str, Any]
    """``terminated``, ``truncated``, ``discount``, ``final_observation`` and the environment's own."""


@struct.dataclass
class EpisodeStatistics:
    """The episodes that ended within a rollout. Episodes still running at its end are not counted."""

    episodes: Array
    """How many ended, int32[]."""
    return_mean: Array
    """Mean undiscounted return, float32[]; NaN if none ended."""
    return_std: Array
    """Standard deviation of the returns (of the population, ddof = 0), float32[]."""
    return_sem: Array
    """Standard error of the mean return (ddof = 1), float32[]; NaN for fewer than two episodes."""
    return_min: Array
    """Smallest return, float32[]; inf if none ended."""
    return_max: Array
    """Largest return, float32[]; -inf if none ended."""
    length_mean: Array
    """Mean length in steps, float32[]; NaN if none ended."""


@struct.dataclass
class Rollout:
    """The result of :func:`rollout`."""

    trajectory: Trajectory
    """Every step; costs nothing if it is not used and the call is inside ``jax.jit``."""
    statistics: EpisodeStatistics
    """The episodes that ended."""
    obs: Any
    """The observations after the last step, with a leading axis ``[num_envs]``."""
    state: Any
    """The states after the last step, with a leading axis ``[num_envs]``."""
    carry: Any
    """The policy's carries after the last step, with a leading axis ``[num_envs]``; None for a policy without one."""


@struct.dataclass
class Tally:
    """One environment's running episode, and Welford's moments of its ended ones."""

    running_return: Array
    running_length: Array
    episodes: Array
    mean: Array
    sum_squares: Array
    low: Array
    high: Array
    steps: Array

    @classmethod
    def empty(cls) -> Tally:
        zero, none = jnp.float32(0.0), jnp.int32(0)
        return cls(zero, none, none, zero, zero, jnp.float32(jnp.inf), jnp.float32(-jnp.inf), none)

    def add(self, reward: Array, done: Array) -> Tally:
        total, length = self.running_return + reward, self.running_length + 1
        episodes = self.episodes + done.astype(jnp.int32)
        delta = total - self.mean
        mean = self.mean + jnp.where(done, delta / jnp.maximum(episodes, 1).astype(jnp.float32), 0.0)
        return Tally(
            running_return=jnp.where(done, 0.0, total),
            running_length=jnp.where(done, 0, length),
            episodes=episodes,
            mean=mean,
            sum_squares=self.sum_squares + jnp.where(done, delta * (total - mean), 0.0),
            low=jnp.where(done, jnp.minimum(self.low, total), self.low),
            high=jnp.where(done, jnp.maximum(self.high, total), self.high),
            steps=self.steps + jnp.where(done, length, 0),
        )


def summary(tally: Tally) -> EpisodeStatistics:
    """Merge the environments' moments (Chan, Golub & LeVeque 1983)."""
    count = tally.episodes.astype(jnp.float32)
    total = count.sum()
    mean = (tally.mean * count).sum() / total
    squares = tally.sum_squares.sum() + (count * jnp.square(tally.mean - mean)).sum()
    return EpisodeStatistics(
        episodes=tally.episodes.sum(),
        return_mean=mean,
        return_std=jnp.sqrt(squares / total),
        return_sem=jnp.where(total > 1, jnp.sqrt(squares / (total - 1) / total), jnp.nan),
        return_min=tally.low.min(),
        return_max=tally.high.max(),
        length_mean=tally.steps.astype(jnp.float32).sum() / total,
    )


def rollout(
    env: Environment[Any, Any],
    params: Any,
    policy: Policy | None,
    key: Array,
    *,
    num_envs: int,
    num_steps: int,
    policy_params: Any = None,
    initial_carry: Any = None,
    unroll: int = 1,
) -> Rollout:
    """Play ``num_envs`` environments for ``num_steps`` steps each, with automatic resets.

    The policy sees one environment and is called with what it needs, in this order:
    ``policy([policy_params,] [carry,] obs, key)``. It returns an action, and with a carry ``(carry, action)``.
    The carry goes back to ``initial_carry`` whenever an episode ends.

    Args:
        env: the environment.
        params: its parameters, shared by all environments; None means ``env.default_params``.
        policy: the policy; None plays uniformly random actions from the action space.
        key: a typed or raw key. Environment ``i`` of the batch plays the same trajectory whatever ``num_envs`` is.
        num_envs: environments in the batch.
        num_steps: steps for each.
        policy_params: passed to the policy if not None.
        initial_carry: the carry of one environment at the start of an episode; makes the policy recurrent if not None.
        unroll: steps in one iteration of the scan.

    Returns:
        A :class:`Rollout`. Wrap the call in ``jax.jit`` and return only what you need: the rest is not computed.

    Raises:
        RolloutArgumentError: a size is not a positive integer.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("CartPole-v1")
    >>> result = jaxenv.rollout(env, params, None, jax.random.key(0), num_envs=64, num_steps=100)
    >>> result.trajectory.obs.shape
    (100, 64, 4)
    """
    sizes: dict[str, Any] = {"num_envs": num_envs, "num_steps": num_steps, "unroll": unroll}
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise RolloutArgumentError(name, size)
    params = env.default_params if params is None else params
    return _rollout(env, policy, num_envs, num_steps, unroll, params, key, policy_params, initial_carry)


@partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _rollout(
    env: Environment[Any, Any],
    policy: Policy | None,
    num_envs: int,
    num_steps: int,
    unroll: int,
    params: Any,
    key: Array,
    policy_params: Any,
    initial_carry: Any,
) -> Rollout:
    begin, play = playing(env, policy, num_envs, unroll, params, key, policy_params, initial_carry)
    (obs, state, carry, tally), trajectory = play(begin(), 0, num_steps)
    return Rollout(trajectory, summary(tally), obs, state, carry)


Loop = tuple[Any, Any, Any, Tally]
"""What goes from step to step: observations, states, policy carries and tallies, with a leading axis ``[num_envs]``."""


def playing(
    env: Environment[Any, Any],
    policy: Policy | None,
    num_envs: int,
    unroll: int,
    params: Any,
    key: Array,
    policy_params: Any = None,
    initial_carry: Any = None,
) -> tuple[Callable[[], Loop], Callable[[Loop, Array | int, int], tuple[Loop, Trajectory]]]:
    """Return the two halves of a rollout, so that a long one can be played in pieces.

    ``begin()`` resets the environments; ``play(loop, elapsed, num_steps)`` goes on from where ``elapsed`` steps led. Pieces of
    any length give what one call gives.
    """
    act = _acting(env, params, policy, policy_params, initial_carry is not None)
    # Two streams for each environment, indexed by time: one generator call for each key that is used, none to carry on.
    env_keys = jax.vmap(partial(random.fold_in, key))(jnp.arange(num_envs, dtype=jnp.uint32))
    keys_act, keys_step = jax.vmap(random.split, out_axes=1)(env_keys)

    def reset(key_step: Array) -> tuple[Any, Any]:
        return env.reset(random.fold_in(key_step, 0), params)

    def one_step(key_act: Array, key_step: Array, time: Array, loop: tuple[Any, ...]) -> tuple[tuple[Any, ...], Trajectory]:
        obs, state, carry, tally = loop
        next_carry, action = act(carry, obs, random.fold_in(key_act, time))
        next_obs, state, reward, done, info = env.step(random.fold_in(key_step, time), state, action, params)
        next_carry = jax.tree.map(lambda start, now: jnp.where(done, start, now), initial_carry, next_carry)
        return (next_obs, state, next_carry, tally.add(reward, done)), Trajectory(obs, action, reward, done, info)

    def scan_step(loop: tuple[Any, ...], time: Array) -> tuple[tuple[Any, ...], Trajectory]:
        return jax.vmap(one_step, in_axes=(0, 0, None, 0))(keys_act, keys_step, time, loop)

    def batch(tree: Any) -> Any:
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (num_envs, *jnp.shape(x))), tree)

    def begin() -> Loop:
        obs, state = jax.vmap(reset)(keys_step)
        return obs, state, batch(initial_carry), batch(Tally.empty())

    def play(loop: Loop, elapsed: Array | int, num_steps: int) -> tuple[Loop, Trajectory]:
        times = jnp.arange(1, num_steps + 1, dtype=jnp.uint32) + jnp.asarray(elapsed, jnp.uint32)
        return jax.lax.scan(scan_step, loop, times, unroll=unroll)

    return begin, play


def _acting(
    env: Environment[Any, Any], params: Any, policy: Policy | None, policy_params: Any, recurrent: bool
) -> Callable[[Any, Any, Array], tuple[Any, Any]]:
    """Return ``(carry, obs, key) -> (carry, action)`` for any of the forms that a policy may have."""
    if policy is None:
        space = env.action_space(params)
        return lambda carry, obs, key: (carry, space.sample(key))
    given = () if policy_params is None else (policy_params,)
    if recurrent:
        return lambda carry, obs, key: policy(*given, carry, obs, key)
    return lambda carry, obs, key: (carry, policy(*given, obs, key))
