"""``jaxenv bench``: how fast environments are, alone and against the libraries that have the same tasks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jaxenv.cli.memory import check_fits, size_of
from jaxenv.cli.options import LARGEST, Settings, finite, overrides
from jaxenv.cli.output import complain, console, counted
from jaxenv.errors import BenchmarkBaselineError, SettingError
from jaxenv.registry import EnvSpec, make, registered_envs
from jaxenv.registry.lookup import spec as find_spec
from jaxenv.visualize.files import check_output

if TYPE_CHECKING:
    from jaxenv.benchmark.report import BenchmarkReport
    from jaxenv.benchmark.workload import Workload

_EACH = "Repeat the option for several."


def bench(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Environments; by default all that the others have, or one of each task.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help=f"A library to compare with: gymnax, gymnasium, envpool or pgx. {_EACH}")
    ] = None,
    num_envs: Annotated[
        list[int] | None,
        typer.Option(min=1, max=LARGEST, help=f"Environments in a batch, on each device; 2000 by default. {_EACH}"),
    ] = None,
    num_steps: Annotated[int, typer.Option(min=1, max=LARGEST, help="Steps of each environment in a run.")] = 100,
    policy: Annotated[
        Literal["random", "mlp"], typer.Option(help="Random actions, or those of a network with two layers of 64.")
    ] = "random",
    force: Annotated[bool, typer.Option("--force/--no-force", help="Whether every observation is an output.")] = True,
    unroll: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Steps in one iteration of jaxenv's loop; by default, what a rollout chooses."),
    ] = None,
    settings: Settings = None,
    prng: Annotated[
        Literal["jaxenv", "default"], typer.Option(help="jaxenv's generator: its own cheap one, or JAX's default as its peers use.")
    ] = "jaxenv",
    threads: Annotated[int | None, typer.Option(min=1, max=4096, help="Threads of envpool; by default, as many as CPUs.")] = None,
    devices: Annotated[
        list[str] | None,
        typer.Option(help=f"Measure jaxenv on so many devices (a number, or all), and on one, with num-envs on each. {_EACH}"),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of each library.")] = 5,
    compiles: Annotated[int, typer.Option(min=1, help="Compilations of each program.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the measurements to this file.")] = None,
    compare_file: Annotated[
        Path | None,
        typer.Option(
            "--compare", exists=True, dir_okay=False, help="A file that --json wrote: exit with 1 if jaxenv became slower."
        ),
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0.0, callback=finite, help="How much slower still counts as the same.")] = 0.25,
) -> None:
    """Measure steps a second, compile time and bytes of state.

    All libraries run in one process and take turns, with random keys and automatic resets. JAX libraries run in a compiled
    loop, the others in a Python loop over their step. A run ends when all of its outputs are computed. Times are medians of
    the runs. Compile time is separate.
    """
    from jaxenv.benchmark.libraries import OURS, find_library
    from jaxenv.benchmark.measurement import machine
    from jaxenv.benchmark.protocol import compare
    from jaxenv.benchmark.report import BenchmarkReport, read
    from jaxenv.benchmark.workload import Workload
    from jaxenv.cli.bench_report import print_report

    peers = [peer for peer in dict.fromkeys(against or []) if peer != OURS]
    for peer in peers:
        find_library(peer)
    if devices and peers:
        raise SettingError("--devices", devices[0], "no option --against beside it, since other libraries run on one device,")
    chosen = tuple(overrides(settings).items())
    others = [peer for peer in peers if not _is_ours(peer)]
    if settings and others:
        raise SettingError("--set", settings[0], f"no option --against {others[0]} beside it")
    spreads = _device_counts(devices) if devices else [1]
    here = machine()
    before = read(compare_file) if compare_file else None
    if before:
        _refuse_another_machine(here, before, compare_file)
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        check_output(json_file)
    env_ids = list(_available(_chosen(ids, peers), dict(chosen), max(num_envs or [2000]), num_steps if force else 0, skip=not ids))
    report = BenchmarkReport(here, [])
    failures: list[str] = []
    refused: list[str] = []
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console(), transient=True
    ) as progress:
        task = progress.add_task("")
        for env_id in env_ids:
            available = [peer for peer in peers if _has(peer, env_id)]
            for peer in [peer for peer in peers if ids and peer not in available]:
                complain("Warning", f"{find_library(peer).title} has no task like {env_id}.")
            for count in num_envs or [2000]:
                own = Workload(OURS, env_id, count, num_steps, policy, force, unroll, prng, settings=chosen)
                result = compare(
                    [own._replace(num_envs=count * spread, devices=spread) for spread in spreads]
                    + [_theirs(own, peer, threads) for peer in available],
                    repeats=repeats,
                    compiles=compiles,
                    progress=lambda message: progress.update(task, description=message),
                )
                report.measurements.extend(result.measurements)
                failures += result.failures
                refused += result.refused
                if json_file:
                    report.write(json_file)
    if report.measurements:
        print_report(report)
    for sentence in refused:
        complain("Warning", sentence)
    for sentence in failures:
        complain("Error", sentence)
    slower = _judge(report, before, compare_file, tolerance) if before else False
    if failures or slower:
        raise typer.Exit(1)


def _chosen(ids: Sequence[str] | None, peers: Sequence[str]) -> list[str]:
    """Return the ids to measure: those given; all that a peer has; or all, but for tasks that come in many variants."""
    if ids:
        return [find_spec(env_id).id for env_id in ids]
    specs = registered_envs()
    others = [peer for peer in peers if not _is_ours(peer)]
    if others:
        return [spec.id for spec in specs if any(_has(peer, spec.id) for peer in others)]

    def task(spec: EnvSpec) -> tuple[str | None, ...]:
        return (spec.namespace, spec.group, spec.summary) if spec.group else (spec.id,)

    variants = Counter(map(task, specs))
    return [spec.id for spec in specs if variants[task(spec)] == 1]


def _available(env_ids: Sequence[str], settings: dict[str, Any], num_envs: int, kept: int, *, skip: bool) -> Iterator[str]:
    """Yield the ids that can be made here; say which cannot and why, for lack of data say, or raise that unless ``skip``.

    They must fit into memory with the observations of so many steps.
    """
    import jax

    for env_id in env_ids:
        try:
            env, params = make(env_id, **settings)
        except (OSError, ImportError) as error:
            if not skip:
                raise
            complain("Warning", f"{env_id} is left out. {error}")
            continue
        obs, state = jax.eval_shape(env.reset, jax.random.key(0), params)
        each = size_of((obs, state)) + kept * size_of(obs)
        check_fits(
            "--num-envs", num_envs, each, f"one environment of {env_id}" + (f" with {counted(kept, 'step')}" if kept else "")
        )
        yield env_id


def _has(peer: str, env_id: str) -> bool:
    from jaxenv.benchmark.libraries import LIBRARIES, short_name

    return LIBRARIES[peer].find(short_name(env_id)) is not None


def _is_ours(library: str) -> bool:
    """Whether a library is jaxenv in another loop, which has every task and every option of ours but unrolling."""
    from jaxenv.benchmark.libraries import LIBRARIES, OURS

    return LIBRARIES[library].module == LIBRARIES[OURS].module


def _theirs(own: Workload, peer: str, threads: int | None) -> Workload:
    """Return a peer's workload: ours, but for what is its own choice."""
    from jaxenv.benchmark.libraries import LIBRARIES

    theirs = own._replace(library=peer, unroll=None)
    if _is_ours(peer):
        return theirs
    return theirs._replace(prng="default", threads=(threads or os.cpu_count()) if LIBRARIES[peer].threaded else None)


