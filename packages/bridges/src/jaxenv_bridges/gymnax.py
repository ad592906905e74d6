"""gymnax's environments, to compare with ours and for what was trained there."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from jax import Array
from jaxenv import spaces

from jaxenv_bridges.base import Bridge, BridgeState, Built, Step, keys_used, module, standard_promotion
from jaxenv_bridges.errors import SuiteRenderError, SuiteSpaceError
from jaxenv_bridges.params import to_ours, to_theirs

_LIMIT = "max_steps_in_episode"
_CARRIED = {"DeepSea-bsuite": ("total_bad_episodes", "denoised_return")}
"""What gymnax's own step keeps from one episode to the next, by task: bsuite's statistics."""


class Gymnax(Bridge):
    """An environment of gymnax: gymnax's dynamics, gymnax's deviations from the published tasks included.

    Spaces and leaves of ``params`` are gymnax's. An episode terminates where gymnax's ``step_env`` says so, and is truncated by
    ``max_steps_in_episode``. What gymnax reports in ``info`` is in ``info``, but for names that are jaxenv's.

    ``options`` are the keywords of ``gymnax.make``.

    Source: gymnax, ``gymnax.make(task)``, its ``step_env``. Differences: none in the step.
    """

    suite: ClassVar[str] = "gymnax"

    @classmethod
    def build(cls, task: str, options: dict[str, Any]) -> Built:
        env, theirs = module(cls, task, "gymnax").make(task, **options)
        return Built(env, to_ours(theirs, _LIMIT), None, None, theirs)

    @property
    def draws(self) -> tuple[bool, bool]:
        return keys_used(self.without_overrides)

    def reset_suite(self, key: Array, params: Any) -> tuple[Any, Any]:
        obs, state = self.original.reset_env(key, self._theirs(params))
        return state, self._cast(obs, params)

    def step_suite(self, key: Array, inner: Any, action: Any, params: Any) -> Step:
        obs, after, reward, terminated, info = self.original.step_env(key, inner, action, self._theirs(params))
        info = {
            name: value for name, value in info.items() if name not in ("discount", "terminated", "truncated", "final_observation")
        }
        return Step(after, reward, terminated, info, self._cast(obs, params))

    def carry_over(self, fresh: BridgeState, ended: BridgeState, params: Any) -> BridgeState:
        kept = {name: getattr(ended.inner, name) for name in _CARRIED.get(self.task, ())}
        return fresh.replace(inner=fresh.inner.replace(**kept)) if kept else fresh

    def action_space(self, params: Any) -> spaces.Space:
        return self._space(self.original.action_space, params)

    def observation_space(self, params: Any) -> spaces.Space:
        return self._space(self.original.observation_space, params)

    def render_suite(self, state: BridgeState) -> Array:
        how = "gymnax draws with matplotlib on the host, outside of JAX"
        raise SuiteRenderError(
            self.name, how, "Call gymnax.visualize.Visualizer, or draw the environment of the same name of jaxenv's own"
        )

    def _theirs(self, params: Any) -> Any:
        return to_theirs(params, self.built.more, _LIMIT)

    def _space(self, space: Any, params: Any) -> spaces.Space:
        with standard_promotion():
            return _space(self.name, space(self._theirs(params)))

    def _cast(self, obs: Any, params: Any) -> Any:
        """Return an observation in the dtype of its space, which gymnax's own is not always."""
        space = self.observation_space(params)
        return np.asarray(obs).astype(space.dtype) if isinstance(obs, np.ndarray) else obs.astype(space.dtype)


def _space(task: str, space: Any) -> spaces.Space:
    match type(space).__name__:
        case "Discrete":
            return spaces.Discrete(int(space.n))
        case "Box":
            return spaces.Box(space.low, space.high, space.shape or (), space.dtype)
        case "Dict":
            return spaces.Dict({name: _space(task, part) for name, part in space.spaces.items()})
        case "Tuple":
            return spaces.Tuple(_space(task, part) for part in space.spaces)
        case _:
            raise SuiteSpaceError(task, str(space))
