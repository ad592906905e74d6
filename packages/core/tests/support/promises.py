"""The right environment from which every wrong one is derived, and what their tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, spaces
from jaxenv.testing import CHECKS, ConformanceError, check_env


@struct.dataclass
class WalkParams(Params):
    speed: Array | float = 0.3


@struct.dataclass
class WalkState(State):
    x: Array


class Walk(Environment[WalkState, WalkParams]):
    """Walk along a line from near its middle until an end is reached."""

    @property
    def default_params(self) -> Any:
        return WalkParams(max_steps_in_episode=50)

    @property
    def differentiable(self) -> bool:
        return True

    def init(self, key: Array, params: Any) -> Any:
        return WalkState(random.uniform(random.words(key, 1)[0], -0.5, 0.5))

    def transition(self, key: Array, state: Any, action: Array, params: Any) -> Transition[Any]:
        x = state.x + params.speed * action[0].astype(state.x.dtype) + random.uniform(random.words(key, 1)[0], -0.1, 0.1)
        return Transition(state.replace(x=x), reward=-jnp.square(x), terminated=jnp.abs(x) > 1.0)

    def observe(self, state: Any, params: Any) -> Any:
        return state.x[None]

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-1.0, 1.0, (1,))

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-2.0, 2.0, (1,))


class ComparedByIdentity(Walk):
    """No two of it are equal."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


def callback(function: Callable[[Any], Any], x: Array, vmap_method: str | None) -> Array:
    """Leave JAX for NumPy, as no environment should."""
    return jax.pure_callback(
        lambda x: function(np.asarray(x)).astype(x.dtype), jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method=vmap_method
    )


Wrong = list[tuple[str, Any, str]]
"""The name of a check, an environment that fails it (and nothing that it stands on), and what the report says of it."""


def each(wrong: Wrong) -> pytest.MarkDecorator:
    """Make one test of each row."""
    names = [f"{check}-{env.__name__ if isinstance(env, type) else env.name}" for check, env, _ in wrong]
    return pytest.mark.parametrize(("check", "env", "sentence"), wrong, ids=names)


def require_told(check: str, env: Any, sentence: str) -> None:
    """Fail unless the kit finds that ``env`` breaks the promise of ``check``, and says so."""
    with pytest.raises(ConformanceError, match=sentence) as caught:
        check_env(env, only=[check])
    # What it stands on holds, so that a user, too, gets to read this sentence.
    failed = [result.check for result in caught.value.report.failures]
    assert failed == [check], f"{failed} failed, and not {check} alone"


def promises(kind: str) -> set[str]:
    """Return the names of the checks in the module ``jaxenv.testing.checks.<kind>``."""
    return {check.name for check in CHECKS if check.run.__module__ == f"jaxenv.testing.checks.{kind}"}
