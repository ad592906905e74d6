"""One-sentence messages for unforeseen failures, without JAX's internals. Imports no JAX."""

from __future__ import annotations

import re
import sys

_LONGEST = 240
_TRACED = re.compile(r"(?:Jit|Dynamic\w*|Batch\w*|JVP\w*)?(?:Traced<(?:[^<>]|<[^<>]*>)*>(?:with<[^<>]*>)?|Tracer\([^()]*\))")
_MORE = "Run the command again with --traceback to see where."


def brief(error: BaseException) -> str:
    """Return an exception's type and the first line of what it says, without traced values."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = _TRACED.sub("a traced array", lines[0]) if lines else ""
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return f"{type(error).__name__}: {text}".rstrip(".") if text else type(error).__name__


def of_failure(error: BaseException) -> str:
    """Return a sentence for an exception that is none of jaxenv's own."""
    if out_of_memory(error):
        return f"There is not enough memory for this: {brief(error)}. Ask for less, such as fewer environments, steps or pixels."
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}. Choose another path, or make this one accessible."
    missing = no_device()
    if missing:
        return f"JAX finds no device to run on: {missing}. Check JAX_PLATFORMS and the installation of jax: run `jaxenv doctor`."
    if isinstance(error, ImportError) and error.name:
        return f"{brief(error)}. Install it, or repair the package that needs it. {_MORE}"
    return f"{brief(error)}. {_MORE}"


def no_device() -> str | None:
    """Return why JAX has no device, if it was imported and has none: then nothing else that it says helps."""
    jax = sys.modules.get("jax")
    if jax is None:
        return None
    try:
        jax.devices()
    except Exception as error:
        return brief(error)
    return None


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory is used up, on the host or on a device."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
