"""Whether a file can be written, asked before the work whose result it will hold. Imports no JAX."""

from __future__ import annotations

import os
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
        if not folder.exists():
            raise OutputFileError(path, f"there is no folder {folder}", "Make the folder, or choose another.")
        if not folder.is_dir():
            raise OutputFileError(path, f"{folder} is no folder", "Choose another folder.")
    except OSError as error:
        if isinstance(error, OutputFileError):
            raise
        raise OutputFileError(path, error.strerror or str(error), "Choose another name.") from error
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise OutputFileError(path, "writing there is not allowed", "Choose another folder, or change its permissions.")
    if len(os.fsencode(path.name)) > 255:
        raise OutputFileError(path, "its name is longer than 255 bytes", "Choose a shorter one.")
