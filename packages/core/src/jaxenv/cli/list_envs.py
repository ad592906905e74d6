"""``jaxenv list``: which environments are installed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from rich.text import Text

from jaxenv.cli.output import AsJson, console, print_json, table
from jaxenv.registry import EnvSpec, plugins, registered_envs


def list_envs(
    search: Annotated[str | None, typer.Argument(help="Show only what contains this in its id, group or summary.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Show only this namespace.")] = None,
    all_ids: Annotated[bool, typer.Option("--all", "-a", help="Show every variant on a line of its own.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the installed environments."""
    specs = [spec for spec in registered_envs(namespace) if search is None or _contains(spec, search)]
    if as_json:
        print_json([spec.to_json() for spec in specs])
        return
    out = console()
    for name in dict.fromkeys(spec.namespace or "" for spec in specs):
        members = [spec for spec in specs if spec.namespace == name]
        origin = f"{members[0].distribution} {members[0].version}" if members[0].distribution else "registered by hand"
        heading = f" · {_count(len(members), 'environment')} · {origin}"
        out.print(Text.assemble((name, "bold cyan"), (heading, "dim")), soft_wrap=True)
        rows = table("id", "variants", "summary", right=["variants"])
        rows.show_header = False
        rows.columns[0].no_wrap = True
        for family in [[spec] for spec in members] if all_ids else _families(members):
            rows.add_row(*_row(family))
        out.print(rows)
        out.print()
    filters = " match" if search or namespace else ""
    refused = sum(plugin.error is not None for plugin in plugins())
    out.print(f"{_count(len(specs), 'environment')}{filters}. `jaxenv show ID` tells more about one.", markup=False)
    if refused:
        out.print(f"{_count(refused, 'plugin')} refused: run `jaxenv doctor`.", markup=False)


def _contains(spec: EnvSpec, search: str) -> bool:
    return any(search.casefold() in text.casefold() for text in (spec.id, spec.group or "", spec.summary))


def _families(specs: Iterable[EnvSpec]) -> list[list[EnvSpec]]:
    """Gather the variants of one task, which share group and summary; a spec without a group stands alone."""
    families: dict[object, list[EnvSpec]] = {}
    for spec in specs:
        families.setdefault((spec.group, spec.summary) if spec.group else spec, []).append(spec)
    return list(families.values())


def _row(family: Sequence[EnvSpec]) -> tuple[Text, Text, Text]:
    first, last = family[0], family[-1]
    if first is last:
        return Text(first.id), Text(), Text(first.summary)
    return Text(f"{first.id} … {last.name}"), Text(str(len(family)), style="dim"), Text(first.summary)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
