"""``jaxenv bench``: how fast environments are, alone and against the libraries that have the same tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jaxenv.cli.output import console, table

if TYPE_CHECKING:
    from jaxenv.benchmark import Measurement

_EACH = "Repeat the option for several."


def bench(
    ids: Annotated[list[str] | None, typer.Argument(help="Environments; by default all, but for the members of groups.")] = None,
    against: Annotated[list[str] | None, typer.Option(help=f"A library to compare with: gymnax or gymnasium. {_EACH}")] = None,
    num_envs: Annotated[list[int] | None, typer.Option(min=1, help=f"Environments in a batch; 2000 by default. {_EACH}")] = None,
    num_steps: Annotated[int, typer.Option(min=1, help="Steps of each environment in a run.")] = 100,
    policy: Annotated[Literal["random", "mlp"], typer.Option(help="What chooses the actions.")] = "random",
    force: Annotated[bool, typer.Option("--force/--no-force", help="Whether every observation is an output.")] = True,
    unroll: Annotated[
        int | None, typer.Option(min=1, help="Steps in one iteration of jaxenv's scan; by default, by backend.")
    ] = None,
    prng: Annotated[
        Literal["jaxenv", "default"], typer.Option(help="jaxenv's generator: its own cheap one, or JAX's default as its peers use.")
    ] = "jaxenv",
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of each library.")] = 5,
    compiles: Annotated[int, typer.Option(min=1, help="Compilations of each program.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the measurements to this file.")] = None,
    compare_file: Annotated[
        Path | None, typer.Option("--compare", exists=True, help="A file that --json wrote: exit with 1 if jaxenv became slower.")
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0.0, help="How much slower still counts as the same.")] = 0.25,
) -> None:
    """Measure steps a second, compile time and bytes of state.

    All libraries run in one process and in turn, each in the same loop over a jitted scan with random keys and automatic
    resets. Every output is waited for, compile time is apart, and the median of the runs is reported.
    """
    import jax

    from jaxenv.benchmark.contenders import Workload, contender, short_name
    from jaxenv.benchmark.protocol import compare, machine
    from jaxenv.registry.lookup import registered_envs
    from jaxenv.registry.lookup import spec as find_spec
    from jaxenv.rollouts import default_unroll

    peers = list(against or [])
    have = {library: contender(library).has for library in peers}
    chosen = [find_spec(env_id).id for env_id in ids or [s.id for s in registered_envs() if s.group is None]]
    if not ids and peers:
        chosen = [env_id for env_id in chosen if any(has(short_name(env_id)) for has in have.values())]
    base = Workload("", 0, num_steps, policy, force)
    measured: list[Measurement] = []
    failed: list[str] = []
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console(), transient=True
    ) as progress:
        task = progress.add_task("")
        for env_id in chosen:
            libraries = ["jaxenv", *(library for library, has in have.items() if has(short_name(env_id)))]
            for count in num_envs or [2000]:
                work = base._replace(env_id=env_id, num_envs=count)
                workloads = dict.fromkeys(libraries, work)
                workloads["jaxenv"] = work._replace(prng=prng, unroll=unroll or default_unroll())
                try:
                    measured += compare(
                        workloads,
                        repeats=repeats,
                        compiles=compiles,
                        progress=lambda message: progress.update(task, description=message),
                    )
                except jax.errors.JaxRuntimeError as error:  # such as too little memory: no reason to lose the rest
                    failed.append(f"{env_id} with {count} environments was not measured: {str(error).splitlines()[0]}")
                if json_file:
                    report = {"machine": machine(), "measurements": [m.to_json() for m in measured]}
                    json_file.write_text(json.dumps(report, indent=1) + "\n")
    if measured:
        _print(machine(), measured, peers)
    for sentence in failed:
        console().print(sentence)
    if failed:
        raise typer.Exit(1)
    if compare_file:
        _judge(measured, json.loads(compare_file.read_text()), tolerance)


def _print(machine: dict[str, Any], measured: list[Measurement], peers: list[str]) -> None:
    from jaxenv.benchmark.contenders import version
    from jaxenv.benchmark.report import geometric_means, rows, speedup

    out = console()
    numbers = ["envs", "bytes", "ns/step", "M steps/s", "compile s", "jaxenv is"]
    grid = table("environment", "library", *numbers, right=numbers)
    for (env_id, num_envs, *_), row in rows(measured).items():
        for library, m in row.items():
            ours = library == "jaxenv"
            times = f"{m.nanoseconds_per_step:.1f}", f"{m.steps_per_second / 1e6:.1f}", f"{m.compile_seconds:.2f}"
            verdict = "" if ours else f"{speedup(row['jaxenv'], m):.2f}x"
            grid.add_row(env_id if ours else "", library, str(num_envs), str(m.state_bytes or "-"), *times, verdict)
    out.print(grid)
    for peer in peers:
        for num_envs, (fast, compiling) in geometric_means(measured, peer).items():
            out.print(
                f"{num_envs} environments: {fast:.2f} times as fast as {peer} {version(peer)}, "
                f"{compiling:.2f} of its compile time (geometric means)"
            )
    sample = measured[0]
    observations = "with observations" if sample.force else "without observations"
    out.print(
        f"{machine['date']}, {machine['device']} ({machine['backend']}), {machine['cpu_count']} CPUs, jax {machine['jax']}, "
        f"jaxenv {sample.version}: {sample.policy} policy, {sample.num_steps} steps a run, {observations} as outputs, "
        f"jaxenv with {sample.prng} keys and unroll {sample.unroll}, median of {len(sample.seconds)}"
    )


def _judge(measured: list[Measurement], before: dict[str, Any], tolerance: float) -> None:
    from jaxenv.benchmark.report import regressions

    out = console()
    slower = regressions(measured, before, tolerance)
    for sentence in slower:
        out.print(sentence)
    if slower:
        raise typer.Exit(1)
    out.print("Nothing became slower.")
