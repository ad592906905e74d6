"""Environments of the distributions beside core: the list is up to date, and an id that is not installed says who has it."""

import dataclasses
import importlib.util
import re
from pathlib import Path

import jaxenv
import pytest
from jaxenv.errors import PluginError, UnknownEnvError
from jaxenv.registry import Plugin, lookup
from jaxenv.registry.known import known_distributions

CORE = Path(__file__).parents[1]
KNOWN = tuple(known for known in known_distributions() if not known.requires)
WAITING = tuple(known for known in known_distributions() if known.requires)


def unknown(env_id):
    with pytest.raises(UnknownEnvError) as caught:
        jaxenv.make(env_id)
    return str(caught.value)


@pytest.fixture
def alone(monkeypatch):
    """Core without any plugin; a list to add to."""
    found = []
    monkeypatch.setattr(lookup, "found_plugins", lambda: tuple(found))
    monkeypatch.setattr(lookup, "_local", {})
    return found


def test_the_list_is_what_the_script_writes():
    """Run ``python packages/core/scripts/known_envs.py`` where this fails."""
    script = CORE / "scripts" / "known_envs.py"
    if not script.exists() or not all(
        (CORE.parent / known.distribution.removeprefix("jaxenv-")).is_dir() for known in known_distributions()
    ):
        pytest.skip("needs the repository")
    loaded = importlib.util.spec_from_file_location("known_envs", script)
    module = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(module)
    assert module.TARGET.read_text(encoding="utf-8") == module.known_envs()


def test_every_distribution_has_a_namespace_and_environments():
    assert len({known.distribution for known in KNOWN}) == len(KNOWN) >= 4
    every = known_distributions()
    assert len({known.namespace for known in every}) == len(every)
    assert all(known.names for known in every)


def test_cores_code_names_no_family():
    names = re.compile("|".join(rf"{known.package}|{known.distribution}" for known in known_distributions()))
    for path in (CORE / "src" / "jaxenv").rglob("*.py"):
        code = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith((">>>", "...")))
        assert not names.findall(code), path


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.distribution)
def test_an_id_that_is_not_installed_says_who_has_it(known, alone):
    fragment = f"{known.distribution} provides it, and is not installed: install {known.distribution} beside jaxenv-core."
    for name in (known.names[0], known.ids[-1], known.names[0].lower()):
        assert fragment in unknown(name)


@pytest.mark.parametrize("known", WAITING, ids=lambda known: known.namespace)
@pytest.mark.parametrize("installed", [False, True])
def test_an_id_that_needs_another_library_says_which_extra_installs_it(known, installed, alone):
    if installed:
        alone.append(Plugin(known.namespace, "m", known.distribution, "1.0"))
    fragment = (
        f"{known.distribution} provides it with its extra {known.requires}: "
        f"run python -m pip install '{known.distribution}[{known.requires}]'."
    )
    for name in (known.ids[0], known.ids[-1], known.ids[0].upper()):
        assert fragment in unknown(name)


def test_a_name_alone_is_first_that_of_a_distribution_that_needs_nothing_else(alone):
    shared = next(name for known in KNOWN for name in known.names if any(name in other.names for other in WAITING))
    owner = next(known for known in KNOWN if shared in known.names)
    assert f"{owner.distribution} provides it, and is not installed" in unknown(shared)
    waiting = next(known for known in WAITING if shared in known.names)
    assert f"with its extra {waiting.requires}" in unknown(f"{waiting.namespace}/{shared}")
    spec = jaxenv.EnvSpec(shared, "m:C", namespace=waiting.namespace, full_id_only=True)
    alone.append(Plugin(waiting.namespace, "m", waiting.distribution, "1.0", specs=(spec,)))
    assert f"{owner.distribution} provides it, and is not installed" in unknown(shared)


def test_a_name_of_full_ids_alone_is_none_and_the_full_id_is_suggested(alone):
    spec = jaxenv.EnvSpec("Quarry-v0", "m:C", namespace="mine", full_id_only=True)
    alone.append(Plugin("mine", "m", "mine", "1.0", specs=(spec,)))
    assert "Did you mean mine/Quarry-v0?" in unknown("Quarry-v0")
    assert lookup.spec("mine/Quarry-v0") is spec
    other = jaxenv.EnvSpec("Quarry-v0", "m:D", namespace="pit")
    alone.append(Plugin("pit", "m", "pit", "1.0", specs=(other,)))
    assert lookup.spec("Quarry-v0") is other


def test_installed_ids_come_first(alone):
    known = KNOWN[0]
    spec = jaxenv.EnvSpec(known.names[0], "m:C", namespace="mine")
    alone.append(Plugin("mine", "m", "mine", "1.0", specs=(spec,)))
    message = unknown(known.names[0].upper())
    assert f"Did you mean mine/{known.names[0]}?" in message
    assert known.distribution not in message


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"disabled": True}, "provides it, but JAXENV_DISABLED_PLUGINS disables"),
        ({"error": PluginError("n", "d", "1.0", "it fell down")}, "provides it, but is refused: run `jaxenv doctor`."),
        ({}, "Run `jaxenv list`"),
    ],
)
def test_a_plugin_that_is_installed_and_whose_environments_are_not_there(change, fragment, alone):
    known = KNOWN[0]
    alone.append(dataclasses.replace(Plugin(known.namespace, "m", known.distribution, "1.0"), **change))
    assert fragment in unknown(known.names[0])
    assert "not installed" not in unknown(known.names[0])


def test_a_name_that_nobody_has_is_not_taken_for_one(alone):
    message = unknown("NoSuchTask-v7")
    assert not any(known.distribution in message for known in KNOWN)
