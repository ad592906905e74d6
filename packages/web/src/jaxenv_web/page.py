"""x"""
from importlib import resources


def asset(name: str) -> str:
    """Return a file of the page's own code."""
    return resources.files("jaxenv_web").joinpath("static", name).read_text()


def arithmetic() -> str:
    """Return what generated code needs beside JavaScript's own arithmetic."""
    return asset("arithmetic.js")
