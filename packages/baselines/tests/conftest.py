"""What the tests share: three tiny tasks whose values and optima are known exactly, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import jaxenv
import pytest
from flax import struct
from jaxenv import Environment, Params, State, Transition, random, spaces
from jaxenv.cli import main
from jaxenv.errors import JaxenvError


@struct.dataclass
class CueState(State):
    """A bit, shown in the first step alone."""

    cue: Any


class Cue(Environment[CueState, Params]):
    """See a bit, wait two steps, say it: 1 if right, -1 if wrong. Without a memory 0 is the best."""

    @property
    def default_params(self):
        return Params(max_steps_in_episode=10)

    def init(self, key, params):
        return CueState(cue=random.bernoulli(random.words(key, 1)[0]))

    def transition(self, key, state, action, params):
        last = jnp.asarray(state.time, jnp.int32) == 2
        right = (action == 1) == state.cue
        return Transition(state, jnp.where(last, jnp.where(right, 1.0, -1.0), 0.0), last)

    def observe(self, state, params):
        time = jnp.asarray(state.time, jnp.int32)
        return jnp.stack([jnp.where(time == 0, 2.0 * state.cue.astype(jnp.float32) - 1.0, 0.0), (time == 2).astype(jnp.float32)])

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(-1.0, 1.0, (2,))


@struct.dataclass
class StandState(State):
    """Nothing but the time."""


class Stand(Environment[StandState, Params]):
    """Earn 1 a step for nothing until the time is up, which is not seen: with discount g every state is worth 1 / (1 - g)."""

    @property
    def default_params(self):
        return Params(max_steps_in_episode=5)

    def init(self, key, params):
        return StandState()

    def transition(self, key, state, action, params):
        return Transition(state, 1.0, False)

    def observe(self, state, params):
        return jnp.ones(1)

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(0.0, 1.0, (1,))


@struct.dataclass
class AimState(State):
    """Where the target is."""

    target: Any


class Aim(Environment[AimState, Params]):
    """Name the seen number, of one place on [2, 6], in one step: the reward is minus the squared distance."""

    @property
    def default_params(self):
        return Params(max_steps_in_episode=1)

    def init(self, key, params):
        return AimState(target=random.uniform(random.words(key, 1)[0], 3.0, 5.0))

    def transition(self, key, state, action, params):
        return Transition(state, -jnp.square(action[0] - state.target), True)

    def observe(self, state, params):
        return state.target[None]

    def action_space(self, params):
        return spaces.Box(2.0, 6.0, (1,))

    def observation_space(self, params):
        return spaces.Box(3.0, 5.0, (1,))


@pytest.fixture(scope="session", autouse=True)
def tasks() -> None:
    """Register the tasks: local/Cue, local/Stand, local/Aim."""
    for task in (Cue, Stand, Aim):
        jaxenv.register(task)


@pytest.fixture
def message() -> Callable[..., str]:
    """Return a function that calls another one and returns what the error of this class says: a sentence that ends in an action."""

    def raised_message(kind: type[JaxenvError], function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
        with pytest.raises(kind) as raised:
            function(*args, **kwargs)
        assert str(raised.value).endswith(".")
        return str(raised.value)

    return raised_message


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the command line and returns exit code, output and error output."""
    monkeypatch.setenv("COLUMNS", "160")

    def run(*args: Any) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return run
