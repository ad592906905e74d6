"""The two pictures of a score: a radar of abilities, and bars of experiments. They need Matplotlib: the extra ``plots``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxenv_bsuite.scoring import Score, score_by_tag
from jaxenv_bsuite.sweep import EXPERIMENTS, TAGS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FLOOR = 0.05
"""The radar draws smaller scores as this one, so that the shape stays visible."""

Scores = Mapping[str, Sequence[Score]]
"""The scores of agents, by a name to show."""


def radar(scores: Scores) -> Figure:
    """Draw each agent's abilities as a polygon."""
    tags = sorted(TAGS)
    angles = np.linspace(0.0, 2.0 * math.pi, len(tags), endpoint=False)
    figure = _figure(6.0, 6.0)
    axes: Any = figure.add_subplot(projection="polar")
    for name, own in scores.items():
        by_tag = score_by_tag(own)
        values = [max(_shown(by_tag.get(tag, math.nan)), FLOOR) for tag in tags]
        axes.plot([*angles, angles[0]], [*values, values[0]], linewidth=2, label=name)
        axes.fill(angles, values, alpha=0.2)
    axes.set_xticks(angles, [tag.replace("_", "\n") for tag in tags])
    axes.set_yticks([0.25, 0.5, 0.75, 1.0], ["", "0.5", "", "1"])
    axes.set_ylim(0.0, 1.0)
    axes.tick_params(axis="x", pad=16)
    axes.set_theta_offset(math.pi / 2)
    figure.legend(loc="outside lower center", ncols=min(len(scores), 4), frameon=False)
    return figure


def bars(scores: Scores) -> Figure:
    """Draw each agent's score in each experiment as a bar, coloured by the experiment's type; pale where it is not finished."""
    names = [name for name in EXPERIMENTS if any(one.experiment == name for own in scores.values() for one in own)]
    colours = {tag: f"C{index}" for index, tag in enumerate(TAGS)}
    figure = _figure(11.0, 1.5 + 2.2 * len(scores))
    grid: Any = figure.subplots(len(scores), 1, sharex=True, squeeze=False)
    for axes, (agent, own) in zip(grid[:, 0], scores.items(), strict=True):
        for one in own:
            alpha = 1.0 if one.finished else 0.4
            axes.bar(names.index(one.experiment), _shown(one.score), color=colours[one.type], alpha=alpha)
        axes.set_ylim(0.0, 1.0)
        axes.set_ylabel(agent)
        axes.spines[["top", "right"]].set_visible(False)
    grid[-1, 0].set_xticks(range(len(names)), names, rotation=60, ha="right")
    types = dict.fromkeys(one.type for own in scores.values() for one in own)
    handles = [grid[0, 0].bar(0, 0, color=colours[kind]) for kind in types]
    figure.legend(handles, list(types), loc="outside upper center", ncols=max(len(types), 1), frameon=False)
    return figure


def save(scores: Scores, directory: Path) -> tuple[Path, Path]:
    """Write both pictures as PNG files into a directory, and return their paths."""
    paths = directory / "radar.png", directory / "bars.png"
    for path, draw in zip(paths, (radar, bars), strict=True):
        draw(scores).savefig(path, dpi=150)
    return paths


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('the plots need Matplotlib: pip install "jaxenv-bsuite[plots]"') from error
    return Figure(figsize=(width, height), layout="constrained")


def _shown(score: float) -> float:
    return 0.0 if math.isnan(score) else score
