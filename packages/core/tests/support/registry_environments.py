"""Small environments for the tests of the registry, and plugins that offer them."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from flax import struct
from jaxenv import Environment, EnvSpec, Params, State, Transition, spaces
from jaxenv.errors import JaxenvError
from jaxenv.registry import Plugin


@struct.dataclass
class PondParams(Params):
    depth: Any = 2.0
    """Depth of the water, m."""
    fish: Any = 3
    """How many fish there are."""
    frozen: Any = False
    """Whether there is ice."""
    shores: Any = struct.field(default_factory=lambda: np.asarray([0.0, 1.0], np.float32))
    """Where the water ends on both sides, m."""
    name: Any = None
    """Anything."""


class Pond(Environment[State, PondParams]):
    """A pond in which nothing happens."""

    size: int = 5
    """Tiles from shore to shore."""
    deep: bool = False
    ratio: float = 0.5
    label: str = "pond"
    layout: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be at least 1, but {self.size} was given")

    @property
    def default_params(self) -> PondParams:
        return PondParams()

    def init(self, key: Any, params: Any) -> State:
        return State()

    def transition(self, key: Any, state: Any, action: Any, params: Any) -> Transition[State]:
        return Transition(state, params.depth, False)

    def observe(self, state: Any, params: Any) -> Any:
        return jnp.float32(0.0)

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Discrete(2)

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(0.0, 1.0, ())


@struct.dataclass
class NestedParams:
    env_params: Any
    fog: Any = 0.5
    depth: Any = 9.0


@struct.dataclass
class TwinParams(Params):
    left: Any = struct.field(default_factory=lambda: NestedParams(PondParams()))
    right: Any = struct.field(default_factory=lambda: NestedParams(PondParams()))


class Foggy(Pond):
    """A pond whose params are nested, as a wrapper's are."""

    @property
    def default_params(self) -> Any:
        return NestedParams(PondParams())


class Twins(Pond):
    """An environment with two leaves of each name."""

    @property
    def default_params(self) -> Any:
        return TwinParams()


def build_pond(size: int, *, warm: bool = True) -> Pond:
    """Build a pond, as a function."""
    return Pond(size=size + warm)


def build_nothing() -> None:
    """Build no environment."""


A_NUMBER = 3


def here(name: str) -> str:
    return f"{__name__}:{name}"


def broken(namespace: str) -> Plugin:
    error = jaxenv.errors.PluginError(namespace, "dist", "1.0", "it is broken")
    error.__cause__ = RuntimeError("why")
    return Plugin(namespace, "module", "dist", "1.0", error=error)


def plugin(namespace: str, *specs: EnvSpec) -> Plugin:
    origin = {"namespace": namespace, "distribution": f"jaxenv-{namespace}", "version": "1.2"}
    found = [dataclasses.replace(spec, **origin) for spec in specs]
    return Plugin(namespace, "module", f"jaxenv-{namespace}", "1.2", specs=tuple(found))


def message(error: type[JaxenvError], function: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(error) as caught:
        function(*args, **kwargs)
    return str(caught.value)


PLUGINS = (
    plugin(
        "lake",
        EnvSpec("Pond-v1", here("Pond"), params={"depth": 4}, summary="A pond."),
        EnvSpec("Pond-v0", here("Pond"), kwargs={"size": 7}),
        EnvSpec("Foggy-v0", here("Foggy")),
        EnvSpec("Twins-v0", here("Twins")),
        EnvSpec("Built-v0", here("build_pond"), kwargs={"size": 10}),
        EnvSpec("Shared-v0", here("Pond")),
    ),
    plugin(
        "minatar",
        EnvSpec("Breakout-MinAtar", here("Pond")),
        EnvSpec("Shared-v0", here("Pond")),
        EnvSpec("tasks/0", here("Pond")),
        EnvSpec("tasks/1", here("Pond")),
    ),
    broken("ruin"),
    Plugin("asleep", "module", "dist", "1.0", disabled=True),
)
