"""``jaxenv train``, ``evaluate`` and ``agents``. Importing this module imports no JAX."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from jaxenv.cli.objects import load_here, refusal
from jaxenv.cli.options import LARGEST, EnvId, Seed, Settings, overrides
from jaxenv.cli.output import AsJson, console, print_json, table
from jaxenv.errors import EntryPointError
from jaxenv.registry.lookup import spec as find_spec
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from jaxenv_baselines.configs import env_settings_for, settings_for
from jaxenv_baselines.errors import SweepOptionError
from jaxenv_baselines.limits import MAX_STEPS
from jaxenv_baselines.limits import max_steps as max_steps_of

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended."""
SHOWN = 32
"""Trials of a search that are printed."""
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("{task.percentage:3.0f}%"),
    TextColumn("{task.fields[speed]}"),
    TimeRemainingColumn(),
)


def train(
    env_id: EnvId,
    algorithm: Annotated[str | None, typer.Option(help="Name of an algorithm. Default: the one configured for the id.")] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=4096, help="Members trained at once with different seeds; the best is kept.")
    ] = 1,
    seed: Seed = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set a hyperparameter; may be repeated.")
    ] = None,
    env_settings: Annotated[
        list[str] | None, typer.Option("--env-set", metavar="NAME=VALUE", help="Set a field or a param of the environment.")
    ] = None,
    total_steps: Annotated[int | None, typer.Option(min=1, max=10**15, help="Environment steps per member.")] = None,
    out: Annotated[Path | None, typer.Option(help="Directory to write to. Default: trained/ID.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the training in the directory.")] = False,
    episodes: Annotated[int, typer.Option(min=2, max=10**6, help="Episodes of the evaluation at the end.")] = 1000,
    checkpoint_every: Annotated[float, typer.Option(min=0.0, help="Smallest number of seconds between checkpoints.")] = 30.0,
    half: Annotated[bool, typer.Option("--half", help="Store the agent's weights as float16.")] = False,
    log: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="Call a function of yours with each progress report, such as a logger."),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep",
            metavar="NAME=VALUES",
            help="Search a hyperparameter: NAME=A,B,C, NAME=LOW:HIGH or NAME=LOW:HIGH:log; may be repeated.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="Trials of a search. Default: all combinations of lists, or 16 with a range."),
    ] = None,
) -> None:
    """Train an agent, and write it, its learning curve and its metrics into a directory.

    With --sweep, search hyperparameters instead: train all trials, print them by their return, and write sweep.json and the
    best agent. Each trial is trained with --seeds seeds, and evaluated on --episodes episodes.
    """
    spec = find_spec(env_id)
    changes = env_settings_for(spec.id) | overrides(env_settings, "--env-set")
    directory = Path("sweeps" if sweep else "trained") / spec.id if out is None else out
    for option, value in (("--resume", resume), ("--log", log)):
        if sweep and value:
            raise SweepOptionError(option, needs=False)
    if trials is not None and not sweep:
        raise SweepOptionError("--trials", needs=True)
    logger = None if log is None else _logger(log)

    import jax

    from jaxenv_baselines import training
    from jaxenv_baselines.algorithms import config_of

    name, chosen = settings_for(spec.id, algorithm, gpu=jax.default_backend() == "gpu")
    given = overrides(settings) | ({} if total_steps is None else {"total_steps": total_steps})
    if sweep:
        options = [] if algorithm is None else [f"--algorithm {algorithm}"]
        options += [f"--env-set {text}" for text in env_settings or ()] + [f"--set {text}" for text in settings or ()]
        options += [] if total_steps is None else [f"--total-steps {total_steps}"]
        search = _searched(spec, changes, name, chosen, given, sweep, trials, seed, seeds, episodes, half, directory)
        best = " ".join([f"jaxenv train {spec.id}", *options, search.flags(search.ranked[0])])
        console().print(f"Train with the best settings: {best}", soft_wrap=True, markup=False)
        return
    chosen.update(given)
    run = training.Training(spec, changes, name, config_of(name, chosen), seed, seeds, episodes=episodes, half=half)
    if resume:
        run.resume(directory)
    else:
        training.require_free(directory)
    training.require_writable(directory)
    screen = console(stderr=True)
    options = "".join(f" · {what}={value}" for what, value in changes.items())
    screen.print(
        f"{spec.id}{options} · {name} · {seeds} seed{'s' * (seeds > 1)} from {seed} · {directory}", soft_wrap=True, markup=False
    )
    try:
        _watch(run, directory, checkpoint_every, logger)
    except KeyboardInterrupt:
        if run.updates:
            run.save_checkpoint(directory)
        screen.print(f"Interrupted. Run the same command with --resume to continue from {run.steps:,} steps.", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    with screen.status("evaluating"):
        described = run.save_agent(directory)
    _draw(run, directory, f"{spec.id}, {name}")
    speed = run.steps * seeds / max(run.seconds - run.compile_seconds, 1e-9)
    out_console = console()
    out_console.print(
        f"{formatted(described['returns'])} after {run.steps:,} steps in {run.seconds:.1f} s ({speed:,.0f} steps a second)"
    )
    out_console.print(f"The agent is in {directory}: jaxenv render {spec.id} --policy agent:{directory} film.gif", soft_wrap=True)


def _searched(
    spec: Any,
    changes: dict[str, Any],
    name: str,
    configured: dict[str, Any],
    given: dict[str, Any],
    texts: list[str],
    trials: int | None,
    seed: int,
    seeds: int,
    episodes: int,
    half: bool,
    directory: Path,
) -> Any:
    """Search hyperparameters, print the trials by rank, write ``sweep.json`` and the best agent, and return the search."""
    from jaxenv_baselines import training
    from jaxenv_baselines.sweep import FILE, Dimension, Sweep

    dimensions = [Dimension.parse(text) for text in texts]
    swept = [dimension.name for dimension in dimensions]
    # A swept hyperparameter replaces the configured value, but contradicts one that was set.
    fixed = {key: value for key, value in configured.items() if key not in swept} | given
    search = Sweep(spec, changes, name, fixed, dimensions, trials, seed, seeds, episodes, half)
    training.require_free(directory, resumable=False)
    training.require_writable(directory)
    screen, count = console(stderr=True), len(search.results)
    options = "".join(f" · {what}={value}" for what, value in changes.items())
    screen.print(
        f"{spec.id}{options} · {name} · {count} trials of {seeds} seed{'s' * (seeds > 1)} from {seed} · {directory}",
        soft_wrap=True,
        markup=False,
    )
    try:
        with Progress(*_COLUMNS, console=screen, disable=not screen.is_terminal) as bar:
            task = bar.add_task("compiling", total=1.0, speed="")

            def watch(run: Any, report: Any, finished: int) -> None:
                members = run.members // seeds
                done = (finished + members * report.steps / report.total_steps) / count
                known = [value for value in report.metrics["return_mean"] if value is not None]
                best = f"{max(known):,.4g}" if known else "-"
                bar.update(task, completed=done, description=f"best return {best}", speed=f"{report.steps_per_second:,.0f} steps/s")

            search.run(directory, watch)
    except KeyboardInterrupt:
        screen.print(f"Interrupted. Finished trials are in {directory / FILE}, if there are any.", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    rows = table("rank", *swept, "return", "95% interval", right=("rank", *swept, "return"))
    for rank, trial in enumerate(search.ranked[:SHOWN], 1):
        low, high = trial.returns["low"], trial.returns["high"]
        values = (f"{trial.settings[column]}" for column in swept)
        rows.add_row(str(rank), *values, f"{trial.returns['mean']:.5g}", f"{low:.5g} to {high:.5g}")
    out = console()
    out.print(rows)
    if count > SHOWN:
        out.print(f"{count - SHOWN} more trials are in {directory / FILE}.", soft_wrap=True)
    out.print(f"All trials are in {directory / FILE}, the best agent is in {directory}.", soft_wrap=True)
    return search


def _logger(text: str) -> Callable[[Any], Any]:
    """Return the function that ``--log`` names."""
    function = load_here("--log", text, "'module:function'")
    reason = refusal(function, "report")
    if reason:
        raise EntryPointError(
            "--log", text, reason, "Write a function of one argument, a jaxenv_baselines.training.TrainingProgress."
        )
    return function


def _watch(run: Any, directory: Path, checkpoint_every: float, logger: Callable[[Any], Any] | None) -> None:
    """Train to the end with a progress bar, a logger and checkpoints."""
    screen, kept = console(stderr=True), run.seconds
    with Progress(*_COLUMNS, console=screen, disable=not screen.is_terminal) as bar:
        total = run.num_updates * run.algorithm.steps_per_update(run.config)
        task = bar.add_task("compiling", total=total, completed=run.steps, speed="")
        for report in run.run():
            shown = "-" if math.isnan(report.return_mean) else f"{report.return_mean:,.4g}"
            if logger is not None:
                logger(report)
            bar.update(task, completed=report.steps, description=f"return {shown}", speed=f"{report.steps_per_second:,.0f} steps/s")
            if not screen.is_terminal and len(run.lines) % 10 == 0:
                screen.print(f"{report.steps:,} of {report.total_steps:,} steps: return {shown}", soft_wrap=True)
            if run.seconds - kept >= checkpoint_every:
                run.save_checkpoint(directory)
                kept = run.seconds
    run.save_checkpoint(directory)


def _draw(run: Any, directory: Path, title: str) -> None:
    from jaxenv_baselines import curve, training

    try:
        curve.draw(directory / training.CURVE, title, run.lines)
    except ImportError:
        console(stderr=True).print(
            "The learning curve was not plotted: Matplotlib is not installed. Install it: pip install 'jaxenv-baselines[plots]'.",
            soft_wrap=True,
        )


def evaluate(
    env_id: EnvId,
    agent: Annotated[str, typer.Option(help="shipped, or a directory that jaxenv train wrote.")] = "shipped",
    episodes: Annotated[int, typer.Option(min=2, max=LARGEST, help="Number of episodes.")] = 1000,
    max_steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help=f"Steps after which an episode is cut. Default: the task's time limit; without one, {MAX_STEPS:,}, with which "
            "the shipped agents' returns were recorded.",
        ),
    ] = None,
    seed: Seed = 0,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate an agent on whole episodes: mean return with 95% interval, median, and interquartile mean (IQM).

    A good agent can play a task without a time limit for very long, such as SpaceInvaders-MinAtar. For a quick look, evaluate
    fewer and shorter episodes: --episodes 100 --max-steps 1000. The output counts the episodes that were cut.
    """
    spec = find_spec(env_id)
    import jaxenv

    from jaxenv_baselines import evaluation
    from jaxenv_baselines.agent import load, require_fit
    from jaxenv_baselines.tasks import Task

    loaded = load(spec.id) if agent == "shipped" else load(Path(agent), env_id=spec.id)
    changes = loaded.description["overrides"] | overrides(settings)
    env, params = jaxenv.make(spec, **changes)
    require_fit(loaded, Path(agent), env, params)
    time_limit = Task.of(env, params).time_limit
    limit = max_steps_of(time_limit) if max_steps is None else max_steps
    if time_limit is None and max_steps is None:
        console(stderr=True).print(
            f"{spec.id} has no time limit: an episode may take {limit:,} steps. For a quick look: --episodes 100 --max-steps 1000.",
            soft_wrap=True,
            markup=False,
        )
    played = jaxenv.evaluate(
        env,
        params,
        loaded.policy,
        jaxenv.random.key(seed),
        num_episodes=episodes,
        policy_params=loaded.policy_params,
        initial_carry=loaded.initial_carry,
        max_steps=limit,
    )
    summary = evaluation.summary(played)
    if as_json:
        print_json({"id": spec.id, "agent": agent, "overrides": changes, "seed": seed, "max_steps": limit, **summary})
        return
    out = console()
    out.print(f"[bold cyan]{spec.id}[/] · {loaded.description['algorithm']} · {agent}")
    rows = table("", "")
    rows.show_header = False
    rows.add_row("episodes", f"{summary['episodes']:,}")
    rows.add_row("mean return", f"{summary['mean']:.6g}, 95% interval {summary['low']:.6g} to {summary['high']:.6g}")
    rows.add_row("median", f"{summary['median']:.6g}")
    rows.add_row("IQM", f"{summary['iqm']:.6g}")
    rows.add_row("mean length", f"{summary['length']:.6g} steps")
    if summary["unfinished"]:
        rows.add_row("unfinished", f"{summary['unfinished']:,}, cut after {limit:,} steps")
    out.print(rows)


def agents(as_json: AsJson = False) -> None:
    """List the shipped agents: environment, algorithm, and return over whole episodes."""
    from jaxenv_baselines.agent import shipped

    found = shipped()
    if as_json:
        print_json(found)
        return
    rows = table("environment", "algorithm", "return", "95% interval", "steps", "seconds", right=("return", "steps", "seconds"))
    rows.columns[0].no_wrap = True
    for described in found:
        returns = described["returns"]
        rows.add_row(
            described["spec"]["id"],
            described["algorithm"],
            f"{returns['mean']:.5g}",
            f"{returns['low']:.5g} to {returns['high']:.5g}",
            f"{described['steps']:,}",
            f"{described['seconds']:.3g}",
        )
    console().print(rows if found else "No agents are shipped. Train one: jaxenv train ID.")


def formatted(returns: dict[str, Any]) -> str:
    """Format a summary of returns."""
    return (
        f"mean return {returns['mean']:.5g} (95% interval {returns['low']:.5g} to {returns['high']:.5g}) "
        f"over {returns['episodes']:,} episodes"
    )
