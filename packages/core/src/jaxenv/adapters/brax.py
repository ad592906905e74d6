"""Our environments behind Brax's interface, so that ``brax.training`` trains on them.

>>> from brax.training.agents.ppo import train  # doctest: +SKIP
>>> from jaxenv.adapters.brax import BraxEnv
>>> env = BraxEnv("CartPole-v1")
>>> settings = {"num_timesteps": 100_000, "episode_length": env.episode_length}
>>> make_policy, trained, metrics = train.train(env, **settings)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenv import random
from jaxenv._canonical import NO_TIME_LIMIT
from jaxenv.adapters._batch import build
from jaxenv.environment import Environment
from jaxenv.errors import ArgumentTypeError, MissingExtraError
from jaxenv.registry import EnvSpec

try:
    from brax.envs.base import Env, State  # pyright: ignore[reportMissingImports]
except ImportError as error:
    raise MissingExtraError("brax", "brax", "jaxenv.adapters.brax") from error


class BraxEnv(Env):  # pyright: ignore[reportUntypedBaseClass]
    """One environment as a ``brax.envs.base.Env``.

    Brax's own wrappers count steps and reset: so ``done`` is the task's own end, and the time limit is what ``episode_length``
    of ``brax.envs.training.wrap`` or of a trainer says. Pass :attr:`episode_length`, and Brax marks the step at the limit in
    ``info["truncation"]``. Its resets go back to the first state of each environment of the batch, with other randomness from
    there.

    Observations are flattened, float32[observation_size]: a one-hot vector for a choice. Actions are float[action_size]: for a
    Box, -1 to 1 stand for its bounds (where there are none, a number for itself); for choices there is a score for each, and the
    largest is taken.

    Args:
        env: an id, a spec or an environment, with wrappers of :mod:`jaxenv.wrappers` or without.
        params: its parameters; None means ``env.default_params``.
        wrap: a function from the environment to one with wrappers around it, such as a wrapper's class.
        **overrides: what ``jaxenv.make`` takes: fields of the environment and leaves of its params.
    """

    def __init__(
        self,
        env: str | EnvSpec | Environment[Any, Any],
        params: Any = None,
        *,
        wrap: Callable[[Any], Environment[Any, Any]] | None = None,
        **overrides: Any,
    ) -> None:
        self.env, self.params = build(env, params, wrap, overrides)

    def reset(self, rng: Array) -> State:
        """Begin an episode; ``rng`` is a key, typed or raw, and all that follows depends on it and the actions alone."""
        obs, state = self.env.reset(random.stream_key(rng, 0), self.params)
        zero = jnp.float32(0.0)
        info = {"truncation": zero, "key": rng, "count": jnp.uint32(1)}
        return State(state, self._flat(obs), zero, zero, {}, info)  # pyright: ignore[reportArgumentType] - any tree does

    def step(self, state: State, action: Array) -> State:
        """Take a step; nothing resets, and the state may be final."""
        key, count = state.info["key"], state.info["count"]
        stepped = self.env.step_env(random.stream_key(key, count), state.pipeline_state, self._action(action), self.params)
        obs, after, reward, _, info = stepped
        terminated, truncated = info["terminated"], info["truncated"]
        info = {**state.info, "truncation": (truncated & ~terminated).astype(jnp.float32), "count": count + 1}
        return state.replace(
            pipeline_state=after, obs=self._flat(obs), reward=reward, done=terminated.astype(jnp.float32), info=info
        )

    @property
    def episode_length(self) -> int:
        """The time limit in steps, for ``episode_length`` of Brax's wrappers and trainers."""
        limit: Any = self.params.max_steps_in_episode
        return NO_TIME_LIMIT if limit is None else int(limit)

    @property
    def observation_size(self) -> int:
        """How long an observation is."""
        return self.env.observation_space(self.params).flat_size()

    @property
    def action_size(self) -> int:
        """How long an action is."""
        return self.env.action_space(self.params).flat_size()

    @property
    def backend(self) -> str:
        """What computes the physics."""
        return "jaxenv"

    def _flat(self, obs: Any) -> Array:
        return self.env.observation_space(self.params).flatten(obs).astype(jnp.float32)

    def _action(self, action: Array) -> Any:
        """Return a member of the action space."""
        space = self.env.action_space(self.params)
        bounds = space.flat_space()
        array = self._numbers(action, space.flat_size())
        low, high = jnp.asarray(bounds.low, jnp.float32), jnp.asarray(bounds.high, jnp.float32)
        bounded = jnp.isfinite(low) & jnp.isfinite(high)
        middle, half = jnp.where(bounded, (low + high) / 2, 0.0), jnp.where(bounded, (high - low) / 2, 1.0)
        return space.unflatten(middle + half * array)

    def _numbers(self, action: Any, size: int) -> Array:
        """Return an action as an array; refuse one that is not ``size`` numbers, which would be broadcast or fail later."""
        try:
            array = jnp.asarray(action)
        except (TypeError, ValueError):
            array = None
        numeric = array is not None and any(jnp.issubdtype(array.dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_))
        if array is None or not numeric or array.shape != (size,):
            raise ArgumentTypeError(self.env.name, "action", action, f"an array float[{size}]") from None
        return array
