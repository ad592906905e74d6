"""What the oracle must know of each game: how it draws, what is compared, and what play should reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxenv_minatar import players


class Record(NamedTuple):
    """What was recorded of a step; arrays with one row a step."""

    draws: Any
    """What ``draw`` gave."""
    before: Any
    """The state before the step."""
    after: Any
    """The state after it, before a reset."""
    state: Any
    """The state after it and after a reset, if the episode ended."""
    action: Any
    """The action that was given."""
    reward: Any
    """The reward."""
    terminated: Any
    """Whether the game ended."""
    done: Any
    """Whether the episode ended."""
    final_observation: Any
    """The observation before a reset."""
    obs: Any
    """The observation after it."""


class Call(NamedTuple):
    """A call that MinAtar makes of its generator, for each index of the recorded arrays."""

    method: str
    """``rand`` or ``randint``."""
    arguments: Any
    """Shape of ``rand``; lower bound, upper bound and size of ``randint``."""
    value: Any
    """What the call returns, one row an index."""
    when: Any = None
    """At which indices the call happens; None means at all."""


class Subject(NamedTuple):
    """One game."""

    game: str
    """Its name in MinAtar."""
    habit: players.Habit
    """What its player does by default."""
    horizon: int
    """How many steps ahead the player looks."""
    script: Callable[[Record], Sequence[Call]]
    """From what was recorded to the calls that MinAtar makes of its generator in each step."""
    reset_script: Callable[[Any], Sequence[Call]]
    """From our states that begin episodes to the calls that MinAtar makes in each reset."""
    attributes: Mapping[str, Callable[[Any], Any]]
    """MinAtar's attributes that are compared, and what each is in our states after the steps."""
    milestones: Mapping[str, Callable[[Record], Any]]
    """What play should reach: from what was recorded to flags."""


def _sticky(record: Record) -> Call:
    return Call("rand", (), record.draws.sticky)


def _unpacked(words: np.ndarray) -> np.ndarray:
    """Return the eight numbers in each word."""
    return (words[..., None] >> np.arange(0, 32, 4, dtype=np.uint32) & 15).astype(int)


def _breakout() -> Subject:
    return Subject(
        game="breakout",
        habit=players.breakout,
        horizon=1,
        script=lambda record: [_sticky(record)],
        reset_script=lambda first: [Call("randint", (0, 2, None), (first.ball_x == 9).astype(int))],
        attributes={
            "ball_x": lambda s: s.ball_x,
            "ball_y": lambda s: s.ball_y,
            "ball_dir": lambda s: s.ball_dir,
            "last_x": lambda s: s.last_x,
            "last_y": lambda s: s.last_y,
            "pos": lambda s: s.paddle,
            "strike": lambda s: s.strike,
        },
        milestones={"walls rebuilt": lambda record: (record.before.bricks == 0) & (record.after.bricks != 0)},
    )


def _freeway() -> Subject:
    def draw(speed: Any, right: Any, when: Any = None) -> Sequence[Call]:
        sizes, coins = _unpacked(speed), np.where(_unpacked(right) == 1, 0.75, 0.25)
        return [Call("randint", (1, 6, 8), sizes, when), Call("rand", (8,), coins, when)]

    def cars(state: Any) -> np.ndarray:
        x, speed, timer, right = map(_unpacked, (state.car_x, state.car_speed, state.car_timer, state.car_right))
        return np.stack([x, np.broadcast_to(np.arange(1, 9), x.shape), timer, np.where(right == 1, speed, -speed)], axis=-1)

    return Subject(
        game="freeway",
        habit=players.freeway,
        horizon=1,
        script=lambda record: [_sticky(record), *draw(*record.draws.traffic, when=record.reward == 1)],
        reset_script=lambda first: draw(first.car_speed, first.car_right),
        attributes={
            "pos": lambda s: s.chicken,
            "cars": cars,
            "move_timer": lambda s: s.move_timer,
            "terminate_timer": lambda s: 2500 - s.time,
        },
        milestones={
            "crossings": lambda record: record.reward == 1,
            "collisions": lambda record: (record.reward == 0) & (record.after.chicken - record.before.chicken > 1),
        },
    )


def _space_invaders() -> Subject:
    return Subject(
        game="space_invaders",
        habit=players.space_invaders,
        horizon=12,
        script=lambda record: [_sticky(record)],
        reset_script=lambda first: [],
        attributes={
            "pos": lambda s: s.cannon,
            "shot_timer": lambda s: s.shot_timer,
            "alien_dir": lambda s: np.where(s.moves_right, 1, -1),
            "alien_move_timer": lambda s: s.alien_move_timer,
            "alien_shot_timer": lambda s: s.alien_shot_timer,
            "enemy_move_interval": lambda s: s.move_interval,
            "ramp_index": lambda s: 12 - s.move_interval,
        },
        milestones={
            "waves cleared": lambda record: _count(record.after.aliens) > _count(record.before.aliens),
            "fastest wave reached": lambda record: (record.before.move_interval > 6) & (record.after.move_interval == 6),
            "two aliens in one step": lambda record: record.reward == 2,
        },
    )


def _count(words: np.ndarray) -> np.ndarray:
    return np.unpackbits(words[..., None].view(np.uint8), axis=-1).sum(axis=-1)


SUBJECTS = {"Breakout": _breakout(), "Freeway": _freeway(), "SpaceInvaders": _space_invaders()}
