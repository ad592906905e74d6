"""Environments that are no values, have no params, say nothing of themselves or cannot draw: each breaks one promise."""

from __future__ import annotations

import random as python_random
from dataclasses import field
from typing import Any

import jax.numpy as jnp
import pytest
from flax import struct
from jax import Array
from jaxenv import Environment, EnvSpec, spaces
from jaxenv.errors import RenderNotSupportedError
from jaxenv.testing import ConformanceError, check_env
from promises import ComparedByIdentity, Walk, WalkParams, Wrong, each, promises, require_told

pytestmark = pytest.mark.usefixtures("unoptimized")


class FlickeringParams(Walk):
    """Its defaults are never the same."""

    @property
    def default_params(self) -> Any:
        return WalkParams(speed=python_random.random())


@struct.dataclass
class EndlessParams:
    speed: Array | float = 0.3


class NoTimeLimit(Walk):
    """Its params lack the time limit."""

    @property
    def default_params(self) -> Any:
        return EndlessParams()


class OtherTemplate(Walk):
    """It checks params against those of another class."""

    @property
    def params_template(self) -> Any:
        return EndlessParams()


class Unfinished(Environment[Any, Any]):
    """It lacks a hook."""

    default_params = Walk.default_params
    init = Walk.init
    transition = Walk.transition
    observe = Walk.observe
    action_space = Walk.action_space


class ForgottenProperty(Walk):
    """Its default_params would have to be called."""

    def default_params(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return WalkParams()


class ShortOfArguments(Walk):
    """Its transition takes too little."""

    def transition(self, state: Any, action: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return state


class Keywords(Walk):
    """Its observe wants names."""

    def observe(self, *, state: Any, params: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return state.x


class PropertyForMethod(Walk):
    """Its action space is read without a call."""

    @property
    def action_space(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return spaces.Discrete(2)


class BrokenParams(Walk):
    """Its default params cannot be made."""

    @property
    def default_params(self) -> Any:
        return WalkParams(sped=1.0)  # pyright: ignore[reportCallIssue]


class ListField(Walk):
    """It has a field that cannot be hashed."""

    sizes: Any = field(default_factory=lambda: [1, 2])


class LambdaField(Walk):
    """It has a field that cannot be pickled."""

    shape: Any = field(default_factory=lambda: lambda x: x)


class ObjectField(Walk):
    """It has a field that equals itself alone."""

    map: Any = field(default_factory=object)


class Undocumented(Walk):
    pass


class Rooms(Walk):
    """It has a field."""

    rooms: int = 2


class FloatImage(Walk):
    """Its drawing is no uint8 image."""

    def render(self, state: Any, params: Any, size: Any = 256) -> Array:
        return jnp.zeros((8, 8, 3))


class DrawsInPython(Walk):
    """Its drawing leaves JAX."""

    def render(self, state: Any, params: Any, size: Any = 256) -> Array:
        return jnp.zeros((8, int(state.x), 3), jnp.uint8)


class DrawsElsewhere(Walk):
    """It says why it has no drawing."""

    def render(self, state: Any, params: Any, size: Any = 256) -> Array:
        raise RenderNotSupportedError("DrawsElsewhere")


WRONG: Wrong = [
    ("environment", Walk, "does not derive from jaxenv.Environment"),
    ("hooks", Unfinished(), r"Unfinished does not define observation_space\(params\)\. Define it on the class\."),
    ("hooks", ForgottenProperty(), r"test_check_identity.py:\d+, in default_params .*is a method.* Write @property above it\."),
    ("hooks", ShortOfArguments(), r"in transition .* by position, .* Write `def transition\(self, key, state, action, params\)`\."),
    ("hooks", Keywords(), r"in observe .* by position, .* Write `def observe\(self, state, params\)`\."),
    ("hooks", PropertyForMethod(), r"in action_space .*is no method, .*\(params\)\. Write a method\."),
    (
        "params",
        BrokenParams(),
        r"default_params fails: .*test_check_identity.py:\d+, in default_params .*`return WalkParams\(sped=1.0\)`",
    ),
    ("params", FlickeringParams(), "differs from one access to the next"),
    ("params", NoTimeLimit(), "0 leaves named max_steps_in_episode"),
    ("params", OtherTemplate(), "are a WalkParams, but OtherTemplate takes EndlessParams"),
    ("hashable", ListField(), "cannot be hashed .*unhashable type: 'list'"),
    ("equal_by_value", ComparedByIdentity(), "a copy of the environment does not equal it"),
    ("equal_by_value", ObjectField(), "a copy of the environment does not equal it"),
    ("pickle", LambdaField(), "cannot be pickled"),
    ("docstring", Undocumented(), "Undocumented has no docstring"),
    ("render", FloatImage(), r"render returns float32\[8,8,3\], but an image is uint8"),
    ("render", DrawsInPython(), "render cannot be traced"),
]


@each(WRONG)
def test_a_broken_promise_is_reported(check: str, env: Any, sentence: str) -> None:
    require_told(check, env, sentence)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kwargs": {"roomz": 3}}, r"has 'roomz' in its kwargs, which is none of the fields of Rooms\. Did you mean 'rooms'\?"),
        ({"kwargs": {"walls": 3}}, r"has 'walls' in its kwargs, .* of Rooms\. Choose from rooms\."),
        (
            {"params": {"sped": 3.0}},
            r"has 'sped' in its params, which is none of the leaves of its params .* Did you mean 'speed'\?",
        ),
        ({"params": {"rooms": 3}}, r"has 'rooms' in its params"),
        ({"entry_point": "test_check_identity:Roms"}, r"the EnvSpec's entry point does not work\. .*Roms"),
    ],
)
def test_a_spec_with_settings_that_the_class_does_not_have(settings: dict[str, Any], sentence: str) -> None:
    spec = EnvSpec("Rooms-v0", summary="Rooms.", reference="None.", **{"entry_point": f"{__name__}:Rooms"} | settings)
    with pytest.raises(ConformanceError, match=sentence):
        check_env(Rooms(), spec=spec, only=["spec"])


def test_a_spec_with_settings_that_the_class_has() -> None:
    spec = EnvSpec("Rooms-v0", f"{__name__}:Rooms", {"rooms": 3}, {"speed": 1.0}, summary="Rooms.", reference="None.")
    assert check_env(Rooms(rooms=3), spec=spec, only=["spec"]).passed


def test_a_spec_without_summary_is_reported() -> None:
    with pytest.raises(ConformanceError, match="the EnvSpec of Walk-v0 has no summary"):
        check_env(Walk(), spec=EnvSpec("Walk-v0", entry_point="walks:Walk"), only=["spec"])


def test_an_environment_may_say_why_it_has_no_drawing() -> None:
    report = check_env(DrawsElsewhere(), only=["render", "params_used"])
    assert {result.check: result.outcome for result in report.results} == {"params_used": "passed", "render": "inconclusive"}
    assert "DrawsElsewhere does not define render" in report.results[-1].message


def test_every_promise_has_an_environment_that_breaks_it() -> None:
    assert {check for check, _, _ in WRONG} | {"spec"} == promises("identity")
