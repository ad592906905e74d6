"""Results on disk: one CSV file for each id, as the original's ``csv_load`` reads them. Imports no JAX."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxenv.errors import JaxenvError
from numpy.typing import NDArray

from jaxenv_bsuite.sweep import SWEEP

PREFIX = "bsuite_id_-_"
BASE_COLUMNS = ("steps", "episode", "total_return", "episode_len", "episode_return")
"""The columns of every file; the task's own figures follow."""
DETAIL = (10, 12, 14, 17, 20, 25, 30, 40, 50, 60, 70, 80, 90)

Log = Mapping[str, NDArray[Any]]
"""The rows of one id: each column as a vector."""


class LogError(JaxenvError, ValueError):
    """A file or a directory does not hold results."""


def logged_episodes(last: int) -> tuple[int, ...]:
    """Return the episodes up to ``last`` at whose end a row is written: 1 to 10, then 12, 14, 17, ... in every decade.

    >>> len(logged_episodes(10_000)), logged_episodes(30)[-6:]
    (49, (12, 14, 17, 20, 25, 30))
    """
    decades = range(len(str(max(last, 1))))
    spaced = {*range(1, 11), *(digits * 10**decade for decade in decades for digits in DETAIL)}
    return tuple(sorted(episode for episode in spaced if episode <= last))


def path(directory: Path, bsuite_id: str) -> Path:
    """Return the file of an id."""
    return directory / f"{PREFIX}{bsuite_id.replace('/', '-')}.csv"


def write(directory: Path, bsuite_id: str, columns: Sequence[str], rows: Sequence[Sequence[float]]) -> None:
    """Write all rows of an id; a reader sees the old file or the new one, never half of one."""
    target = path(directory, bsuite_id)
    temporary = target.with_suffix(".csv.part")
    with temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    temporary.replace(target)


def read(directory: Path) -> dict[str, Log]:
    """Return the logs of all ids in a directory, in bsuite's order.

    Raises:
        LogError: there is none, or a file is not one of bsuite's.
    """
    if not directory.is_dir():
        raise LogError(f"{directory} is not a directory. Pass the --save-path of a run.")
    logs = {bsuite_id: _read_file(path(directory, bsuite_id)) for bsuite_id in SWEEP if path(directory, bsuite_id).is_file()}
    if not logs:
        raise LogError(f"{directory} holds no file named {PREFIX}*.csv. Pass the --save-path of a run.")
    return {bsuite_id: log for bsuite_id, log in logs.items() if len(log["episode"])}


def _read_file(file: Path) -> Log:
    with file.open(newline="") as stream:
        header, *rows = list(csv.reader(stream)) or [[]]
    if not set(BASE_COLUMNS) <= set(header) or any(len(row) != len(header) for row in rows):
        raise LogError(f"{file} does not hold bsuite's columns {', '.join(BASE_COLUMNS)}. Remove it, or run its id again.")
    try:
        values = np.array(rows, np.float64).reshape(len(rows), len(header))
    except ValueError as error:
        raise LogError(f"{file} holds something that is not a number ({error}). Remove it, or run its id again.") from error
    return dict(zip(header, values.T, strict=True))
