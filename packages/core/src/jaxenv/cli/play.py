"""``jaxenv play ID``: play an environment by hand, in the terminal."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import Annotated

import typer
from rich.live import Live

from jaxenv.cli.keyboard import Keyboard
from jaxenv.cli.output import console
from jaxenv.registry import make
from jaxenv.registry.lookup import spec as find_spec


def play(
    env_id: Annotated[str, typer.Argument(metavar="ID", help="A full or short id.")],
    fps: Annotated[float, typer.Option(min=0.0, help="Steps a second; 0 waits for a key before every step.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random key.")] = 0,
) -> None:
    """Play an environment by hand. The keys are shown below the picture; q ends the game."""
    from jaxenv.cli.game import Game

    spec = find_spec(env_id)
    env, params = make(spec)
    game = Game(spec.id, env, params, seed)
    # Leave by the same door as everybody else, so that the terminal gets its manners back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with (
        contextlib.suppress(KeyboardInterrupt),
        Keyboard() as keyboard,
        Live(console=console(), screen=True, auto_refresh=False) as live,
    ):
        game.run(keyboard, live, fps)
    console().print(f"{spec.id}: {game.episodes} episodes ended; return of the last one: {game.total:g}", markup=False)
