"""x"""
from jaxenv_web.assets import asset


def arithmetic() -> str:
    """Return what generated code needs beside JavaScript's own arithmetic."""
    return asset("arithmetic.js")
