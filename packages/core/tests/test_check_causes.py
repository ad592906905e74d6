"""Environments with the mistakes that authors make first: the kit names the line, what it does, and what to write instead."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jaxenv import Transition, spaces
from jaxenv.errors import HookResultTypeError
from jaxenv.testing import ConformanceError, check_env
from jaxenv.wrappers import ScaleReward
from promises import Walk, WalkParams, WalkState

pytestmark = pytest.mark.usefixtures("unoptimized")

HERE = "test_check_causes.py"
TABLE = {0: 0.0, 1: 1.0}
SEEN: list[Any] = []


class GymnasiumTuple(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return state.x, 0.0, False, False, {}


class Triple(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return state, 0.0, False


class Nothing(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        Transition(state, 0.0, terminated=False)


class BareState(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return state


class ArrayForState(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return Transition(state.x, 0.0, terminated=False)


class InitTuple(Walk):
    def init(self, key: Array, params: Any) -> Any:
        return jnp.zeros(1), WalkState(jnp.float32(0.0))


class InitArray(Walk):
    def init(self, key: Array, params: Any) -> Any:
        return jnp.zeros(3)


class InitNothing(Walk):
    def init(self, key: Array, params: Any) -> Any:
        WalkState(jnp.float32(0.0))


class NumberForSpace(Walk):
    def action_space(self, params: Any) -> Any:
        return 4


class TupleForSpace(Walk):
    def observation_space(self, params: Any) -> Any:
        return -2.0, 2.0


class IfOnState(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        if state.x > 0:
            state = state.replace(x=-state.x)
        return super().transition(key, state, action, params)


class IfOnParams(Walk):
    def init(self, key: Array, params: Any) -> Any:
        return WalkState(jnp.float32(1.0 if params.speed > 0 else 0.0))


class IfInObserve(Walk):
    def observe(self, state: Any, params: Any) -> Any:
        return state.x[None] if state.time < 3 else jnp.zeros(1)


class WhileOnState(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        x = state.x
        while x > 1.0:
            x = x - 1.0
        return super().transition(key, state.replace(x=x), action, params)


class AndOfFlags(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        out = super().transition(key, state, action, params)
        return out.replace(terminated=out.terminated and state.time > 3)


class NotOfFlag(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        out = super().transition(key, state, action, params)
        return out.replace(terminated=not out.terminated)


class PythonMax(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state.replace(x=max(state.x, 0.0)), action, params)


class AssertOnState(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        assert state.x < 2.0
        return super().transition(key, state, action, params)


class IntOfState(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state.replace(x=int(state.x) * 1.0), action, params)


class FloatOfParam(Walk):
    def init(self, key: Array, params: Any) -> Any:
        return WalkState(jnp.float32(float(params.speed)))


class SizeFromParams(Walk):
    def init(self, key: Array, params: Any) -> Any:
        return WalkState(jnp.zeros(params.max_steps_in_episode).sum())


class ListIndex(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state, action, params).replace(reward=[0.0, 1.0, 2.0][state.time])


class RangeOfState(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state, action, params).replace(reward=sum(1.0 for _ in range(state.time)))


class NumpyFunction(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state.replace(x=np.clip(np.asarray(state.x), 0.0, 1.0)), action, params)


class MathFunction(Walk):
    def observe(self, state: Any, params: Any) -> Any:
        return jnp.float32(math.sin(state.x))[None]


class Mask(Walk):
    def observe(self, state: Any, params: Any) -> Any:
        return state.x[None][state.x[None] > 0]


class DictLookup(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state, action, params).replace(reward=TABLE[state.time])


class OwnCounter(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        self.counter = 1  # pyright: ignore[reportAttributeAccessIssue]
        return super().transition(key, state, action, params)


class AssignsToState(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        state.x = state.x + 1.0
        return super().transition(key, state, action, params)


class AssignsToParams(Walk):
    def init(self, key: Array, params: Any) -> Any:
        params.speed = 1.0
        return super().init(key, params)


class AssignsToArray(Walk):
    def observe(self, state: Any, params: Any) -> Any:
        seen = jnp.zeros(1)
        seen[0] = state.x  # pyright: ignore[reportIndexIssue]
        return seen


class MisspeltField(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state.replace(y=state.x), action, params)


class MissingParam(Walk):
    def init(self, key: Array, params: Any) -> Any:
        return WalkState(jnp.float32(params.sped))


class KeepsTracer(Walk):
    def init(self, key: Array, params: Any) -> Any:
        start = params.speed * 2.0
        SEEN.append(start)
        return WalkState(start)

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state.replace(x=state.x + SEEN[0]), action, params)


class OtherShape(Walk):
    def observe(self, state: Any, params: Any) -> Any:
        return jnp.stack([state.x, state.x])


class OtherDtype(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        out = super().transition(key, state, action, params)
        return out.replace(state=out.state.replace(x=jnp.int32(0)))


class RewardOfTwo(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state, action, params).replace(reward=jnp.zeros(2))


class HelperBranches(Walk):
    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, flipped(state), action, params)


def flipped(state: Any) -> Any:
    return state if state.x > 0 else state.replace(x=-state.x)


class BrokenDefaults(Walk):
    @property
    def default_params(self) -> Any:
        return WalkParams(speed=1.0 / 0)


BRANCH = r"this decides in Python .*Write jnp\.where"
CONCRETE = r"this needs a value in Python .*jax\.numpy"
CAUSES: list[tuple[Any, str, str, str]] = [
    (
        GymnasiumTuple(),
        "transition",
        "",
        r"returned a tuple of 5, but a Transition .*`return Transition\(state, reward, terminated\)`",
    ),
    (Triple(), "transition", "", r"returned a tuple of 3, but a Transition was expected"),
    (Nothing(), "transition", "", r"transition returned None, but a Transition was expected"),
    (BareState(), "transition", "", r"returned a value of type WalkState, but a Transition was expected"),
    (
        ArrayForState(),
        "transition",
        "",
        r"but a Transition whose state is a State was expected\. Derive a class from jaxenv\.State",
    ),
    (InitTuple(), "init", "", r"init returned a tuple of 2, but a State was expected\. Derive a class from jaxenv\.State"),
    (InitArray(), "init", "", r"init returned an array, float32\[3\], but a State was expected"),
    (InitNothing(), "init", "", r"init returned None, but a State was expected"),
    (NumberForSpace(), "action_space", "", r"action_space returned a value of type int, but a space .*spaces\.Discrete"),
    (TupleForSpace(), "observation_space", "", r"observation_space returned a tuple of 2, but a space"),
    (IfOnState(), "transition", "if state.x > 0:", BRANCH),
    (IfOnParams(), "init", "return WalkState(jnp.float32(1.0 if params.speed > 0 else 0.0))", BRANCH),
    (IfInObserve(), "observe", "return state.x[None] if state.time < 3 else jnp.zeros(1)", BRANCH),
    (WhileOnState(), "transition", "while x > 1.0:", BRANCH),
    (AndOfFlags(), "transition", "return out.replace(terminated=out.terminated and state.time > 3)", BRANCH),
    (NotOfFlag(), "transition", "return out.replace(terminated=not out.terminated)", BRANCH),
    (PythonMax(), "transition", "max(state.x, 0.0)", BRANCH),
    (AssertOnState(), "transition", "assert state.x < 2.0", BRANCH),
    (IntOfState(), "transition", "int(state.x)", CONCRETE),
    (FloatOfParam(), "init", "float(params.speed)", CONCRETE),
    (
        SizeFromParams(),
        "init",
        "jnp.zeros(params.max_steps_in_episode)",
        r"is a field of the environment\.|raised TypeError: Shapes must be",
    ),
    (ListIndex(), "transition", "[0.0, 1.0, 2.0][state.time]", r"this uses a value as a Python integer .*Index a jnp\.array"),
    (RangeOfState(), "transition", "range(state.time)", r"this uses a value as a Python integer .*a field of the environment"),
    (NumpyFunction(), "transition", "np.clip(", r"this hands a value to NumPy .*jax\.numpy"),
    (MathFunction(), "observe", "math.sin(state.x)", CONCRETE),
    (Mask(), "observe", "[state.x[None] > 0]", r"takes the elements that a mask selects.*jnp\.where\(mask, a, b\)"),
    (DictLookup(), "transition", "TABLE[state.time]", r"looks a value up in a dict .*Index a jnp\.array"),
    (
        OwnCounter(),
        "transition",
        "self.counter = 1",
        r"OwnCounter\.counter cannot be set .*return state\.replace\(counter=\.\.\.\)",
    ),
    (
        AssignsToState(),
        "transition",
        "state.x = state.x + 1.0",
        r"assigns to the field x, .*Write state = state\.replace\(x=\.\.\.\)",
    ),
    (AssignsToParams(), "init", "params.speed = 1.0", r"assigns to the field speed, but states and params never change"),
    (AssignsToArray(), "observe", "seen[0] = state.x", r"changes an array in place.*x\.at\[index\]\.set\(value\)"),
    (MisspeltField(), "transition", "state.replace(y=state.x)", r"names y, which there is no field or argument for"),
    (MissingParam(), "init", "params.sped", r"raised AttributeError: .* no attribute 'sped'"),
    (KeepsTracer(), "init", "start = params.speed * 2.0", r"keeps a value from one call to use it in another.*field of the State"),
    (OtherShape(), "observe", "", r"OtherShape's observation is float32\[2\]"),
    (OtherDtype(), "transition", "", r"state\.x is int32\[\], but float32\[\] was expected"),
    (RewardOfTwo(), "transition", "", r"a reward of shape \(2,\), but a scalar was expected"),
    (HelperBranches(), "flipped", "return state if state.x > 0 else", BRANCH),
    (BrokenDefaults(), "default_params", "return WalkParams(speed=1.0 / 0)", "raised ZeroDivisionError: "),
]
"""An environment, the function that is to blame, a part of its line (empty: where the function begins), and what is said of it."""


@pytest.mark.parametrize(("env", "function", "line", "sentence"), CAUSES, ids=[type(cause[0]).__name__ for cause in CAUSES])
def test_the_first_cause_is_told_first(env: Any, function: str, line: str, sentence: str) -> None:
    SEEN.clear()
    with pytest.raises(ConformanceError) as caught:
        check_env(env)
    report = caught.value.report
    first = report.findings[0]
    assert re.search(rf"{HERE}:(\d+), in {function} \(", first), first
    assert re.search(sentence, first), first
    assert "Tracer" not in str(report).replace("KeepsTracer", "")
    assert "Traced<" not in str(report)
    number = int(re.search(rf"{HERE}:(\d+), in {function} \(", first)[1])  # pyright: ignore[reportOptionalSubscript]
    text = inspect.getsource(inspect.getmodule(type(env))).splitlines()[number - 1]  # pyright: ignore[reportArgumentType]
    assert (line or f"def {function}(") in text
    # All that could not be tried is one line.
    assert sum("not tried" in finding for finding in report.findings) == 1
    assert report.findings[-1].startswith("not tried")


def test_a_mistake_inside_a_wrapper_is_found_where_it_is() -> None:
    for env, fragment in ((IfOnState(), "`if state.x > 0:`"), (Triple(), "in transition")):
        with pytest.raises(ConformanceError) as caught:
            check_env(ScaleReward(env, 2.0))
        assert f"{HERE}:" in caught.value.report.findings[0]
        assert fragment in caught.value.report.findings[0]


def test_the_protocol_itself_refuses_what_hooks_must_not_return() -> None:
    with pytest.raises(HookResultTypeError, match=r"Triple\.transition returned a tuple of 3, but a Transition was expected"):
        Triple().step(jax.random.key(0), WalkState(jnp.float32(0.0)), jnp.zeros(1))
    with pytest.raises(HookResultTypeError, match=r"InitTuple\.init returned a tuple of 2, but a State was expected"):
        InitTuple().reset(jax.random.key(0))


class TwoMistakes(Walk):
    def init(self, key: Array, params: Any) -> Any:
        return super().init(key, params)

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Any:
        return super().transition(key, state if state.x > 0 else state.replace(x=-state.x), action, params)

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-1.0, 1.0, (1,))


def test_what_keeps_other_checks_from_being_tried_comes_before_the_rest() -> None:
    with pytest.raises(ConformanceError) as caught:
        check_env(TwoMistakes())
    lines = str(caught.value).splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["failed", "step:"],
        ["failed", "docstring:"],
        ["inconclusive", "spec:"],
        ["not", "tried"],
    ]
    assert lines[-1].endswith("gradients: 'step' failed")
