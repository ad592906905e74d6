"""``jaxenv fidelity ID``: compare an environment with its reference implementation, step by step."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from jaxenv.cli.options import LARGEST, EnvId, Seed, Settings, changed, overrides
from jaxenv.cli.output import AsJson, console, print_json, table
from jaxenv.errors import EntryPointError, NoOracleError
from jaxenv.registry import EnvSpec, make
from jaxenv.registry.loading import describe_exception, load_object
from jaxenv.registry.lookup import spec as find_spec

if TYPE_CHECKING:
    from jaxenv.testing.fidelity import FidelityReport


def fidelity(
    env_id: EnvId,
    transitions: Annotated[
        int, typer.Option(min=1, max=LARGEST, help="How many transitions to run on both sides, at least.")
    ] = 20_000,
    seed: Seed = 0,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Run an environment and its reference in lockstep and print the report; exit with 1 if they differ."""
    spec, values = find_spec(env_id), overrides(settings)
    if values:
        make(spec, **values)  # says what is wrong with them
    report = compare_with_reference(changed(spec, values), transitions=transitions, seed=seed)
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)
    raise typer.Exit(0 if report.passed else 1)


def compare_with_reference(spec: EnvSpec, *, transitions: int, seed: int) -> FidelityReport:
    """Run the oracle that ``spec`` names."""
    if spec.oracle is None:
        raise NoOracleError(spec.id)
    action = _advice(spec)
    oracle = load_object(spec.id, spec.oracle, action)
    try:
        return oracle(spec, transitions=transitions, seed=seed)
    except ModuleNotFoundError as cause:
        raise EntryPointError(spec.id, spec.oracle, describe_exception(cause), action) from cause


def _advice(spec: EnvSpec) -> str:
    """Say how to get the reference: the distribution's extra, if it declares one."""
    if spec.distribution is None:
        return "Install what the oracle imports."
    extras = metadata.metadata(spec.distribution).get_all("Provides-Extra") or []
    if "oracle" in extras:
        return f"Install the reference implementation: pip install '{spec.distribution}[oracle]'."
    return f"Repair {spec.distribution}, or install what its oracle imports."


def _print(report: FidelityReport) -> None:
    out = console()
    out.print(Text.assemble((report.env_id, "bold cyan"), f" against {report.reference} {report.reference_version}"))
    out.print(f"{report.transitions:,} transitions, {report.episodes:,} episodes ended")
    out.print()
    numbers = ["compared", "largest difference", "tolerance"]
    rows = table("quantity", *numbers, "verdict", right=numbers)
    for quantity in report.quantities:
        verdict = Text("equal", style="green") if quantity.passed else Text("DIFFERS", style="bold red")
        tolerance = f"{quantity.tolerance:.3g}" if quantity.tolerance else "exact"
        difference = f"{quantity.largest_difference:.3g}"
        rows.add_row(Text(quantity.name), f"{quantity.compared:,}", difference, tolerance, verdict)
    out.print(rows)
    out.print()
    for note in report.notes:
        out.print(Text(f"- {note}"))
    out.print(Text("PASSED", style="bold green") if report.passed else Text("FAILED", style="bold red"))
