"""Summary statistics of returns."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxenv.evaluation import Evaluation


def summary(played: Evaluation) -> dict[str, Any]:
    """Return summary statistics of the episodes of one agent.

    Args:
        played: result of :func:`jaxenv.evaluate`, leaves ``[num_episodes]``.

    Returns:
        ``episodes``, ``mean``, ``low`` and ``high`` (the mean's 95% interval, by the normal approximation), ``median``, ``iqm``
        (the mean of the middle half), ``length`` (mean, in steps) and ``unfinished`` (episodes cut before their end).
    """
    values = np.sort(np.asarray(played.returns, np.float64))
    count = len(values)
    error = 1.96 * values.std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
    quarter = count // 4
    return {
        "episodes": count,
        "mean": float(values.mean()),
        "low": float(values.mean() - error),
        "high": float(values.mean() + error),
        "median": float(np.median(values)),
        "iqm": float(values[quarter : count - quarter].mean()),
        "length": float(np.mean(np.asarray(played.lengths, np.float64))),
        "unfinished": int(np.sum(~np.asarray(played.finished))),
    }
