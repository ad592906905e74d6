"""Which key does what: a person's keys for an environment's actions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxenv import spaces
from jaxenv.errors import NoControlsError

ARROWS = {"left": "←", "right": "→", "up": "↑", "down": "↓"}
_DIGITS = "0123456789abcdefghijklmnop"
_PAIRS = (("left", "right"), ("down", "up"), ("a", "d"), ("s", "w"), ("j", "l"), ("k", "i"))
"""The keys for less and for more of each component of a Box."""
_WASD = {"a": "left", "d": "right", "w": "up", "s": "down"}
_IDLE = {"stay", "nothing", "no", "not", "wait", "stand"}
_FIRE = {"fire", "shoot"}


class Controls(NamedTuple):
    """What a person can do."""

    actions: Mapping[str, Any]
    """The action of each key."""
    idle: Any
    """The action that does least: what happens in real time while no key is pressed."""
    legend: list[tuple[str, str]]
    """Keys and what they do, to be shown."""


def controls(env: Any, params: Any) -> Controls:
    """Return the keys for the actions of ``env``.

    What actions do is read from the table of actions in the docstring of the environment's class: one that goes left is on the left
    arrow, and so on. Every choice is on a digit, too.

    Raises:
        NoControlsError: actions have parts, in a Tuple or a Dict.
    """
    space = env.action_space(params)
    names = action_names(type(env.unwrapped))
    match space:
        case spaces.Discrete():
            keys, idle = _choices(names if len(names) == space.n else [f"action {i}" for i in range(space.n)])
            legend = [(" ".join(_shown(key) for key in found), name) for name, found in keys.items()]
            actions = {key: np.int32(space.start + i) for i, found in enumerate(keys.values()) for key in found}
            return Controls(actions, np.int32(space.start + idle), legend)
        case spaces.MultiDiscrete() if space.shape == (2,) and set(np.asarray(space.nvec)) == {len(names)}:
            return _two_players(names)
        case spaces.Box() if len(space.shape) == 1 and space.shape[0] <= len(_PAIRS):
            return _levers(space, names)
        case _:
            raise NoControlsError(env.name, space)


def action_names(cls: type) -> list[str]:
    """Return what each action does, from the table in a class's docstring; empty where there is none."""
    table = re.search(r"^(=+ +=+.*)\nAction +Meaning.*\n\1\n(.*?)\n\1", inspect.getdoc(cls) or "", re.MULTILINE | re.DOTALL)
    if table is None:
        return []
    starts = [column.start() for column in re.finditer("=+", table[1])]
    names: dict[int, str] = {}
    for row in table[2].splitlines():
        for index in re.findall(r"\d+", row[: starts[1]]):
            names[int(index)] = row[slice(*[*starts, None][1:3])].strip()
    return [names[i] for i in range(len(names))] if sorted(names) == list(range(len(names))) else []


def _choices(names: list[str]) -> tuple[dict[str, list[str]], int]:
    """Return the keys of each choice, and the choice that does least."""
    words = [set(re.findall(r"[a-z]+", name.lower())) for name in names]
    found = {key: i for key in ARROWS for i in [_first(words, {key})] if i is not None}
    idle, fire = _first(words, _IDLE), _first(words, _FIRE)
    if not found and len(names) in (2, 3):
        found = {"left": 0, "right": len(names) - 1}
        idle = 1 if len(names) == 3 else idle
    rest = fire if fire is not None else idle
    if rest is not None:
        found["space"] = rest
    keys: dict[str, list[str]] = {}
    for i, name in enumerate(names):
        label = name if name not in keys else f"{name} ({i})"
        keys[label] = [key for key, action in found.items() if action == i] + list(_DIGITS[i : i + 1])
    return keys, idle or 0


def _first(words: list[set[str]], wanted: set[str]) -> int | None:
    return next((i for i, found in enumerate(words) if found & wanted), None)


def _two_players(names: list[str]) -> Controls:
    """One player on the letters, one on the arrows."""
    keys, idle = _choices(names)
    of_arrow = {key: i for i, found in enumerate(keys.values()) for key in found if key in ARROWS}
    rest = np.full(2, idle, np.int32)
    actions: dict[str, Any] = {"space": rest}
    legend = [("space", names[idle])]
    for letter, arrow in _WASD.items():
        if arrow in of_arrow:
            actions[letter] = np.array([of_arrow[arrow], idle], np.int32)
            actions[arrow] = np.array([idle, of_arrow[arrow]], np.int32)
            legend.append((f"{letter} {_shown(arrow)}", names[of_arrow[arrow]]))
    return Controls(actions, rest, legend)


def _levers(space: spaces.Box, names: list[str]) -> Controls:
    """Each component of a Box goes to one of its bounds, or one unit from zero where it has none, while its key is pressed."""
    low, high = (np.broadcast_to(np.asarray(bound, np.float32), space.shape) for bound in (space.low, space.high))
    idle = np.clip(np.zeros(space.shape, np.float32), low, high)
    actions: dict[str, Any] = {"space": idle}
    legend = [("space", "nothing")]
    for i in range(space.shape[0]):
        label = names[i] if len(names) == space.shape[0] and len(set(names)) == len(names) else f"action {i}"
        for key, bound, sign in zip(_PAIRS[i], (low[i], high[i]), (-1, 1), strict=True):
            actions[key] = idle.copy()
            actions[key][i] = bound if np.isfinite(bound) else sign
            legend.append((_shown(key), f"{label} {actions[key][i]:+g}"))
    return Controls(actions, idle, legend)


def _shown(key: str) -> str:
    return ARROWS.get(key, key)
