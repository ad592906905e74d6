"""Many environments as one batch."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
from jax import Array

from jaxenv import _canonical, random, spaces
from jaxenv._sizes import is_size, whole
from jaxenv.environment import Environment
from jaxenv.errors import WrappedTypeError, WrapperSettingError


@dataclasses.dataclass(frozen=True)
class Vectorize:
    """``num_envs`` lanes of one environment, reset and stepped together with one key and the same parameters.

    Lane ``i`` does what the environment alone does with key ``jaxenv.random.split(key, num_envs)[i]``, in ``reset`` as in ``step``:
    it ends and resets by itself, so ``done`` is bool[num_envs]. Everything that is returned, ``info`` included, has a new first
    axis of length ``num_envs``; only ``params`` has not.

    The lanes are the mapped axis ``axis_name``. A ``NormalizeObservation`` or ``NormalizeReward`` that is given this name counts
    all lanes together; without it, each lane keeps its own statistics.

    Vectorize goes outermost: what it returns is a batch, so it is no ``Environment`` and no wrapper goes around it.

    >>> batch = Vectorize(NormalizeObservation(env, axis_name="envs"), 8)
    >>> obs, state = batch.reset(jax.random.key(0))
    >>> action = batch.action_space().sample(jax.random.key(1))
    >>> obs, state, reward, done, info = batch.step(jax.random.key(2), state, action)
    >>> done.shape
    (8,)
    """

    env: Environment[Any, Any]
    """The environment of every lane, wrappers included."""
    num_envs: int
    """How many lanes there are, at least 1."""
    axis_name: str = "envs"
    """The name of the mapped axis."""

    def __post_init__(self) -> None:
        """Check the settings."""
        if not isinstance(self.env, Environment):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise WrappedTypeError("Vectorize", self.env)
        object.__setattr__(self, "num_envs", whole(self.num_envs))
        if not is_size(self.num_envs):
            raise WrapperSettingError(f"Vectorize got num_envs = {self.num_envs!r}. Pass an integer of at least 1.")

    def reset(self, key: Array, params: Any = None) -> tuple[Any, Any]:
        """Begin an episode in every lane and return ``(obs, state)``."""
        return _reset(self, key, self._given(params))

    def step(self, key: Array, state: Any, action: Any, params: Any = None) -> tuple[Any, Any, Array, Array, dict[str, Any]]:
        """Step every lane, and begin the next episode in those that are done: ``(obs, state, reward, done, info)``."""
        return _step(self, key, state, action, self._given(params))

    def step_env(self, key: Array, state: Any, action: Any, params: Any = None) -> tuple[Any, Any, Array, Array, dict[str, Any]]:
        """Take the very step that ``step`` takes with this key, without the resets."""
        return _step_env(self, key, state, action, self._given(params))

    def render(self, state: Any, params: Any = None, size: int | tuple[int, int] = 256) -> Array:
        """Draw every lane, uint8[num_envs, H, W, 3]."""
        return jax.vmap(lambda lane: self.env.render(lane, self._given(params), size))(state)

    @property
    def default_params(self) -> Any:
        """The parameters of the published task, shared by all lanes."""
        return self.env.default_params

    def action_space(self, params: Any = None) -> spaces.Space:
        """Return the space of a batch of actions, one for each lane."""
        return self.env.action_space(self._given(params)).batch(self.num_envs)

    def observation_space(self, params: Any = None) -> spaces.Space:
        """Return the space of a batch of observations."""
        return self.env.observation_space(self._given(params)).batch(self.num_envs)

    def state_space(self, params: Any = None) -> spaces.Dict:
        """Return the space of the batch of states, field by field."""
        key = jax.eval_shape(lambda: jax.random.key(0))
        return spaces.of_structure(jax.eval_shape(lambda k, p: _reset(self, k, p)[1], key, self._given(params)))

    @property
    def name(self) -> str:
        """The name of the environment's class."""
        return self.env.name

    @property
    def num_actions(self) -> int:
        """How wide a policy's output layer is, for one lane."""
        return self.env.num_actions

    @property
    def unwrapped(self) -> Environment[Any, Any]:
        """The environment of a lane beneath all wrappers."""
        return self.env.unwrapped

    def _given(self, params: Any) -> Any:
        return self.default_params if params is None else params


@partial(jax.jit, static_argnums=0)
def _reset(batch: Vectorize, key: Array, params: Any) -> Any:
    keys = random.split(_canonical.key(key), batch.num_envs)
    return jax.vmap(batch.env.reset, in_axes=(0, None), axis_name=batch.axis_name)(keys, params)


@partial(jax.jit, static_argnums=0)
def _step(batch: Vectorize, key: Array, state: Any, action: Any, params: Any) -> Any:
    return _lanes(batch, batch.env.step, key, state, action, params)


@partial(jax.jit, static_argnums=0)
def _step_env(batch: Vectorize, key: Array, state: Any, action: Any, params: Any) -> Any:
    return _lanes(batch, batch.env.step_env, key, state, action, params)


def _lanes(batch: Vectorize, step: Any, key: Array, state: Any, action: Any, params: Any) -> Any:
    action = batch.action_space(params).cast(action, f"the batch of {batch.env.name}'s actions")
    keys = random.split(_canonical.key(key), batch.num_envs)
    return jax.vmap(step, in_axes=(0, 0, 0, None), axis_name=batch.axis_name)(keys, state, action, params)
