"""docs/coming-from-gymnax.md and docs/coming-from-gymnasium.md leave no public name out, and what they name exists."""

import dataclasses
import importlib
import json
import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import jax
import jaxenv
import numpy as np
import pytest
from jaxenv.adapters.gymnax.table import ROWS

ROOT = Path(__file__).parents[1]
NAMES = json.loads((ROOT / "tests" / "peer_names.json").read_text(encoding="utf-8"))
"""The public names of each module of each version; tests/peer_names.py reads them from an installed one."""
PAGES = {name: (ROOT / "docs" / f"coming-from-{name}.md").read_text(encoding="utf-8") for name in ("gymnax", "gymnasium")}
MODULES = {f"gymnax.environments.{row.module}": row for row in ROWS}
"""gymnax's modules with one environment each."""


def cells(text):
    """Yield the cells of each row of the tables, heads and lines apart."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith(("| gymnax |", "| Gymnasium |")):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def listed(text):
    """Return the names in the first column of the tables."""
    return {name for first, *_ in cells(text) for name in re.findall(r"`([\w.]+)`", first)}


def sections(page):
    """Return the text beneath each heading of the third level, by the heading."""
    return dict(part.split("\n", 1) for part in page.split("\n### ")[1:])


def missing(page, modules, known=lambda module: frozenset()):
    """Return the names of modules that no table of the page has in its first column, as the name or as a class's member."""
    everywhere = listed(page)
    return [
        f"{module}.{name}"
        for module, names in modules.items()
        for name in names
        if not {name, name.rpartition(".")[2]} & (everywhere | known(module))
    ]


def fields_of_ours(row):
    """Return the names of an environment's fields, and of its params' and state's."""
    if row.name.startswith("MNIST"):
        from jaxenv_bsuite import MNISTBandit

        env = MNISTBandit()
        params = env.params_from(np.zeros((2, 28, 28), np.uint8), np.array([3, 3]))
    else:
        env, params = jaxenv.make(row.id)
    state = jax.eval_shape(lambda key: env.reset(key, params)[1], jax.random.key(0))
    return {*vars(params), *vars(state), *(field.name for field in dataclasses.fields(env))}


@pytest.mark.parametrize("peer", [peer for peer in NAMES if peer.startswith("gymnax")])
def test_no_name_of_gymnax_is_left_out(peer):
    modules = {module: names for module, names in NAMES[peer].items() if module not in MODULES}
    helpers = listed(sections(PAGES["gymnax"])["Seaquest-MinAtar"])
    assert missing(PAGES["gymnax"].partition("## Environments")[0], modules, lambda module: helpers | classes()) == []


def classes():
    """Return the classes of gymnax's environments, which their sections name."""
    return {row.class_name for row in ROWS} | {"bsuite", "classic_control", "environment", "minatar", "misc"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_name_of_an_environment_of_gymnax_is_left_out(row):
    """Each name of its module is in its section, is a method of any environment, or is a field that ours has too."""
    protocol = {name.rpartition(".")[2] for name in NAMES["gymnax 1.0.1"]["gymnax.environments.environment"]}
    here = listed(sections(PAGES["gymnax"])[row.name])
    common = listed(PAGES["gymnax"].partition("## Spaces")[0])
    assert row.class_name in here
    for peer in ("gymnax 0.0.9", "gymnax 1.0.1"):
        names = NAMES[peer].get(f"gymnax.environments.{row.module}", [])
        left = {name.rpartition(".")[2] for name in names} - here - protocol - common
        assert left <= fields_of_ours(row), peer


def test_no_name_of_gymnasium_is_left_out():
    assert missing(PAGES["gymnasium"], NAMES["gymnasium 1.4.0"]) == []


@pytest.mark.parametrize("peer", NAMES)
def test_the_names_are_those_of_the_installed_package(peer):
    package, _, wanted = peer.partition(" ")
    if find_spec(package) is None or version(package) != wanted:
        pytest.skip(f"{package} {wanted} is not installed")
    spec = importlib.util.spec_from_file_location("peer_names", ROOT / "tests" / "peer_names.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.public_names(package) == NAMES[peer]


@pytest.mark.parametrize("page", PAGES)
def test_what_the_pages_name_exists(page):
    found = set(re.findall(r"`(jaxenv\w*(?:\.\w+)+)[`(]", PAGES[page]))
    assert len(found) > 30
    for name in found:
        module, *attributes = name.split(".")
        value = importlib.import_module(module)
        for attribute in attributes:
            module = f"{module}.{attribute}"
            if not hasattr(value, attribute):
                if module.startswith("jaxenv.adapters.") and find_spec(module) is not None:
                    try:
                        value = importlib.import_module(module)
                    except ImportError:  # an adapter to a library that is not installed
                        break
                    continue
                pytest.fail(f"{page} names {name}, which does not exist")
            value = getattr(value, attribute)


@pytest.mark.parametrize("page", PAGES)
def test_links_inside_the_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES[page]):
        assert target.startswith("https://") or (ROOT / "docs" / target).exists(), target
