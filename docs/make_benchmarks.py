"""Make docs/benchmarks.md and its plots from all measurements in docs/benchmarks/*.json.

Take one with ``jaxenv bench --against gymnax --json docs/benchmarks/NAME.json`` and run this script (it needs matplotlib).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from jaxenv.benchmark.libraries import LIBRARIES, OURS, short_name
from jaxenv.benchmark.measurement import Measurement
from jaxenv.benchmark.report import BenchmarkReport, Row, circumstances, differences, own, read, rows, scaling, speedup, summary

HERE = Path(__file__).parent
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INTRODUCTION = """# Speed

`docs/make_benchmarks.py` writes this page from files of `jaxenv bench --json`. To add your own, put a file into `docs/benchmarks` and run the script.

## How it is measured

All libraries run in one process and take turns, run by run. Actions are random, from each library's own action space, or come from a network (`--policy mlp`). Environments reset by
themselves. A timing ends when every output is computed. Figures are medians. Compile time is separate: tracing and compiling, without a cache. The load is the number of processes that
waited for a CPU in the minute before. Where it exceeds the number of CPUs, times are too long; ratios suffer less, because libraries take turns.

| library | how it plays |
|---|---|
| jaxenv | `jaxenv.rollout` as it comes: a compiled scan on a CPU, one kernel for all steps on a GPU; observations, rewards and flags of every step are outputs |
| gymnax | the loop of its documentation, compiled: a scan that splits keys at every step; the same outputs |
| pgx | the same loop around `pgx.experimental.auto_reset`, with every action legal; the same outputs |
| Gymnasium | `gymnasium.make_vec`, stepped from Python: the NumPy environment of a whole batch where it exists (CartPole), else a loop over single environments in one process |
| envpool | its synchronous `step`, called from Python, with the number of threads that a section names |

JAX libraries use JAX's default keys (`--prng default`). With `--prng jaxenv`, jaxenv uses its own (`jaxenv.random.key`). Under `--policy mlp` every library plays one network, two tanh
layers of 64 with the same weights, compiled by JAX. Libraries whose observations or actions would change the network are not compared.

**Reading the tables.** A cell is the time of one step of one environment in ns. The ratio in brackets is how many times as fast jaxenv is: above 1x jaxenv is faster. Compile time is
jaxenv's divided by the other library's: below 1 jaxenv compiles faster.
"""

NOTES = {
    "cpu-2000-others": """`benchmarks/gymnasium_cartpole.py` repeats Gymnasium's CartPole, whose ratio varies most. On two cores of an Intel Xeon that other programs used (a load of 12 to 19), 25 turns
