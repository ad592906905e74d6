"""Pictures as observations."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxenv import spaces
from jaxenv._sizes import is_size, whole
from jaxenv.environment import Environment
from jaxenv.errors import RenderNotSupportedError, WrapperSettingError
from jaxenv.errors.formatting import short
from jaxenv.wrappers.base import Wrapper


class PixelObservation(Wrapper):
    """Replace every observation by the environment's picture, uint8[H, W, 3], or uint8[H, W] if ``grayscale``.

    The picture is drawn in JAX from the state, so it costs no transfer to the host: train on it under ``jit`` and ``vmap`` like on
    anything else. It shows where things are, not how they move; put a ``FrameStackObservation`` around this where that matters.

    >>> import jaxenv
    >>> from jaxenv.wrappers import FrameStackObservation
    >>> env, params = jaxenv.make("CartPole-v1")
    >>> env = FrameStackObservation(PixelObservation(env, size=84, grayscale=True), 4)
    >>> env.observation_space(params).shape
    (4, 84, 84)
    """

    size: int | tuple[int, int] = 84
    """Height and width in pixels; one number for a square."""
    grayscale: bool = False
    """Whether to keep the brightness alone (Rec. 601 luma, rounded)."""

    def __post_init__(self) -> None:
        size: Any = self.size
        object.__setattr__(self, "size", tuple(map(whole, size)) if isinstance(size, tuple) else whole(size))
        super().__post_init__()
        sides: tuple[Any, ...] = self._shape
        if len(sides) != 2 or not all(map(is_size, sides)):
            raise WrapperSettingError(
                f"PixelObservation got size = {short(self.size)}. Pass an integer of at least 1, or a pair: height and width."
            )
        if type(self.env.unwrapped).render is Environment.render:
            raise RenderNotSupportedError(self.env.name)

    def observe(self, state: Any, params: Any) -> Any:
        image = self.env.render(self.inner_state(state), self.inner_params(params), self.size)
        if not self.grayscale:
            return image
        red, green, blue = (image[..., channel].astype(jnp.float32) for channel in range(3))
        return jnp.round(0.299 * red + 0.587 * green + 0.114 * blue).astype(jnp.uint8)

    def observation_space(self, params: Any) -> spaces.Box:
        return spaces.Box(0, 255, self._shape if self.grayscale else (*self._shape, 3), jnp.uint8)

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)
