"""The ``jaxenv`` command. Importing this package imports no JAX; a command that needs it imports it when it runs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from jaxenv.errors import JaxenvError, PluginWarning


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 if all is well, 1 if a check failed, 2 if something was asked for that cannot be done."""
    from jaxenv.cli.app import app
    from jaxenv.cli.output import complain

    show_as_usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *rest: Any) -> None:
        if issubclass(category, PluginWarning):
            complain("Warning", str(message))
        else:
            show_as_usual(message, category, *rest)

    with warnings.catch_warnings():
        warnings.showwarning = show
        try:
            app(args)
        except JaxenvError as error:
            complain("Error", str(error))
            raise SystemExit(2) from error
