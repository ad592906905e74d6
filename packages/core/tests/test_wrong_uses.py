"""Arguments of the wrong kind, beyond those that every environment is tried with: one sentence that ends in an action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jaxenv import Environment, Params, State, Transition, random, ranges, rollout, spaces
from jaxenv.errors import (
    ArgumentTypeError,
    BatchError,
    ConformanceError,
    JaxenvError,
    KeyCountError,
    KeyNumberError,
    PictureSizeError,
    RangeError,
    RolloutArgumentError,
    RolloutParamsError,
    SpaceDefinitionError,
    WordTypeError,
)
from jaxenv.testing import check_env
from jaxenv.visualize import Canvas
from jaxenv.wrappers import ScaleReward

KEY = jax.random.key(0)


@struct.dataclass
class BeadParams(Params):
    """A number of a bead."""

    speed: float = ranges.number(1.0, above=0.0)
    """Length of a step."""


class Bead(Environment[Any, BeadParams]):
    """Slide a bead."""

    @property
    def default_params(self) -> BeadParams:
        return BeadParams(max_steps_in_episode=5)

    def init(self, key: Any, params: Any) -> Any:
        return State()

    def transition(self, key: Any, state: Any, action: Any, params: Any) -> Transition[Any]:
        return Transition(state, params.speed, False)

    def observe(self, state: Any, params: Any) -> Any:
        return jnp.asarray(state.time, jnp.float32)[None]

    def action_space(self, params: Any) -> spaces.Discrete:
        return spaces.Discrete(2)

    def observation_space(self, params: Any) -> spaces.Box:
        return spaces.Box(0.0, jnp.inf, (1,))

    def render(self, state: Any, params: Any, size: Any = 32) -> Any:
        return Canvas(size).image()


ENV, PARAMS = Bead(), Bead().default_params
CASES: list[tuple[type[JaxenvError], str, Callable[[], Any]]] = [
    (KeyCountError, "split takes the number of keys as a whole number or a tuple", lambda: random.split(KEY, -1)),
    (KeyCountError, "but 2.5 was given", lambda: random.split(KEY, 2.5)),  # pyright: ignore[reportArgumentType]
    (KeyNumberError, "fold_in takes an integer from 0 to 2**32 - 1", lambda: random.fold_in(KEY, -1)),
    (KeyNumberError, "but 1099511627776 was given", lambda: random.fold_in(KEY, 2**40)),
    (KeyNumberError, "but 1.5 was given", lambda: random.fold_in(KEY, 1.5)),  # pyright: ignore[reportArgumentType]
    (KeyNumberError, "stream_key takes an integer", lambda: random.stream_key(KEY, jnp.float32(1.0))),
    (WordTypeError, "jaxenv.random.uniform takes random words, uint32, but int 3 was given", lambda: random.uniform(3)),  # pyright: ignore[reportArgumentType]
    (WordTypeError, "uniform takes random words, uint32, but float32[] was given", lambda: random.bernoulli(jnp.float32(0.5))),
    (WordTypeError, "uniform_int takes random words", lambda: random.uniform_int(jnp.int32(1), 0, 3)),
    (WordTypeError, "uniform takes random words", lambda: random.normal(jnp.float32(1.0), jnp.float32(2.0))),
    (SpaceDefinitionError, "Tuple got Discrete(2), but it needs a sequence", lambda: spaces.Tuple(spaces.Discrete(2))),  # pyright: ignore[reportArgumentType]
    (PictureSizeError, "at least 1 pixel, but its size is -1", lambda: ENV.render(State(time=jnp.int32(0)), PARAMS, -1)),
    (PictureSizeError, "its size is (10.5, 3)", lambda: Canvas((10.5, 3))),  # pyright: ignore[reportArgumentType]
    (PictureSizeError, "its size is (1, 2, 3)", lambda: Canvas((1, 2, 3))),  # pyright: ignore[reportArgumentType]
    (ArgumentTypeError, "Bead: params.speed is NoneType None, but a number", lambda: ENV.reset(KEY, PARAMS.replace(speed=None))),
    (RangeError, "ScaleReward: scale is '2', but a number was expected", lambda: ScaleReward(ENV, "2")),  # pyright: ignore[reportArgumentType]
    (RolloutArgumentError, "mesh must be a jax.sharding.Mesh or None, but 'x' was given", lambda: played(mesh="x")),
    (RolloutParamsError, "every leaf of params needs a leading axis of 2", lambda: played(params_axis=0)),
    (BatchError, "jax.vmap(lambda key: jaxenv.rollout(", lambda: played(key=random.split(KEY, 2))),
]


def played(key: Any = KEY, **options: Any) -> Any:
    return rollout(ENV, PARAMS, None, key, num_envs=2, num_steps=2, **options)


@pytest.mark.parametrize(("error", "text", "use"), CASES, ids=[f"{case[0].__name__}-{i}" for i, case in enumerate(CASES)])
def test_a_wrong_use_is_one_sentence(error: type[JaxenvError], text: str, use: Callable[[], Any]) -> None:
    with pytest.raises(error) as caught:
        use()
    message = str(caught.value).partition("\n")[0]
    assert text in message
    assert message.endswith(".")
    assert "Tracer" not in message


def test_right_uses_beside_them_still_work() -> None:
    assert random.split(KEY, np.int64(3)).shape == (3,)
    assert random.split(KEY, (2, 3)).shape == (2, 3)
    negative = jax.random.key_data(random.fold_in(KEY, jnp.int32(-1)))
    np.testing.assert_array_equal(negative, jax.random.key_data(random.fold_in(KEY, 2**32 - 1)))
    assert 0.0 <= float(random.uniform(np.uint32(7))) < 1.0
    assert Canvas((np.int64(4), 6)).image().shape == (4, 6, 3)
    many = jax.vmap(lambda speed: PARAMS.replace(speed=speed))(jnp.ones(2))
    assert rollout(ENV, many, None, KEY, num_envs=2, num_steps=2, params_axis=0).trajectory.obs.shape == (2, 2, 1)
    assert ENV.reset(KEY, PARAMS.replace(max_steps_in_episode=None))[0].shape == (1,)


def test_the_conformance_kit_names_a_class_that_was_not_called() -> None:
    with pytest.raises(ConformanceError, match=r"(?s)^Bead: .*pass an instance, not the class") as caught:
        check_env(Bead)
    assert "property object" not in str(caught.value)
