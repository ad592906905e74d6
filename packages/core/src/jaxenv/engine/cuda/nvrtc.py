"""NVRTC, CUDA's compiler as a library: from CUDA C to PTX, in tenths of a second, and without a GPU.

``jax[cuda12]`` and ``jax[cuda13]`` bring it. Six functions of its C interface are all that is needed here; ``cuda-bindings``, which
has them too, would be one more package to install, and to match with the driver.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

OLDEST = (7, 5)
"""The oldest compute capability for which kernels are made."""


class NvrtcError(RuntimeError):
    """NVRTC is missing, or refused a kernel; the message says why."""


def _candidates() -> Iterator[str]:
    """Return where the library may be: beside JAX's CUDA plugin, then wherever the system looks."""
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(map(str, Path(folder).glob("*/lib/libnvrtc.so.*")), reverse=True)
    yield from ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so")
    found = ctypes.util.find_library("nvrtc")
    if found:
        yield found


@cache
def _library() -> ctypes.CDLL:
    for candidate in _candidates():
        if "alt" in Path(candidate).name or "builtins" in Path(candidate).name:
            continue
        try:
            return ctypes.CDLL(candidate)
        except OSError:
            continue
    raise NvrtcError("NVRTC is not installed; `pip install 'jax[cuda13]'` or `jax[cuda12]` brings it")


@cache
def version() -> tuple[int, int]:
    """Return NVRTC's version. Raises NvrtcError if there is none."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return major.value, minor.value


@cache
def ptx(source: str, capability: tuple[int, int]) -> str:
    """Return the PTX of a kernel's text.

    Args:
        source: CUDA C, prelude included.
        capability: the compute capability of the GPU, such as (9, 0).

    Raises:
        NvrtcError: NVRTC is missing, or refuses the text.
    """
    library = _library()
    program = ctypes.c_void_p()
    options = [f"--gpu-architecture=compute_{capability[0]}{capability[1]}".encode(), b"--std=c++17", b"-default-device"]

    def check(code: int) -> None:
        if code:
            library.nvrtcGetErrorString.restype = ctypes.c_char_p
            message = library.nvrtcGetErrorString(code).decode()
            raise NvrtcError(f"NVRTC says {message}: {_text(library, program, 'ProgramLog')[:2000]}".rstrip(": "))

    created = library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"jaxenv.cu", 0, None, None)
    if created:
        raise NvrtcError(f"NVRTC could not begin, with code {created}")
    try:
        check(library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options)))
        return _text(library, program, "PTX")
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def _text(library: Any, program: ctypes.c_void_p, what: str) -> str:
    """Return the PTX or the log of a program."""
    size = ctypes.c_size_t()
    getattr(library, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    getattr(library, f"nvrtcGet{what}")(program, buffer)
    return buffer.value.decode()
