"""Films of environments, with the step and the return above each frame."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _canonical
from jaxenv.environment import Environment
from jaxenv.errors import CumRewardsError, StateSequenceError
from jaxenv.visualize import encode, font, palette
from jaxenv.visualize.canvas import Size
from jaxenv.visualize.padding import pad
from jaxenv.wrappers.vectorize import Vectorize

_MARGIN = 5
_WIDEST = 768


class Visualizer(Sequence[np.ndarray]):
    """A sequence of states as a film. It is also the sequence of its frames: ``len(vis)``, ``vis[0]``, ``for frame in vis``.

    Args:
        env: the environment, wrapped or not, or a ``Vectorize``, whose environments are drawn side by side; it must define
            ``render``.
        env_params: its parameters; None means ``env.default_params``.
        state_seq: the states to draw: a list of states, or one state whose leaves have a leading time axis. Batched states (a
            second axis) are drawn side by side.
        cum_rewards: the return up to each state, to be written above it: one number for each state, in each environment of a batch.
        size: height and width of one environment's picture in pixels, or one number for both; by default 256, less in a large
            batch.

    Raises:
        StateSequenceError: there is no state, or states have more than two leading axes.
        CumRewardsError: ``cum_rewards`` does not match the states.

    >>> import jax, jaxenv
    >>> from jaxenv.visualize import Visualizer
    >>> env, params = jaxenv.make("CartPole-v1")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> vis = Visualizer(env, params, [state])
    >>> vis.animate("anim.gif")  # doctest: +SKIP
    """

    def __init__(
        self,
        env: Environment[Any, Any] | Vectorize,
        env_params: Any,
        state_seq: Any,
        cum_rewards: Any = None,
        *,
        size: Size | None = None,
    ) -> None:
        batched = isinstance(env, Vectorize)
        self.env = env = env.env if isinstance(env, Vectorize) else env
        self.env_params = _canonical.params(env.default_params if env_params is None else env_params, env)
        self.states, self.time = _timed(state_seq, batched=batched)
        frames, self.num_envs = self.time.shape
        self.cum_rewards = None if cum_rewards is None else _returns(cum_rewards, frames, self.num_envs)
        self.columns = math.ceil(math.sqrt(self.num_envs))
        self.size: Size = min(256, _WIDEST // self.columns) if size is None else size

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, index: Any) -> Any:
        """Draw one frame, uint8[H, W, 3], or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        pictures = np.asarray(_draw(self.env, jax.tree.map(lambda leaf: leaf[index], self.states), self.env_params, self.size))
        tiles = [np.concatenate([_strip(self._caption(index, i), tile.shape[1]), tile]) for i, tile in enumerate(pictures)]
        tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % self.columns)
        tiles = [pad(tile, (0, _MARGIN), (0, _MARGIN), (0, 0), value=255) for tile in tiles]
        rows = [np.concatenate(tiles[i : i + self.columns], axis=1) for i in range(0, len(tiles), self.columns)]
        board = pad(np.concatenate(rows), (0, 0), (_MARGIN, 0), (0, 0), value=255)
        width = board.shape[1]
        title = textwrap.wrap(self.env.name, max(1, (width - 2 * _MARGIN) // (font.ADVANCE * _dot(width))))
        return np.concatenate([*(_strip(line, width, inset=_MARGIN) for line in title), board])

    def animate(self, path: str | Path, *, fps: float = 30.0) -> Path:
        """Write the film to a file, in the format that its name ends in.

        Args:
            path: ends in ``.gif``, ``.mp4``, ``.html`` (a page with play, pause and scrub, complete in one file) or ``.png`` (the
                last frame alone).
            fps: frames a second; a GIF holds at most 50.

        Returns:
            The path.

        Raises:
            PictureFormatError: the name ends in something else.
            EncoderMissingError: a package that writes the format is not installed; the message says which.
        """
        path = Path(path)
        encode.write(path, self, fps, self.env.name)
        return path

    def _repr_html_(self) -> str:
        page = encode.player(self, 30.0, self.env.name).replace("&", "&amp;").replace('"', "&quot;")
        height, width, _ = self[0].shape
        return f'<iframe srcdoc="{page}" width="{width + 40}" height="{height + 90}" style="border: 0"></iframe>'

    def _caption(self, frame: int, env: int) -> str:
        step = f"step {self.time[frame, env]}"
        if self.cum_rewards is None:
            return step
        return f"{step}  return {self.cum_rewards[frame, env]:.2f}".removesuffix("0").removesuffix(".0")


@partial(jax.jit, static_argnums=(0, 3))
def _draw(env: Environment[Any, Any], states: Any, params: Any, size: Size) -> Array:
    return jax.vmap(lambda state: env.render(state, params, size))(states)


def _timed(state_seq: Any, *, batched: bool) -> tuple[Any, np.ndarray]:
    """Return the states with leading axes [time, environment], and their clocks; a single axis is the second one of ``batched``."""
    if isinstance(state_seq, list | tuple):
        if not state_seq:
            raise StateSequenceError
        state_seq = jax.tree.map(_stack, *state_seq)
    time = np.asarray(state_seq.time)
    if time.ndim > 2:
        raise StateSequenceError(time.ndim)
    missing = {0: (None, None), 1: (None, slice(None)) if batched else (slice(None), None), 2: ()}[time.ndim]
    return jax.tree.map(lambda leaf: _on_host(leaf)[missing], state_seq), time[missing]


def _stack(*leaves: Any) -> Any:
    leaves = tuple(_on_host(leaf) for leaf in leaves)
    return np.stack(leaves) if isinstance(leaves[0], np.ndarray) else jnp.stack(leaves)


def _on_host(leaf: Any) -> Any:
    """Return an array as NumPy's, which is quick to slice; random keys, which NumPy does not know, stay as they are."""
    is_key = isinstance(leaf, Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return leaf if is_key else np.asarray(leaf)


def _returns(cum_rewards: Any, frames: int, num_envs: int) -> np.ndarray:
    returns = np.stack([np.asarray(value) for value in cum_rewards])
    if returns.ndim == 1:
        returns = returns[:, None]
    # One return fewer than states: what was collected before the first step is nothing.
    if len(returns) == frames - 1:
        returns = np.concatenate([np.zeros_like(returns[:1]), returns])
    if returns.shape != (frames, num_envs):
        raise CumRewardsError(returns.shape, (frames, num_envs))
    return returns


def _strip(text: str, width: int, inset: int = 0) -> np.ndarray:
    """Return a line of text on white, uint8[h, width, 3]; what does not fit is cut off."""
    dot = _dot(width)
    dots = font.bitmap(text).repeat(dot, axis=0).repeat(dot, axis=1)[:, : width - inset]
    strip = np.full((dots.shape[0] + 2 * _MARGIN, width, 3), 255, np.uint8)
    strip[_MARGIN : _MARGIN + dots.shape[0], inset : inset + dots.shape[1]][dots > 0] = palette.INK
    return strip


def _dot(width: int) -> int:
    """Return how many pixels wide a dot of the font is above a picture of this width."""
    return 2 if width >= 512 else 1
