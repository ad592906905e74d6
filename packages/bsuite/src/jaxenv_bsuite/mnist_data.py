"""Where MNISTBandit's images come from: files that the user has. Nothing is ever downloaded. Imports no JAX."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxenv.errors import JaxenvError
from numpy.typing import NDArray

ENVIRONMENT_VARIABLE = "JAXENV_MNIST_DIR"
"""Names the directory with the files of MNIST."""
SOURCES = ("mnist", "digits")
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
NOT_COMPARABLE = "digits: not bsuite's mnist, scores not comparable"
"""A note on everything that was made with ``source="digits"``."""

_MAGIC = {3: 2051, 1: 2049}


class MnistNotFoundError(JaxenvError, FileNotFoundError):
    """The files of MNIST are not where they were looked for."""

    def __init__(self, directory: Path | None, missing: str) -> None:
        looked = f"{directory} holds no {missing}" if directory else f"no data_dir was given and {ENVIRONMENT_VARIABLE} is not set"
        super().__init__(
            f"MNISTBandit needs the training files of MNIST, but {looked}. Put {IMAGES} and {LABELS} (as they are or .gz) into a "
            f"directory and pass data_dir=, or set {ENVIRONMENT_VARIABLE} to it; or pass arrays to "
            'MNISTBandit().params_from(images, labels); or try the task with scikit-learn\'s small digits, source="digits", whose '
            "scores are not comparable."
        )


class DigitsNotFoundError(JaxenvError, ImportError):
    """scikit-learn, which has the digits, is not installed."""

    def __init__(self) -> None:
        super().__init__('source="digits" needs scikit-learn, which is not installed. Run: pip install "jaxenv-bsuite[digits]"')


class MnistDataError(JaxenvError, ValueError):
    """Files or arrays are not images with labels."""

    def __init__(self, what: str, found: str) -> None:
        super().__init__(
            f"{what} is {found}. MNISTBandit takes images of 28 x 28 bytes (uint8, or int8 with the same bits) and as many labels "
            "from 0 to 9: pass such arrays, or the files as they were published."
        )


class MnistData(NamedTuple):
    """Images with their labels."""

    images: NDArray[np.int8]
    """The pixels, int8[n, 28, 28]: bytes above 127 are read as negative numbers, as bsuite reads them."""
    labels: NDArray[np.int32]
    """What they show, 0 to 9."""


def directory(data_dir: str | None) -> Path | None:
    """Return the directory to read: the given one, or the one that the environment variable names, or None."""
    chosen = data_dir or os.environ.get(ENVIRONMENT_VARIABLE)
    if not chosen:
        return None
    try:
        return Path(chosen).expanduser().resolve()
    except RuntimeError:  # ~somebody whom nobody knows
        return Path(chosen)


def load(source: str, directory: Path | None) -> MnistData:
    """Return all training images of a source, MNIST's from ``directory``."""
    if source == "digits":
        return _digits()
    if directory is None:
        raise MnistNotFoundError(None, IMAGES)
    return from_arrays(_idx(directory, IMAGES, 3), _idx(directory, LABELS, 1))


def from_arrays(images: Any, labels: Any) -> MnistData:
    """Return arrays as data, after a look at their shapes and types."""
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim == 2 and images.shape[1] == 28 * 28:
        images = images.reshape(-1, 28, 28)
    if images.dtype not in (np.uint8, np.int8) or images.shape[1:] != (28, 28) or len(images) == 0:
        raise MnistDataError("the array of images", f"{images.dtype}{list(images.shape)}")
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() > 9:
        raise MnistDataError(f"the array of labels for {len(images)} images", f"{labels.dtype}{list(labels.shape)}")
    return MnistData(_frozen(images.view(np.int8)), _frozen(labels.astype(np.int32)))


def write(directory: Path, images: Any, labels: Any) -> None:
    """Write arrays as the two training files of MNIST, gzipped, so that ``data_dir`` can name the directory."""
    data = from_arrays(images, labels)
    directory.mkdir(parents=True, exist_ok=True)
    for name, array in ((IMAGES, data.images), (LABELS, data.labels.astype(np.uint8))):
        header = struct.pack(f">{1 + array.ndim}I", _MAGIC[array.ndim], *array.shape)
        with gzip.open(directory / f"{name}.gz", "wb") as file:
            file.write(header + array.tobytes())


def _idx(directory: Path, name: str, dimensions: int) -> NDArray[np.uint8]:
    """Read one IDX file, plain or gzipped; its name may have a dot before ``idx``."""
    names = [form + end for form in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    path = next((directory / form for form in names if (directory / form).is_file()), None)
    if path is None:
        raise MnistNotFoundError(directory, name)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MnistDataError(str(path), f"cut off or damaged ({type(error).__name__}: {error})") from error
    offset = 4 * (1 + dimensions)
    header = struct.unpack(f">{1 + dimensions}I", content[:offset]) if len(content) >= offset else (0,)
    if header[0] != _MAGIC[dimensions] or len(content) - offset != np.prod(header[1:], dtype=np.int64):
        raise MnistDataError(str(path), "not a whole IDX file of this kind")
    return np.frombuffer(content, np.uint8, offset=offset).reshape(header[1:])


def _digits() -> MnistData:
    """Return scikit-learn's 1,797 digits of 8 x 8 pixels, enlarged."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DigitsNotFoundError from error
    digits: Any = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    framed = np.zeros((len(pixels), 28, 28), np.uint8)
    framed[:, 2:26, 2:26] = pixels.repeat(3, axis=1).repeat(3, axis=2)
    return from_arrays(framed, digits.target)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
