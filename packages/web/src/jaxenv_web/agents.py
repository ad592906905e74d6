"""A trained policy as JavaScript: its network, with rounded weights that the page holds as text."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxenv.engine.scalar import ScalarProgram, UnsupportedError
from jaxenv.engine.scalar.program import Derived
from jaxenv.registry import LoadedPolicy

from jaxenv_web.errors import NotWritableError
from jaxenv_web.javascript import Tables, Writer, finished
from jaxenv_web.programs import Programs, values

MOST_BYTES = 200_000
"""How much an agent may add to a page."""
SMALLEST_MATRIX = 64
"""Numbers of an array from which it is kept as text."""
LONGEST = 200
LEVELS = (65_536, 255, 91, 15)
"""How many values a weight can have, from the most to the fewest; the largest arrays get fewer first."""
CHARACTERS = "".join(map(chr, sorted({*range(32, 127)} - set(map(ord, '"<\\')))))
"""What weights are written in: 92 characters that stand for themselves in a string within HTML."""


@dataclass(frozen=True)
class Agent:
    """A policy that plays in a page."""

    source: str
    """The JavaScript function ``act(carry, obs, key)``, which returns ``carry`` and ``action``, or the action alone."""
    weights: str
    """JavaScript that defines the weights, ``W``."""
    carry: Any
    """The carry at the start of an episode, in JSON's terms; None without."""
    levels: tuple[int, ...]
    """For each array of weights how many values a weight can have."""

    @property
    def size(self) -> int:
        """How many bytes it adds to a page."""
        return len(self.source) + len(self.weights)


def agent(programs: Programs, policy: LoadedPolicy, tables: Tables) -> Agent:
    """Return a policy as JavaScript.

    Args:
        programs: of its environment.
        policy: the policy, its parameters and its first carry.
        tables: where small constant arrays go.

    Raises:
        NotWritableError: the policy can't be taken apart, or its weights don't fit into a page.
    """
    program = _program(programs, policy)
    writer = _AgentWriter(program, policy.policy_params, tables)
    try:
        writer.statements()
        source = finished("act", ["carry", "obs", "key"], writer)
    except UnsupportedError as error:
        raise NotWritableError(programs.env.name, "the agent", str(error)) from error
    carry = None if policy.initial_carry is None else values(policy.initial_carry)
    weights = [Weights(name, array) for name, array in writer.weights.values()]
    while True:
        text = "\n".join(x.text for x in weights)
        if len(source) + len(text) <= MOST_BYTES:
            return Agent(source, text, carry, tuple(x.levels for x in weights))
        rounder = [i for i, x in enumerate(weights) if x.levels != LEVELS[-1]]
        if not rounder:
            raise NotWritableError(programs.env.name, "the agent", f"{len(text):,} bytes, where at most {MOST_BYTES:,} fit")
        largest = max(rounder, key=lambda i: len(weights[i].text))
        weights[largest] = weights[largest].shorter()


def _program(programs: Programs, policy: LoadedPolicy) -> ScalarProgram:
    recurrent, learned = policy.initial_carry is not None, policy.policy_params is not None

    def act(policy_params: Any, carry: Any, obs: Any, key: Any) -> Any:
        args = ([policy_params] if learned else []) + ([carry] if recurrent else [])
        out = policy.policy(*args, obs, key)
        after, action = out if recurrent else (carry, out)
        return (after, programs.cast(action)) if recurrent else (programs.cast(action),)

    def shapes(tree: Any) -> Any:
        return jax.eval_shape(lambda: jax.tree.map(jnp.asarray, tree))

    given = {"policy_params": shapes(policy.policy_params), "carry": shapes(policy.initial_carry)}
    results = "carry action" if recurrent else "action"
    return programs.program("the agent", act, "policy_params carry obs key", results, **given)


