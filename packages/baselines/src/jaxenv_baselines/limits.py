"""When an episode of an evaluation is cut. Importing this module imports no JAX."""

from __future__ import annotations

MAX_STEPS = 100_000
"""Steps after which ``train`` and ``evaluate`` cut an episode if the task has no time limit; its return so far counts.

The returns of the shipped agents were recorded with it.
"""
MAX_STEPS_IN_REFERENCE = 5_000
"""The same for ``transfer``, on both sides: reference implementations are Python, and a step of a batch takes milliseconds."""


def max_steps(time_limit: int | None, *, in_reference: bool = False) -> int:
    """Return the number of steps after which an episode is cut.

    Args:
        time_limit: the task's time limit in steps; None if it has none.
        in_reference: whether a reference implementation plays as well.
    """
    if time_limit is not None:
        return time_limit
    return MAX_STEPS_IN_REFERENCE if in_reference else MAX_STEPS
