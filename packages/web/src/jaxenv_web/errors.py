"""What goes wrong with pages: each message a sentence that ends in an action."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxenv.errors import JaxenvError


class NotWritableError(JaxenvError, NotImplementedError):
    """A part of an environment can't be written as JavaScript."""

    def __init__(self, name: str, what: str, reason: str) -> None:
        self.reason = f"{what} has {reason}"
        super().__init__(
            f"{name} has no playable page: {what} has {reason}. Write it with selects, shifts and comparisons of small arrays, "
            "or use `jaxenv render`."
        )


class PageSizeError(JaxenvError, ValueError):
    """A page is larger than pages may be."""

    def __init__(self, name: str, size: int, most: int) -> None:
        self.reason = f"the page has {size:,} bytes"
        super().__init__(
            f"The page of {name} has {size:,} bytes, but at most {most:,} were expected. Choose a smaller environment, or use "
            "`jaxenv render`."
        )


class OutputFolderError(JaxenvError, OSError):
    """Pages can't be written into a folder."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"Pages can't be written to {folder}: {reason}. Choose another folder.")


class NothingToWriteError(JaxenvError, ValueError):
    """``jaxenv web`` has a folder and no ids."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"jaxenv web has the folder {folder} but no ids. Name environments before the folder: jaxenv web CartPole-v1 {folder}."
        )


class FolderIsEnvironmentError(JaxenvError, ValueError):
    """The last argument of ``jaxenv web`` is an id, where the folder is expected."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(
            f"{ids[-1]} is an environment, but the last argument of jaxenv web is a folder. Add one: "
            f"jaxenv web {' '.join(ids)} pages. For a folder of that name, write ./{ids[-1]}."
        )


class FolderLikeIdError(JaxenvError, ValueError):
    """The last argument of ``jaxenv web`` looks like an id, where the folder is expected."""

    def __init__(self, given: str, unknown: str) -> None:
        super().__init__(
            f"The last argument of jaxenv web is a folder, but {given} looks like an id. {unknown} "
            f"For a folder of that name, write ./{given}."
        )
