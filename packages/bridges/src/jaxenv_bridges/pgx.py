"""Pgx's games: one player's, and those of several players who share one policy."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv import Params, spaces

from jaxenv_bridges.base import Bridge, BridgeState, Built, Step, keys_used, module
from jaxenv_bridges.errors import SuiteRenderError


class Pgx(Bridge):
    """A game of Pgx.

    In a game of several players the action is the current player's, the observation is what the player sees whose turn is next,
    and the reward is that of the player who just moved: one policy plays all sides. ``info["rewards"]`` is float32[players],
    everybody's reward of the step, which is where the loser of a game finds theirs; ``info["player"]`` is the index of who
    moved.

    ``state.inner.legal_action_mask``, bool[actions], tells which actions are legal, and ``state.inner.current_player`` whose
    turn it is. By Pgx's rules an illegal action ends the game, and whoever took it loses.

    Observations are Pgx's planes, as bools, integers or floats without bounds. Games end by their rules; there is no time limit.

    Source: Pgx, ``pgx.make(task)``. Differences: none in the step. Pgx's ``bridge_bidding`` is left out: it needs data that
    ``pgx.make`` does not load.
    """

    suite: ClassVar[str] = "pgx"

    @classmethod
    def build(cls, task: str, options: dict[str, Any]) -> Built:
        env = module(cls, task, "pgx").make(task, **options)
        state = jax.eval_shape(env.init, jax.random.PRNGKey(0))
        obs = state.observation
        flags = obs.dtype == jnp.bool_
        observation = spaces.Box(0 if flags else -np.inf, 1 if flags else np.inf, obs.shape, obs.dtype)
        return Built(env, Params(), spaces.Discrete(state.legal_action_mask.shape[0]), observation)

    def reset_suite(self, key: Array, params: Any) -> tuple[Any, Any]:
        return self.original.init(key), ()

    def step_suite(self, key: Array, inner: Any, action: Any, params: Any) -> Step:
        after = self.original.step(inner, action, key)
        player = inner.current_player
        info = {"rewards": after.rewards, "player": player} if self.original.num_players > 1 else {}
        return Step(after, after.rewards[player], after.terminated, info)

    @property
    def draws(self) -> tuple[bool, bool]:
        return keys_used(self.without_overrides)

    def observe_suite(self, state: BridgeState) -> Any:
        return state.inner.observation

    def render_suite(self, state: BridgeState) -> Array:
        raise SuiteRenderError(self.name, "Pgx draws SVG, no pixels", "Call state.inner.save_svg('picture.svg')")
