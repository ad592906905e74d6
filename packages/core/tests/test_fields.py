"""The fields of environments and params, as `jaxenv show` and `jaxenv web` list them."""

from __future__ import annotations

from flax import struct
from jaxenv import Environment, Params, ranges
from jaxenv.fields import Field, fields_of


@struct.dataclass
class KiteParams(Params):
    """Numbers of a kite."""

    line: float = ranges.number(20.0, above=0.0)
    """Length of the line, m."""
    colour: float = 0.5


@struct.dataclass
class FlockParams(Params):
    """Params with params in them, as a wrapper's have."""

    env_params: KiteParams = KiteParams()
    count: int = 3
    """Kites."""


class Kite(Environment[object, KiteParams]):
    """Has a field of its own, and one that is internal."""

    tails: int = ranges.number(2, at_least=0)
    """Ribbons at its end."""


def test_fields_have_paths_values_meanings_and_ranges() -> None:
    found = {field.path: field for field in fields_of(FlockParams())}
    assert list(found) == [
        "max_steps_in_episode",
        "env_params.max_steps_in_episode",
        "env_params.line",
        "env_params.colour",
        "count",
    ]
    assert found["env_params.line"] == Field("env_params.line", 20.0, "Length of the line, m.", ranges.Range(above=0.0))
    assert found["env_params.line"].name == "line"
    assert found["env_params.colour"] == Field("env_params.colour", 0.5, "", None)
    assert found["count"].name == "count"
    assert found["max_steps_in_episode"].meaning.startswith("Steps after which an episode is truncated")


def test_internal_fields_of_an_environment_are_left_out() -> None:
    assert [*fields_of(Kite(tails=4))] == [Field("tails", 4, "Ribbons at its end.", ranges.Range(at_least=0))]
