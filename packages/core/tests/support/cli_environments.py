"""An environment for the tests of the command line, its oracles and its command."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from flax import struct
from jaxenv import Environment, EnvSpec, Params, State, Transition, spaces
from jaxenv.errors import PluginError
from jaxenv.registry import Command, Plugin
from jaxenv.testing.fidelity import FidelityReport, Quantity


@struct.dataclass
class MillParams(Params):
    """Settings of the mill."""

    max_steps_in_episode: Any = struct.field(default=10, kw_only=True)
    """Steps after which an episode is truncated."""
    wind: Any = 1.0
    """Speed of the wind,
    m/s, at least 0."""
    sails: Any = struct.field(default_factory=lambda: np.asarray([1.0, 2.0], np.float32))
    undocumented = None


class Mill(Environment[State, MillParams]):
    """A mill that turns with the wind and stops by chance."""

    height: int = 3
    """Storeys of the mill."""

    @property
    def default_params(self) -> MillParams:
        return MillParams()

    def init(self, key: Any, params: Any) -> State:
        return State()

    def transition(self, key: Any, state: Any, action: Any, params: Any) -> Transition[State]:
        return Transition(state, params.wind, jax.random.bernoulli(key, 0.2))

    def observe(self, state: Any, params: Any) -> Any:
        return jnp.zeros(self.height)

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Discrete(2)

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-np.inf, 1.0, (self.height,))


def build_mill(height: int, wide: bool = False) -> Mill:
    """Build a mill.

    Args:
        height: Storeys of the mill.
        wide: Whether it has one storey more,
            for a family.
    """
    return Mill(height=height + wide)


def compare_with_reference(spec: EnvSpec, *, transitions: int, seed: int, difference: float = 0.0) -> FidelityReport:
    quantities = Quantity("reward", transitions, difference, 0.0), Quantity("observation", transitions, 1e-7, 1e-5)
    return FidelityReport(spec.id, "paper-mill", "2.0", transitions, seed, quantities, ("a note",))


def compare_badly(spec: EnvSpec, *, transitions: int, seed: int) -> FidelityReport:
    return compare_with_reference(spec, transitions=transitions, seed=seed, difference=0.5)


def compare_without_extra(spec: EnvSpec, *, transitions: int, seed: int) -> FidelityReport:
    import paper_mill_that_is_not_there  # type: ignore[import-not-found]

    return paper_mill_that_is_not_there


def greet(name: str = "world") -> None:
    print(f"hello {name}")


def here(name: str) -> str:
    return f"{__name__}:{name}"


def broken() -> Plugin:
    return Plugin("ruin", "m", "dist", "1.0", error=PluginError("ruin", "dist", "1.0", "it fell down"))


def plugin() -> Plugin:
    """Return a plugin with toy environments: with and without oracle and time limit, built by a function, and a row of twelve."""
    origin = {"namespace": "dutch", "distribution": "jaxenv-core", "version": "1.2"}
    specs = [
        EnvSpec("Mill-v0", here("Mill"), summary="A mill.", reference="Cervantes 1605", oracle=here("compare_with_reference")),
        EnvSpec("Bad-v0", here("Mill"), oracle=here("compare_badly")),
        EnvSpec("Bare-v0", here("Mill"), oracle=here("compare_without_extra")),
        EnvSpec("Plain-v0", here("Mill"), params={"max_steps_in_episode": jaxenv.environment.NO_TIME_LIMIT}),
        EnvSpec("Built-v0", here("build_mill"), {"height": 5}),
        *(EnvSpec(f"row/{i}", here("Mill"), summary="One of a row.", group="row") for i in range(12)),
    ]
    commands = (Command("greet", here("greet"), help="Say hello."), Command("lost", "nowhere:main", help="Fail."))
    found = tuple(dataclasses.replace(spec, **origin) for spec in specs)
    return Plugin("dutch", "m", "jaxenv-core", "1.2", specs=found, commands=commands)
