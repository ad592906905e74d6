"""``jaxenv bsuite``: run experiments, and compute their scores. Importing this module imports no JAX."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from jaxenv.cli.options import LARGEST, Seed
from jaxenv.errors import SettingError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from jaxenv_bsuite.scoring import Score, score_by_tag
from jaxenv_bsuite.sweep import EXPERIMENTS, TAGS

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended."""

app = typer.Typer(
    name="bsuite",
    help=f"Run bsuite's experiments ({', '.join(EXPERIMENTS)}) and compute their scores.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def run(
    save_path: Annotated[Path, typer.Option(help="Directory for the CSV files. An interrupted run in it resumes.")],
    ids: Annotated[str, typer.Option(help=f"Ids, experiments, tags ({', '.join(TAGS)}), testing or all; with commas.")] = "all",
    agent: Annotated[str, typer.Option(help="random, or module:object with a policy(obs, key) or a class that learns.")] = "random",
    seed: Seed = 0,
    episodes: Annotated[int | None, typer.Option(min=1, max=LARGEST, help="Episodes of each id. Default: bsuite's number.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the results in the directory and start over.")] = False,
    mnist_dir: Annotated[Path | None, typer.Option(help="Directory with the files of MNIST.")] = None,
    mnist_source: Annotated[
        Literal["mnist", "digits"], typer.Option(help="mnist, or digits for scikit-learn's (scores not comparable).")
    ] = "mnist",
) -> None:
    """Run an agent on ids, and write their logs."""
    from jaxenv_bsuite import runner

    mnist: dict[str, Any] = {"source": mnist_source} if mnist_source != "mnist" else {}
    if mnist_dir is not None:
        mnist["data_dir"] = str(mnist_dir)
    names = [name.strip() for name in ids.split(",") if name.strip()]
    if not names:
        raise SettingError("--ids", ids, "at least one id, experiment or tag")
    screen = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("episodes"), TimeRemainingColumn()
    try:
        with Progress(*columns, console=screen, disable=not screen.is_terminal) as bars:
            tasks: dict[str, TaskID] = {}

            def progress(batch: str, done: int, total: int) -> None:
                if batch not in tasks:
                    tasks[batch] = bars.add_task(batch, total=total)
                bars.update(tasks[batch], completed=done)

            played = runner.run(
                agent, names, save_path, seed=seed, episodes=episodes, overwrite=overwrite, mnist=mnist, progress=progress
            )
    except KeyboardInterrupt:
        screen.print(f"Interrupted. Everything so far is in {save_path}; the same command goes on from there.", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{len(played)} ids are finished in {save_path}. Score them with: jaxenv bsuite score {save_path}")


@app.command()
def score(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Directories of runs, one for each agent.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    plots: Annotated[bool, typer.Option("--plots/--no-plots", help="Also draw radar.png and bars.png (needs Matplotlib).")] = True,
    plot_path: Annotated[Path | None, typer.Option(help="Directory for the plots; the first DIR if not given.")] = None,
) -> None:
    """Compute the scores of runs."""
    from jaxenv_bsuite import logs, scoring

    drawn_in = plot_path or directories[0]
    if plots and drawn_in.exists() and not drawn_in.is_dir():
        raise SettingError("--plot-path" if plot_path else "DIR", str(drawn_in), "a directory")
    scores = {str(directory): scoring.score(logs.read(directory)) for directory in directories}
    if as_json:
        typer.echo(json.dumps({name: _plain(own) for name, own in scores.items()}, indent=2))
    else:
        console = Console(highlight=False)
        for name, own in scores.items():
            console.print(f"[bold]{name}[/bold]", soft_wrap=True)
            console.print(_experiments(own), _abilities(own))
            if _not_comparable(Path(name)):
                console.print("mnist was played with scikit-learn's digits: its scores are not comparable with bsuite's.")
    if plots:
        _draw(scores, drawn_in)


def _draw(scores: dict[str, list[Score]], directory: Path) -> None:
    from jaxenv_bsuite import plots

    directory.mkdir(parents=True, exist_ok=True)
    try:
        paths = plots.save({Path(name).resolve().name: own for name, own in scores.items()}, directory)
    except ImportError as error:
        typer.echo(f"No plots: {error}", err=True)
    else:
        typer.echo(f"Plots: {' and '.join(map(str, paths))}", err=True)


def _experiments(scores: list[Score]) -> Table:
    table = Table("experiment", "type", "score", "finished", box=None, pad_edge=False)
    for one in scores:
        table.add_row(one.experiment, one.type, _shown(one.score), "yes" if one.finished else "no")
    return table


def _abilities(scores: list[Score]) -> Table:
    table = Table("ability", "score", box=None, pad_edge=False)
    for tag, value in score_by_tag(scores).items():
        table.add_row(tag, _shown(value))
    return table


def _shown(value: float) -> str:
    return "too short" if math.isnan(value) else f"{value:.3f}"


def _plain(scores: list[Score]) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return None if math.isnan(value) else value

    return {
        "experiments": [one._asdict() | {"score": number(one.score)} for one in scores],
        "tags": {tag: number(value) for tag, value in score_by_tag(scores).items()},
    }


def _not_comparable(directory: Path) -> bool:
    from jaxenv_bsuite.checkpoints import settings_of

    return settings_of(directory).get("mnist", {}).get("source") == "digits"
