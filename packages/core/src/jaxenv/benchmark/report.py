"""What measurements say together: a file of them, ratios to the peers, geometric means, scaling over devices, regressions."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxenv.benchmark.libraries import LIBRARIES, OURS, short_name
from jaxenv.benchmark.measurement import Measurement
from jaxenv.errors import BenchmarkBaselineError


class BenchmarkReport(NamedTuple):
    """What ``jaxenv bench --json`` writes."""

    machine: dict[str, Any]
    """Where the measurements were taken."""
    measurements: list[Measurement]
    """The measurements, in the order in which they were taken."""

    def write(self, path: Path) -> None:
        """Write the file."""
        data = {"machine": self.machine, "measurements": [m.to_json() for m in self.measurements]}
        path.write_text(json.dumps(data, indent=1) + "\n")


def read(path: Path) -> BenchmarkReport:
    """Read a file.

    Raises:
        BenchmarkBaselineError: it is not such a file.
    """
    try:
        data = json.loads(path.read_text())
        return BenchmarkReport(dict(data["machine"]), [Measurement.from_json(m) for m in data["measurements"]])
    except OSError as error:
        raise BenchmarkBaselineError(path, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchmarkBaselineError(path, f"it is not what bench writes ({type(error).__name__}: {error})") from error


Row = dict[str, Measurement]
"""Measurements of the same work, by library."""


def rows(measurements: Sequence[Measurement]) -> list[Row]:
    """Group measurements of the same work: environment, sizes, policy, outputs and devices."""
    grouped: dict[tuple[Any, ...], Row] = {}
    for m in measurements:
        work = m.workload
        same = (work.env_id, work.num_envs, work.num_steps, work.policy, work.force, work.devices, work.settings)
        grouped.setdefault(same, {})[m.library] = m
    return list(grouped.values())


def speedup(ours: Measurement, theirs: Measurement) -> float:
    """How many times as fast ours is: the ratio of the median times."""
    return theirs.nanoseconds_per_step / ours.nanoseconds_per_step


def compile_share(ours: Measurement, theirs: Measurement) -> float | None:
    """Our compile time relative to theirs, 0.5 for half of it; None where either does not compile."""
    return ours.compile_seconds / theirs.compile_seconds if ours.compile_seconds and theirs.compile_seconds else None


class Summary(NamedTuple):
    """How ours stands against one library, over several environments."""

    tasks: int
    """How many there are."""
    speed: float
    """Geometric mean of :func:`speedup`."""
    slowest: float
    """The smallest of them."""
    compiling: float | None
    """Geometric mean of :func:`compile_share`; None where the library does not compile."""
    longest: float | None
    """The largest of them."""


def summary(some: Sequence[Row], library: str) -> Summary | None:
    """Summarise rows against a library; None if it shares none of them with ours."""
    pairs = [(row[OURS], row[library]) for row in some if OURS in row and library in row]
    if not pairs:
        return None
    fast = [speedup(*pair) for pair in pairs]
    shares = [share for pair in pairs if (share := compile_share(*pair)) is not None]
    mean = statistics.geometric_mean
    return Summary(len(pairs), mean(fast), min(fast), mean(shares) if shares else None, max(shares, default=None))


class Scaling(NamedTuple):
    """A workload on several devices, relative to as many environments a device on one."""

    measurement: Measurement
    """The measurement."""
    speedup: float
    """Throughput relative to one device's."""

    @property
    def efficiency(self) -> float:
        """Weak scaling efficiency: 1 if each device is as fast as one alone."""
        return self.speedup / self.measurement.workload.devices

    @property
    def num_envs_per_device(self) -> int:
        """Environments on each device."""
        return self.measurement.workload.num_envs // self.measurement.workload.devices


def scaling(measurements: Sequence[Measurement]) -> list[Scaling]:
    """Relate each measurement on several devices to its own on one; empty if there is no such pair."""
    alone = {m.workload: m for m in measurements if m.workload.devices == 1}
    found: list[Scaling] = []
    for m in measurements:
        work = m.workload
        one = alone.get(work._replace(num_envs=work.num_envs // work.devices, devices=1))
        if one:
            found.append(Scaling(m, m.steps_per_second / one.steps_per_second))
    several = {(s.measurement.env_id, s.num_envs_per_device) for s in found if s.measurement.workload.devices > 1}
    return [s for s in found if (s.measurement.env_id, s.num_envs_per_device) in several]


def differences(report: BenchmarkReport) -> list[tuple[str, str, list[str]]]:
    """Return each known difference of a library's tasks from ours: library, difference, and the environments that have it."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for m in report.measurements:
        if m.difference:
            found.setdefault((m.library, m.difference), {})[short_name(m.env_id)] = None
    return [(*which, list(tasks)) for which, tasks in found.items()]


def settings(report: BenchmarkReport) -> str:
    """Return how a report was measured, in words."""
    ours = own(report)
    work = ours.workload
    threads = {(m.library, m.workload.threads) for m in report.measurements if m.workload.threads}
    words = [
        *(f"{name}={value}" for name, value in work.settings),
        f"{work.policy} policy",
        f"{work.num_steps} steps a run",
        f"{'with' if work.force else 'without'} observations as outputs",
        f"jaxenv with {work.prng} keys and unroll {work.unroll or 'default'}",
        *(f"{LIBRARIES[library].title} with {count} thread{'s' * (count > 1)}" for library, count in sorted(threads)),
        f"median of {len(ours.seconds)}",
    ]
    return ", ".join(words)


def circumstances(report: BenchmarkReport) -> str:
    """Return with what and where a report was measured, in words: versions, device, date."""
    machine = report.machine
    versions = {(LIBRARIES[m.library].title, m.version) for m in report.measurements}
    cpu = f"{machine.get('cpu') or 'CPU'} x {machine['cpu_count']}"
    device = cpu if machine["device"] == "cpu" else f"{machine['device']} ({cpu})"
    named = [f"{title} {version}" for title, version in sorted(versions)]
    load = machine.get("load_before")
    busy = [] if load is None else [f"a load of {load:.1f} beforehand"]
    return ", ".join([*named, f"jax {machine['jax']}", device, *busy, machine["date"]])


def own(report: BenchmarkReport) -> Measurement:
    """Return a measurement that stands for the report's settings: the first of ours, or of any if ours all failed."""
    return next((m for m in report.measurements if m.library == OURS), report.measurements[0])


class Verdict(NamedTuple):
    """What became of ours since an earlier report."""

    compared: int
    """How many measurements both reports have."""
    slower: list[str]
    """A sentence for each that became slower by more than was tolerated."""


def regressions(now: Sequence[Measurement], before: Sequence[Measurement], tolerance: float) -> Verdict:
    """Compare our measurements with earlier ones of equal workloads; ``tolerance`` is relative, 0.25 for 25%."""
    earlier = {m.workload: m.nanoseconds_per_step for m in before}
    pairs = [(m, earlier[m.workload]) for m in now if m.library == OURS and m.workload in earlier]
    slower = [
        f"{m.workload.title} takes {m.nanoseconds_per_step:.1f} ns a step; "
        f"it took {was:.1f} ns ({m.nanoseconds_per_step / was - 1:+.0%}, tolerance {tolerance:.0%})."
        for m, was in pairs
        if m.nanoseconds_per_step > was * (1 + tolerance)
    ]
    return Verdict(len(pairs), slower)
