"""Jumanji's environments: games, packing, routing and swarms."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv import Params, spaces
from jaxenv.environment import NO_TIME_LIMIT

from jaxenv_bridges.base import Bridge, BridgeState, Built, Step, module
from jaxenv_bridges.errors import SuiteRenderError, SuiteSpaceError

LAST = 2
"""``StepType.LAST``."""


class Jumanji(Bridge):
    """An environment of Jumanji.

    Observations are dicts with the names of Jumanji's observation, in the spaces of its specs; most hold an ``action_mask``. An
    episode terminates where Jumanji's timestep is the last one with a discount of 0, and is truncated by
    ``max_steps_in_episode``, which is the ``time_limit`` of Jumanji's environment where it has one. Most of Jumanji's
    environments call the end of their time limit a termination too; then both flags are set.

    Where there are several agents, the reward is the sum of theirs, and ``info["rewards"]`` is float32[agents]; the episode has
    terminated when all discounts are 0. ``info["extras"]`` holds Jumanji's extras, where there are any.

    ``options`` are the keywords of ``jumanji.make``: ``(("num_rows", 6), ("num_cols", 6))``.

    Source: Jumanji, ``jumanji.make(task)``. Differences: none in the step.
    """

    suite: ClassVar[str] = "jumanji"

    @classmethod
    def build(cls, task: str, options: dict[str, Any]) -> Built:
        env = module(cls, task, "jumanji").make(task, **options)
        observation = module(cls, task, "jumanji.specs").jumanji_specs_to_dm_env_specs(env.observation_spec)
        name = f"{cls.suite}/{task}"
        limit = getattr(env, "time_limit", None)
        params = Params(max_steps_in_episode=NO_TIME_LIMIT if limit is None else int(limit))
        return Built(env, params, _space(name, env.action_spec), _space(name, observation))

    def reset_suite(self, key: Array, params: Any) -> tuple[Any, Any]:
        state, timestep = self.original.reset(key)
        return state, self._cast(timestep.observation)

    def step_suite(self, key: Array, inner: Any, action: Any, params: Any) -> Step:
        after, timestep = self.original.step(inner, action)
        reward, discount = timestep.reward, timestep.discount
        info: dict[str, Any] = {"extras": dict(timestep.extras)} if timestep.extras else {}
        if reward.ndim:
            info["rewards"] = reward
        terminated = (timestep.step_type == LAST) & jnp.all(discount == 0)
        return Step(after, jnp.sum(reward), terminated, info, self._cast(timestep.observation))

    def render_suite(self, state: BridgeState) -> Array:
        how = "Jumanji draws with matplotlib on the host, outside of JAX"
        raise SuiteRenderError(self.name, how, "Call env.original.render(state.inner)")

    def _cast(self, obs: Any) -> Any:
        return self.built.observation_space.cast(obs, f"{self.name}'s observation")


def _space(task: str, spec: Any) -> spaces.Space:
    """Return the space of a spec of Jumanji or of dm_env, or of a dict of them."""
    if isinstance(spec, dict):
        return spaces.Dict({name: _space(task, part) for name, part in spec.items()})
    if not hasattr(spec, "shape"):
        raise SuiteSpaceError(task, type(spec).__name__)
    integer = np.issubdtype(spec.dtype, np.integer)
    if hasattr(spec, "num_values"):
        counts = np.asarray(spec.num_values)
        return spaces.MultiDiscrete(counts, spec.dtype) if counts.ndim else spaces.Discrete(int(counts), dtype=spec.dtype)
    low, high = getattr(spec, "minimum", -np.inf), getattr(spec, "maximum", np.inf)
    if spec.dtype == np.bool_:
        low, high = 0, 1
    elif integer:
        low, high = _integers(low, spec.dtype), _integers(high, spec.dtype)
    return spaces.Box(np.asarray(low), np.asarray(high), spec.shape, spec.dtype)


def _integers(bound: Any, dtype: Any) -> Any:
    """Return a bound that ``dtype`` can hold."""
    limits = np.iinfo(dtype)
    return np.clip(np.asarray(bound, np.float64), limits.min, limits.max)
