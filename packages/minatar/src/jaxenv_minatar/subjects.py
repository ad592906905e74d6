"""What the oracle must know of each game: how it draws, what is compared, and what play should reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax import Array

from jaxenv_minatar import players


class Call(NamedTuple):
    """A call that MinAtar makes of its generator, for each index of the recorded arrays."""

    method: str
    """``rand`` or ``randint``."""
    arguments: Any
    """Shape of ``rand``, bounds of ``randint``: a tuple, or an array with one row an index."""
    value: Any
    """What the call returns, one row an index."""
    when: Any = None
    """At which indices the call happens; None means at all."""


class Subject(NamedTuple):
    """One game."""

    game: str
    """Its name in MinAtar."""
    player: Callable[[Any, Array], Array]
    """A policy that survives: from our state and a key to an index in the full action set."""
    script: Callable[[Any, Any], Sequence[Call]]
    """From our states before the steps, and the draws of the steps, to MinAtar's calls."""
    reset_script: Callable[[Any], Sequence[Call]]
    """From our states that begin episodes to MinAtar's calls."""
    attributes: Mapping[str, Callable[[Any], Any]]
    """MinAtar's attributes that are compared, and what each is in our states after the steps."""
    milestones: Mapping[str, Callable[[Any, Any], Any]]
    """What play should reach: from the states before and after the steps to flags."""


def _sticky(draws: Any) -> Call:
    return Call("rand", (), draws.sticky)


def _breakout() -> Subject:
    def refilled(before: Any, after: Any) -> np.ndarray:
        return (before.bricks == 0) & (after.bricks != 0)

    return Subject(
        game="breakout",
        player=players.breakout,
        script=lambda before, draws: [_sticky(draws)],
        reset_script=lambda first: [Call("randint", (0, 2), (first.ball_x == 9).astype(int))],
        attributes={
            "ball_x": lambda s: s.ball_x,
            "ball_y": lambda s: s.ball_y,
            "ball_dir": lambda s: s.ball_dir,
            "last_x": lambda s: s.last_x,
            "last_y": lambda s: s.last_y,
            "pos": lambda s: s.paddle,
            "strike": lambda s: s.strike,
        },
        milestones={"wall refilled": refilled},
    )


SUBJECTS = {"Breakout": _breakout()}
