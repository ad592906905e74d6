"""Loading plugins one by one: what each can do wrong, and that it costs nobody else anything."""

import os
import sys
import types
import warnings

import pytest
from importlib_metadata import EntryPoint
from jaxenv import EnvSpec
from jaxenv.errors import DiscoveryError, NamespaceClashError, PluginError, PluginWarning
from jaxenv.hookspecs import hookimpl
from jaxenv.registry import Command, discovery

GOOD = (EnvSpec("Pond-v0", "m:Pond"),)


class Origin:
    """A distribution, as far as discovery looks."""

    def __init__(self, name):
        self.metadata = {"Name": name, "Version": "1.0"}


class Unreadable:
    """A distribution whose metadata file is missing."""

    @property
    def metadata(self):
        raise FileNotFoundError


@pytest.fixture
def install(monkeypatch):
    """Return a function that makes plugins of hook functions, and a fresh discovery that finds them."""
    monkeypatch.delenv("JAXENV_STRICT_PLUGINS", raising=False)
    monkeypatch.delenv("JAXENV_DISABLED_PLUGINS", raising=False)
    entries = []

    def install(namespace="lake", *, origin=None, **attributes):
        module = types.ModuleType(f"plugin_number_{len(entries)}")
        vars(module).update({name: hookimpl(value) if callable(value) else value for name, value in attributes.items()})
        monkeypatch.setitem(sys.modules, module.__name__, module)
        entry = EntryPoint(name=namespace, value=module.__name__, group="jaxenv")
        entries.append(entry._for(origin or Origin(f"jaxenv-{namespace}")))
        monkeypatch.setattr(discovery, "entry_points", lambda group: entries)
        return discovery._Discovery()

    return install


def cause(found):
    (plugin,) = found.plugins(quiet=True)
    assert isinstance(plugin.error, PluginError)
    assert plugin.error.__cause__ is not None
    assert plugin.specs == plugin.commands == ()
    return f"{type(plugin.error.__cause__).__name__}: {plugin.error.__cause__}"


def test_specs_and_commands_are_taken_with_their_origin(install):
    found = install(jaxenv_envs=lambda: GOOD, jaxenv_commands=lambda: [Command("dig", "m:dig")])
    (plugin,) = found.plugins()
    assert (plugin.status, plugin.commands) == ("ok", (Command("dig", "m:dig"),))
    (spec,) = plugin.specs
    assert (spec.id, spec.distribution, spec.version) == ("lake/Pond-v0", "jaxenv-lake", "1.0")
    assert found.plugins() is found.plugins()


def test_a_plugin_may_have_commands_alone(install):
    (plugin,) = install(jaxenv_commands=lambda: [Command("dig", "m:dig")]).plugins()
    assert plugin.status == "ok"


@pytest.mark.parametrize(
    ("returned", "fragment"),
    [
        (None, "HookResultError: jaxenv_envs gave NoneType None, but an iterable of EnvSpec was expected. Return a list"),
        (3, "HookResultError: jaxenv_envs gave int 3"),
        ("Pond-v0", "HookResultError: jaxenv_envs gave str 'Pond-v0'"),
        (GOOD[0], "HookResultError: jaxenv_envs gave EnvSpec"),
        ([*GOOD, "Pond-v1"], "HookResultError: jaxenv_envs gave str 'Pond-v1'"),
        ([*GOOD, *GOOD], "DuplicateNameError: jaxenv_envs gave more than one entry the name Pond-v0. Give each its own."),
    ],
)
def test_a_wrong_result(install, returned, fragment):
    assert fragment in cause(install(jaxenv_envs=lambda: returned))


def test_environments_and_commands_are_taken_together_or_not_at_all(install):
    commands = [Command("dig", "m:dig"), Command("dig", "m:bury")]
    assert "DuplicateNameError: jaxenv_commands" in cause(install(jaxenv_envs=lambda: GOOD, jaxenv_commands=lambda: commands))


def test_a_generator_that_fails_halfway_gives_nothing(install):
    def jaxenv_envs():
        yield GOOD[0]
        raise ZeroDivisionError("halfway")

    assert "ZeroDivisionError: halfway" in cause(install(jaxenv_envs=jaxenv_envs))


