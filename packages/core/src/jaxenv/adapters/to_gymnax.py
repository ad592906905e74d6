"""jaxenv's environments as environments of the gymnax that is installed, for code that asks for gymnax's own classes.

Code that asks for gymnax's interface alone, as most does, needs :mod:`jaxenv.adapters.gymnax` instead, and no gymnax.
"""

from __future__ import annotations

from typing import Any

from jax import Array

from jaxenv import environment, spaces
from jaxenv.adapters.gymnax import make
from jaxenv.adapters.gymnax.environments.adapted import AdaptedEnvironment
from jaxenv.errors import GymnaxSettingError, MissingExtraError, SpaceConversionError
from jaxenv.errors.wording import short

try:
    from gymnax.environments import environment as gymnax_environment  # pyright: ignore[reportMissingImports]
    from gymnax.environments import spaces as gymnax_spaces  # pyright: ignore[reportMissingImports]
except ImportError as error:
    raise MissingExtraError("gymnax", "gymnax", "ToGymnax") from error


class ToGymnax(gymnax_environment.Environment[Any, Any]):  # pyright: ignore[reportUntypedBaseClass]
    """An environment of jaxenv as an instance of the installed gymnax's ``Environment``, with that gymnax's spaces.

    Args:
        env: an environment of jaxenv, or an id of ``jaxenv.adapters.gymnax.make``, which has gymnax's time limits and shapes.
        step_values: 5 for ``obs, state, reward, done, info``, which Stoa and rejax want whatever gymnax is installed; 6 for what
            gymnax 1.0 returns.

    >>> from jaxenv.adapters.to_gymnax import ToGymnax
    >>> env = ToGymnax("CartPole-v1")
    >>> env.action_space(env.default_params).n
    2
    """

    def __init__(self, env: environment.Environment[Any, Any] | str, step_values: int = 5) -> None:
        if step_values not in (5, 6):
            raise GymnaxSettingError(
                f"ToGymnax got step_values = {short(step_values)}, but step returns 5 or 6 values. Pass 5 or 6."
            )
        self.adapted: AdaptedEnvironment = make(env)[0] if isinstance(env, str) else AdaptedEnvironment(env)
        self.adapted.step_values = step_values

    @property
    def name(self) -> str:
        return self.adapted.name

    @property
    def default_params(self) -> Any:
        """The parameters of the environment."""
        return self.adapted.default_params

    @property
    def num_actions(self) -> int:
        return self.adapted.num_actions

    def reset(self, key: Array, params: Any = None) -> tuple[Any, Any]:
        """Begin an episode."""
        return self.adapted.reset(key, params)

    def step(self, key: Array, state: Any, action: Any, params: Any = None) -> Any:
        """Take a step, and begin the next episode if this one is over; ``step_values`` says what is returned."""
        return self.adapted.step(key, state, action, params)

    def reset_env(self, key: Array, params: Any = None) -> tuple[Any, Any]:
        return self.adapted.reset_env(key, params)

    def step_env(self, key: Array, state: Any, action: Any, params: Any = None) -> Any:
        return self.adapted.step_env(key, state, action, params)

    def get_obs(self, state: Any, params: Any = None, key: Any = None) -> Any:
        return self.adapted.get_obs(state, params, key)

    def is_terminal(self, state: Any, params: Any = None) -> Any:
        """A state alone does not tell: refuse."""
        return self.adapted.is_terminal(state, params)

    def render(self, state: Any, params: Any = None) -> Array:
        """Draw a state.

        Args:
            state: the state.
            params: the parameters; None means ``default_params``.

        Returns:
            The picture, uint8[H, W, 3].
        """
        return self.adapted.render(state, params)

    def action_space(self, params: Any = None) -> Any:
        return _theirs(self.adapted.action_space(params))

    def observation_space(self, params: Any = None) -> Any:
        return _theirs(self.adapted.observation_space(params))

    def state_space(self, params: Any = None) -> Any:
        return _theirs(self.adapted.state_space(params))


def _theirs(space: Any) -> Any:
    """Return gymnax's space with the same members."""
    match space:
        case spaces.Discrete() if space.start == 0:
            return gymnax_spaces.Discrete(space.n)
        case spaces.Box():
            return gymnax_spaces.Box(space.low, space.high, space.shape, space.dtype)
        case spaces.Dict():
            return gymnax_spaces.Dict({name: _theirs(part) for name, part in space.items()})
        case spaces.Tuple():
            return gymnax_spaces.Tuple([_theirs(part) for part in space])
        case _:
            raise SpaceConversionError(f"{short(space)} has no counterpart in gymnax. Use Discrete from 0, Box, Tuple or Dict.")
