"""Craftax: an open world of crafting and survival, after Crafter and NetHack."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from functools import cache
from typing import Any, ClassVar

import jax
import numpy as np
from jax import Array
from jaxenv import spaces
from jaxenv.environment import NO_TIME_LIMIT

from jaxenv_bridges.base import Bridge, BridgeState, Built, Step, module
from jaxenv_bridges.params import to_ours, to_theirs
from jaxenv_bridges.suites import load

_LIMIT = "max_timesteps"
_PIXELS = 16
"""Pixels along the side of a cell that a drawing is made with."""


class Craftax(Bridge):
    """A world of Craftax.

    Observations are float32 in [0, 1]: one vector of the map in view and the inventory (Symbolic), or an image [H, W, 3] (Pixels).
    An episode terminates where the player dies or wins, and is truncated by ``max_steps_in_episode``, Craftax's ``max_timesteps``,
    which ends an episode like a death there. ``info["achievements"]`` holds what was achieved in an episode that terminated, in
    per cent, and zeros before.

    When a world is first drawn, or first observed in pixels, Craftax makes its textures, which takes a minute or two, and keeps
    them in its own folder.

    The other leaves of ``params`` are those of Craftax's ``EnvParams``.

    Source: Craftax, ``make_craftax_env_from_name(task, auto_reset=False)``, its ``step_env``. Differences: the time limit
    truncates.
    """

    suite: ClassVar[str] = "craftax"

    @classmethod
    def build(cls, task: str, options: dict[str, Any]) -> Built:
        make = module(cls, task, "craftax.craftax_env").make_craftax_env_from_name
        with redirect_stdout(sys.stderr):  # it says when it makes textures
            env = make(task, auto_reset=False, **options)
        theirs = env.default_params
        space = env.observation_space(theirs)
        observation = spaces.Box(np.asarray(space.low), np.asarray(space.high), space.shape, np.float32)
        return Built(env, to_ours(theirs, _LIMIT), spaces.Discrete(env.num_actions), observation, theirs)

    @property
    def draws(self) -> tuple[bool, bool]:
        return True, True

    def reset_suite(self, key: Array, params: Any) -> tuple[Any, Any]:
        return self.original.reset_env(key, to_theirs(params, self.built.more, _LIMIT))[1], ()

    def step_suite(self, key: Array, inner: Any, action: Any, params: Any) -> Step:
        endless = to_theirs(params.replace(max_steps_in_episode=NO_TIME_LIMIT), self.built.more, _LIMIT)
        _, after, reward, done, info = self.original.step_env(key, inner, action, endless)
        achieved = {name.partition("/")[2]: value for name, value in info.items() if name.startswith("Achievements/")}
        return Step(after, reward, done, {"achievements": achieved})

    def observe_suite(self, state: BridgeState) -> Any:
        return self.original.get_obs(state.inner)

    def render_suite(self, state: BridgeState) -> Array:
        return _renderer("Classic" in self.task)(state.inner)


@cache
def _renderer(classic: bool) -> Any:
    """Return Craftax's renderer, made outside of any trace: Craftax keeps the textures that it makes or reads."""
    package = "craftax.craftax_classic" if classic else "craftax.craftax"
    renderer = load("craftax", f"{package}.renderer", "a drawing")
    with jax.ensure_compile_time_eval(), redirect_stdout(sys.stderr):
        return renderer.make_craftax_pixel_renderer(_PIXELS)
