"""The pages of the API reference: an entry for every public name."""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from typing import Any, NamedTuple

from sitegen.docstrings import markdown
from sitegen.sources import ROOT


class Page(NamedTuple):
    """A page of the reference."""

    module: str
    title: str
    group: str
    about: str
    members: bool = True
    """Whether methods and fields are shown; errors have none of interest."""


PAGES = (
    Page("jaxenv", "jaxenv", "Core", "Make, step, roll out and evaluate environments; the base classes for your own"),
    Page("jaxenv.spaces", "spaces", "Core", "Discrete, Box, Dict and the other spaces of actions and observations"),
    Page("jaxenv.wrappers", "wrappers", "Core", "Change observations, actions, rewards and batches"),
    Page("jaxenv.random", "random", "Core", "Fast keys and draws"),
    Page("jaxenv.ranges", "ranges", "Core", "State and check the range of a number"),
    Page("jaxenv.fields", "fields", "Core", "Fields of environments and params, with meanings and ranges"),
    Page("jaxenv.registry", "registry", "Core", "Specs of environments, and what plugins return"),
    Page("jaxenv.hookspecs", "hookspecs", "Core", "The hooks that a plugin implements"),
    Page("jaxenv.visualize", "visualize", "Core", "Draw states and write films"),
    Page("jaxenv.testing", "testing", "Core", "Check an environment against the protocol and against its source"),
    Page("jaxenv.errors", "errors", "Core", "Every exception and warning", members=False),
    Page("jaxenv.experimental", "experimental", "Core", "RolloutWrapper under the path that gymnax has"),
    Page("jaxenv.benchmark", "benchmark", "Core", "Measure speed against other libraries"),
    Page("jaxenv.adapters.gymnasium", "gymnasium", "Adapters", "Gymnasium's Env and VectorEnv"),
    Page("jaxenv.adapters.gymnax", "gymnax", "Adapters", "gymnax's interface"),
    Page("jaxenv.adapters.to_gymnax", "to_gymnax", "Adapters", "A subclass of the installed gymnax's Environment"),
    Page("jaxenv.adapters.dm_env", "dm_env", "Adapters", "dm_env's Environment"),
    Page("jaxenv.adapters.brax", "brax", "Adapters", "Brax's Env"),
    Page("jaxenv.adapters.stoa", "stoa", "Adapters", "Stoa's Environment"),
    Page("jaxenv.adapters.minari", "minari", "Adapters", "Data sets for offline learning"),
    Page("jaxenv_classic", "classic", "Environments", "CartPole, Pendulum, Acrobot, MountainCar"),
    Page("jaxenv_bsuite", "bsuite", "Environments", "The tasks, experiments and settings of bsuite"),
    Page("jaxenv_bsuite.runner", "bsuite.runner", "Environments", "Run bsuite's experiments"),
    Page("jaxenv_bsuite.logs", "bsuite.logs", "Environments", "Read and write bsuite's logs"),
    Page("jaxenv_bsuite.scoring", "bsuite.scoring", "Environments", "Score results"),
    Page("jaxenv_minatar", "minatar", "Environments", "Asterix, Breakout, Freeway, Seaquest, SpaceInvaders"),
    Page("jaxenv_misc", "misc", "Environments", "Mazes, bandits, Reacher, Swimmer, Pong, FrozenLake"),
    Page("jaxenv_bridges", "bridges", "Environments", "Environments of other suites"),
    Page("jaxenv_web", "web", "Environments", "Environments as pages that play in a browser"),
    Page("jaxenv_baselines", "baselines", "Baselines", "Load trained agents"),
    Page("jaxenv_baselines.ppo", "ppo", "Baselines", "Proximal policy optimisation, feed-forward and recurrent"),
    Page("jaxenv_baselines.pqn", "pqn", "Baselines", "Q-learning in parallel environments"),
    Page("jaxenv_baselines.es", "es", "Baselines", "Evolution strategies"),
    Page("jaxenv_baselines.kernels", "kernels", "Baselines", "The update of small networks as GPU kernels"),
    Page("jaxenv_baselines.optimal", "optimal", "Baselines", "The best possible return of a task"),
    Page("jaxenv_baselines.training", "training", "Baselines", "Training in pieces, with reports"),
    Page("jaxenv_baselines.tasks", "tasks", "Baselines", "What an algorithm knows of a task"),
)
"""Every public module, in the order of the site's navigation."""

RESULTS = {
    "jaxenv": (
        "jaxenv.rollouts.Rollout",
        "jaxenv.episodes.Trajectory",
        "jaxenv.episodes.EpisodeStatistics",
        "jaxenv.evaluation.Evaluation",
    )
}
"""Types that public functions return and nobody imports: they are documented with them."""


