"""``jaxenv new-plugin``: write a package with one environment that passes its own tests at once."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Annotated, Any

import typer

from jaxenv.errors import PluginNameError, PluginTakenError, ProjectExistsError
from jaxenv.registry.discovery import found_plugins
from jaxenv.registry.known import known_distributions

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_SUFFIX = ".in"
_RENAMED = {"gitignore": ".gitignore"}


def new_plugin(
    name: Annotated[str, typer.Argument(help="The namespace of the environments: lower-case words joined by '-'.")],
    path: Annotated[Path, typer.Option(help="The directory to write the project into.")] = Path(),
) -> None:
    """Write a package with one environment and its tests, ready to be changed."""
    project = write_plugin(name, path)
    typer.echo(f"Wrote {project}. Next:\n\n  cd {project}\n  pip install -e '.[test]'\n  pytest")


def write_plugin(name: str, path: Path) -> Path:
    """Write the package for the namespace ``name`` into a new directory under ``path``, and return that directory."""
    if not _NAME.fullmatch(name) or name == "local" or name.startswith("jaxenv"):
        raise PluginNameError(name)
    namespace = name.replace("_", "-")
    project = path / f"jaxenv-{namespace}"
    if project.exists():
        raise ProjectExistsError(project)
    package = f"jaxenv_{namespace.replace('-', '_')}"
    taken = _owner(namespace, package, project.name)
    if taken:
        raise PluginTakenError(name, taken)
    values = {"namespace": namespace, "package": package, "distribution": project.name, "core": _core_version()}
    _write(files("jaxenv.cli") / "plugin_template", project, values)
    return project


def _owner(namespace: str, package: str, distribution: str) -> str | None:
    """Return a clause that says who has the namespace, the import or the distribution already; None if nobody has."""
    for plugin in found_plugins(quiet=True):
        if plugin.namespace == namespace:
            return f"the namespace {namespace!r} belongs to {plugin.distribution} {plugin.version}"
    for known in known_distributions():
        if namespace == known.namespace or package == known.package or normal(distribution) == normal(known.distribution):
            return f"{known.distribution} is published beside jaxenv-core, with the namespace {known.namespace!r}"
    for found in importlib.metadata.distributions():
        installed: Any = found.metadata["Name"]
        if installed and normal(installed) == normal(distribution):
            return f"the distribution {installed} {found.version} is installed"
    return f"the package {package} can be imported" if importlib.util.find_spec(package) else None


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _core_version() -> str:
    """The first two numbers of jaxenv-core's version: what the new package needs at least."""
    return ".".join(importlib.metadata.version("jaxenv-core").split(".")[:2])


def _write(source: Traversable, target: Path, values: dict[str, str]) -> None:
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.is_dir():
            name = values["package"] if entry.name == "__package__" else entry.name
            _write(entry, target / name, values)
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            text = Template(entry.read_text(encoding="utf-8")).substitute(values)
            (target / _RENAMED.get(name, name)).write_text(text, encoding="utf-8")
