"""The picture of all five games: what the agent observes, a colour for each channel, and what the colours mean."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv.visualize import Canvas, Size
from jaxenv.visualize.palette import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILION, WHITE, YELLOW

from jaxenv_minatar.base import SIZE, MinAtarGame

_DARK = (22, 25, 31)
_PAINT = {
    "trail": ("trail", (88, 94, 104)),
    "speed1": ("fast", (178, 186, 196)),
    "speed2": ("", (148, 156, 166)),
    "speed3": ("", (120, 127, 137)),
    "speed4": ("", (94, 100, 110)),
    "speed5": ("slow", (70, 75, 84)),
    "alien_left": ("alien, left", ORANGE),
    "alien_right": ("alien, right", GREEN),
    "brick": ("brick", ORANGE),
    "diver": ("diver", YELLOW),
    "diver_gauge": ("rescued", (190, 178, 50)),
    "oxygen_gauge": ("oxygen", GREEN),
    "enemy": ("enemy", VERMILION),
    "gold": ("gold", YELLOW),
    "car": ("car", VERMILION),
    "enemy_fish": ("fish", VERMILION),
    "enemy_sub": ("enemy sub", ORANGE),
    "friendly_bullet": ("bullet", WHITE),
    "enemy_bullet": ("enemy bullet", PURPLE),
    "ball": ("ball", WHITE),
    "chicken": ("chicken", YELLOW),
    "sub_back": ("", BLUE),
    "sub_front": ("submarine", SKY),
    "cannon": ("cannon", SKY),
    "paddle": ("paddle", SKY),
    "player": ("player", SKY),
}
"""For each channel its word in the legend and its colour. Where channels meet in a cell, the lower one in this table shows."""


@partial(jax.jit, static_argnames=("env", "size"))
def game(env: MinAtarGame[Any, Any], state: Any, params: Any, size: Size) -> Array:
    """Draw the board and its legend."""
    shown = [name for name in _PAINT if name in env.channels]
    rank = np.array([1 + shown.index(name) if name in shown else 0 for name in env.channels], np.int32)
    cells = jnp.max(jnp.where(env.observe(state, params), rank[None, None], 0), axis=-1)
    lines = _lines([_PAINT[name] for name in reversed(shown) if _PAINT[name][0]])
    below = 0.25 + 0.5 * len(lines)
    side = SIZE + below + 0.2
    left = (SIZE - side) / 2.0
    canvas = Canvas(size, (left, -below, left + side, SIZE + 0.2), INK)
    canvas = canvas.grid(cells, [_DARK, *(_PAINT[name][1] for name in shown)], gap=0.06)
    for i, entries in enumerate(lines):
        canvas = canvas.legend(entries, (left + 0.2, -0.4 - 0.5 * i), GREY, height=side / 34.0, gap=1.0)
    return canvas.image()


def _lines(entries: list[tuple[str, Any]]) -> list[list[tuple[str, Any]]]:
    """Break a legend into lines of about forty characters."""
    lines: list[list[tuple[str, Any]]] = [[]]
    for entry in entries:
        if sum(len(word) + 3 for word, _ in [*lines[-1], entry]) > 42:
            lines.append([])
        lines[-1].append(entry)
    return lines
