"""``jaxenv check TARGET``: does an environment keep the promises of the protocol?"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from jaxenv.cli.output import AsJson, console, counted, print_json
from jaxenv.errors import EntryPointError, JaxenvError, NothingToCheckError
from jaxenv.registry import EnvSpec, make, registered_envs
from jaxenv.registry.loading import load_object, sentence
from jaxenv.registry.lookup import spec as find_spec

if TYPE_CHECKING:
    from rich.console import Console

    from jaxenv.testing import Report, Result

_ADVICE = "Write 'module:Class' with a module that Python finds from here and a class that takes no arguments."
_SIGNS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "unexercised": ("-", "yellow")}

_Examine = Callable[[dict[str, Any]], "Iterator[Result]"]
"""Run the chosen checks on the subject with these arguments."""


def check(
    targets: Annotated[list[str] | None, typer.Argument(metavar="[ID|MODULE:CLASS]...", help="Ids or classes.")] = None,
    all_ids: Annotated[bool, typer.Option("--all", "-a", help="Check every id that is installed, a line for each.")] = False,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Check every id of this namespace.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Run only the check of this name; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where the random play begins.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run the conformance kit on environments; exit with 1 if one breaks a promise."""
    from jaxenv.testing.conformance import Examination
    from jaxenv.testing.subject import Subject

    def examine(subject: dict[str, Any]) -> Iterator[Result]:
        return Examination(Subject(**subject, seed=seed)).results(only)

    specs = registered_envs(namespace) if all_ids or namespace else ()
    if not targets and not specs:
        raise NothingToCheckError(namespace)
    out = None if as_json else console()
    reports = [_report(target, examine, out) for target in targets or ()]
    reports += _reports(specs, examine, out)
    if as_json:
        print_json([report.to_json() for report in reports])
    raise typer.Exit(0 if all(report.passed for report in reports) else 1)


def _report(target: str, examine: _Examine, out: Console | None) -> Report:
    """Check one target, and print each finding as soon as it is there."""
    from jaxenv.testing import Report

    name, subject = _find(target)
    if out:
        out.print(Text(name, style="bold cyan"))
    results: list[Result] = []
    for result in examine(subject):
        results.append(result)
        if out and not result.because:
            _print(out, result)
    report = Report(name, tuple(results))
    if out:
        for line in report.not_tried:
            out.print(Text(f"  - {line}"))
        out.print(Text(f"  {report.summary}\n"))
    return report


def _reports(specs: Sequence[EnvSpec], examine: _Examine, out: Console | None) -> list[Report]:
    """Check many ids, and print a line for each, its failures, and what it comes to."""
    from jaxenv.testing import Report, Result

    reports: list[Report] = []
    for spec in specs:
        try:
            env, params = make(spec)
        except (JaxenvError, OSError, ImportError) as cause:
            results = (Result("make", "make builds what the id stands for.", "failed", f"make raised {sentence(cause)}"),)
        else:
            results = tuple(examine({"env": env, "params": params, "spec": spec}))
        report = Report(spec.id, results)
        reports.append(report)
        if out:
            out.print(Text.assemble(_SIGNS["passed" if report.passed else "failed"], " ", spec.id, (f"  {report.summary}", "dim")))
            for failure in report.failures:
                _print(out, failure)
    if out and reports:
        _print_sum(out, reports)
    return reports


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


def _print_sum(out: Console, reports: Sequence[Report]) -> None:
    """Say how many environments pass, and what could not be exercised in how many."""
    failed = sum(not report.passed for report in reports)
    out.print()
    reasons = Counter(f"{result.check}: {result.message}" for report in reports for result in report.unexercised)
    for reason, number in reasons.most_common():
        out.print(Text(f"{number:>6,} x {reason}"))
    out.print(Text(f"{counted(len(reports), 'environment')}: {len(reports) - failed:,} passed, {failed:,} failed"))
