"""Stand-ins for the libraries that benchmarks compare with: the same ladder in the interface of each, and a stopwatch's dummy."""

from __future__ import annotations

import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array
from jaxenv.benchmark.libraries import Library, PeerTask
from jaxenv.benchmark.network import Network
from jaxenv.benchmark.workload import Workload
from jaxenv.errors import JaxenvError

TOP, LIMIT = 6, 20


def climb(rung: Any, action: Any, time: Any, maximum: Any) -> tuple[Any, Any, Any]:
    """One step on the ladder of core's tests: the rung, whether it is the top, and whether time is up."""
    rung = maximum(rung + action - 1, 0)
    return rung, rung >= TOP, time + 1 >= LIMIT


@struct.dataclass
class LadderState:
    rung: Array
    time: Array
    key: Array


class GymnaxLadder:
    """In gymnax's interface."""

    num_actions = 3

    def action_space(self, params: Any) -> Any:
        return SimpleNamespace(n=3, sample=lambda key: jax.random.randint(key, (), 0, 3))

    def reset(self, key: Array, params: Any) -> tuple[Any, LadderState]:
        state = LadderState(jnp.int32(1), jnp.int32(0), key)
        return state.rung[None], state

    def step(self, key: Array, state: LadderState, action: Array, params: Any) -> tuple[Any, ...]:
        rung, top, late = climb(state.rung, action, state.time, jnp.maximum)
        obs, fresh = self.reset(state.key, params)
        state = jax.tree.map(lambda a, b: jnp.where(top | late, a, b), fresh, LadderState(rung, state.time + 1, state.key))
        return state.rung[None], state, jnp.float32(rung), top, late, {}


@struct.dataclass
class PgxState:
    observation: Array
    rewards: Array
    terminated: Array
    truncated: Array
    time: Array


class PgxLadder:
    """In pgx's interface."""

    num_actions = 3

    def init(self, key: Array) -> PgxState:
        return PgxState(jnp.int32([1]), jnp.float32([0.0]), jnp.bool_(False), jnp.bool_(False), jnp.int32(0))

    def step(self, state: PgxState, action: Array, key: Array | None = None) -> PgxState:
        rung, top, late = climb(state.observation[0], action, state.time, jnp.maximum)
        return PgxState(rung[None], jnp.float32(rung)[None], top, late, state.time + 1)


def auto_reset(step: Any, init: Any) -> Any:
    """As ``pgx.experimental.auto_reset``."""

    def stepped(state: PgxState, action: Array, key: Array) -> PgxState:
        after = step(state, action, key)
        over = after.terminated | after.truncated
        fresh = init(key).replace(rewards=after.rewards, terminated=after.terminated, truncated=after.truncated)
        return jax.tree.map(lambda a, b: jnp.where(over, a, b), fresh, after)

    return stepped


class VectorLadder:
    """In the interface of envpool's vector environments; remembers what it was made with and stepped with."""

    action_space = SimpleNamespace(n=3)

    def __init__(self, name: str, num_envs: int, num_threads: int) -> None:
        self.name, self.num_envs, self.num_threads = name, num_envs, num_threads
        self.actions: list[np.ndarray] = []

    def reset(self) -> tuple[Any, dict[str, Any]]:
        self.rung, self.time = np.ones(self.num_envs, np.int32), np.zeros(self.num_envs, np.int32)
        self.actions.clear()
        return self.rung[:, None], {}

    def step(self, actions: np.ndarray) -> tuple[Any, ...]:
        assert actions.shape == (self.num_envs,)
        assert actions.dtype == np.int32
        self.actions.append(actions)
        rung, top, late = climb(self.rung, actions, self.time, np.maximum)
        self.rung, self.time = np.where(top | late, 1, rung), np.where(top | late, 0, self.time + 1)
        return self.rung[:, None], rung.astype(np.float32), top, late, {}


class VectorSlider(VectorLadder):
    """The same with one continuous action between -1 and 1."""

    action_space = SimpleNamespace(low=np.float32([-1.0]), high=np.float32([1.0]), shape=(1,))

    def step(self, actions: np.ndarray) -> tuple[Any, ...]:
        assert actions.shape == (self.num_envs, 1)
        assert actions.dtype == np.float32
        self.actions.append(actions)
        return self.rung[:, None], actions[:, 0], actions[:, 0] > 2, actions[:, 0] > 2, {}


def install(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str] | None = None) -> dict[str, Any]:
    """Put the stand-ins where gymnax, pgx and envpool would be imported from; return the vector environments by name."""
    made: dict[str, Any] = {}

    def make_gymnasium(name: str, num_envs: int, num_threads: int) -> Any:
        made[name] = (VectorSlider if "Pendulum" in name else VectorLadder)(name, num_envs, num_threads)
        return made[name]

    modules = {
        "gymnax": {"registered_envs": ["Ladder", "Pong-misc"], "make": lambda name: (GymnaxLadder(), None)},
        "pgx": {"make": lambda name: PgxLadder()},
        "pgx.experimental": {"auto_reset": auto_reset},
        "envpool": {"make_gymnasium": make_gymnasium},
    }
    for name, contents in modules.items():
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    known = {"jaxenv-core": "0.1.0", "gymnax": "1.0.1", "pgx": "2.6.0", "envpool": "1.2.5"} | (versions or {})
    monkeypatch.setattr("importlib.metadata.version", known.__getitem__)
    return made


class Sleeper:
    """A program that takes the time that it is told to, and fails when it is told to."""

    state_bytes = 8

    def __init__(self, seconds: float, compiles: bool = True, fails: str = "", network: Network | None = None) -> None:
        self.seconds, self.compiles, self.fails = seconds, compiles, fails
        self.network = network or Network(3, (), (2,))
        self.events: list[str] = []
        self.prepared = 0

    def compile(self) -> None:
        self.events.append("compile")
        if self.fails == "compile":
            raise JaxenvError("It does not compile.\nSo it is.")

    def ready(self, seed: int) -> None:
        self.prepared = seed
        time.sleep(self.seconds)  # which no run may count

    def run(self, seed: int) -> None:
        assert seed in (0, self.prepared)
        self.events.append(f"run {seed}")
        if self.fails == f"run {seed}":
            raise MemoryError
        time.sleep(self.seconds)


def sleeper(program: Sleeper, difference: str = "", module: str = "jaxenv", threaded: bool = False) -> Library:
    """Return a library that has every task but those of the row."""

    def find(name: str) -> PeerTask | None:
        return None if name.startswith("row/") else PeerTask(name, difference)

    def make(workload: Workload) -> Sleeper:
        program.workload = workload
        return program

    return Library("Sleeper", ("jaxenv-core",), module, find, make, threaded)
