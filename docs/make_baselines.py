"""Make docs/baselines.md and its learning curves from the shipped agents and the JSON files in docs/baselines.

    python docs/make_baselines.py                       # write the page and the pictures (needs matplotlib)
    python docs/make_baselines.py --results DIR         # first take over what packages/baselines/scripts/train_agents.py wrote
    python docs/make_baselines.py --optimal [ID ...]    # first compute optimal returns: those that are missing, or these

===================  ================================================================================================
``transfer.json``    returns in the reference implementations, by ``packages/baselines/scripts/measure_transfer.py``
``results.json``     how each agent was trained: device, seeds, seconds
``curves.json``      its learning curve, reduced to at most 60 points
``optimal.json``     optimal returns, by ``jaxenv_baselines.optimal``
``published.json``   returns that others published
===================  ================================================================================================

A transfer, a result or a curve belongs to the weights whose SHA-256 it names. Of other weights the page shows none.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxenv_baselines import agent
from jaxenv_baselines.configs import CONFIGS, env_settings_for
from jaxenv_baselines.limits import MAX_STEPS, MAX_STEPS_IN_REFERENCE

DATA = Path(__file__).parent / "baselines"
FILES = ("transfer", "results", "curves", "optimal", "published")
FAMILIES = {"classic": "Classic control", "minatar": "MinAtar", "bsuite": "bsuite", "misc": "Misc"}
POINTS = 60
INTRODUCTION = f"""# Trained agents

`docs/make_baselines.py` writes this page from the shipped agents and the JSON files in `docs/baselines`. `jaxenv train ID` trains one of these agents again,
`jaxenv evaluate ID` evaluates it, and `jaxenv_baselines.load(ID)` returns it. Hyperparameters of all ids are in
[`configs.py`](../packages/baselines/src/jaxenv_baselines/configs.py).

| column | meaning |
|---|---|
| return | mean undiscounted return of at least 1,000 whole episodes with default params, and its 95% interval; an episode without a time limit is cut after {MAX_STEPS:,} steps |
| optimum | computed by `jaxenv optimal ID`: `=` exact; `≤` an upper bound; `≥` achieved by a computed policy |
| steps | environment steps of the training, of one seed |
| seconds | time of the training with all its seeds, without compilation, on the device named; `seeds` is their number, of which the best is shipped |
| transfer | mean return of the same agent in the reference implementation, and the difference from ours in standard errors; episodes without a time limit are cut after {MAX_STEPS_IN_REFERENCE:,} steps on both sides |
| published | returns that others published; sources are below |
"""


def read() -> dict[str, Any]:
    """Return the contents of the JSON files by name; a missing file is empty."""
    found = {name: DATA / f"{name}.json" for name in FILES}
    return {name: json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {} for name, path in found.items()}


def page(data: dict[str, Any], agents: Sequence[dict[str, Any]]) -> str:
    """Return the page, given the JSON files and the descriptions of the agents."""
    described = {one["spec"]["id"]: one for one in agents}
    ids = list(dict.fromkeys([*CONFIGS, *described]))
    lines = [INTRODUCTION]
    for family, title in FAMILIES.items():
        some = [env_id for env_id in ids if env_id.startswith(f"{family}/")]
        if not some:
            continue
        head = ["environment", "algorithm", "return", "optimum", "steps", "seconds", "transfer", "published"]
        rows = [row(env_id, described.get(env_id), data) for env_id in some]
        lines += [f"## {title}", "", *table(head, rows), ""]
        if curves(data, described, some):
            lines += [f"![Learning curves of {title}](baselines/{family}.png)", ""]
    return "\n".join([*lines, *sources(data["published"])]) + "\n"


def row(env_id: str, described: dict[str, Any] | None, data: dict[str, Any]) -> list[str]:
    """Return the cells of one environment."""
    name = env_id.split("/", 1)[1]
    published = data["published"].get("returns", {}).get(env_id, {})
    last = ", ".join(f"{value} ({source})" for source, value in published.items())
    optimum = optimal_cell(data["optimal"].get(env_id))
    if described is None:
        return [name, "-", "no agent is shipped", optimum, "-", "-", "-", last]
    digest, returns = described["sha256"], described["returns"]
    result, moved = (of(data[kind], env_id, digest) for kind in ("results", "transfer"))
    seconds = "-"
    if result:
        seeds = f", {result['seeds']} seeds" if result["seeds"] > 1 else ""
        seconds = f"{result['seconds']:.3g} ({result['device']}{seeds})"
    transferred = "-"
    if moved:
        errors = f"{moved['standard_errors']:.1f} standard errors" if moved["standard_errors"] else "equal"
        transferred = f"{number(moved['mean'])} ({moved['package']} {moved['version']}: {errors})"
    mean = f"**{number(returns['mean'])}** ({number(returns['low'])} to {number(returns['high'])})"
    return [name, described["algorithm"], mean, optimum, f"{described['steps']:,}", seconds, transferred, last]


def optimal_cell(found: dict[str, Any] | None) -> str:
    """Return an optimum with the sign of its kind."""
    if not found:
        return "-"
    sign = {"exact": "=", "bound": "≤", "achieved": "≥"}[found["kind"]]
    return f"{sign} {number(found['value'])}"


def sources(published: dict[str, Any]) -> list[str]:
    """Return what the names in the column of published figures mean."""
    used = {source for cells in published.get("returns", {}).values() for source in cells}
    named = [f"- {name}: {meaning}." for name, meaning in published.get("sources", {}).items() if name in used]
    return ["## Sources of published returns", "", *named] if named else []


def of(kept: dict[str, Any], env_id: str, digest: str) -> dict[str, Any] | None:
    """Return what is kept about an agent if it belongs to these weights."""
    found = kept.get(env_id)
    return found if found and found["sha256"] == digest else None


def curves(data: dict[str, Any], described: dict[str, Any], ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the learning curves of the shipped agents."""
    found = {env_id: of(data["curves"], env_id, described[env_id]["sha256"]) for env_id in ids if env_id in described}
    return {env_id: curve for env_id, curve in found.items() if curve}


