"""XLand-MiniGrid: grid worlds with rules and goals as data."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Params, spaces

from jaxenv_bridges.base import Bridge, BridgeState, Built, Step, module

TILE = 32
"""Pixels along the side of a cell in XLand-MiniGrid's pictures."""
LAST = 2
"""``StepType.LAST``."""


@struct.dataclass(kw_only=True)
class XMiniGridParams(Params):
    """Parameters of XLand-MiniGrid."""

    ruleset: Any = ()
    """Goal, rules and first tiles of an XLand task, a ``RuleSet`` of integers as a benchmark samples it; () in MiniGrid's tasks."""


class XMiniGrid(Bridge):
    """A grid world of XLand-MiniGrid.

    Observations are uint8[view, view, 2], the tile and the colour of each cell in view; there are six actions. An episode
    terminates when the goal is reached, and is truncated by ``max_steps_in_episode``, which is XLand-MiniGrid's ``max_steps``.
    The reward of the goal falls with the steps taken as a share of that ``max_steps``, which ``max_steps_in_episode`` does not
    change.

    ``params.ruleset`` is the task of the XLand ids: ``params.replace(ruleset=benchmark.sample_ruleset(key))``. ``options`` are the
    keywords of ``xminigrid.make``: ``(("view_size", 5),)``.

    Source: XLand-MiniGrid, ``xminigrid.make(task)``. Differences: none in the step.
    """

    suite: ClassVar[str] = "xminigrid"

    @classmethod
    def build(cls, task: str, options: dict[str, Any]) -> Built:
        env, theirs = module(cls, task, "xminigrid").make(task, **options)
        shape = env.observation_shape(theirs)
        params = XMiniGridParams(max_steps_in_episode=int(theirs.max_steps), ruleset=getattr(theirs, "ruleset", ()))
        observation = spaces.Box(0, 255, shape, np.uint8)
        return Built(env, params, spaces.Discrete(env.num_actions(theirs)), observation, theirs)

    def reset_suite(self, key: Array, params: Any) -> tuple[Any, Any]:
        return self.original.reset(self._theirs(params), key), ()

    def step_suite(self, key: Array, inner: Any, action: Any, params: Any) -> Step:
        after = self.original.step(self._theirs(params), inner, action)
        return Step(after, after.reward, (after.step_type == LAST) & (after.discount == 0), {})

    def observe_suite(self, state: BridgeState) -> Any:
        return state.inner.observation

    def render_suite(self, state: BridgeState) -> Array:
        theirs, timestep = self.built.more.replace(render_mode="rgb_array"), state.inner
        height, width = timestep.state.grid.shape[:2]
        shape = jax.ShapeDtypeStruct((height * TILE, width * TILE, 3), jnp.uint8)

        def draw(timestep: Any) -> Any:
            return np.asarray(self.original.render(theirs, timestep), np.uint8)

        return jax.pure_callback(draw, shape, timestep, vmap_method="sequential")

    def _theirs(self, params: Any) -> Any:
        theirs = self.built.more
        return theirs.replace(ruleset=params.ruleset) if hasattr(theirs, "ruleset") else theirs
