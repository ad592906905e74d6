"""What a benchmark says: one row for each environment and batch size, ratios to the peers, geometric means, regressions."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from jaxenv.benchmark.protocol import Measurement

Key = tuple[str, int, int, str, bool]


def rows(measurements: Sequence[Measurement]) -> dict[Key, dict[str, Measurement]]:
    """Group measurements of the same work: ``{(env_id, num_envs, num_steps, policy, force): {library: measurement}}``."""
    grouped: dict[Key, dict[str, Measurement]] = {}
    for m in measurements:
        grouped.setdefault((m.env_id, m.num_envs, m.num_steps, m.policy, m.force), {})[m.library] = m
    return grouped


def speedup(ours: Measurement, theirs: Measurement) -> float:
    """How many times as fast ours is: the ratio of the median times."""
    return theirs.nanoseconds_per_step / ours.nanoseconds_per_step


def geometric_means(measurements: Sequence[Measurement], library: str) -> dict[int, tuple[float, float]]:
    """Return, for each batch size, the geometric means of our speedup over ``library`` and of our compile time over its."""
    ratios: dict[int, list[tuple[float, float]]] = {}
    for (_, num_envs, *_), row in rows(measurements).items():
        if library in row and "jaxenv" in row:
            ours, theirs = row["jaxenv"], row[library]
            compiling = ours.compile_seconds / theirs.compile_seconds if theirs.compile_seconds else float("nan")
            ratios.setdefault(num_envs, []).append((speedup(ours, theirs), compiling))
    return {
        num_envs: (statistics.geometric_mean(fast for fast, _ in pairs), statistics.geometric_mean(slow for _, slow in pairs))
        for num_envs, pairs in ratios.items()
    }


def regressions(now: Sequence[Measurement], before: dict[str, Any], tolerance: float) -> list[str]:
    """Return a sentence for each of our measurements that is slower than in an earlier report by more than ``tolerance``."""
    same = ("library", "env_id", "num_envs", "num_steps", "policy", "force", "unroll", "prng")
    earlier = {tuple(m[name] for name in same): m["nanoseconds_per_step"] for m in before["measurements"]}
    sentences: list[str] = []
    for m in now:
        was = earlier.get(tuple(getattr(m, name) for name in same))
        if m.library == "jaxenv" and was is not None and m.nanoseconds_per_step > was * (1 + tolerance):
            sentences.append(
                f"{m.env_id} with {m.num_envs} environments takes {m.nanoseconds_per_step:.1f} ns a step; "
                f"it took {was:.1f} ns ({m.nanoseconds_per_step / was - 1:+.0%}, tolerance {tolerance:.0%})."
            )
    return sentences
