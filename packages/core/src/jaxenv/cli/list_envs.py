"""``jaxenv list``: which environments are installed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

import typer
from rich.text import Text

from jaxenv.cli.options import in_namespace
from jaxenv.cli.output import AsJson, console, counted, is_terminal, print_json, table
from jaxenv.registry import EnvSpec, plugins
from jaxenv.registry.known import known_distributions


def list_envs(
    search: Annotated[str | None, typer.Argument(help="Show only what contains this in its id, group or summary.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Show only this namespace.")] = None,
    all_ids: Annotated[bool, typer.Option("--all", "-a", help="Show every variant on a line of its own.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the installed environments: as a table on a terminal, an id on each line elsewhere."""
    specs = in_namespace(namespace)
    found = [spec for spec in specs if search is None or _contains(spec, search)]
    if as_json:
        print_json([spec.to_json() for spec in found])
        return
    if not is_terminal():
        for spec in found:
            typer.echo(spec.id)
        return
    out = console()
    for name, members in groupby(found, lambda spec: spec.namespace or ""):
        shown = list(members)
        origin = f"{shown[0].distribution} {shown[0].version}" if shown[0].distribution else "registered by hand"
        out.print(
            Text.assemble((name, "bold cyan"), (f" · {counted(len(shown), 'environment')} · {origin}", "dim")), soft_wrap=True
        )
        rows = table("id", "variants", "summary", right=["variants"])
        rows.show_header = False
        rows.columns[0].no_wrap = True
        for line in [[spec] for spec in shown] if all_ids else _lines(shown, specs):
            rows.add_row(*_row(line))
        out.print(rows)
        out.print()
    filters = " match" if search or namespace else ""
    out.print(Text(f"{counted(len(found), 'environment')}{filters}. `jaxenv show ID` describes one."))
    if not (search or namespace):
        for known in known_distributions():
            if known.requires and any(p.namespace == known.namespace and p.status == "ok" and not p.specs for p in plugins()):
                missing = f"{known.namespace} · {counted(len(known.names), 'environment')} · not installed: {known.command}"
                out.print(Text(missing, style="dim"), soft_wrap=True)
    refused = sum(plugin.error is not None for plugin in plugins())
    if refused:
        out.print(Text(f"{counted(refused, 'plugin')} refused: run `jaxenv doctor`."))


def _contains(spec: EnvSpec, search: str) -> bool:
    return any(search.casefold() in text.casefold() for text in (spec.id, spec.group or "", spec.summary))


def _lines(found: Sequence[EnvSpec], specs: Sequence[EnvSpec]) -> list[list[EnvSpec]]:
    """Gather the variants of one task, which share group and summary; not if a search found some of them only."""

    def task(spec: EnvSpec) -> tuple[str | None, ...]:
        return (spec.namespace, spec.group, spec.summary) if spec.group else (spec.id,)

    sizes = Counter(map(task, specs))
    lines = [list(variants) for _, variants in groupby(found, task)]
    return [part for line in lines for part in ([line] if len(line) == sizes[task(line[0])] else [[spec] for spec in line])]


def _row(family: Sequence[EnvSpec]) -> tuple[Text, Text, Text]:
    first, last = family[0], family[-1]
    if first is last:
        return Text(first.id), Text(), Text(first.summary)
    return Text(f"{first.id} … {last.name}"), Text(str(len(family)), style="dim"), Text(first.summary)
