"""The Typer application: jaxenv's own commands, and those that plugins bring."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from jaxenv.cli.bench import bench
from jaxenv.cli.check import check
from jaxenv.cli.doctor import doctor
from jaxenv.cli.fidelity import fidelity
from jaxenv.cli.list_envs import list_envs
from jaxenv.cli.new_plugin import new_plugin
from jaxenv.cli.play import play
from jaxenv.cli.render import render
from jaxenv.cli.rollout import rollout
from jaxenv.cli.show import show
from jaxenv.errors import CommandClashError
from jaxenv.registry import Command, plugins
from jaxenv.registry.loading import load_object


class PluginGroup(TyperGroup):
    """A group that also knows the plugins' commands. Help shows what they say of themselves; only running one imports it."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(_plugin_commands())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        offers = _plugin_commands().get(cmd_name)
        return TyperCommand(cmd_name, help=next(iter(offers.values())).help) if offers else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        offers = _plugin_commands().get(args[0]) if args[0] not in self.commands else None
        return (args[0], _load(args[0], offers), args[1:]) if offers else super().resolve_command(ctx, args)


def _plugin_commands() -> dict[str, dict[str, Command]]:
    """Return, for each command's name, which plugins offer it."""
    offers: dict[str, dict[str, Command]] = {}
    for plugin in plugins():
        for command in plugin.commands:
            offers.setdefault(command.name, {})[plugin.namespace] = command
    return offers


def _load(name: str, offers: dict[str, Command]) -> Any:
    if len(offers) > 1:
        raise CommandClashError(name, list(offers))
    (namespace, command), *_ = offers.items()
    owner = f"The command {name!r} of plugin '{namespace}'"
    loaded = load_object(owner, command.entry_point, "Repair or reinstall the plugin.")
    if isinstance(loaded, typer.Typer):
        return typer.main.get_command(loaded)
    single = typer.Typer(add_completion=False)
    single.command(name, help=None if loaded.__doc__ else command.help or None)(loaded)
    return typer.main.get_command(single)


app = typer.Typer(
    name="jaxenv",
    cls=PluginGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list")(list_envs)
app.command("show")(show)
app.command("rollout")(rollout)
app.command("render")(render)
app.command("play")(play)
app.command("bench")(bench)
app.command("fidelity")(fidelity)
app.command("check")(check)
app.command("doctor")(doctor)
app.command("new-plugin")(new_plugin)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"jaxenv-core {version('jaxenv-core')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error happened; allowed after a command, too.")
    ] = False,
) -> None:
    """Reinforcement-learning environments as pure JAX functions."""
