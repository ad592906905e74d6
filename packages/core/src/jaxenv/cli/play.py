"""``jaxenv play ID``: play an environment by hand, in the terminal."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import Annotated

import typer
from rich.live import Live

from jaxenv.cli.keyboard import Keyboard
from jaxenv.cli.options import EnvId, Seed, Settings, built, finite
from jaxenv.cli.output import console, counted
from jaxenv.errors import NoTerminalError


def play(
    env_id: EnvId,
    fps: Annotated[
        float, typer.Option(min=0.0, max=1000.0, callback=finite, help="Steps a second; 0 waits for a key before every step.")
    ] = 0.0,
    seed: Seed = 0,
    settings: Settings = None,
) -> None:
    """Play an environment by hand. The keys are shown below the picture; q ends the game."""
    from jaxenv.cli.game import Game

    spec, env, params = built(env_id, settings)
    if not sys.stdin.isatty():
        raise NoTerminalError("input")
    if not console().is_terminal:
        raise NoTerminalError("output")
    game = Game(spec.id, env, params, seed)
    # Leave by the same door as everybody else, so that the terminal gets its manners back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with (
        contextlib.suppress(KeyboardInterrupt),
        Keyboard() as keyboard,
        Live(console=console(), screen=True, auto_refresh=False) as live,
    ):
        game.run(keyboard, live, fps)
    last = f"; return of the last one: {game.last_return:g}" if game.episodes else ""
    console().print(f"{spec.id}: {counted(game.episodes, 'episode')} ended{last}", markup=False)
