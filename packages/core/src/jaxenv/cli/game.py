"""A game played by hand: keys in, pictures made of characters out."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import jax
import numpy as np
from rich.console import Group
from rich.live import Live
from rich.text import Text

from jaxenv.cli.controls import Controls, controls
from jaxenv.cli.keyboard import Keyboard

_QUIT = ("q", "escape")


class Game:
    """One person's game: the environment, its state, and what to say about it."""

    def __init__(self, title: str, env: Any, params: Any, seed: int) -> None:
        self.title, self.env, self.params = title, env, params
        self.controls: Controls = controls(env, params)
        self.key = key = jax.random.key(seed)
        self.steps = self.episodes = 0
        self.reward = self.total = self.last_return = 0.0
        self.draw = jax.jit(env.render, static_argnums=2)
        jax.eval_shape(lambda key: env.render(env.reset(key, params)[1], params, 8), key)  # refuses what cannot be drawn
        _, self.state = env.reset(self._next_key(), params)

    def run(self, keyboard: Keyboard, live: Live, fps: float) -> None:
        """Play until somebody quits."""
        while True:
            self.show(live, self.state)
            key = keyboard.latest(1.0 / fps) if fps else keyboard.read()
            if key in _QUIT:
                return
            if key in self.controls.actions or fps:
                ended = self.step(self.controls.actions.get(key or "", self.controls.idle))
                if ended is not None:
                    self.show(live, ended, "the episode is over: press a key")
                    if keyboard.read() in _QUIT:
                        return
                    self.reward = self.total = 0.0

    def step(self, action: Any) -> Any:
        """Take a step; return the state in which the episode ended, or None if it goes on."""
        before, key = self.state, self._next_key()
        _, self.state, reward, done, _ = self.env.step(key, before, action, self.params)
        self.reward = float(reward)
        self.total += self.reward
        if not done:
            return None
        self.episodes += 1
        self.last_return = self.total
        return self.env.step_env(key, before, action, self.params)[1]

    def show(self, live: Live, state: Any, message: str = "") -> None:
        """Draw a state as large as the terminal allows."""
        legend = Text("  ".join(f"[{keys}] {name}" for keys, name in [*self.controls.legend, ("q", "quit")]), style="dim")
        status = f"step {int(state.time)}  reward {self.reward:g}  return {self.total:g}"
        width, height = live.console.size
        lines = 4 + len(legend.wrap(live.console, width))
        side = max(8, min(width, 2 * (height - lines)) // 2 * 2)
        picture = half_blocks(self.draw(state, self.params, side))
        live.update(Group(Text(self.title, "bold cyan"), picture, Text(status), Text(message, "bold"), legend), refresh=True)

    def _next_key(self) -> Any:
        self.steps += 1
        return jax.random.fold_in(self.key, self.steps)


def half_blocks(image: Any) -> Text:
    """Return a picture, uint8[H, W, 3] with an even H, as text: two pixels in each character."""
    pixels = np.asarray(image)
    text = Text(no_wrap=True, end="")
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        for (above, below), run in groupby(zip(upper, lower, strict=True)):
            text.append("▀" * len(list(run)), f"rgb({','.join(map(str, above))}) on rgb({','.join(map(str, below))})")
        text.append("\n")
    return text
