"""``jaxenv doctor``: which plugins, versions and devices there are, and what is wrong with them."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

import typer
from rich.text import Text

from jaxenv.cli.output import AsJson, console, print_json, table
from jaxenv.registry.discovery import found_plugins

_PACKAGES = ("jaxenv-core", "jax", "jaxlib", "flax", "numpy", "pluggy", "importlib-metadata")


def doctor(as_json: AsJson = False) -> None:
    """Examine the installation; exit with 1 if a plugin is refused or no device is found."""
    plugins = found_plugins(quiet=True)
    devices, trouble = _devices()
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}
    healthy = trouble is None and not any(plugin.error for plugin in plugins)
    if as_json:
        report: dict[str, Any] = {"healthy": healthy, "versions": versions, "devices": devices, "device_error": trouble}
        print_json(report | {"plugins": [plugin.to_json() for plugin in plugins]})
        raise typer.Exit(0 if healthy else 1)

    out = console()
    out.print(Text("  ".join(f"{name} {number}" for name, number in versions.items())))
    out.print(Text(f"devices: {trouble or ', '.join(devices)}"))
    rows = table("plugin", "status", "environments", "commands", "distribution", right=["environments"])
    for plugin in plugins:
        status = Text(plugin.status, style={"ok": "green", "broken": "bold red", "disabled": "dim"}[plugin.status])
        commands = ", ".join(command.name for command in plugin.commands)
        origin = f"{plugin.distribution} {plugin.version}"
        rows.add_row(Text(plugin.namespace), status, str(len(plugin.specs)), Text(commands), Text(origin))
    out.print()
    out.print(
        rows if plugins else Text("No plugin is installed, so there are no environments. Install one, such as jaxenv-classic.")
    )
    for error in dict.fromkeys(plugin.error for plugin in plugins if plugin.error):
        out.print()
        out.print(Text(str(error), style="red"))
    out.print()
    out.print("All is well." if healthy else Text("Something is wrong: see above.", style="bold"))
    raise typer.Exit(0 if healthy else 1)


def _devices() -> tuple[list[str], str | None]:
    """Return JAX's devices, or what JAX says if it has none."""
    import jax

    try:
        return [f"{device} ({device.device_kind})" for device in jax.devices()], None
    except RuntimeError as error:
        return [], " ".join(str(error).split())
