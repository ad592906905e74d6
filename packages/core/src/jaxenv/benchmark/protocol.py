"""How a benchmark is taken: all libraries in one process, in turn, compile time apart, outputs waited for, medians."""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import jax

from jaxenv.benchmark.contenders import Workload, contender, version


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One library on one workload."""

    library: str
    """Name of the contender."""
    version: str
    """Its version."""
    env_id: str
    """The environment."""
    num_envs: int
    """Environments in the batch."""
    num_steps: int
    """Steps of each in one run."""
    policy: str
    """``random`` or ``mlp``."""
    force: bool
    """Whether observations were outputs."""
    unroll: int
    """Steps in one iteration of the scan."""
    prng: str
    """The generator of the keys."""
    compile_seconds: float
    """Median time to trace and compile, s."""
    seconds: tuple[float, ...]
    """Time of each run, s."""
    state_bytes: int
    """Size of one environment's state, bytes; 0 where it is not an array."""

    @property
    def nanoseconds_per_step(self) -> float:
        """Median time of one environment step, ns."""
        return statistics.median(self.seconds) / (self.num_envs * self.num_steps) * 1e9

    @property
    def steps_per_second(self) -> float:
        """Environment steps a second, from the median."""
        return 1e9 / self.nanoseconds_per_step

    def to_json(self) -> dict[str, Any]:
        """Return the measurement as plain data, medians included."""
        derived = {"nanoseconds_per_step": self.nanoseconds_per_step, "steps_per_second": self.steps_per_second}
        return dataclasses.asdict(self) | derived


def machine() -> dict[str, Any]:
    """Describe where a measurement was taken."""
    device = jax.devices()[0]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "backend": device.platform,
        "device": device.device_kind,
        "cpu_count": os.cpu_count(),
    }


def compare(
    workloads: dict[str, Workload],
    *,
    repeats: int = 5,
    compiles: int = 1,
    progress: Callable[[str], None] = lambda message: None,
) -> list[Measurement]:
    """Measure libraries on what should be the same work.

    Args:
        workloads: the workload of each library; they may differ in what is the library's own choice, such as the generator.
        repeats: timed runs of each library, taken in turn so that the machine's moods meet all of them.
        compiles: how often each program is traced and compiled afresh; the median is reported.
        progress: told what is being done.

    Raises:
        BenchmarkPeerError: a library is unknown or not installed.
    """
    contenders = {library: contender(library) for library in workloads}
    programs: dict[str, Any] = {}
    compile_seconds: dict[str, list[float]] = {library: [] for library in workloads}
    with _no_persistent_cache():
        for _ in range(compiles):
            for library, workload in workloads.items():
                progress(f"compiling {workload.env_id} ({library})")
                jax.clear_caches()
                programs[library] = contenders[library].program(workload)
                compile_seconds[library].append(_timed(programs[library].compile))
    for program in programs.values():
        program.run(0)
    seconds: dict[str, list[float]] = {library: [] for library in workloads}
    for repeat in range(1, repeats + 1):
        for library, program in programs.items():
            progress(f"running {workloads[library].env_id} ({library}) {repeat}/{repeats}")
            seconds[library].append(_timed(lambda program=program, seed=repeat: program.run(seed)))
    return [
        Measurement(
            library=library,
            version=version(library),
            **workload._asdict(),
            compile_seconds=statistics.median(compile_seconds[library]),
            seconds=tuple(seconds[library]),
            state_bytes=programs[library].state_bytes,
        )
        for library, workload in workloads.items()
    ]


def _timed(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@contextmanager
def _no_persistent_cache() -> Generator[None]:
    """Compile for real, whatever cache the user has set."""
    enabled = jax.config.values["jax_enable_compilation_cache"]
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", enabled)
