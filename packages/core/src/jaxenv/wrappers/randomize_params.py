"""New params for each episode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flax import struct
from jax import Array

from jaxenv import _canonical, environment, random, spaces
from jaxenv.environment import Transition
from jaxenv.wrappers.base import StatefulWrapper, WrapperState


@struct.dataclass
class RandomizeParamsState(WrapperState):
    """State of :class:`RandomizeParams`."""

    params: Any
    """The params of this episode."""


class RandomizeParams(StatefulWrapper):
    """Draw new params for every episode: domain randomisation.

    ``distribution(key, params)`` is a JAX function. It returns the params of an episode, made from those that the caller passes:
    ``params.replace(...)`` with leaves drawn from the key. An agent does not see them; ``state.params`` holds them. Spaces are
    those of the caller's params. So don't draw what spaces depend on, or pass params whose spaces hold all that can be drawn.

    The time limit stays the caller's, whatever is drawn. Put this around the environment itself, and other wrappers around this.
    Equal environments share one compilation, and functions are equal if they are the same object.

    >>> def gravity(key, params):
    ...     return params.replace(gravity=jax.random.uniform(key, minval=5.0, maxval=15.0))
    >>> env = RandomizeParams(env, gravity)
    """

    distribution: Callable[[Array, Any], Any]
    """A JAX function from a key and params to params."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_function(self.distribution, "distribution")

    def draw(self, key: Array, params: Any) -> Any:
        """Draw the params of an episode.

        Args:
            key: a typed key.
            params: the params that the caller passed.

        Returns:
            The params of the episode, with the structure of the environment's own.
        """
        drawn = self.distribution(key, params)
        return _canonical.params(self.env.lift(drawn), self.env.params_template, self.env.name)

    def of_episode(self, state: Any, params: Any) -> Any:
        """Return the params that were drawn for the episode of ``state``, with the caller's time limit.

        Args:
            state: the wrapper's state.
            params: the params that the caller passed.
        """
        return state.params.replace(max_steps_in_episode=params.max_steps_in_episode)

    def init(self, key: Array, params: Any) -> RandomizeParamsState:
        key_params, key_env = random.split(key)
        drawn = self.draw(key_params, params)
        return RandomizeParamsState(environment._init(self.env, key_env, drawn), drawn)

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        out = self.inner_advance(key, state, action, self.of_episode(state, params))
        return out.replace(state=RandomizeParamsState(out.state, state.params))  # type: ignore[attr-defined]

    def observe(self, state: Any, params: Any) -> Any:
        seen = self.env.observe(state.env_state, self.of_episode(state, params))
        return self.observation_space(params).cast(seen, f"{self.env.name}'s observation")

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> RandomizeParamsState:
        env_state = self.env.carry_over(fresh.env_state, ended.env_state, fresh.params)
        return RandomizeParamsState(_canonical.strong(env_state), fresh.params)

    def render(self, state: Any, params: Any, size: int | tuple[int, int] = 256) -> Array:
        return self.env.render(state.env_state, self.of_episode(state, params), size)

    def action_space(self, params: Any) -> spaces.Space:
        return self.env.action_space(params)
