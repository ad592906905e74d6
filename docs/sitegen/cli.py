"""The page of the command line, from the commands themselves."""

from __future__ import annotations

from typing import Any

import typer
from jaxenv.cli.app import app
from typer.main import get_command


def pages() -> dict[str, str]:
    """Return the page by its path below ``docs``."""
    group: Any = get_command(app)
    context = typer.Context(group, info_name="jaxenv")
    lines = [
        "# Command line",
        "",
        "Plugins add commands of their own: `bsuite`, `train`, `evaluate`, `agents`, `optimal` and `web` come with their packages.",
        "`jaxenv COMMAND --help` prints the same text. An error is one sentence; `jaxenv --traceback COMMAND` shows the rest.",
        "",
    ]
    for name in group.list_commands(context):
        _, command, _ = group.resolve_command(context, [name])
        lines += _command(command, typer.Context(command, info_name=name, parent=context), 2)
    return {"reference/cli.md": "\n".join(lines)}


def _command(command: Any, context: Any, level: int) -> list[str]:
    lines = [f"{'#' * level} {context.command_path}", "", (command.help or "").strip(), ""]
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            lines += _command(inner, typer.Context(inner, info_name=name, parent=context), level + 1)
        return lines
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    lines += ["```text", usage, "```", ""]
    rows = [row for row in (parameter.get_help_record(context) for parameter in command.get_params(context)) if row]
    lines += ["| option | meaning |", "|---|---|", *(f"| {_cell(name, code=True)} | {_cell(text)} |" for name, text in rows), ""]
    return lines


def _cell(text: str, *, code: bool = False) -> str:
    text = " ".join(str(text).split()).replace("|", r"\|")
    return f"`{text}`" if code else text.replace("[", r"\[").replace("<", "&lt;")
