"""Brax's environments: rigid bodies under continuous control."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import numpy as np
from jax import Array
from jaxenv import Params, spaces

from jaxenv_bridges.base import Bridge, BridgeState, Built, Step, module
from jaxenv_bridges.errors import SuiteRenderError

EPISODE_LENGTH = 1000
"""The time limit that Brax's own ``envs.create`` gives every task."""


class Brax(Bridge):
    """A task of Brax, with Brax's own physics.

    Observations are float32[n] without bounds, or a dict of them; actions lie in the range of the actuators. An episode
    terminates where Brax says that it is done (the robot fell), and is truncated by ``max_steps_in_episode``, 1,000 as in
    ``brax.envs.create``. ``info["metrics"]`` holds Brax's metrics.

    ``options`` are those of Brax's class: ``(("backend", "mjx"),)``. ``original.sys`` is the physical system.

    Source: Brax, ``brax.envs.get_environment(task)``, without ``EpisodeWrapper`` and ``AutoResetWrapper``, whose work jaxenv does.
    Differences: none in the step.
    """

    suite: ClassVar[str] = "brax"

    @classmethod
    def build(cls, task: str, options: dict[str, Any]) -> Built:
        env = module(cls, task, "brax.envs").get_environment(task, **options)
        obs = jax.eval_shape(env.reset, jax.random.PRNGKey(0)).obs
        size = env.action_size
        bounds = np.asarray(getattr(getattr(getattr(env, "sys", None), "actuator", None), "ctrl_range", None), np.float32)
        low, high = (bounds[:, 0], bounds[:, 1]) if bounds.shape == (size, 2) else (-1.0, 1.0)
        return Built(env, Params(max_steps_in_episode=EPISODE_LENGTH), spaces.Box(low, high, (size,)), _unbounded(obs))

    def reset_suite(self, key: Array, params: Any) -> tuple[Any, Any]:
        return self.original.reset(key), ()

    def step_suite(self, key: Array, inner: Any, action: Any, params: Any) -> Step:
        after = self.original.step(inner, action)
        return Step(after, after.reward, after.done > 0, {"metrics": after.metrics} if after.metrics else {})

    def observe_suite(self, state: BridgeState) -> Any:
        return state.inner.obs

    def render_suite(self, state: BridgeState) -> Array:
        how = "Brax draws with MuJoCo's OpenGL renderer on the host, outside of JAX"
        instead = "Call brax.io.image.render_array(env.original.sys, state.inner.pipeline_state)"
        raise SuiteRenderError(self.name, how, instead)


def _unbounded(obs: Any) -> spaces.Space:
    if isinstance(obs, dict):
        return spaces.Dict({name: _unbounded(part) for name, part in obs.items()})
    return spaces.Box(-np.inf, np.inf, obs.shape, np.float32)