each, the median ratio of wall times was 3.4 to 4.6 with Gymnasium 1.2.2, 1.3.0 and 1.4.0 and JAX 0.10.2. Quartiles within a run lay between 2.6 and 7.3. The ratio of CPU times
was 2.4 to 2.7 with each of these versions, and 3.2 to 3.3 with JAX 0.12.0.1 and Gymnasium 1.4.0. The version of Gymnasium makes no measurable difference; the load does.
""",
}
"""What a section says besides its table."""


def main() -> None:
    """Write the page and its plots."""
    reports = files()
    (HERE / "benchmarks.md").write_text(page(reports))
    for old in (HERE / "benchmarks").glob("*.png"):
        old.unlink()
    for stem, report in reports.items():
        draw(report, HERE / "benchmarks" / f"{stem}.png", stem)


def files() -> dict[str, BenchmarkReport]:
    """Return all reports, by the names of their files."""
    found = {path.stem: read(path) for path in (HERE / "benchmarks").glob("*.json")}
    return dict(sorted(found.items()))


def page(reports: dict[str, BenchmarkReport]) -> str:
    """Return the page."""
    return (
        "\n".join(
            [INTRODUCTION, *overview(reports), *user_loops(), *(line for stem in reports for line in section(stem, reports[stem]))]
        )
        + "\n"
    )


def overview(reports: dict[str, BenchmarkReport]) -> list[str]:
    """Return a table with one line for each file, batch size and library."""
    head = ["file", "device", "environments", "against", "tasks", "times as fast", "at least", "compile time", "at most"]
    lines: list[list[str]] = []
    for stem, report in reports.items():
        for num_envs, some in by_batch(report).items():
            for library in peers(report):
                if found := summary(some, library):
                    where = [f"[{stem}](#{stem})", device(report), f"{num_envs:,}", LIBRARIES[library].title, str(found.tasks)]
                    speed = [f"**{found.speed:.2f}x**", f"{found.slowest:.2f}x", share(found.compiling), share(found.longest)]
                    lines.append([*where, *speed])
    return ["## Overview", "", "Times as fast and compile time are geometric means over the tasks.", "", *table(head, lines), ""]


def user_loops() -> list[str]:
    """Return what the page says of the loop that people write, from ``docs/benchmarks/user_loop/*.json``."""
    lines: list[str] = []
    for path in sorted((HERE / "benchmarks" / "user_loop").glob("*.json")):
        found: dict[str, Any] = json.loads(path.read_text())
        every: list[dict[str, Any]] = found["rows"]
        head = ["environment", "jaxenv, ns", "gymnax, ns", "times as fast", "jaxenv compiles, s", "gymnax compiles, s"]
        cells = [
            [
                r["id"],
                *(f"{r[k]:.2f}" for k in ("ns", "gymnax_ns")),
                f"{r['times']:.2f}x",
                f"{r['compile_s']:.2f}",
                f"{r['gymnax_compile_s']:.2f}",
            ]
            for r in every
        ]
        times, compiling = ([r[name] for r in every] for name in ("times", "compile_ratio"))
        mean = ["**geometric mean**", "", "", f"**{geometric_mean(times):.2f}x**", f"**{geometric_mean(compiling):.2f}**", ""]
        worst = ["worst", "", "", f"{min(times):.2f}x", f"{max(compiling):.2f}", ""]
        lines += [
            f"## Your own loop, {found['device']}",
            "",
            f"`benchmarks/user_loop.py`: {found['num_envs']:,} environments x {found['num_steps']} steps of `jax.vmap(env.step)` in `lax.scan`, "
            "keys split at every step, random actions; observations, actions, rewards and flags of every step are outputs; the same code for "
            f"both libraries, in one process. JAX {found['jax']}, gymnax {found['gymnax']}. Such a loop is a graph of small kernels of about a "
            "microsecond each; of the ten in jaxenv's, one is the step, and the others split keys, draw actions and store outputs.",
            "",
            *table(head, [*cells, mean, worst]),
            "",
        ]
    return lines


def device(report: BenchmarkReport) -> str:
    """Return what a report was measured on."""
    machine = report.machine
    return (machine.get("cpu") or "CPU") if machine["device"] == "cpu" else machine["device"]


def section(stem: str, report: BenchmarkReport) -> list[str]:
    """Return what the page says of one file."""
    table = scaling_table(report) if scaling(report.measurements) else speed_table(report)
    notes = [f"- {LIBRARIES[library].title}, {', '.join(tasks)}: {what}." for library, what, tasks in differences(report)]
    return [
        f"## {stem}",
        "",
        f"Measured by `{command(report)}` with {circumstances(report)}.",
        "",
        *table,
        "",
        *([NOTES[stem]] if stem in NOTES else []),
        f"![{stem}](benchmarks/{stem}.png)",
        "",
        *(["Where a library's task is not the source's, which is jaxenv's:", "", *notes, ""] if notes else []),
    ]


def speed_table(report: BenchmarkReport) -> list[str]:
    """Return the table of a comparison: a line for each environment and batch size, and lines for the means."""
    libraries, batches = peers(report), by_batch(report)
    compiling = [library for library in libraries if any(m.library == library and m.compile_seconds for m in report.measurements)]
    titles = [LIBRARIES[library].title for library in (OURS, *libraries)]
    head = ["environment", *titles, "state, bytes", *(f"{LIBRARIES[library].title} compiles, s" for library in (OURS, *compiling))]
    lines: list[list[str]] = []
    for num_envs, some in batches.items():
        batch = f", batch of {num_envs:,}" if len(batches) > 1 else ""
        for row in some:
            ours = row[OURS]
            times = [against(ours, row[library]) if library in row else "" for library in libraries]
            compile_times = [compile_time(row.get(library)) for library in (OURS, *compiling)]
            lines.append(
                [short_name(ours.env_id) + batch, digits(ours.nanoseconds_per_step), *times, str(ours.state_bytes), *compile_times]
            )
        found = {library: summary(some, library) for library in libraries}
        if libraries and len(some) > 1:
            means = [f"**{s.speed:.2f}x**" if (s := found[library]) else "" for library in libraries]
            shares = [f"**{share(s.compiling)}**" if (s := found[library]) else "" for library in compiling]
            lines.append([f"**geometric mean{batch}**", "", *means, "", "", *shares])
            least = [f"{s.slowest:.2f}x" if (s := found[library]) else "" for library in libraries]
            most = [share(s.longest) if (s := found[library]) else "" for library in compiling]
            lines.append([f"worst{batch}", "", *least, "", "", *most])
    return table(head, lines)


def scaling_table(report: BenchmarkReport) -> list[str]:
    """Return the table of measurements over several devices."""
    head = ["environment", "environments a device", "devices", "million steps a second", "speedup", "efficiency", "compiles, s"]
    lines: list[list[str]] = []
    for s in scaling(report.measurements):
        m = s.measurement
        numbers = [
            f"{s.num_envs_per_device:,}",
            str(m.workload.devices),
            digits(m.steps_per_second / 1e6),
            f"{s.speedup:.2f}x",
            f"{s.efficiency:.0%}",
        ]
        lines.append([short_name(m.env_id), *numbers, compile_time(m)])
    return table(head, lines)


def command(report: BenchmarkReport) -> str:
    """Return the command that takes such measurements; environments are named if they are few."""
    works = [m.workload for m in report.measurements]
    ours = own(report).workload
    names = list(dict.fromkeys(short_name(work.env_id) for work in works))
    words = ["jaxenv bench", *(names if len(names) <= 4 else [])]
    words += [f"--against {library}" for library in peers(report)]
    words += [f"--num-envs {n}" for n in dict.fromkeys(work.num_envs // work.devices for work in works)]
    words += [f"--devices {n}" for n in dict.fromkeys(work.devices for work in works) if n > 1]
    words += [f"--threads {n}" for n in dict.fromkeys(work.threads for work in works) if n]
    words += [
        f"--num-steps {ours.num_steps}",
        f"--policy {ours.policy}",
        *([] if ours.force else ["--no-force"]),
        f"--prng {ours.prng}",
    ]
    words += [f"--unroll {ours.unroll}"] if ours.unroll else []
    return " ".join([*words, f"--repeats {len(report.measurements[0].seconds)}"])


def peers(report: BenchmarkReport) -> list[str]:
    """Return the other libraries of a report."""
    return [library for library in dict.fromkeys(m.library for m in report.measurements) if library != OURS]


def by_batch(report: BenchmarkReport) -> dict[int, list[Row]]:
    """Return the rows that have a measurement of ours on one device, by the size of the batch, smallest first."""
    found: dict[int, list[Row]] = {}
    for row in rows(report.measurements):
        if OURS in row and row[OURS].workload.devices == 1:
            found.setdefault(row[OURS].workload.num_envs, []).append(row)
    return dict(sorted(found.items()))


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """Return a table in Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines)]


def digits(number: float) -> str:
    """Return three digits or more; what is small has two decimals."""
    return f"{number:.2f}" if number < 100 else f"{number:,.0f}"


def against(ours: Measurement, theirs: Measurement) -> str:
    return f"{digits(theirs.nanoseconds_per_step)} ({speedup(ours, theirs):.2f}x)"


def share(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}"


def compile_time(m: Measurement | None) -> str:
    return "" if m is None or m.compile_seconds is None else f"{m.compile_seconds:.2f}"


def draw(report: BenchmarkReport, path: Path, title: str) -> None:
    """Draw ratios as bars, a sweep over batch sizes as lines, or the speedup over devices."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    batches = by_batch(report)
    if scaling(report.measurements):
        figure, axes = plt.subplots(figsize=(7, 4))
        draw_scaling(axes, report)
    elif len(batches) > 1 or not peers(report):
        figure, axes = plt.subplots(figsize=(7, 4))
        draw_times(axes, report)
    else:
        (some,) = batches.values()
        bars = sum(len(row) - 1 for row in some)
        figure, axes = plt.subplots(figsize=(7, 0.15 * bars + 0.1 * len(some) + 1.2))
        draw_ratios(axes, report, some)
    axes.set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def draw_ratios(axes, report: BenchmarkReport, some: list[Row]) -> None:
    """Draw a group of bars for each environment, one for each library that has it, in the order of the table."""
    libraries = peers(report)
    bars: dict[str, list[tuple[float, float]]] = {library: [] for library in libraries}
    names: list[tuple[float, str]] = []
    y = 0.0
    for row in some:
        present = [library for library in libraries if library in row]
        for library in present:
            bars[library].append((y, speedup(row[OURS], row[library])))
            y += 1
        names.append((y - (len(present) + 1) / 2, short_name(row[OURS].env_id)))
        y += 0.6
    for place, (library, found) in enumerate(bars.items()):
        axes.barh([y for y, _ in found], [ratio for _, ratio in found], 1.0, label=LIBRARIES[library].title, color=COLOURS[place])
    axes.set_yticks([y for y, _ in names], [name for _, name in names])
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.axvline(1.0, color="black", linewidth=1)
    logarithmic(axes, "x")
    axes.set_xlabel("times as fast" + (f" as {LIBRARIES[libraries[0]].title}" if len(libraries) == 1 else ""))
    if len(libraries) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))


def draw_times(axes, report: BenchmarkReport) -> None:
    """Draw a line for each environment and library: time of a step over the size of the batch."""
    lines: dict[tuple[str, str], list[Measurement]] = {}
    for m in report.measurements:
        lines.setdefault((short_name(m.env_id), m.library), []).append(m)
    styles = dict(
        zip(dict.fromkeys(library for _, library in lines), ("-", "--", ":", "-.", (0, (1, 3)), (0, (5, 5))), strict=False)
    )
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(dict.fromkeys(name for name, _ in lines))}
    for (name, library), points in lines.items():
        points.sort(key=lambda m: m.workload.num_envs)
        sizes, times = [m.workload.num_envs for m in points], [m.nanoseconds_per_step for m in points]
        axes.plot(
            sizes, times, marker="o", linestyle=styles[library], color=colours[name], label=f"{name}, {LIBRARIES[library].title}"
        )
    for axis in "xy":
        logarithmic(axes, axis)
    axes.set_xlabel("environments")
    axes.set_ylabel("ns a step")
    axes.legend(fontsize="small")


def draw_scaling(axes, report: BenchmarkReport) -> None:
    """Draw the speedup over devices, a line for each environment and number of environments on each device."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for s in scaling(report.measurements):
        name = f"{short_name(s.measurement.env_id)}, {s.num_envs_per_device:,} a device"
        lines.setdefault(name, []).append((s.measurement.workload.devices, s.speedup))
    most = max(devices for points in lines.values() for devices, _ in points)
    axes.plot([1, most], [1, most], color="black", linewidth=1, label="linear")
    for place, (name, points) in enumerate(lines.items()):
        axes.plot(*zip(*sorted(points), strict=True), marker="o", color=COLOURS[place % len(COLOURS)], label=name)
    axes.set_xticks(sorted({devices for points in lines.values() for devices, _ in points}))
    axes.set_xlabel("devices")
    axes.set_ylabel("times the throughput of one")
    axes.legend(fontsize="small")


def logarithmic(axes, axis: str) -> None:
    """Let an axis be logarithmic, with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    getattr(axes, f"set_{axis}scale")("log")
    chosen = getattr(axes, f"{axis}axis")
    low, high = getattr(axes, f"get_{axis}lim")()
    chosen.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 200 else (1.0,)))
    chosen.set_major_formatter(StrMethodFormatter("{x:,g}"))
    chosen.set_minor_formatter(NullFormatter())


if __name__ == "__main__":
    main()
