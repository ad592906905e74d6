"""How commands speak: tables and sentences for people, JSON for programs, complaints on the error stream."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


def console(*, stderr: bool = False) -> Console:
    """Return a console that writes to what standard output, or the error stream, is now."""
    return Console(highlight=False, stderr=stderr)


def is_terminal() -> bool:
    """Whether somebody reads standard output as it comes, and not a program or a file."""
    return console().is_terminal


def complain(kind: str, message: str) -> None:
    """Print ``kind: message`` on the error stream."""
    colour = "red" if kind == "Error" else "yellow"
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text.assemble((f"{kind}:", f"bold {colour}"), " ", message))


def print_json(data: Any) -> None:
    """Print ``data`` as JSON that every reader takes: what is not finite becomes null."""
    typer.echo(json.dumps(_finite(data), indent=2, allow_nan=False))


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """Return an empty table with these columns, those in ``right`` flush right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in set(right) else "left", overflow="fold")
    return made


def counted(number: int, noun: str) -> str:
    """``1 step``, ``2,000 steps``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _finite(item) for name, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in cast("Iterable[Any]", value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value
