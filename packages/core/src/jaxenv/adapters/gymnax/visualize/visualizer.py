"""Films of episodes: gymnax's arguments, our pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jaxenv import visualize
from jaxenv.adapters.gymnax.wrappers._steps import own_state


class Visualizer(visualize.Visualizer):
    """A sequence of states as a film.

    Args:
        env: an environment of jaxenv with gymnax's interface, wrapped or not.
        env_params: its parameters; None means the default ones.
        state_seq: the states, those of wrappers too.
        reward_seq: the return up to each state, to be written above it.
    """

    def __init__(self, env: Any, env_params: Any, state_seq: Any, reward_seq: Any = None) -> None:
        states = [own_state(state) for state in state_seq] if isinstance(state_seq, list | tuple) else own_state(state_seq)
        super().__init__(env.jaxenv_env, env_params, states, reward_seq)

    def animate(self, save_fname: str | Path | None = "test.gif", view: bool = False) -> Path | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Write the film to a file, in the format that its name ends in; None writes nothing. ``view`` is ignored."""
        del view
        return None if save_fname is None else super().animate(save_fname)
