"""The root of every exception."""

from __future__ import annotations


class JaxenvError(Exception):
    """Base class of everything that jaxenv raises on purpose."""
