"""A window that shows pictures, with pygame or else with matplotlib."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from jaxenv.errors import NoWindowError


class Window(Protocol):
    """What shows pictures, uint8[H, W, 3], one after another."""

    def show(self, image: np.ndarray) -> None:
        """Show a picture, for as long as ``fps`` says."""
        ...

    def close(self) -> None:
        """Close the window."""
        ...


def open_window(title: str, fps: float) -> Window:
    """Return a window; it opens with the first picture.

    Raises:
        NoWindowError: neither pygame nor matplotlib is installed.
    """
    try:
        import pygame  # pyright: ignore[reportMissingImports]
    except ImportError:
        try:
            from matplotlib import pyplot
        except ImportError as error:
            raise NoWindowError from error
        return _Figure(pyplot, title, fps)
    return _Pygame(pygame, title, fps)


class _Pygame:
    def __init__(self, pygame: Any, title: str, fps: float) -> None:
        self._pygame, self._title, self._fps, self._screen = pygame, title, fps, None

    def show(self, image: np.ndarray) -> None:
        pygame, (height, width) = self._pygame, image.shape[:2]
        if self._screen is None:
            pygame.display.init()
            pygame.display.set_caption(self._title)
            self._screen, self._clock = pygame.display.set_mode((width, height)), pygame.time.Clock()
        screen: Any = self._screen
        pygame.surfarray.blit_array(screen, image.swapaxes(0, 1))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        if self._screen is not None:
            self._pygame.display.quit()
            self._screen = None


class _Figure:
    def __init__(self, pyplot: Any, title: str, fps: float) -> None:
        self._pyplot, self._title, self._fps, self._figure = pyplot, title, fps, None

    def show(self, image: np.ndarray) -> None:
        if self._figure is None:
            self._figure, axes = self._pyplot.subplots(num=self._title, clear=True)
            axes.set_axis_off()
            self._image = axes.imshow(image)
        self._image.set_data(image)
        self._pyplot.pause(1 / self._fps)

    def close(self) -> None:
        if self._figure is not None:
            self._pyplot.close(self._figure)
            self._figure = None
