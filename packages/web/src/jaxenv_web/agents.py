"""A trained policy as JavaScript: its network, with rounded weights that the page holds as text."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Agent:
    """A policy that plays in a page."""

    source: str
    """The JavaScript function ``act(carry, obs, key)``, which returns ``carry`` and ``action``, or the action alone."""
    weights: str
    """JavaScript that defines the weights, ``W``."""
    carry: Any
    """The carry at the start of an episode, in JSON's terms; None without."""
    bits: int
    """Of each weight: 16 or 8."""

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
    for bits in (16, 8):
        found = Agent(source, _weights(writer.weights, bits), carry, bits)
        if found.size <= MOST_BYTES:
            return found
    raise NotWritableError(programs.env.name, "the agent", f"{found.size:,} bytes, where at most {MOST_BYTES:,} fit")


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


def _weights(arrays: dict[int, tuple[str, np.ndarray]], bits: int) -> str:
    """Return the definitions of weights: as float16, or as int8 with one scale for each column."""
    lines: list[str] = []
    for name, array in arrays.values():
        if bits == 16:
            lines.append(f'const {name} = fromHalf("{_text(array.astype("<f2"))}");')
            continue
        matrix = array.reshape(-1, array.shape[-1])
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / 127
        rounded = np.rint(matrix / scale).astype(np.int8)
        lines.append(f'const {name} = fromBytes("{_text(rounded)}", fromHalf("{_text(scale.astype("<f2"))}"));')
    return "\n".join(lines)


def _text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def carry_text(found: Agent) -> str:
    """Return the first carry as JavaScript."""
    return json.dumps(found.carry)
