"""Why there is nothing to draw, or no file to draw it into."""

from __future__ import annotations

from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import short


class StateSequenceError(JaxenvError, ValueError):
    """There is no state to draw, or the states have too many axes."""

    def __init__(self, axes: int | None = None) -> None:
        super().__init__(
            "state_seq is empty, so there is nothing to draw. Pass at least one state."
            if axes is None
            else f"the states have {axes} leading axes, but at most two were expected, time and environments. Merge the others."
        )


class CumRewardsError(JaxenvError, ValueError):
    """The returns do not match the states."""

    def __init__(self, given: tuple[int, ...], expected: tuple[int, ...]) -> None:
        super().__init__(
            f"cum_rewards has shape {given}, but {expected} was expected: one number for each state of each environment. "
            "Pass the cumulative sum of the rewards, or leave it out."
        )


class PictureSizeError(JaxenvError, ValueError):
    """A picture has a size that is no number of pixels."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"A picture needs a height and a width of at least 1 pixel, but its size is {short(given)}. "
            "Pass an integer, or a pair of them."
        )


class PictureFormatError(JaxenvError, ValueError):
    """A file name without the ending of a format that can be written."""

    def __init__(self, path: str, suffixes: tuple[str, ...]) -> None:
        super().__init__(f"{path!r} has no ending of a format that can be written. End the name in one of {', '.join(suffixes)}.")


class EncoderMissingError(JaxenvError, ImportError):
    """A package that writes pictures or films is not installed."""

    def __init__(self, suffix: str, package: str) -> None:
        extra = "mp4" if package == "imageio-ffmpeg" else "visualize"
        super().__init__(f"writing {suffix} files needs {package}, which is not installed. Run: pip install 'jaxenv-core[{extra}]'")


class OutputFileError(JaxenvError, OSError):
    """A file cannot be written where it should be."""

    def __init__(self, path: Any, reason: str, action: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}. {action}")
