"""Plot of a learning curve: median return over members, quartiles and extremes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def draw(file: Path, title: str, lines: list[dict[str, Any]]) -> None:
    """Write a PNG.

    Args:
        file: path of the PNG.
        title: title of the plot.
        lines: logged metrics: ``steps``, and ``return_mean`` of each member.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = [line for line in lines if any(value is not None for value in line["return_mean"])]
    steps = [line["steps"] for line in known]
    returns = [np.array([value for value in line["return_mean"] if value is not None]) for line in known]
    members = len(lines[0]["return_mean"]) if lines else 0
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    axes.plot(steps, [np.median(values) for values in returns], label="median")
    if members > 1:
        axes.fill_between(
            steps,
            [np.quantile(values, 0.25) for values in returns],
            [np.quantile(values, 0.75) for values in returns],
            alpha=0.3,
            label="middle half",
        )
        axes.plot(steps, [values.min() for values in returns], linewidth=0.5, color="grey", label="lowest and highest")
        axes.plot(steps, [values.max() for values in returns], linewidth=0.5, color="grey")
        axes.legend()
    axes.set_title(title)
    axes.set_xlabel("steps")
    axes.set_ylabel(f"return of {members} seeds" if members > 1 else "return")
    axes.grid(alpha=0.3)
    canvas.print_png(str(file))
