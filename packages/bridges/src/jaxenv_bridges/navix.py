"""NAVIX: MiniGrid's grid worlds."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv import Params, spaces

from jaxenv_bridges.base import Bridge, BridgeState, Built, Step, module

TRANSITION, TERMINATION = 0, 2
"""NAVIX's ``StepType``."""


class Navix(Bridge):
    """A grid world of NAVIX.

    Observations are those of NAVIX's default function for the task, as integers between its space's bounds; actions are
    NAVIX's. An episode terminates where NAVIX says TERMINATION, and is truncated by ``max_steps_in_episode``, which is NAVIX's
    ``max_steps``.

    ``options`` are the keywords of ``navix.make``: ``(("observation_fn", navix.observations.rgb),)``.

    Source: NAVIX, ``navix.make(task)``; jaxenv clears the mark that would make NAVIX's ``step`` reset. Differences: the pictures of
    the tiles, which never change, are kept out of the state.
    """

    suite: ClassVar[str] = "navix"

    @classmethod
    def build(cls, task: str, options: dict[str, Any]) -> Built:
        env = module(cls, task, "navix").make(task, **options)
        tiles = jax.jit(env.reset)(jax.random.PRNGKey(0)).state.cache
        space, actions = env.observation_space, env.action_space
        observation = spaces.Box(np.asarray(space.minimum), np.asarray(space.maximum), space.shape, np.dtype(space.dtype))
        action = spaces.Discrete(int(actions.maximum) - int(actions.minimum) + 1, int(actions.minimum))
        return Built(env, Params(max_steps_in_episode=int(env.max_steps)), action, observation, tiles)

    def reset_suite(self, key: Array, params: Any) -> tuple[Any, Any]:
        return self._without_tiles(self.original.reset(key)), ()

    def step_suite(self, key: Array, inner: Any, action: Any, params: Any) -> Step:
        going_on = self._with_tiles(inner).replace(step_type=jnp.asarray(TRANSITION, inner.step_type.dtype))
        after = self.original.step(going_on, action)
        return Step(self._without_tiles(after), after.reward, after.step_type == TERMINATION, {})

    def observe_suite(self, state: BridgeState) -> Any:
        return state.inner.observation

    def render_suite(self, state: BridgeState) -> Array:
        return module(type(self), self.task, "navix").observations.rgb(self._with_tiles(state.inner).state)

    def _with_tiles(self, timestep: Any) -> Any:
        return timestep.replace(state=timestep.state.replace(cache=self.built.more))

    def _without_tiles(self, timestep: Any) -> Any:
        return timestep.replace(state=timestep.state.replace(cache=None))
