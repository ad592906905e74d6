"""What a run keeps on disk so that it can be interrupted: its settings, each id's rows, and where each unfinished id stands."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxenv.errors import JaxenvError
from numpy.typing import NDArray

from jaxenv_bsuite import logs

SETTINGS_FILE = "run.json"
FOLDER = "unfinished"


class RunMismatchError(JaxenvError, ValueError):
    """A directory holds results that do not belong to the run that is asked for."""

    def __init__(self, directory: Path, found: str, wanted: str) -> None:
        super().__init__(
            f"{directory} holds results of {found}, but a run of {wanted} is asked for. "
            "Choose another directory, or overwrite what is there (--overwrite)."
        )


class DamagedRunError(JaxenvError, ValueError):
    """A file in the directory of a run is not what a run writes."""

    def __init__(self, file: Path, cause: Exception) -> None:
        super().__init__(
            f"{file} is not what a run writes ({type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else 'empty'}). "
            "Choose another directory, or begin anew in this one (--overwrite)."
        )


class Saved(NamedTuple):
    """One id of a run."""

    rows: Sequence[Sequence[float]]
    """The rows of its file so far."""
    leaves: Sequence[NDArray[Any]]
    """Where it stands: the leaves of its :class:`~jaxenv_bsuite.runner.RunState`."""


class Store:
    """The directory of one run. Every file is replaced whole, so a reader, or a run that takes it up, never finds half of one."""

    def __init__(self, directory: Path, settings: dict[str, Any], *, overwrite: bool) -> None:
        self._directory, self._folder = directory, directory / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        if overwrite:
            for file in [*directory.glob(f"{logs.PREFIX}*.csv"), *self._folder.glob("*.npz"), directory / SETTINGS_FILE]:
                file.unlink(missing_ok=True)
        self._claim(settings)

    def _claim(self, settings: dict[str, Any]) -> None:
        """Write down whose results these are, or make sure that they are this run's."""
        file = self._directory / SETTINGS_FILE
        wanted = json.dumps(settings, sort_keys=True)
        if file.is_file():
            found = json.dumps(settings_of(self._directory), sort_keys=True)
            if found != wanted:
                raise RunMismatchError(self._directory, found, wanted)
        elif any(self._directory.glob(f"{logs.PREFIX}*.csv")):
            raise RunMismatchError(self._directory, "another program", wanted)
        else:
            file.write_text(wanted + "\n")

    def finished(self, bsuite_id: str) -> bool:
        """Whether an id has all of its rows."""
        return logs.path(self._directory, bsuite_id).is_file() and not self._file(bsuite_id).is_file()

    def save(self, bsuite_id: str, columns: Sequence[str], saved: Saved, *, finished: bool) -> None:
        """Write an id's rows, and where it stands unless it is finished."""
        file = self._file(bsuite_id)
        if not finished:
            temporary = file.with_suffix(".part")
            with temporary.open("wb") as stream:
                leaves: dict[str, Any] = {f"leaf{i}": leaf for i, leaf in enumerate(saved.leaves)}
                np.savez(stream, rows=json.dumps(saved.rows), **leaves)
            temporary.replace(file)
        logs.write(self._directory, bsuite_id, columns, saved.rows)
        if finished:
            file.unlink(missing_ok=True)

    def load(self, bsuite_id: str) -> Saved | None:
        """Return where an id stands, if it was begun."""
        if not self._file(bsuite_id).is_file():
            return None
        try:
            with np.load(self._file(bsuite_id)) as file:
                leaves = [file[f"leaf{i}"] for i in range(len(file.files) - 1)]
                return Saved(json.loads(file["rows"].item()), leaves)
        except (ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise DamagedRunError(self._file(bsuite_id), error) from error

    def close(self) -> None:
        """Remove the folder of unfinished ids if none is left."""
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _file(self, bsuite_id: str) -> Path:
        return self._folder / f"{bsuite_id.replace('/', '-')}.npz"


def settings_of(directory: Path) -> dict[str, Any]:
    """Return the settings of the run whose results a directory holds; nothing if another program wrote them."""
    file = directory / SETTINGS_FILE
    try:
        return json.loads(file.read_text()) if file.is_file() else {}
    except ValueError as error:
        raise DamagedRunError(file, error) from error


def leaves_of(run_states: Any, index: int) -> list[NDArray[Any]]:
    """Return the leaves of one of a batch of run states."""
    return [leaf[index] for leaf in jax.device_get(jax.tree.leaves(_without_keys(run_states)))]


def restore(run_states: Any, saved: Sequence[Saved | None], ids: Sequence[str]) -> Any:
    """Return a batch of run states with those put in that were saved."""
    leaves, structure = jax.tree.flatten(_without_keys(run_states))
    arrays = [np.array(leaf) for leaf in leaves]
    for index, (one, bsuite_id) in enumerate(zip(saved, ids, strict=True)):
        if one is None:
            continue
        shapes = [(leaf.shape, leaf.dtype) for leaf in one.leaves], [(array.shape[1:], array.dtype) for array in arrays]
        if shapes[0] != shapes[1]:
            raise RunMismatchError(Path(bsuite_id), "an agent with another memory", "this agent")
        for array, leaf in zip(arrays, one.leaves, strict=True):
            array[index] = leaf
    return _with_keys(jax.tree.unflatten(structure, [jnp.asarray(array) for array in arrays]), run_states)


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _without_keys(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, tree)


def _with_keys(tree: Any, like: Any) -> Any:
    def put(leaf: Any, original: Any) -> Any:
        return jax.random.wrap_key_data(leaf, impl=jax.random.key_impl(original)) if _is_key(original) else leaf

    return jax.tree.map(put, tree, like)
