"""Make docs/benchmarks.md and its plots from the measurements in docs/benchmarks/*.json.

Take a measurement with ``jaxenv bench --against gymnax --json docs/benchmarks/NAME.json`` and run this script (it needs matplotlib).
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
INTRODUCTION = """# Speed

Every table below is made by `docs/make_benchmarks.py` from a file that `jaxenv bench --json` wrote; so can yours be.

**Protocol.** Both libraries run in one process, in turn. Random actions from the library's own action space, automatic resets; observations, rewards
and done flags of every step are outputs of the compiled program, and are waited for. Compile time (tracing and compiling, with no cache) is apart.
Figures are medians. jaxenv is played by `jaxenv.rollout`, gymnax by the loop of its documentation; keys are JAX's default ones where the
table says `default`, and jaxenv's own (`jaxenv.random.key`) on jaxenv's side where it says `jaxenv`. A ratio above 1 means that jaxenv is faster, or compiles faster.
"""


def pairs(report: dict[str, Any]) -> dict[int, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Return ours and gymnax's measurements of each environment, by batch size."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for m in report["measurements"]:
        found.setdefault((m["env_id"], m["num_envs"]), {})[m["library"]] = m
    result: dict[int, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for (_, num_envs), row in found.items():
        if "gymnax" in row:
            result.setdefault(num_envs, []).append((row["jaxenv"], row["gymnax"]))
    return result


def section(path: Path) -> str:
    """Return the tables of one report, and draw its plot."""
    report = json.loads(path.read_text())
    machine = report["machine"]
    text = [f"\n## {path.stem}\n"]
    for num_envs, rows in pairs(report).items():
        ours, theirs = rows[0]
        fast = [b["nanoseconds_per_step"] / a["nanoseconds_per_step"] for a, b in rows]
        compiling = [b["compile_seconds"] / a["compile_seconds"] for a, b in rows]
        text.append(
            f"{num_envs:,} environments, {ours['num_steps']} steps a run, `{ours['prng']}` keys, unroll {ours['unroll']}; "
            f"jaxenv {ours['version']}, gymnax {theirs['version']}, jax {machine['jax']}, {machine['device']}, {machine['date']}.\n\n"
            "| environment | jaxenv, ns a step | gymnax, ns a step | ratio | jaxenv compiles, s | gymnax compiles, s | ratio | bytes of state |\n"
            "|---|---|---|---|---|---|---|---|"
        )
        for (a, b), ratio, compile_ratio in zip(rows, fast, compiling, strict=True):
            text.append(
                f"| {a['env_id'].rpartition('/')[2]} | {a['nanoseconds_per_step']:.2f} | {b['nanoseconds_per_step']:.2f} | {ratio:.2f} "
                f"| {a['compile_seconds']:.2f} | {b['compile_seconds']:.2f} | {compile_ratio:.2f} | {a['state_bytes']} |"
            )
        means = statistics.geometric_mean(fast), statistics.geometric_mean(compiling)
        text.append(f"| **geometric mean** | | | **{means[0]:.2f}** | | | **{means[1]:.2f}** | |\n")
        picture = HERE / "benchmarks" / f"{path.stem}-{num_envs}.png"
        draw(picture, rows, f"{path.stem}, {num_envs:,} environments")
        text.append(f"![ratios](benchmarks/{picture.name})\n")
    return "\n".join(text)


def draw(path: Path, rows: list[tuple[dict[str, Any], dict[str, Any]]], title: str) -> None:
    """Draw the ratios as bars, longest first."""
    ratios = sorted((b["nanoseconds_per_step"] / a["nanoseconds_per_step"], a["env_id"].rpartition("/")[2]) for a, b in rows)
    figure, axes = plt.subplots(figsize=(7, 0.25 * len(ratios) + 1))
    axes.barh([name for _, name in ratios], [ratio for ratio, _ in ratios], color="#0072B2")
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("times as fast as gymnax")
    axes.set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main() -> None:
    """Write the page."""
    sections = [section(path) for path in sorted((HERE / "benchmarks").glob("*.json"))]
    (HERE / "benchmarks.md").write_text(INTRODUCTION + "\n".join(sections))


if __name__ == "__main__":
    main()
