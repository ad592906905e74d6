"""64-bit types for a while, in every version of JAX."""

from __future__ import annotations

from jaxenv._jax_compat import enable_x64

__all__ = ["enable_x64"]
