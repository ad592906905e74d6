"""Files of arrays and of JSON: atomic writes, validated reads, no pickle."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from jaxenv_baselines.errors import DamagedAgentError, MissingAgentError, NotWrittenError


def write(file: Path, data: bytes) -> None:
    """Replace the contents of a file atomically.

    Raises:
        NotWrittenError: the disk is full, or the directory is not writable.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise NotWrittenError(file, error.strerror or str(error)) from error


def read(file: Path) -> bytes:
    """Return the contents of a file.

    Raises:
        MissingAgentError: the file does not exist.
        DamagedAgentError: the file can't be read.
    """
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingAgentError(file) from error
    except OSError as error:
        raise DamagedAgentError(file, f"it can't be read ({error.strerror or error})") from error


def write_json(file: Path, data: Mapping[str, Any]) -> None:
    """Write a JSON object."""
    write(file, (json.dumps(data, indent=2, allow_nan=False) + "\n").encode())


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        data = json.loads(read(file))
    except ValueError as error:
        raise DamagedAgentError(file, "it is not JSON") from error
    if not isinstance(data, dict):
        raise DamagedAgentError(file, "it is not a JSON object")
    return cast("dict[str, Any]", data)


def packed(tree: Any, metadata: Mapping[str, str] | None = None) -> bytes:
    """Serialize the leaves of a tree, named by their paths, as safetensors. Typed keys are stored as their key data."""
    leaves = {_name(path): np.asarray(jax.device_get(_plain(leaf))) for path, leaf in jax.tree.leaves_with_path(tree)}
    return save_tensors({name: np.ascontiguousarray(leaf) for name, leaf in leaves.items()}, dict(metadata or {}) or None)


def unpacked(file: Path, data: bytes, like: Any) -> Any:
    """Deserialize the result of :func:`packed`.

    Args:
        file: path of the data, for messages.
        data: contents of the file.
        like: a tree of arrays, or of ``jax.ShapeDtypeStruct``, with the structure to restore. float16 is cast to its float32.

    Raises:
        DamagedAgentError: the arrays do not match ``like``.
    """
    try:
        found = load_tensors(data)
    except (SafetensorError, ValueError, KeyError, OverflowError) as error:
        raise DamagedAgentError(file, f"it is not a safetensors file ({str(error).splitlines()[0]})") from error
    expected = jax.tree.leaves_with_path(like)
    names = [_name(path) for path, _ in expected]
    if sorted(names) != sorted(found):
        odd = sorted({*names} ^ {*found})[0]
        raise DamagedAgentError(file, f"it has {'no' if odd in names else 'an unexpected'} array {odd!r}")
    leaves = [_restored(file, name, found[name], leaf) for name, (_, leaf) in zip(names, expected, strict=True)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def metadata_of(file: Path, data: bytes) -> dict[str, str]:
    """Return the metadata of the result of :func:`packed`."""
    try:
        length = int.from_bytes(data[:8], "little")
        return json.loads(data[8 : 8 + length])["__metadata__"]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedAgentError(file, "it is not a safetensors file with metadata") from error


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _name(path: Any) -> str:
    return "/".join(str(getattr(part, "key", getattr(part, "name", getattr(part, "idx", part)))) for part in path)


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _restored(file: Path, name: str, found: Any, like: Any) -> Any:
    plain = jax.eval_shape(jax.random.key_data, like) if _is_key(like) else like
    smaller = found.dtype == np.float16 and plain.dtype == np.float32
    if found.shape != plain.shape or (found.dtype != plain.dtype and not smaller):
        given, wanted = (f"{array.dtype}{list(array.shape)}" for array in (found, plain))
        raise DamagedAgentError(file, f"its array {name!r} is {given}, but {wanted} was expected")
    array = jnp.asarray(found.astype(plain.dtype))
    return jax.random.wrap_key_data(array, impl=_generator(like)) if _is_key(like) else array


def _generator(like: Any) -> Any:
    """Return the PRNG implementation of a key, which may be abstract."""
    found: list[Any] = []
    jax.eval_shape(lambda key: found.append(jax.random.key_impl(key)), like)
    return found[0]
