"""``jaxenv check TARGET``: does an environment keep the promises of the protocol?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from jaxenv.cli.objects import load_here
from jaxenv.cli.options import Seed, Settings, changed, in_namespace, overrides
from jaxenv.cli.output import AsJson, console, counted, print_json
from jaxenv.errors import EntryPointError, JaxenvError, NothingToCheckError, SettingError, UnknownCheckError
from jaxenv.registry import EnvSpec, make
from jaxenv.registry.loading import describe_exception
from jaxenv.registry.lookup import spec as find_spec

if TYPE_CHECKING:
    from rich.console import Console

    from jaxenv.testing import ConformanceReport, Result

_ADVICE = "Write 'module:Class' with a module that Python finds from here and a class that takes no arguments."
_SIGNS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "inconclusive": ("-", "yellow")}

_RunChecks = Callable[[dict[str, Any]], "Iterator[Result]"]
"""Run the chosen checks on an environment made from these arguments."""


def check(
    targets: Annotated[list[str] | None, typer.Argument(metavar="[ID|MODULE:CLASS]...", help="Ids or classes.")] = None,
    all_ids: Annotated[bool, typer.Option("--all", "-a", help="Check every id that is installed, a line for each.")] = False,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Check every id of this namespace.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Run only the check of this name; may be repeated.")] = None,
    seed: Seed = 0,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Run the conformance kit on environments; exit with 1 if one breaks a promise."""
    from jaxenv.testing.checks import CHECKS
    from jaxenv.testing.conformance import ConformanceRun
    from jaxenv.testing.environment_under_test import EnvironmentUnderTest

    def run_checks(arguments: dict[str, Any]) -> Iterator[Result]:
        return ConformanceRun(EnvironmentUnderTest(**arguments, seed=seed)).results(only)

    specs = in_namespace(namespace) if all_ids or namespace is not None else ()
    if not targets and not specs:
        raise NothingToCheckError
    known = [check.name for check in CHECKS]
    unknown = [name for name in only or () if name not in known]
    if unknown:
        raise UnknownCheckError(unknown[0], known)
    if settings and specs:
        raise SettingError("--set", settings[0], "no option --all or --namespace beside it")
    values = overrides(settings)
    selected = [_find(target, values) for target in targets or ()]
    out = None if as_json else console()
    reports = [_report(name, arguments, run_checks, out) for name, arguments in selected]
    reports += _reports(specs, run_checks, out)
    if as_json:
        print_json([report.to_json() for report in reports])
    raise typer.Exit(0 if all(report.passed for report in reports) else 1)


def _report(name: str, arguments: dict[str, Any], run_checks: _RunChecks, out: Console | None) -> ConformanceReport:
    """Check one target, and print each finding as soon as it is there."""
    from jaxenv.testing import ConformanceReport

    if out:
        out.print(Text(name, style="bold cyan"))
    results: list[Result] = []
    for result in run_checks(arguments):
        results.append(result)
        if out and not result.because:
            _print(out, result)
    report = ConformanceReport(name, tuple(results))
    if out:
        for line in report.not_tried:
            out.print(Text(f"  - {line}"))
        out.print(Text(f"  {report.summary}\n"))
    return report


def _reports(specs: Sequence[EnvSpec], run_checks: _RunChecks, out: Console | None) -> list[ConformanceReport]:
    """Check many ids, and print a line for each, its failures, and what it comes to."""
    from jaxenv.testing import ConformanceReport, Result

    reports: list[ConformanceReport] = []
    for spec in specs:
        try:
            env, params = make(spec)
        except (JaxenvError, OSError, ImportError) as cause:
            results = (Result("make", "make builds what the id stands for.", "failed", f"make raised {describe_exception(cause)}"),)
        else:
            results = tuple(run_checks({"env": env, "params": params, "spec": spec}))
        report = ConformanceReport(spec.id, results)
        reports.append(report)
        if out:
            out.print(Text.assemble(_SIGNS["passed" if report.passed else "failed"], " ", spec.id, (f"  {report.summary}", "dim")))
            for failure in report.failures:
                _print(out, failure)
    if out and reports:
        _print_sum(out, reports)
    return reports


def _find(target: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return how to call what ``target`` names, and what to check."""
    from jaxenv.environment import Environment
    from jaxenv.registry.build import build

    if ":" not in target:
        spec = find_spec(target)
        env, params = make(spec, **values)
        return spec.id, {"env": env, "params": params, "spec": changed(spec, values)}
    found = load_here("TARGET", target, "an id or 'module:Class'")
    if values:
        if not (isinstance(found, type) and issubclass(found, Environment)):
            raise SettingError("--set", next(iter(values)), f"an id or a class of environments beside it, and not {target},")
        env, params = build(EnvSpec(found.__name__, target), values, found)
        return target, {"env": env, "params": params}
    if isinstance(found, type):
        try:
            found = found()
        except Exception as cause:
            raise EntryPointError("TARGET", target, describe_exception(cause), _ADVICE) from cause
    return target, {"env": found, "params": None}


def _print(out: Console, result: Result) -> None:
    sign, style = _SIGNS[result.outcome]
    row = Table.grid(padding=(0, 1))
    row.add_column(width=3, justify="right")
    row.add_column(width=17)
    row.add_row(Text(sign, style), Text(result.check), Text(result.message or result.promise, "" if result.message else "dim"))
    out.print(row)


def _print_sum(out: Console, reports: Sequence[ConformanceReport]) -> None:
    """Say how many environments pass, and what could not be tested in how many."""
    failed = sum(not report.passed for report in reports)
    out.print()
    reasons = Counter(f"{result.check}: {result.message}" for report in reports for result in report.inconclusive)
    for reason, number in reasons.most_common():
        out.print(Text(f"{number:>6,} x {reason}"))
    out.print(Text(f"{counted(len(reports), 'environment')}: {len(reports) - failed:,} passed, {failed:,} failed"))
