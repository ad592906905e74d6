"""What the oracle must know of each game: how it draws, what is compared, and what play should reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxenv_minatar import scripted_policies


class RecordedSteps(NamedTuple):
    """What was recorded of a step; arrays with one row a step."""

    draws: Any
    """What ``draw_step`` returned."""
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


class Attribute(NamedTuple):
    """An attribute of MinAtar's game that is compared."""

    ours: Callable[[Any], Any]
    """What it is in our states, one row a state."""
    theirs: Callable[[Any], Any] = lambda value: value
    """Its value as an array or a number that does not change any more."""


class ReferenceGame(NamedTuple):
    """One game."""

    name: str
    """Its name in MinAtar."""
    policy: scripted_policies.ScriptedPolicy
    """The policy that its look-ahead follows."""
    horizon: int
    """How many steps the policy looks ahead."""
    script: Callable[[RecordedSteps], Sequence[Call]]
    """From what was recorded to the calls that MinAtar makes of its generator in each step."""
    reset_script: Callable[[Any], Sequence[Call]]
    """From our states that begin episodes to the calls that MinAtar makes in each reset."""
    attributes: Mapping[str, Attribute]
    """MinAtar's attributes that are compared."""
    milestones: Mapping[str, Callable[[RecordedSteps], Any]]
    """What play should reach: from what was recorded to flags."""


def _sticky(record: RecordedSteps) -> Call:
    return Call("rand", (), record.draws.sticky)


def _coin(heads: Any, probability: float, when: Any = None) -> Call:
    """Return a call whose number is as close to the threshold as can be, on the right side of it."""
    return Call("rand", (), np.where(heads, np.nextafter(probability, 0), probability), when)


def _unpacked(words: np.ndarray) -> np.ndarray:
    """Return the eight numbers in each word."""
    return (words[..., None] >> np.arange(0, 32, 4, dtype=np.uint32) & 15).astype(int)


def _breakout() -> ReferenceGame:
    return ReferenceGame(
        name="breakout",
        policy=scripted_policies.breakout,
        horizon=1,
        script=lambda record: [_sticky(record)],
        reset_script=lambda first: [Call("randint", (0, 2, None), (first.ball_x == 9).astype(int))],
        attributes={
            "ball_x": Attribute(lambda s: s.ball_x),
            "ball_y": Attribute(lambda s: s.ball_y),
            "ball_dir": Attribute(lambda s: s.ball_dir),
            "last_x": Attribute(lambda s: s.last_x),
            "last_y": Attribute(lambda s: s.last_y),
            "pos": Attribute(lambda s: s.paddle),
            "strike": Attribute(lambda s: s.strike),
        },
        milestones={"walls rebuilt": lambda record: (record.before.bricks == 0) & (record.after.bricks != 0)},
    )


def _freeway() -> ReferenceGame:
    def draw(speed: Any, right: Any, when: Any = None) -> Sequence[Call]:
        sizes, coins = _unpacked(speed), np.where(_unpacked(right) == 1, np.nextafter(0.5, 1), np.nextafter(0.5, 0))
        return [Call("randint", (1, 6, 8), sizes, when), Call("rand", (8,), coins, when)]

    def cars(state: Any) -> np.ndarray:
        x, speed, timer, right = map(_unpacked, (state.car_x, state.car_speed, state.car_timer, state.car_right))
        return np.stack([x, np.broadcast_to(np.arange(1, 9), x.shape), timer, np.where(right == 1, speed, -speed)], axis=-1)

    return ReferenceGame(
        name="freeway",
        policy=scripted_policies.freeway,
        horizon=1,
        script=lambda record: [_sticky(record), *draw(*record.draws.traffic, when=record.reward == 1)],
        reset_script=lambda first: draw(first.car_speed, first.car_right),
        attributes={
            "pos": Attribute(lambda s: s.chicken),
            "cars": Attribute(cars, np.array),
            "move_timer": Attribute(lambda s: s.move_timer),
            "terminate_timer": Attribute(lambda s: 2500 - s.time),
        },
        milestones={
            "crossings": lambda record: record.reward == 1,
            "collisions": lambda record: (record.reward == 0) & (record.after.chicken - record.before.chicken > 1),
        },
    )


def _space_invaders() -> ReferenceGame:
    return ReferenceGame(
        name="space_invaders",
        policy=scripted_policies.space_invaders,
        horizon=12,
        script=lambda record: [_sticky(record)],
        reset_script=lambda first: [],
        attributes={
            "pos": Attribute(lambda s: s.cannon),
            "shot_timer": Attribute(lambda s: s.shot_timer),
            "alien_dir": Attribute(lambda s: np.where(s.moves_right, 1, -1)),
            "alien_move_timer": Attribute(lambda s: s.alien_move_timer),
            "alien_shot_timer": Attribute(lambda s: s.alien_shot_timer),
            "enemy_move_interval": Attribute(lambda s: 12 - s.ramp_index),
            "ramp_index": Attribute(lambda s: s.ramp_index),
        },
        milestones={
            "waves cleared": lambda record: _count(record.after.aliens) > _count(record.before.aliens),
            "fastest wave reached": lambda record: (record.before.ramp_index == 5) & (record.after.ramp_index == 6),
        },
    )


