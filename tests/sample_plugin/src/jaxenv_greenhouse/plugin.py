"""What jaxenv learns from this package when it lists plugins. Imports neither JAX nor the environment."""

from __future__ import annotations

from collections.abc import Iterable

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl
from jaxenv.registry import Command, PolicySource

ENVS = (
    EnvSpec(
        "Greenhouse-v0",
        entry_point="jaxenv_greenhouse.greenhouse:Greenhouse",
        summary="Keep a greenhouse warm and moist through a mild day.",
        reference="original to jaxenv-greenhouse",
        group="Greenhouse",
    ),
    EnvSpec(
        "GreenhouseWinter-v0",
        entry_point="jaxenv_greenhouse.greenhouse:Greenhouse",
        kwargs={"forecast_steps": 12},
        params={"outside_mean": -8.0, "gusts": 1.5},
        summary="Keep a greenhouse from freezing, with a forecast of the next hour.",
        reference="original to jaxenv-greenhouse",
        group="Greenhouse",
    ),
)


@hookimpl
def jaxenv_envs() -> Iterable[EnvSpec]:
    """Return the two greenhouses."""
    return ENVS


@hookimpl
def jaxenv_commands() -> Iterable[Command]:
    """Return ``jaxenv weather``."""
    return [Command("weather", "jaxenv_greenhouse.weather:weather", help="Print the outside temperature through a day.")]


@hookimpl
def jaxenv_policies() -> Iterable[PolicySource]:
    """Return ``--policy thermostat:TEMPERATURE``."""
    return [PolicySource("thermostat", "jaxenv_greenhouse.thermostat:load", help="the temperature to keep, °C")]
