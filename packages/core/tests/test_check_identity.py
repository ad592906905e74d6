"""Environments that are no values, have no params, say nothing of themselves or cannot draw: each breaks one promise."""

from __future__ import annotations

import random as python_random
from dataclasses import field
from typing import Any

import jax.numpy as jnp
import pytest
from flax import struct
from jax import Array
from jaxenv import EnvSpec
from jaxenv.testing import ConformanceError, check_env
from promises import ComparedByIdentity, Walk, WalkParams, Wrong, each, promises, require_told


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


class FloatImage(Walk):
    """Its drawing is no uint8 image."""

    def render(self, state: Any, params: Any, size: Any = 256) -> Array:
        return jnp.zeros((8, 8, 3))


class DrawsInPython(Walk):
    """Its drawing leaves JAX."""

    def render(self, state: Any, params: Any, size: Any = 256) -> Array:
        return jnp.zeros((8, int(state.x), 3), jnp.uint8)


WRONG: Wrong = [
    ("environment", Walk, "does not derive from jaxenv.Environment"),
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
def test_a_broken_promise_is_told(check: str, env: Any, sentence: str) -> None:
    require_told(check, env, sentence)


def test_a_spec_without_summary_is_told() -> None:
    with pytest.raises(ConformanceError, match="the EnvSpec of Walk-v0 has no summary"):
        check_env(Walk(), spec=EnvSpec("Walk-v0", entry_point="walks:Walk"), only=["spec"])


def test_every_promise_has_an_environment_that_breaks_it() -> None:
    assert {check for check, _, _ in WRONG} | {"spec"} == promises("identity")
