"""Environments whose hooks ignore their params or reset by themselves: each breaks one promise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from flax import struct
from jax import Array
from jaxenv import Transition, spaces
from jaxenv.testing import check_env
from promises import Walk, WalkParams, WalkState, Wrong, each, promises, require_told

pytestmark = pytest.mark.usefixtures("unoptimized")


class OwnDefaults(Walk):
    """Its transition takes the default params."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(key, state, action, self.default_params)


class OwnDefaultsAtFirst(Walk):
    """Its init takes the default params."""

    def init(self, key: Array, params: Any) -> Any:
        return super().init(key, params).replace(x=jnp.float32(0.0) + self.default_params.speed)


class OwnDefaultsSeen(Walk):
    """What it shows follows from the default params."""

    def observe(self, state: Any, params: Any) -> Any:
        return (state.x * self.default_params.speed)[None]


class OwnDefaultsInSpace(Walk):
    """The bounds of its actions follow from the default params."""

    def action_space(self, params: Any) -> spaces.Space:
        speed = jnp.broadcast_to(jnp.asarray(self.default_params.speed, jnp.float32), (1,))
        return spaces.Box(-speed, speed, (1,))


class Constant(Walk):
    """It has a param that nothing reads."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(key, state, action, params.replace(speed=0.3))


class DeclaresNoDrawInTransition(Walk):
    """Its transition draws, and it declares that it does not."""

    def draws_in_transition(self, params: Any) -> bool:
        return False


class DeclaresNoDrawInInit(Walk):
    """Its init draws, and it declares that it does not."""

    def draws_in_init(self, params: Any) -> bool:
        return False


class Undeclared(Walk):
    """It draws nothing, and does not declare it."""

    def init(self, key: Array, params: Any) -> Any:
        return WalkState(jnp.zeros(()))

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        return super().transition(jax.random.key(0), state, action, params)


class CallsInit(Walk):
    """Its transition calls init when the task ends."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        fresh = self.init(key, params)
        return out.replace(state=jax.tree.map(lambda a, b: jnp.where(out.terminated, a, b), fresh.replace(time=0), out.state))


class CallsReset(Walk):
    """Its transition calls reset when the task ends."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        _, fresh = self.reset(key, params)
        return out.replace(state=out.state.replace(x=jnp.where(out.terminated, fresh.x, out.state.x)))


class GoesHome(Walk):
    """Its transition sets the state back when the task ends."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        return out.replace(state=out.state.replace(x=jnp.where(out.terminated, 0.0, out.state.x)))


class GoesHomeTwice(Walk):
    """The same, with the end of the task computed twice, and a count that it keeps."""

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        x = super().transition(key, state, action, params).state.x
        return Transition(state.replace(x=jnp.where(jnp.abs(x) > 1.0, 0.0, x)), 0.0, jnp.abs(x) > 1.0)


WRONG: Wrong = [
    (
        "params_used",
        OwnDefaults(),
        r"test_check_hooks\.py:\d+, in transition .*reads self\.default_params\.speed.* Write params\.speed",
    ),
    ("params_used", OwnDefaultsAtFirst(), r"init reads self\.default_params\.speed"),
    ("params_used", OwnDefaultsSeen(), r"observe reads self\.default_params\.speed"),
    ("params_used", OwnDefaultsInSpace(), r"action_space reads self\.default_params\.speed"),
    ("params_used", Constant(), r"no hook reads params\.speed, so the params change nothing"),
    (
        "draws",
        DeclaresNoDrawInTransition(),
        r"in transition .*draws from its key, but draws_in_transition returns False.* Let draws_in_transition\(params\) return",
    ),
    ("draws", DeclaresNoDrawInInit(), r"in init .*draws from its key, but draws_in_init returns False"),
    ("no_own_reset", CallsInit(), r"in transition .*resets by itself: on all \d+ steps that terminated, state\.x was what"),
    ("no_own_reset", CallsReset(), "transition resets by itself"),
    ("no_own_reset", GoesHome(), "transition resets by itself"),
    ("no_own_reset", GoesHomeTwice(), "transition resets by itself"),
]


@each(WRONG)
def test_a_broken_promise_is_reported(check: str, env: Any, sentence: str) -> None:
    require_told(check, env, sentence)


@struct.dataclass
class MoreParams(WalkParams):
    drift: Array | float = 0.0


class SometimesUnread(Walk):
    """One of its params matters with another field."""

    drifting: bool = False

    @property
    def default_params(self) -> Any:
        return MoreParams(max_steps_in_episode=50)

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        if self.drifting:
            state = state.replace(x=state.x + params.drift)
        return super().transition(key, state, action, params)


def test_one_param_that_is_not_read_is_said_and_no_failure() -> None:
    (unread,) = check_env(SometimesUnread(), only=["params_used"]).inconclusive
    assert unread.message.startswith("no hook reads params.drift")
    assert check_env(SometimesUnread(drifting=True), only=["params_used"]).inconclusive == ()


def test_a_key_that_is_split_for_nothing_is_said_and_no_failure() -> None:
    (hint,) = check_env(Undeclared(), only=["draws"]).inconclusive
    assert hint.message == (
        "init ignores its key. Let draws_in_init(params) return False: step then splits no key; "
        "transition ignores its key. Let draws_in_transition(params) return False: step then splits no key"
    )


@struct.dataclass
class RoundState(WalkState):
    rounds: Array


class Rounds(Walk):
    """It begins a round anew by init, which ends no episode; the shapes of its defaults are no values."""

    def init(self, key: Array, params: Any) -> Any:
        assert jnp.shape(self.default_params.speed) == ()
        return RoundState(x=super().init(key, params).x, rounds=jnp.int32(0))

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        last = state.rounds == 1
        x = jnp.where(out.terminated & ~last, self.init(key, params).x, out.state.x)
        return out.replace(
            state=out.state.replace(x=x, rounds=state.rounds + out.terminated.astype(jnp.int32)), terminated=out.terminated & last
        )


class Remembers(Walk):
    """Its state holds whether it has ended."""

    def init(self, key: Array, params: Any) -> Any:
        return RoundState(x=super().init(key, params).x, rounds=jnp.int32(0))

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        out = super().transition(key, state, action, params)
        return out.replace(state=out.state.replace(rounds=jnp.where(out.terminated, 2, 1)))


@pytest.mark.parametrize("env", [Rounds(), Remembers()])
def test_rounds_within_an_episode_are_no_resets(env: Any) -> None:
    assert check_env(env, only=["no_own_reset", "params_used", "restart"]).passed


def test_every_promise_has_an_environment_that_breaks_it() -> None:
    assert {check for check, _, _ in WRONG} == promises("hooks")
