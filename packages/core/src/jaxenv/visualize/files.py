"""Whether a file can be written, asked before the work whose result it will hold. Imports no JAX."""

from __future__ import annotations

from pathlib import Path

from jaxenv.errors import OutputFileError


def check_output(path: Path) -> None:
    """Refuse a path at which no file can be written.

    Raises:
        OutputFileError: its folder is missing, or it is a folder itself, or it may not be written.
    """
    folder = path.parent
    try:
        if path.is_dir():
            raise OutputFileError(path, "it is a folder", "Name a file in it.")
        if folder.exists() and not folder.is_dir():
            raise OutputFileError(path, f"{folder} is no folder", "Choose another.")
        if not folder.exists():
            raise OutputFileError(path, f"there is no folder {folder}", "Make the folder, or choose another.")
        there = path.exists()
        path.open("ab").close()  # permissions tell only half of it
    except OutputFileError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputFileError(path, reason[:1].lower() + reason[1:], "Choose another folder or name.") from error
    if not there:
        path.unlink()
