"""``jaxenv weather``."""

from __future__ import annotations

from typing import Annotated

import typer


def weather(mean: Annotated[float, typer.Option(help="Mean temperature outside, °C.")] = 8.0) -> None:
    """Print the outside temperature through a day, without gusts."""
    from jaxenv_greenhouse.greenhouse import GreenhouseParams, outside_temperature

    params = GreenhouseParams(outside_mean=mean)
    for hour in range(0, 24, 3):
        typer.echo(f"{hour:02}:00 {float(outside_temperature(hour * 12, params)):5.1f} °C")
