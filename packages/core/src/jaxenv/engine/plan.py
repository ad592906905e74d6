"""What is played: the functions of one environment that every executor calls, and the only place that knows the order of keys.

Environment ``i`` of a rollout has the key ``fold_in(key, i)``, and of that the streams ``2 t`` for the action and ``2 t + 1`` for
the step at time ``t``; stream 1 is the first reset's. So what an environment plays does not depend on how many there are, on how a
rollout is cut into pieces, on devices, or on the executor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxenv import random
from jaxenv._policies import carry_and_action, require_arguments
from jaxenv.environment import Environment, _observation
from jaxenv.episodes import EpisodeAccumulator, FirstEpisode, Trajectory

Policy = Callable[..., Any]
"""A function from what the agent knows to an action; see :func:`jaxenv.rollout` for its arguments."""


class RolloutInputs(NamedTuple):
    """The inputs of a rollout that all environments share."""

    params: Any
    """Parameters of the environment."""
    key: Array
    """The key of the rollout."""
    policy_params: Any
    """Parameters of the policy; None without."""
    initial_carry: Any
    """The policy's carry at the start of an episode; None without."""


class Loop(NamedTuple):
    """What goes from step to step."""

    obs: Any
    """The observation that the next action answers."""
    state: Any
    """The environment's state."""
    carry: Any
    """The policy's carry; None without."""
    accumulator: Any
    """Returns and lengths of episodes: a :class:`EpisodeAccumulator`, or a :class:`FirstEpisode`."""


@dataclass(frozen=True)
class Plan:
    """An environment and a policy. Methods see one environment."""

    env: Environment[Any, Any]
    """The environment."""
    policy: Policy | None
    """The policy; None plays random actions."""
    own_params: bool = False
    """Whether every environment of the batch has parameters of its own, along a leading axis."""
    first_episode_only: bool = False
    """Whether only the first episode counts, so that nothing is reset."""

    @property
    def observes(self) -> bool:
        """Whether observations are functions of states; not where an environment steps in a way of its own (``Vectorize``)."""
        return type(self.env).step is Environment.step and type(self.env).step_env is Environment.step_env

    def observe(self, state: Any, params: Any) -> Any:
        """Return the observation in a state."""
        return _observation(self.env, state, params)

    def env_key(self, index: Array, inputs: RolloutInputs) -> Array:
        """Return the key of an environment."""
        return random.fold_in(inputs.key, index)

    def begin(self, index: Array, inputs: RolloutInputs) -> Loop:
        """Begin an episode."""
        obs, state = self.env.reset(_keys_at(self.env_key(index, inputs), jnp.uint32(0))[1], inputs.params)
        return Loop(
            obs, state, inputs.initial_carry, FirstEpisode.empty() if self.first_episode_only else EpisodeAccumulator.empty()
        )

    def step(self, env_key: Array, time: Array, loop: Loop, inputs: RolloutInputs) -> tuple[Loop, Trajectory]:
        """Take a step; ``time`` counts from 1."""
        key_act, key_step = _keys_at(env_key, time)
        carry, action = self.act(loop.carry, loop.obs, key_act, inputs)
        if self.first_episode_only:
            obs, state, reward, done, info = self.env.step_env(key_step, loop.state, action, inputs.params)
        else:
            obs, state, reward, done, info = self.env.step(key_step, loop.state, action, inputs.params)
            carry = jax.tree.map(lambda start, now: jnp.where(done, start, now), inputs.initial_carry, carry)
        now = Trajectory(loop.obs, action, reward, done, info, loop.state)
        return Loop(obs, state, carry, loop.accumulator.add(reward, done)), now

    def act(self, carry: Any, obs: Any, key: Array, inputs: RolloutInputs) -> tuple[Any, Any]:
        """Return the policy's carry and action."""
        if self.policy is None:
            return carry, self.env.action_space(inputs.params).sample(key)
        args, recurrent = (() if inputs.policy_params is None else (inputs.policy_params,)), inputs.initial_carry is not None
        require_arguments(self.policy, [*(["policy_params"] if args else []), *(["carry"] if recurrent else []), "obs", "key"])
        if recurrent:
            return carry_and_action(self.policy, self.policy(*args, carry, obs, key))
        return carry, self.policy(*args, obs, key)

    def report(self, env_key: Array, time: Array, state: Any, action: Any, inputs: RolloutInputs) -> dict[str, Any]:
        """Return what ``info`` says of a step, from what the step began with."""
        obs, _, _, _, info = self.env.step_env(_keys_at(env_key, time)[1], state, action, inputs.params)
        return info | {"final_observation": obs}

    def axes(self) -> RolloutInputs:
        """Return ``in_axes`` of what is given, for ``vmap`` over environments."""
        return RolloutInputs(0 if self.own_params else None, None, None, None)  # pyright: ignore[reportArgumentType] - axes, not arrays


def times(elapsed: Array | int, num_steps: int) -> Array:
    """Return the numbers of steps, uint32[num_steps], after ``elapsed`` others."""
    return jnp.arange(1, num_steps + 1, dtype=jnp.uint32) + jnp.asarray(elapsed, jnp.uint32)


def _keys_at(key: Array, time: Array) -> tuple[Array, Array]:
    """Return the keys of an environment's action and step at a time, from the environment's own."""
    return random.stream_key(key, 2 * time), random.stream_key(key, 2 * time + 1)
