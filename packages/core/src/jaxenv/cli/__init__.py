"""The ``jaxenv`` command. Importing this package imports no JAX; a command that needs it imports it when it runs."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from jaxenv.errors import JaxenvError, PluginWarning

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 if all is well, 1 if a check failed, 2 if something was asked for that cannot be done.

    Whatever goes wrong ends as one sentence on the error stream. ``--traceback``, anywhere in ``args``, or the environment variable
    ``JAXENV_TRACEBACK=1`` shows where it happened, too.
    """
    from jaxenv.cli.failures import describe_failure
    from jaxenv.cli.output import complain

    for stream in (sys.stdout, sys.stderr):  # a terminal that knows no arrows gets question marks
        if isinstance(stream, io.TextIOWrapper) and (stream.encoding or "").lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="replace")
    words, tracing = _without_traceback(sys.argv[1:] if args is None else args)
    show_as_usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *rest: Any) -> None:
        if issubclass(category, PluginWarning):
            complain("Warning", str(message))
        else:
            show_as_usual(message, category, *rest)

    with warnings.catch_warnings():
        warnings.showwarning = show
        try:
            from jaxenv.cli.app import app

            app(words)
        except (SystemExit, GeneratorExit):
            raise
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None
        except BaseException as error:  # a library's own kind of exception included
            if tracing:
                traceback.print_exception(error)
            complain("Error", str(error) if isinstance(error, JaxenvError) else describe_failure(error))
            raise SystemExit(2) from error


def _without_traceback(args: Sequence[str]) -> tuple[list[str], bool]:
    """Return the words without ``--traceback``, which belongs to no command, and whether to show tracebacks."""
    words = list(args)
    end = words.index("--") if "--" in words else len(words)
    kept = [word for word in words[:end] if word != "--traceback"]
    wanted = len(kept) < end or os.environ.get("JAXENV_TRACEBACK", "0") not in ("", "0")
    return kept + words[end:], wanted