def _asterix() -> ReferenceGame:
    def draw(record: RecordedSteps) -> Sequence[Call]:
        before, draws = record.before, record.draws
        spawns = before.spawn_timer == 0
        free = 8 - _unpacked(before.occupied).sum(axis=-1)
        return [
            _coin(draws.right, 1 / 2, spawns),
            _coin(draws.gold, 1 / 3, spawns),
            *(Call("randint", (0, n, None), (draws.slot.astype(int) * n) >> 24, spawns & (free == n)) for n in range(1, 9)),
        ]

    def entities(state: Any) -> np.ndarray:
        x, occupied, right, gold = map(_unpacked, (state.x, state.occupied, state.right, state.gold))
        rows = np.broadcast_to(np.arange(1, 9), x.shape)
        return np.stack([x, rows, right, gold], axis=-1) * occupied[..., None] - (1 - occupied[..., None])

    def slots(entities: Sequence[Any]) -> np.ndarray:
        return np.array([(-1, -1, -1, -1) if entity is None else entity for entity in entities], int)

    return ReferenceGame(
        name="asterix",
        policy=scripted_policies.asterix,
        horizon=8,
        script=lambda record: [_sticky(record), *draw(record)],
        reset_script=lambda first: [],
        attributes={
            "player_x": Attribute(lambda s: s.player_x),
            "player_y": Attribute(lambda s: s.player_y),
            "entities": Attribute(entities, slots),
            "spawn_speed": Attribute(lambda s: 10 - s.ramp_index),
            "spawn_timer": Attribute(lambda s: s.spawn_timer),
            "move_speed": Attribute(lambda s: 5 - s.ramp_index // 2),
            "move_timer": Attribute(lambda s: s.move_timer),
            "ramp_timer": Attribute(lambda s: s.ramp_timer),
            "ramp_index": Attribute(lambda s: s.ramp_index),
        },
        milestones={
            "gold": lambda record: record.reward > 0,
            "ramps": lambda record: record.after.ramp_index > record.before.ramp_index,
            "full boards": lambda record: record.after.occupied == 0x11111111,
            "spawns with no slot free": lambda record: (record.before.spawn_timer == 0) & (record.before.occupied == 0x11111111),
            "hardest settings reached": lambda record: (record.before.ramp_index == 8) & (record.after.ramp_index == 9),
        },
    )


def _seaquest() -> ReferenceGame:
    def draw(record: RecordedSteps) -> Sequence[Call]:
        spawns, dives = record.before.spawn_timer == 0, record.before.diver_timer == 0
        draws = record.draws
        return [
            _coin(draws.enemy_right, 1 / 2, spawns),
            _coin(draws.enemy_sub, 1 / 3, spawns),
            Call("randint", (1, 9, None), draws.enemy_y, spawns),
            _coin(draws.diver_right, 1 / 2, dives),
            Call("randint", (1, 9, None), draws.diver_y, dives),
        ]

    return ReferenceGame(
        name="seaquest",
        policy=scripted_policies.seaquest,
        horizon=8,
        script=lambda record: [_sticky(record), *draw(record)],
        reset_script=lambda first: [],
        attributes={
            "sub_x": Attribute(lambda s: s.x),
            "sub_y": Attribute(lambda s: s.y),
            "sub_or": Attribute(lambda s: s.faces_right),
            "oxygen": Attribute(lambda s: s.oxygen),
            "diver_count": Attribute(lambda s: s.crew),
            "surface": Attribute(lambda s: s.surfaced),
            "shot_timer": Attribute(lambda s: s.shot_timer),
            "e_spawn_timer": Attribute(lambda s: s.spawn_timer),
            "e_spawn_speed": Attribute(lambda s: 20 - s.ramp_index),
            "d_spawn_timer": Attribute(lambda s: s.diver_timer),
            "move_speed": Attribute(lambda s: 5 - np.minimum(s.ramp_index // 2, 3)),
            "ramp_index": Attribute(lambda s: s.ramp_index),
            "f_bullets": Attribute(lambda s: (s.shot.cell >= 0) + 0 + (s.older_shot.cell >= 0), len),
            "divers": Attribute(lambda s: (s.diver.row >= 0) + 0 + (s.older_diver.row >= 0), len),
            "e_fish": Attribute(lambda s: _count(s.enemies.fish), len),
            "e_subs": Attribute(lambda s: _count(s.enemies.subs), len),
        },
        milestones={
            "enemies shot": lambda record: record.reward > 0,
            "divers rescued": lambda record: record.after.crew > record.before.crew,
            "surfacings": lambda record: record.after.ramp_index > record.before.ramp_index,
            "hardest settings reached": lambda record: (record.before.ramp_index == 18) & (record.after.ramp_index == 19),
            "ten enemies at once": lambda record: _count(record.after.enemies.fish | record.after.enemies.subs) >= 10,
            "enemy bullets": lambda record: sum(_count(w) for w in (*record.after.rightward, *record.after.leftward)) > 0,
            "surfacings with six divers": lambda record: (record.before.crew == 6) & (record.after.crew == -1),
        },
    )


def _count(words: np.ndarray) -> np.ndarray:
    return np.unpackbits(words[..., None].view(np.uint8), axis=-1).sum(axis=-1)


REFERENCE_GAMES = {
    "Seaquest": _seaquest(),
    "Asterix": _asterix(),
    "Breakout": _breakout(),
    "Freeway": _freeway(),
    "SpaceInvaders": _space_invaders(),
}
