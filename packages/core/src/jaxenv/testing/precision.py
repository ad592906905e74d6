"""64-bit types for a while, in every version of JAX."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from typing import Any

import jax


def enable_x64(enabled: bool = True) -> AbstractContextManager[Any]:
    """Return a context in which JAX has 64-bit types, or has none: ``jax.enable_x64``, which older versions keep elsewhere."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(enabled)
    experimental: Any = importlib.import_module("jax.experimental")
    return experimental.enable_x64(enabled)
