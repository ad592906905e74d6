"""How a benchmark is taken: all libraries in one process, in turn, compile time apart, outputs waited for, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import jax

from jaxenv.benchmark.contenders import CONTENDERS, OURS, contender, short_name
from jaxenv.benchmark.measurement import Measurement
from jaxenv.benchmark.workload import Program, Workload

Progress = Callable[[str], None]
"""Called with what is being done."""


class Comparison(NamedTuple):
    """What a comparison gave."""

    measurements: list[Measurement]
    """One for each workload that could be played, in the order that was asked for."""
    failures: list[str]
    """A sentence for each that could not."""
    refused: list[str]
    """A sentence for each that would have been other work than ours."""


def compare(
    workloads: Sequence[Workload], *, repeats: int = 5, compiles: int = 1, progress: Progress = lambda message: None
) -> Comparison:
    """Measure libraries on what should be the same work.

    One that fails, say for lack of memory, costs the others nothing.

    Args:
        workloads: what each library plays; they may differ in what is a library's own choice, such as the generator.
        repeats: timed runs of each, taken in turn so that the machine's moods meet all of them.
        compiles: how often each program is traced and compiled afresh; the median is reported.
        progress: called with what is being done.

    Raises:
        UnknownContenderError: a library is unknown.
        BenchmarkPeerError: a library is not installed, is too old, or fails when it is imported.
    """
    for workload in workloads:
        contender(workload.library)
    runners = [_Runner(workload) for workload in workloads]
    with _no_persistent_cache():
        for _ in range(compiles):
            for runner in runners:
                runner.attempt("compiling", progress, runner.compile)
    _refuse_other_networks(runners)
    for runner in runners:
        runner.attempt("warming up", progress, lambda runner=runner: runner.program.run(0))
    for repeat in range(1, repeats + 1):
        for runner in runners:
            runner.attempt(f"run {repeat} of {repeats}:", progress, lambda runner=runner, seed=repeat: runner.run(seed))
    measurements = [runner.measurement() for runner in runners if not runner.failure]
    failures = [runner.failure for runner in runners if runner.failure and not runner.refused]
    return Comparison(measurements, failures, [runner.failure for runner in runners if runner.refused])


class _Runner:
    """A workload under way: its program, its times, and why it stopped, if it did: it failed, or it was refused."""

    program: Program

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.compile_seconds: list[float] = []
        self.seconds: list[float] = []
        self.failure = ""
        self.refused = False

    def attempt(self, what: str, progress: Progress, action: Callable[[], None]) -> None:
        """Act, unless an earlier action failed."""
        if self.failure:
            return
        progress(f"{what} {self.workload.title}")
        try:
            action()
        except Exception as error:  # whatever a library raises is no reason to lose what the others have measured
            reason = " ".join([f"{type(error).__name__}:", *str(error).splitlines()[:1]])
            self.failure = f"{self.workload.title} was not measured: {reason}"

    def compile(self) -> None:
        """Make the program anew, and time how it gets ready."""
        jax.clear_caches()
        self.program = CONTENDERS[self.workload.library].program(self.workload)
        self.compile_seconds.append(_timed(self.program.compile))

    def run(self, seed: int) -> None:
        """Play once, timed."""
        self.program.ready(seed)
        self.seconds.append(_timed(lambda: self.program.run(seed)))

    def measurement(self) -> Measurement:
        """Return what came out."""
        library = CONTENDERS[self.workload.library]
        counterpart = library.find(short_name(self.workload.env_id))
        return Measurement(
            workload=self.workload,
            version=library.version,
            compile_seconds=statistics.median(self.compile_seconds) if self.program.compiles else None,
            seconds=tuple(self.seconds),
            state_bytes=self.program.state_bytes,
            difference=counterpart.difference if counterpart else "",
        )


def _refuse_other_networks(runners: Sequence[_Runner]) -> None:
    """Under the policy ``mlp``, let no library be compared that plays another network than ours."""
    ours = next((r for r in runners if r.workload.library == OURS and not r.failure), None)
    for runner in runners:
        if ours and not runner.failure and runner.workload.policy == "mlp" and runner.program.network != ours.program.network:
            runner.refused = True
            runner.failure = (
                f"{runner.workload.title} was not measured: its observations and actions make another network "
                f"({runner.program.network}) than jaxenv's ({ours.program.network}), so the policy mlp is not the same work."
            )


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