class _AgentWriter(Writer):
    """Writes a policy, and keeps the arrays that its weights are in."""

    def __init__(self, program: ScalarProgram, policy_params: Any, tables: Tables) -> None:
        self.weights: dict[int, tuple[str, np.ndarray]] = {}
        arrays = map(np.asarray, jax.tree.leaves(policy_params))
        self._learned = dict(enumerate(arrays))
        super().__init__(program, {"policy_params": "W", "carry": "carry", "obs": "obs", "key": "key"}, tables, LONGEST)

    def constant(self, leaf: int) -> np.ndarray:
        if leaf in self._learned:
            return self._learned[leaf]
        value = self._constants.get(leaf)
        if isinstance(value, Derived):
            return np.asarray(value.function(*(jnp.asarray(self.constant(i)) for i in value.arguments)))
        return super().constant(leaf)

    def _array(self, leaf: int) -> str:
        if leaf not in self._learned and leaf not in self._constants:
            return super()._array(leaf)
        array = self.constant(leaf)
        if array.size < SMALLEST_MATRIX or array.dtype != np.float32:
            return self.tables.name(array)
        name, _ = self.weights.setdefault(leaf, (f"W{len(self.weights)}", array))
        return name

    def _scalar(self, instruction: Any) -> str:
        if instruction.op == "argument" and instruction.leaf in self._learned:
            return f"{self._array(instruction.leaf)}[{instruction.element}]"
        return super()._scalar(instruction)


@dataclass(frozen=True)
class Weights:
    """An array of weights as text."""

    name: str
    """Its name in JavaScript."""
    array: np.ndarray
    """Its values, float32."""
    levels: int = LEVELS[0]
    """How many values a weight can have: all of float16's, or those at equal distances of a scale for each column."""

    def shorter(self) -> Weights:
        """Return the same weights with fewer levels."""
        return replace(self, levels=LEVELS[LEVELS.index(self.levels) + 1])

    @cached_property
    def rounded(self) -> tuple[np.ndarray, np.ndarray]:
        """The number of levels from zero of each weight, and the scale of each column, float16."""
        matrix, most = self.array.reshape(-1, self.array.shape[-1]), self.levels // 2
        largest = np.maximum(np.abs(matrix).max(axis=0), 1e-6)
        best, scale = np.full(largest.shape, np.inf), largest / most
        for part in np.linspace(1.0, 0.3, 15):  # a smaller scale cuts off the largest weights and rounds the others less
            now = (part * largest / most).astype(np.float16).astype(np.float32)
            error = np.square(np.clip(np.rint(matrix / now), -most, most) * now - matrix).sum(axis=0)
            scale, best = np.where(error < best, now, scale), np.minimum(error, best)
        return np.clip(np.rint(matrix / scale), -most, most).astype(np.int64), scale.astype("<f2")

    @cached_property
    def values(self) -> np.ndarray:
        """The weights that the page computes with."""
        if self.levels == LEVELS[0]:
            return self.array.astype(np.float16).astype(np.float32)
        numbers, scale = self.rounded
        return (numbers * scale.astype(np.float32)).astype(np.float32).reshape(self.array.shape)

    @cached_property
    def text(self) -> str:
        """Their definition in JavaScript."""
        if self.levels == LEVELS[0]:
            return f'const {self.name} = fromHalf("{_base64(self.array.astype("<f2"))}");'
        numbers, scale = self.rounded
        characters = _characters(numbers.reshape(-1), self.levels)
        return f'const {self.name} = fromLevels("{characters}", {self.levels}, fromHalf("{_base64(scale)}"));'


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _characters(numbers: np.ndarray, levels: int) -> str:
    """Return numbers around zero as characters: five of 15 levels in three, others of 91 in one each, of 255 in base64."""
    digits = numbers + levels // 2
    if levels == 255:
        return _base64(digits.astype(np.uint8))
    if levels == 15:
        fives = np.pad(digits, (0, -len(digits) % 5)).reshape(-1, 5) @ 15 ** np.arange(4, -1, -1)
        digits = (fives[:, None] // np.array([92**2, 92, 1]) % 92).reshape(-1)
    return "".join(CHARACTERS[digit] for digit in digits)
