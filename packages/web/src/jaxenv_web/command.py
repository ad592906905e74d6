"""``jaxenv web ID... FOLDER``. Importing this module imports no JAX."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from jaxenv.cli.options import Settings, overrides
from jaxenv.cli.output import console
from jaxenv.errors import AmbiguousEnvError, JaxenvError, UnavailableEnvError, UnknownEnvError
from jaxenv.registry import EnvSpec, LoadedPolicy, make, registered_envs
from jaxenv.registry.lookup import spec as find_spec
from jaxenv.registry.names import is_name

from jaxenv_web.errors import FolderIsEnvironmentError, FolderLikeIdError, NothingToWriteError, OutputFolderError

SHIPPED = "agent:shipped"


def web(
    arguments: Annotated[list[str], typer.Argument(metavar="[ID]... FOLDER", help="Full or short ids, and where pages go.")],
    every: Annotated[bool, typer.Option("--all", help="Write one environment of every class that is installed.")] = False,
    policy: Annotated[
        str | None,
        typer.Option(help="The agent in the pages: as for jaxenv render, or 'random' for none. Default: the shipped one, if any."),
    ] = None,
    settings: Settings = None,
) -> None:
    """Write environments as pages that one can play in a browser: one HTML file each, and an index of the folder."""
    *ids, last = arguments
    folder, changes = Path(last), overrides(settings)
    if not folder.exists():
        _require_no_id(arguments)
    if folder.exists() and not folder.is_dir():
        raise OutputFolderError(folder, "it is not a folder")
    specs = [find_spec(env_id) for env_id in ids] or (_one_of_each_class() if every else [])
    if not specs:
        raise NothingToWriteError(last)
    from jaxenv_web import gallery
    from jaxenv_web.pages import page

    out = console()
    for spec in specs:
        try:
            env, params = make(spec, **changes)
        except (OSError, ImportError) as error:
            if not every:
                raise
            out.print(f"{spec.id}: left out. {str(error).split('. ')[0]}.", markup=False, soft_wrap=True)
            continue
        written = page(spec, env, params, chosen(policy, spec, env, params))
        path = gallery.write(folder, gallery.file_name(spec.id), written.text)
        out.print(f"{path}: {path.stat().st_size:,} bytes", markup=False, soft_wrap=True)
        for note in written.notes:
            out.print(f"  {note}", markup=False, soft_wrap=True)
    out.print(f"{gallery.write(folder, 'index.html', gallery.index(folder))}: the index", markup=False, soft_wrap=True)


def _require_no_id(arguments: list[str]) -> None:
    """Refuse the last argument if it is an id or looks like one. A path such as ``./pages`` never does."""
    last = arguments[-1]
    try:
        find_spec(last)
    except UnknownEnvError as error:
        namespace, slash, _ = last.partition("/")
        known = {spec.namespace for spec in registered_envs()}
        if is_name(last) and (re.search(r"-v\d+$", last) or error.near or (slash and namespace in known)):
            raise FolderLikeIdError(last, str(error)) from None
        return
    except (AmbiguousEnvError, UnavailableEnvError):
        pass
    raise FolderIsEnvironmentError(arguments)


def _one_of_each_class() -> list[EnvSpec]:
    """Return the first environment of every entry point."""
    first: dict[str, EnvSpec] = {}
    for spec in registered_envs():
        first.setdefault(spec.entry_point, spec)
    return list(first.values())


def shipped(spec: EnvSpec, env: Any, params: Any) -> LoadedPolicy | None:
    """Return the agent that is shipped for an environment as it is; None without."""
    from jaxenv.cli.objects import load_policy, policy_sources

    if "agent" not in policy_sources():
        return None
    try:
        return load_policy("--policy", SHIPPED, spec, env, params)
    except JaxenvError:  # there is none, or it was trained with other fields
        return None


def chosen(name: str | None, spec: EnvSpec, env: Any, params: Any) -> LoadedPolicy | None:
    """Return the policy that ``--policy`` names."""
    from jaxenv.cli.objects import load_policy

    if name is None:
        return shipped(spec, env, params)
    return None if name == "random" else load_policy("--policy", name, spec, env, params)
