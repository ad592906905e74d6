"""``jaxenv doctor``: which plugins, versions and devices there are, and what is wrong with them."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import typer
from rich.text import Text

from jaxenv.cli.new_plugin import normal
from jaxenv.cli.output import AsJson, console, print_json, table
from jaxenv.errors.formatting import listed
from jaxenv.registry import Plugin
from jaxenv.registry.discovery import found_plugins
from jaxenv.registry.known import Known, known_distributions

_PACKAGES = ("jaxenv-core", "jax", "jaxlib", "flax", "numpy", "pluggy", "importlib-metadata")


def doctor(as_json: AsJson = False) -> None:
    """Examine the installation; exit with 1 if a plugin is refused or no device is found."""
    from jaxenv import _jax_compat  # imports JAX

    plugins = found_plugins(quiet=True)
    devices, trouble = _devices()
    versions = {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES}
    replaced = replacements(plugins)
    healthy = trouble is None and not replaced and not any(plugin.error for plugin in plugins)
    newest = newer_than_tested(versions["jax"])
    if as_json:
        report: dict[str, Any] = {"healthy": healthy, "versions": versions, "devices": devices, "device_error": trouble}
        report |= {
            "jax_tested": list(_jax_compat.TESTED),
            "jax_newer_than_tested": bool(newest),
            "jax_missing": _jax_compat.MISSING,
            "engine": _engine(trouble),
        }
        print_json(report | {"plugins": [plugin.to_json() for plugin in plugins], "replaced": replaced})
        raise typer.Exit(0 if healthy else 1)

    out = console()
    out.print(Text("  ".join(f"{name} {number}" for name, number in versions.items())))
    out.print(Text(f"tested with jax {', '.join(_jax_compat.TESTED)}"))
    out.print(Text(f"devices: {trouble or ', '.join(devices)}"))
    out.print(Text(f"rollouts and batched steps: {_engine(trouble)}"))
    if newest:
        out.print(Text(newest, style="yellow"))
    for entry, reason in _jax_compat.MISSING.items():
        out.print(Text(f"This JAX does not have what {entry!r} needs, so jaxenv does without it, slower: {reason}", style="yellow"))
    rows = table("plugin", "status", "environments", "commands", "distribution", right=["environments"])
    for plugin in plugins:
        status = Text(plugin.status, style={"ok": "green", "broken": "bold red", "disabled": "dim"}[plugin.status])
        commands = ", ".join(command.name for command in plugin.commands)
        origin = f"{plugin.distribution} {plugin.version}"
        rows.add_row(Text(plugin.namespace), status, str(len(plugin.specs)), Text(commands), Text(origin))
    out.print()
    out.print(
        rows if plugins else Text(f"No plugin is installed, so there are no environments. Install one, such as {_examples()}.")
    )
    for error in dict.fromkeys(plugin.error for plugin in plugins if plugin.error):
        out.print()
        out.print(Text(str(error), style="red"))
    for sentence in replaced:
        out.print()
        out.print(Text(sentence, style="red"))
    out.print()
    out.print("All is well." if healthy else Text("Something is wrong: see above.", style="bold"))
    raise typer.Exit(0 if healthy else 1)


def _engine(trouble: str | None) -> str:
    """Return what plays here, and why."""
    if trouble:
        return "nothing, without a device"
    from jaxenv.engine import select

    return select.describe()


def _examples() -> str:
    return listed(list(dict.fromkeys(known.distribution for known in known_distributions())))


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # run from a folder of sources, say
        return "unknown"


def newer_than_tested(version: str) -> str | None:
    """Return a sentence if this version of JAX is newer than the newest that jaxenv was tested with."""
    from jaxenv import _jax_compat

    newest = max(_jax_compat.TESTED, key=_numbers)
    if _numbers(version) <= _numbers(newest):
        return None
    return (
        f"jax {version} is newer than {newest}, the newest tested. It probably works; if something does not, install jax {newest}."
    )


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: 0.12.0.1.dev3 is (0, 12, 0, 1)."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def replacements(plugins: Sequence[Plugin]) -> list[str]:
    """Return a sentence for each distribution whose environments, or whose files, another distribution has taken the place of."""
    found = [sentence for known in known_distributions() for plugin in plugins if (sentence := _replaced(known, plugin))]
    owners = metadata.packages_distributions()
    for plugin in plugins:
        package = plugin.entry_point.partition(":")[0].partition(".")[0]
        several = sorted(set(owners.get(package, ())))
        if len(several) > 1 and plugin.distribution in several:
            found.append(
                f"The package {package} of {plugin.distribution} was installed by {listed(several, 'and')}, "
                "and one has replaced the other's files. Uninstall all of them, then install the one that you need."
            )
    return found


def _replaced(known: Known, plugin: Plugin) -> str | None:
    """Return a sentence if a plugin stands in the place of a distribution that is published beside jaxenv-core."""
    if plugin.namespace != known.namespace or plugin.status != "ok":
        return None
    held = f"{plugin.distribution} {plugin.version}"
    if normal(plugin.distribution) != normal(known.distribution):
        return (
            f"The namespace '{known.namespace}' is that of {known.distribution}, but {held} has it here, so the environments of "
            f"{known.distribution} are lost. Uninstall {plugin.distribution}, then install {known.distribution} again."
        )
    if known.requires and not plugin.specs:  # what they need is not installed
        return None
    if not {spec.name for spec in plugin.specs} & set(known.names):
        return (
            f"{held} has none of the environments of {known.distribution}, such as {known.ids[0]}: another distribution of that "
            f"name has replaced it. Uninstall {plugin.distribution}, then install the real one again."
        )
    return None


def _devices() -> tuple[list[str], str | None]:
    """Return JAX's devices, or what JAX says if it has none."""
    import jax

    try:
        return [f"{device} ({device.device_kind})" for device in jax.devices()], None
    except Exception as error:  # a RuntimeError, or an assertion of JAX where a platform is asked for that it has not got
        return [], " ".join(str(error).split()) or type(error).__name__