class Name(NamedTuple):
    """A public name."""

    name: str
    path: str
    """Where it is documented: its own path, or for a module its page's."""
    summary: str
    is_module: bool = False


def source_of(module: str) -> ast.Module:
    """Return the syntax tree of a module's file, which need not be importable: an adapter's library may be missing."""
    for root in (ROOT / "packages").glob("*/src"):
        for file in (root / f"{module.replace('.', '/')}.py", root / module.replace(".", "/") / "__init__.py"):
            if file.is_file():
                return ast.parse(file.read_text(encoding="utf-8"))
    raise FileNotFoundError(module)


@cache
def names(module: str) -> list[str]:
    """Return the public names of a module: its ``__all__``, or the classes and functions that its file defines."""
    tree = source_of(module)
    if any("__all__" in ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)):
        return list(importlib.import_module(module).__all__)
    kinds = ast.ClassDef | ast.FunctionDef
    return [node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]


@cache
def entries(module: str) -> list[Name]:
    """Return a module's public names with where and as what they are documented."""
    found: list[Name] = []
    for name in names(module):
        path = f"{module}.{name}"
        if _is_module(module, name):
            paths = [page.module for page in PAGES]
            found.append(Name(name, path if path in paths else "", _summary(path), is_module=True))
        else:
            found.append(Name(name, path, _summary_of(module, name)))
    for path in RESULTS.get(module, ()):
        owner, _, name = path.rpartition(".")
        found.append(Name(name, path, _summary_of(owner, name)))
    return found


def _is_module(module: str, name: str) -> bool:
    try:
        source_of(f"{module}.{name}")
    except FileNotFoundError:
        return False
    value = getattr(importlib.import_module(module), name, None)
    return inspect.ismodule(value)


def _summary(module: str) -> str:
    return (ast.get_docstring(source_of(module)) or "").partition("\n")[0]


def _summary_of(module: str, name: str) -> str:
    for node in source_of(module).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    value: Any = getattr(importlib.import_module(module), name)
    documented = inspect.isclass(value) or inspect.isroutine(value)
    return (inspect.getdoc(value) or "").partition("\n")[0] if documented else ""


@cache
def documented() -> dict[str, str]:
    """Return the anchor of every target that a docstring may link to: public paths, and where their objects are defined."""
    found: dict[str, str] = {}
    for page in PAGES:
        for entry in entries(page.module):
            if entry.is_module:
                continue
            found[entry.path] = entry.path
            if "adapters" not in page.module:
                value = getattr(importlib.import_module(entry.path.rpartition(".")[0]), entry.name)
                found.setdefault(f"{getattr(value, '__module__', page.module)}.{entry.name}", entry.path)
    return found


def pages() -> dict[str, str]:
    """Return the pages of the reference by their paths below ``docs``."""
    return {"reference/index.md": _index(), **{path_of(page.module): _page(page) for page in PAGES}}


def path_of(module: str) -> str:
    """Return the path of a module's page below ``docs``."""
    return f"reference/{module}.md"


def _index() -> str:
    lines = ["# API reference", "", "Every public name of every package. The [command line](cli.md) has a page of its own.", ""]
    for group in dict.fromkeys(page.group for page in PAGES):
        lines += [f"## {group}", "", "| module | what it has |", "|---|---|"]
        lines += [f"| [`{page.module}`]({page.module}.md) | {page.about} |" for page in PAGES if page.group == group]
        lines.append("")
    return "\n".join(lines)


def _page(page: Page) -> str:
    found = entries(page.module)
    head = [f"# `{page.module}`", "", markdown(ast.get_docstring(source_of(page.module)) or "", link), ""]
    table = ["| name | |", "|---|---|"]
    for entry in found:
        target = f"{entry.path}.md" if entry.is_module else f"#{entry.path}"
        shown = f"[`{entry.name}`]({target})" if entry.path else f"`{entry.name}`"
        table.append(f"| {shown} | {_plain(entry.summary)} |")
    body: list[str] = []
    for entry in found:
        if not entry.is_module:
            body += ["", f"::: {entry.path}"]
            if not page.members:
                body += ["    options:", "      members: false"]
    return "\n".join([*head, *table, *body, ""])


def link(target: str, text: str) -> str:
    """Return a cross-reference where the target has an entry, else its name as code."""
    return f"[`{text}`][{documented()[target]}]" if target in documented() else f"`{text}`"


def _plain(text: str) -> str:
    return markdown(text).replace("|", r"\|")