def _device_counts(devices: Sequence[str]) -> list[int]:
    """Return the numbers of devices to measure on: those given, and one to relate them to."""
    import jax

    available = jax.device_count()
    counts = {1}
    for given in devices:
        count = available if given == "all" else int(given) if given.isdecimal() else 0
        if not 1 <= count <= available:
            raise SettingError("--devices", given, f"all, or a number from 1 to {available}")
        counts.add(count)
    return sorted(counts)


def _refuse_another_machine(here: Mapping[str, Any], before: BenchmarkReport, path: Path | None) -> None:
    """Refuse a baseline of another device, before anything is measured."""
    ours, theirs = (f"{m.get('device', 'an unknown device')} ({m.get('backend', 'unknown')})" for m in (here, before.machine))
    if ours != theirs:
        raise BenchmarkBaselineError(path, f"it was measured on {theirs}, and this is {ours}")


def _judge(report: BenchmarkReport, before: BenchmarkReport, path: Path | None, tolerance: float) -> bool:
    """Say what became slower; return whether anything did."""
    from jaxenv.benchmark.report import regressions

    verdict = regressions(report.measurements, before.measurements, tolerance)
    if not verdict.compared:
        raise BenchmarkBaselineError(path, "it has no measurement of the same environment, sizes and options")
    out = console()
    for sentence in verdict.slower:
        out.print(sentence, soft_wrap=True)
    if not verdict.slower:
        out.print(f"Nothing became slower: {counted(verdict.compared, 'measurement')} compared, tolerance {tolerance:.0%}.")
    return bool(verdict.slower)