def number(value: float) -> str:
    """Return five digits at most, without trailing zeros."""
    text = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.5g}"
    return "0" if text == "-0" else text


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Return a table in Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines)]


def draw(found: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the learning curves of one family in a grid: median over seeds, and all seeds' range."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 4
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(10, 2.1 * rows), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for place, (env_id, curve) in enumerate(found.items()):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.plot(curve["steps"], curve["median"], linewidth=1.2)
        axes.fill_between(curve["steps"], curve["low"], curve["high"], alpha=0.3)
        axes.set_title(env_id.split("/", 1)[1], fontsize=8)
        axes.tick_params(labelsize=6)
        axes.xaxis.get_offset_text().set_fontsize(6)
        axes.grid(alpha=0.3)
    figure.supxlabel("steps of one seed", fontsize=8)
    figure.supylabel("return in training", fontsize=8)
    canvas.print_png(str(path), metadata={"Software": None})


def reduced(lines: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the median, least and largest return over members at no more than 60 steps."""
    known = [line for line in lines if any(value is not None for value in line["return_mean"])]
    chosen = known if len(known) <= POINTS else [known[round(i)] for i in np.linspace(0, len(known) - 1, POINTS)]
    values = [[value for value in line["return_mean"] if value is not None] for line in chosen]
    return {
        "steps": [line["steps"] for line in chosen],
        **{
            name: [float(f"{float(function(some)):.5g}") for some in values]
            for name, function in (("median", np.median), ("low", min), ("high", max))
        },
    }


def take_over(directory: Path, data: dict[str, Any], agents: Sequence[dict[str, Any]]) -> None:
    """Add results and curves of a directory that ``train_agents.py`` wrote, where its agents are those that are shipped."""
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    for described in agents:
        env_id, digest = described["spec"]["id"], described["sha256"]
        file = directory / env_id / "agent.json"
        if not file.is_file() or json.loads(file.read_text(encoding="utf-8"))["sha256"] != digest:
            continue
        result = results[env_id]
        data["results"][env_id] = {
            "sha256": digest,
            "device": result["device"],
            "seeds": result["seeds"],
            "seconds": result["train_seconds"],  # without compilation, which that script does beforehand
            "compile_seconds": result["compile_seconds"],
        }
        metrics = (directory / env_id / "metrics.jsonl").read_text(encoding="utf-8")
        data["curves"][env_id] = {"sha256": digest, **reduced([json.loads(line) for line in metrics.splitlines()])}
        print(f"{env_id}: taken over from {directory}")
    for name in ("results", "curves"):
        write(name, data[name])


def compute_optima(ids: Sequence[str], data: dict[str, Any]) -> None:
    """Compute optimal returns and keep them; without ids, those of all configured environments that are missing."""
    import jaxenv
    from jaxenv_baselines.optimal import NoOptimumError, optimal

    for env_id in ids or [env_id for env_id in CONFIGS if env_id not in data["optimal"]]:
        spec, start = jaxenv.spec(env_id), time.perf_counter()
        env, params = jaxenv.make(spec, **env_settings_for(spec.id))
        try:
            found = dataclasses.asdict(optimal(env, params))
        except NoOptimumError:
            continue
        data["optimal"][spec.id] = found
        write("optimal", data["optimal"])
        print(f"{spec.id}: {found['value']:.6g} ({found['kind']}), {time.perf_counter() - start:.1f} s", flush=True)


def write(name: str, data: dict[str, Any]) -> None:
    """Write a JSON file, an entry a line, sorted."""
    entries = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(data.items())]
    (DATA / f"{name}.json").write_text("{\n" + ",\n".join(entries) + "\n}\n", encoding="utf-8")


def main(words: Sequence[str] | None = None) -> None:
    """Update the JSON files as requested, then write the page and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, nargs="*", default=[], help="directories that train_agents.py wrote")
    parser.add_argument("--optimal", nargs="*", metavar="ID", help="compute optimal returns")
    given = parser.parse_args(words)
    data, agents = read(), agent.shipped()
    for directory in given.results:
        take_over(directory, data, agents)
    if given.optimal is not None:
        compute_optima(given.optimal, data)
    (DATA.parent / "baselines.md").write_text(page(data, agents), encoding="utf-8")
    described = {one["spec"]["id"]: one for one in agents}
    ids = list(dict.fromkeys([*CONFIGS, *described]))
    for family in FAMILIES:
        found, path = curves(data, described, [env_id for env_id in ids if env_id.startswith(f"{family}/")]), DATA / f"{family}.png"
        if found:
            draw(found, path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
