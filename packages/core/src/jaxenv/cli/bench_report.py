"""What ``jaxenv bench`` prints: a table of measurements, ratios and means, scaling over devices, and how it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.cli.output import console, counted, table

if TYPE_CHECKING:
    from rich.table import Table

    from jaxenv.benchmark.report import BenchmarkReport, Row, Scaling


def print_report(report: BenchmarkReport) -> None:
    """Print everything that a report says."""
    from jaxenv.benchmark.libraries import LIBRARIES, OURS
    from jaxenv.benchmark.report import circumstances, differences, rows, scaling, settings, summary

    out = console()
    if not out.is_terminal:  # a file has no width, and folded numbers are hard to read
        out.width = max(out.width, 120)
    grouped = rows(report.measurements)
    out.print(_speeds(grouped))
    versions = {m.library: m.version for m in report.measurements}
    for num_envs in dict.fromkeys(m.workload.num_envs for m in report.measurements):
        some = [row for row in grouped if any(m.workload.num_envs == num_envs for m in row.values())]
        for library in versions:
            found = summary(some, library) if library != OURS else None
            if found:
                compiling = f", {found.compiling:.2f} of its compile time (at most {found.longest:.2f})" if found.compiling else ""
                out.print(
                    f"{counted(num_envs, 'environment')}: {found.speed:.2f} times as fast as {LIBRARIES[library].title} "
                    f"{versions[library]} (at least {found.slowest:.2f}){compiling}; "
                    f"geometric means of {counted(found.tasks, 'task')}.",
                    soft_wrap=True,
                )
    spread = scaling(report.measurements)
    if spread:
        out.print(_scaling(spread))
    for library, difference, tasks in differences(report):
        out.print(f"{LIBRARIES[library].title} differs in {', '.join(tasks)}: {difference}.", soft_wrap=True)
    out.print(f"{settings(report)}; {circumstances(report)}", soft_wrap=True)


def _speeds(grouped: list[Row]) -> Table:
    from jaxenv.benchmark.libraries import OURS
    from jaxenv.benchmark.report import speedup

    numbers = ["envs", "bytes", "ns/step", "M/s", "compile", "ratio"]
    grid = table("environment", "library", *numbers, right=numbers)
    for row in grouped:
        for place, (library, m) in enumerate(row.items()):
            grid.add_row(
                m.env_id if place == 0 else "",
                library,
                str(m.workload.num_envs),
                str(m.state_bytes or "-"),
                _digits(m.nanoseconds_per_step),
                _digits(m.steps_per_second / 1e6),
                "-" if m.compile_seconds is None else f"{m.compile_seconds:.2f} s",
                f"{speedup(row[OURS], m):.2f}x" if library != OURS and OURS in row else "",
            )
    return grid


def _digits(number: float) -> str:
    """Three digits or more, without an exponent: what is small has two decimals."""
    return f"{number:.2f}" if number < 100 else f"{number:,.0f}"


def _scaling(spread: list[Scaling]) -> Table:
    numbers = ["envs a device", "devices", "M steps/s", "speedup", "efficiency"]
    grid = table("environment", *numbers, right=numbers)
    for s in spread:
        work = s.measurement.workload
        grid.add_row(
            work.env_id if work.devices == 1 else "",
            f"{s.num_envs_per_device}",
            str(work.devices),
            _digits(s.measurement.steps_per_second / 1e6),
            f"{s.speedup:.2f}",
            f"{s.efficiency:.0%}",
        )
    return grid
