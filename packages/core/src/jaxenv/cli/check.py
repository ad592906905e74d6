"""``jaxenv check TARGET``: does an environment keep the promises of the protocol?"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from jaxenv.cli.output import AsJson, console, print_json
from jaxenv.errors import EntryPointError
from jaxenv.registry import make
from jaxenv.registry.loading import load_object, sentence
from jaxenv.registry.lookup import spec as find_spec

if TYPE_CHECKING:
    from rich.console import Console

    from jaxenv.testing import Report, Result

_ADVICE = "Write 'module:Class' with a module that Python finds from here and a class that takes no arguments."
_SIGNS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "unexercised": ("-", "yellow")}


def check(
    targets: Annotated[list[str], typer.Argument(metavar="ID|MODULE:CLASS...", help="Ids, or classes that need no id yet.")],
    only: Annotated[list[str] | None, typer.Option(help="Run only the check of this name; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where the random play begins.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run the conformance kit on environments; exit with 1 if one breaks a promise."""
    out = None if as_json else console()
    reports = [_report(target, only, seed, out) for target in targets]
    if as_json:
        print_json([report.to_json() for report in reports])
    raise typer.Exit(0 if all(report.passed for report in reports) else 1)


def _report(target: str, only: Iterable[str] | None, seed: int, out: Console | None) -> Report:
    """Check one target, and print each finding as soon as it is there."""
    from jaxenv.testing import Report
    from jaxenv.testing.conformance import Examination
    from jaxenv.testing.subject import Subject

    name, subject_args = _find(target)
    if out:
        out.print(Text(name, style="bold cyan"))
    results: list[Result] = []
    for result in Examination(Subject(**subject_args, seed=seed)).results(only):
        results.append(result)
        if out:
            _print(out, result)
    report = Report(name, tuple(results))
    if out:
        out.print(Text(f"  {report.summary}\n"))
    return report


def _find(target: str) -> tuple[str, dict[str, Any]]:
    """Return how to call what ``target`` names, and what to check."""
    if ":" not in target:
        spec = find_spec(target)
        env, params = make(spec)
        return spec.id, {"env": env, "params": params, "spec": spec}
    if "" not in sys.path:
        sys.path.insert(0, "")  # the module may be in the directory that the user is in
    found = load_object("The command line", target, _ADVICE)
    if isinstance(found, type):
        try:
            found = found()
        except Exception as cause:
            raise EntryPointError("The command line", target, sentence(cause), _ADVICE) from cause
    return target, {"env": found, "params": None}


def _print(out: Console, result: Result) -> None:
    sign, style = _SIGNS[result.outcome]
    row = Table.grid(padding=(0, 1))
    row.add_column(width=3, justify="right")
    row.add_column(width=17)
    row.add_row(Text(sign, style), Text(result.check), Text(result.message or result.promise, "" if result.message else "dim"))
    out.print(row)
