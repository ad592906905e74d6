"""Frames to files: GIF, MP4, PNG and HTML. Pillow and imageio are imported when they are needed."""

from __future__ import annotations

import base64
import html
import importlib
import io
import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from jaxenv.errors import EncoderMissingError, PictureFormatError
from jaxenv.visualize.files import check_output
from jaxenv.visualize.padding import pad

EXACT_COLORS = 64
"""The most frequent colours of a film, which its palette holds exactly: the paint. Blends at soft edges share the rest."""
MAX_COLORS = 127
"""Colours in a palette; a GIF needs one more for the pixels that a frame leaves as they are."""
SAMPLED_FRAMES = 24
"""Frames, evenly spread over a film, from which its palette is made."""


_SUFFIXES = (".gif", ".mp4", ".html", ".png")


def check_writable(path: Path) -> None:
    """Refuse a file that :func:`write` could not write, before there is anything to be written.

    Raises:
        PictureFormatError: the suffix is none of .gif, .mp4, .png and .html.
        EncoderMissingError: a package that writes this format is not installed.
        OutputFileError: its folder is missing, or it is a folder itself, or it may not be written.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise PictureFormatError(str(path), _SUFFIXES)
    check_output(path)
    if suffix == ".mp4":
        _film_writer()
    else:
        _pillow(suffix)


def write(path: Path, frames: Sequence[np.ndarray], fps: float, title: str) -> None:
    """Write ``frames``, each uint8[H, W, 3], in the format that the suffix of ``path`` names.

    Raises:
        PictureFormatError: the suffix is none of .gif, .mp4, .png and .html.
        EncoderMissingError: a package that writes this format is not installed.
        OutputFileError: its folder is missing, or it is a folder itself, or it may not be written.
    """
    check_writable(path)
    match path.suffix.lower():
        case ".gif":
            data = _gif(frames, fps)
        case ".html":
            data = player(frames, fps, title).encode()
        case ".png":
            data = _png(_pillow(".png").fromarray(frames[-1]))
        case _:
            _write_mp4(path, frames, fps)
            return
    path.write_bytes(data)


def player(frames: Sequence[np.ndarray], fps: float, title: str) -> str:
    """Return an HTML page that plays ``frames`` and needs nothing else."""
    encoded = [base64.b64encode(_png(image)).decode() for image in _indexed(frames, ".html")]
    page = files("jaxenv.visualize").joinpath("player.html").read_text(encoding="utf-8")
    values = {"TITLE": html.escape(title), "WIDTH": str(frames[0].shape[1]), "FPS": json.dumps(fps), "FRAMES": json.dumps(encoded)}
    for name, value in values.items():
        page = page.replace(f"__{name}__", value)
    return page


def _gif(frames: Sequence[np.ndarray], fps: float) -> bytes:
    images = _indexed(frames, ".gif")
    buffer = io.BytesIO()
    # GIF counts hundredths of a second, and viewers slow down anything that is faster than two of them.
    duration = max(20, round(100 / fps) * 10)
    next(images).save(buffer, "GIF", save_all=True, append_images=images, duration=duration, loop=0, disposal=1)
    return buffer.getvalue()


def _png(image: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _write_mp4(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    imageio = _film_writer()
    with warnings.catch_warnings():
        # The writer forks to become ffmpeg at once, which is safe beside JAX's threads.
        warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
        with imageio.get_writer(path, format="FFMPEG", mode="I", fps=fps, codec="libx264", macro_block_size=1) as writer:
            for frame in frames:
                # The usual chroma subsampling takes even sizes only.
                writer.append_data(pad(frame, (0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0), value=None))


def _indexed(frames: Sequence[np.ndarray], suffix: str) -> Iterator[Any]:
    """Yield ``frames`` as images with one palette for all, so that what does not move compresses to nothing."""
    pillow = _pillow(suffix)
    stride = max(1, len(frames) // SAMPLED_FRAMES)
    palette = _palette([frames[i] for i in range(0, len(frames), stride)], pillow)
    for frame in frames:
        colors, index = np.unique(_packed(frame), return_inverse=True)
        nearest = np.abs(_unpacked(colors)[:, None, :] - palette[None]).sum(-1).argmin(-1).astype(np.uint8)
        image = pillow.fromarray(nearest[index].reshape(frame.shape[:2]))
        image.putpalette(palette.astype(np.uint8).tobytes())
        yield image


def _palette(frames: Sequence[np.ndarray], pillow: Any) -> np.ndarray:
    """Choose colours for a film: the frequent ones as they are, the blends between them by median cut."""
    colors, counts = np.unique(np.concatenate([_packed(frame) for frame in frames]), return_counts=True)
    colors = _unpacked(colors[np.argsort(-counts, kind="stable")])
    if len(colors) <= MAX_COLORS:
        return colors
    exact, blends = colors[:EXACT_COLORS], colors[EXACT_COLORS:]
    quantized = pillow.fromarray(blends.astype(np.uint8)[None]).quantize(MAX_COLORS - EXACT_COLORS)
    return np.concatenate([exact, np.array(quantized.getpalette(), np.int32).reshape(-1, 3)[: MAX_COLORS - EXACT_COLORS]])


def _packed(frame: np.ndarray) -> np.ndarray:
    channels = frame.reshape(-1, 3).astype(np.int32)
    return channels[:, 0] << 16 | channels[:, 1] << 8 | channels[:, 2]


def _unpacked(colors: np.ndarray) -> np.ndarray:
    return np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=-1)


def _film_writer() -> Any:
    imageio = _module("imageio.v2", "imageio", ".mp4")
    _module("imageio_ffmpeg", "imageio-ffmpeg", ".mp4")
    return imageio


def _pillow(suffix: str) -> Any:
    return _module("PIL.Image", "pillow", suffix)


def _module(module: str, package: str, suffix: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EncoderMissingError(suffix, package) from error
