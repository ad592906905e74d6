"""What this package adds to the ``jaxenv`` command line, as data: importing this module imports no JAX."""

from __future__ import annotations

from collections.abc import Iterable

from jaxenv.hookspecs import hookimpl
from jaxenv.registry import Command


@hookimpl
def jaxenv_commands() -> Iterable[Command]:
    """Return ``jaxenv web``."""
    return [Command("web", "jaxenv_web.command:web", help="Write environments as pages that one can play in a browser.")]