def test_a_plugin_that_exits_does_not_end_the_program(install):
    assert "SystemExit: 3" in cause(install(jaxenv_envs=lambda: sys.exit(3)))


def test_a_plugin_that_forgot_the_decorator_is_reported(install):
    assert "NoHookError: plugin_number_0 implements no hook. Decorate its jaxenv_envs" in cause(install(nothing=3))


@pytest.mark.parametrize("namespace", ["Lake", "local", "a b", "a/b", "-a"])
def test_an_entry_point_whose_name_is_no_namespace(install, namespace):
    fragment = cause(install(namespace, jaxenv_envs=lambda: GOOD))
    assert f"NamespaceError: the entry point's name {namespace!r} is no namespace" in fragment


def test_a_plugin_that_asks_for_environments_while_it_is_loaded(install, monkeypatch):
    found = install(jaxenv_envs=lambda: found.plugins())
    assert "DiscoveryError: The registry was asked" in cause(found)
    assert issubclass(DiscoveryError, RuntimeError)


def test_a_distribution_without_metadata_still_works(install):
    (plugin,) = install(origin=Unreadable(), jaxenv_envs=lambda: GOOD).plugins()
    assert (plugin.status, plugin.distribution) == ("ok", "an unnamed distribution")


def test_two_distributions_with_one_namespace_are_both_refused(install):
    install("lake", origin=Origin("one"), jaxenv_envs=lambda: GOOD)
    install("sea", jaxenv_envs=lambda: GOOD)
    found = install("lake", origin=Origin("two"), jaxenv_envs=lambda: GOOD)
    with pytest.warns(PluginWarning, match="the distributions one 1.0 and two 1.0 claim this namespace") as caught:
        plugins = found.plugins()
    assert len(caught) == 1
    assert [(plugin.namespace, plugin.status) for plugin in plugins] == [("lake", "broken"), ("lake", "broken"), ("sea", "ok")]
    assert isinstance(plugins[0].error, NamespaceClashError)


def test_a_plugin_sees_and_changes_its_own_environments_only(install):
    @hookimpl(wrapper=True)
    def meddle():
        result = yield
        return [[EnvSpec("Stolen", "m:Stolen")] for _ in result]

    install("lake", jaxenv_envs=lambda: GOOD)
    found = install("zoo", nothing=3)
    sys.modules["plugin_number_1"].jaxenv_envs = meddle
    lake, zoo = found.plugins(quiet=True)
    assert [spec.name for spec in lake.specs] == ["Pond-v0"]
    assert zoo.status == "broken"


def test_each_failure_warns_once_and_healthy_plugins_work(install):
    install("lake", jaxenv_envs=lambda: GOOD)
    install("ruin", jaxenv_envs=lambda: 3)
    found = install("sea", jaxenv_envs=lambda: GOOD)
    with pytest.warns(PluginWarning, match="Plugin 'ruin' of jaxenv-ruin 1.0 is refused") as caught:
        assert [plugin.status for plugin in found.plugins()] == ["ok", "broken", "ok"]
    assert len(caught) == 1
    found.plugins()


def test_warnings_that_are_errors_do_not_lose_the_healthy_plugins(install):
    install("lake", jaxenv_envs=lambda: GOOD)
    found = install("ruin", jaxenv_envs=lambda: 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginWarning):
            found.plugins()
        assert [plugin.status for plugin in found.plugins()] == ["ok", "broken"]


def test_strict_raises_every_time_and_quiet_does_not(install, monkeypatch):
    monkeypatch.setenv("JAXENV_STRICT_PLUGINS", "1")
    found = install("ruin", jaxenv_envs=lambda: 3)
    for _ in range(2):
        with pytest.raises(PluginError, match="Repair or uninstall jaxenv-ruin, or set JAXENV_DISABLED_PLUGINS=ruin"):
            found.plugins()
    assert [plugin.status for plugin in found.plugins(quiet=True)] == ["broken"]


def test_disabled_plugins_are_not_imported(install, monkeypatch):
    monkeypatch.setenv("JAXENV_DISABLED_PLUGINS", " lake , nowhere")
    found = install("lake", jaxenv_envs=lambda: os.abort())
    assert [plugin.status for plugin in found.plugins()] == ["disabled"]
