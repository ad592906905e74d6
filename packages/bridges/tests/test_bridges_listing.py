"""What is listed, what a missing, an old or a broken suite says, and that none of them touches another's environments."""

import doctest
import importlib
import json
import os
import subprocess
import sys
from importlib import metadata

import jaxenv
import pytest
from jaxenv.errors import UnknownEnvError, UnknownNamespaceError
from jaxenv.registry import discovery
from jaxenv_bridges import plugin, tables
from jaxenv_bridges.base import standard_promotion
from jaxenv_bridges.errors import SuiteMissingError, SuiteSpaceError, SuiteTaskError
from jaxenv_bridges.suites import SUITES, is_installed, load

CLASSES = {suite: getattr(importlib.import_module(f"jaxenv_bridges.{suite}"), name) for suite, name in tables.CLASSES.items()}
REGISTRIES = {
    "brax": lambda suite: suite.envs._envs,
    "gymnax": lambda suite: suite.registered_envs,
    "jumanji": lambda suite: suite.registration.registered_environments(),
    "navix": lambda suite: suite.registry(),
    "pgx": lambda suite: suite.available_envs(),
    "xminigrid": lambda suite: suite.registered_environments(),
}


def python(code, *, path=(), **environment):
    paths = os.pathsep.join([*map(str, path), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = os.environ | {"PYTHONPATH": paths, "JAXENV_STRICT_PLUGINS": "1"} | environment
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def without(monkeypatch):
    """Return a function that takes the suites away, all or some."""

    def take(*suites):
        there = {name for name in SUITES if is_installed(name)} - set(suites)
        monkeypatch.setattr("jaxenv_bridges.plugin.is_installed", lambda name: name in there)
        monkeypatch.setattr("jaxenv_bridges.suites.is_installed", lambda name: name in there)
        found = discovery._load_all()
        for module in ("lookup", "discovery"):
            monkeypatch.setattr(f"jaxenv.registry.{module}.found_plugins", lambda **_: found)

    return take


class TestTables:
    @pytest.mark.parametrize("suite", sorted(REGISTRIES))
    def test_the_ids_are_those_of_the_installed_suite(self, suite):
        if not is_installed(suite):
            pytest.skip(f"{suite} is not installed")
        load(suite, {"brax": "brax.envs"}.get(suite, suite), suite)
        ids = set(REGISTRIES[suite](sys.modules[suite]))
        assert {spec.name for spec in getattr(plugin, suite).jaxenv_envs()} == ids

    @pytest.mark.long  # Craftax makes textures when its package is first imported
    def test_craftax_has_each_id_of_its_own_without_its_resets(self):
        pytest.importorskip("craftax")
        make = load("craftax", "craftax.craftax_env", "craftax").make_craftax_env_from_name
        for task in (task for tasks in tables.CRAFTAX.values() for task in tasks):
            with standard_promotion():
                assert "NoAutoReset" in type(make(task, auto_reset=False)).__name__

    @pytest.mark.parametrize("suite", sorted(SUITES))
    def test_every_spec_says_what_it_is_and_leaves_short_ids_alone(self, suite):
        specs = getattr(plugin, suite).all_envs()
        assert all(spec.summary.endswith(".") and spec.reference and spec.full_id_only for spec in specs)
        assert len({spec.name for spec in specs}) == len(specs) >= 4

    @pytest.mark.parametrize("suite", sorted(SUITES))
    def test_the_extra_asks_for_the_version_that_is_taken(self, suite):
        required = [line for line in metadata.requires("jaxenv-bridges") or [] if line.startswith(suite)]
        assert [line.partition(";")[0].strip() for line in required] == [f"{suite}>={SUITES[suite].minimum}"]

    def test_ids_that_came_later_are_not_listed_of_an_older_version(self, monkeypatch):
        monkeypatch.setattr("jaxenv_bridges.plugin.is_installed", lambda _: True)
        for version, count in (("0.7.4", 41), ("4.0.0", 83)):
            monkeypatch.setattr("jaxenv_bridges.suites.version", lambda _, version=version: version)
            assert len(plugin.navix.jaxenv_envs()) == count


class TestListing:
    def test_neither_jax_nor_a_suite_is_imported(self):
        code = "import sys, jaxenv; n = len(jaxenv.registered_envs()); print(n, *[m for m in sys.modules if m in %r])"
        count, *imported = python(code % (("jax", "flax", *SUITES),)).split()
        here = [spec for spec in jaxenv.registered_envs() if spec.namespace != "local"]  # other tests register there
        assert int(count) == len(here)
        assert imported == []

    def test_only_what_is_installed_is_listed(self, without):
        without(*SUITES)
        assert [spec for spec in jaxenv.registered_envs() if spec.namespace in SUITES] == []

    def test_a_short_id_is_no_id(self):
        with pytest.raises(UnknownEnvError, match=r"jumanji"):  # the full id, or the extra that has it
            jaxenv.make("Snake-v1")

    def test_a_namespace_that_waits_for_its_suite_says_so(self, without):
        from jaxenv.cli.options import in_namespace
        from jaxenv.errors import NamespaceNotInstalledError

        without("jumanji")
        with pytest.raises(NamespaceNotInstalledError) as caught:
            in_namespace("jumanji")
        assert str(caught.value) == (
            "jaxenv-bridges provides the namespace 'jumanji' with its extra jumanji, which is not installed. "
            "Run python -m pip install 'jaxenv-bridges[jumanji]'."
        )
        with pytest.raises(UnknownNamespaceError):
            in_namespace("jumangi")


class TestMissing:
    @pytest.mark.parametrize("suite", sorted(SUITES))
    def test_an_id_costs_a_sentence_with_the_extra(self, suite, without):
        without(suite)
        task = getattr(plugin, suite).all_envs()[0].name
        with pytest.raises(UnknownEnvError) as caught:
            jaxenv.make(f"{suite}/{task}")
        assert f"provides it with its extra {suite}: run python -m pip install 'jaxenv-bridges[{suite}]'." in str(caught.value)

    @pytest.mark.parametrize("suite", sorted(SUITES))
    def test_so_does_the_class(self, suite, without):
        without(suite)
        with pytest.raises(SuiteMissingError) as caught:
            CLASSES[suite](task="no such task")
        assert str(caught.value) == (
            f"{suite}/no such task needs {suite}, which is not installed. Run python -m pip install 'jaxenv-bridges[{suite}]'."
        )


FAKES = """
import json, jaxenv
messages = {}
for env_id in %r:
    try:
        env, params = jaxenv.make(env_id)
        messages[env_id] = env.name
    except Exception as error:
        messages[env_id] = f"{type(error).__name__}: {error}"
print(json.dumps(messages))
"""


class TestBroken:
    @pytest.fixture
    def messages(self, tmp_path):
        """What ``make`` says where jumanji is broken, pgx is too old, xminigrid lacks what is called, and brax is interrupted."""
        for name, version, source in (
            ("jumanji", "1.1.2", "raise RuntimeError('compiled for another\\nmachine')"),
            ("pgx", "1.4.2", ""),
            ("xminigrid", "0.9.3", ""),
            ("brax", "0.14.2", "raise SystemExit('no licence')"),
        ):
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text(source)
            (tmp_path / f"{name}-{version}.dist-info").mkdir()
            (tmp_path / f"{name}-{version}.dist-info" / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )
        ids = ["jumanji/Snake-v1", "pgx/2048", "xminigrid/MiniGrid-Empty-8x8", "brax/ant", "gymnax/Pendulum-v1"]
        return json.loads(python(FAKES % (ids,), path=[tmp_path]))

    def test_each_says_what_is_wrong_and_no_other_id_suffers(self, messages):
        assert messages["jumanji/Snake-v1"] == (
            "SuiteImportError: jumanji/Snake-v1 needs jumanji, but jumanji 1.1.2 fails when jumanji is imported: RuntimeError: "
            "compiled for another machine. Repair the installation of jumanji and of what it depends on, for instance with "
            "python -m pip install 'jaxenv-bridges[jumanji]'."
        )
        assert messages["pgx/2048"] == (
            "SuiteVersionError: pgx/2048 needs pgx 2.6 or later, but 1.4.2 is installed. "
            "Run python -m pip install 'jaxenv-bridges[pgx]'."
        )
        assert messages["xminigrid/MiniGrid-Empty-8x8"].startswith(
            "SuiteTaskError: xminigrid/MiniGrid-Empty-8x8 can't be built by xminigrid 0.9.3: AttributeError: "
        )
        assert "SuiteImportError" in messages["brax/ant"]
        assert "SystemExit: no licence" in messages["brax/ant"]
        if is_installed("gymnax"):
            assert messages["gymnax/Pendulum-v1"] == "gymnax/Pendulum-v1"

    def test_what_a_suite_refuses_is_a_sentence(self):
        pytest.importorskip("gymnax")
        with pytest.raises(SuiteTaskError, match=r"gymnax/NoSuch-v0 can't be built by gymnax .*ValueError.*\. See whether"):
            CLASSES["gymnax"](task="NoSuch-v0")

    def test_a_space_without_a_counterpart(self):
        from jaxenv_bridges.gymnax import _space

        with pytest.raises(SuiteSpaceError, match=r"t has the space 3, which has no counterpart in jaxenv\. Use the suite's own"):
            _space("t", 3)


def test_examples_in_docstrings():
    assert doctest.testmod(importlib.import_module("jaxenv_bridges.base")).failed == 0
