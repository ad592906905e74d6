"""``jaxenv new-plugin``: what it writes passes its own tests at once."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from jaxenv import EnvSpec
from jaxenv.cli import main
from jaxenv.cli.doctor import replacements
from jaxenv.cli.new_plugin import write_plugin
from jaxenv.errors import PluginError, PluginNameError, PluginTakenError, ProjectExistsError
from jaxenv.registry import Plugin
from jaxenv.registry.known import Known, known_distributions

CORE = Path(__file__).parents[1]


def run(*command: str | Path, folder: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=os.environ | (env or {}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(project: Path, site: Path) -> dict[str, str]:
    """Return the environment variables under which Python finds ``project`` as if it were installed in editable mode."""
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = site / f"{table['name'].replace('-', '_')}-{table['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {table['name']}\nVersion: {table['version']}\n")
    points = "".join(f"{name} = {value}\n" for name, value in table["entry-points"]["jaxenv"].items())
    (info / "entry_points.txt").write_text(f"[jaxenv]\n{points}")
    return {"PYTHONPATH": os.pathsep.join([str(project / "src"), str(site)])}


def test_the_package_passes_its_own_tests(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["new-plugin", "two-words", "--path", str(tmp_path)])
    assert stopped.value.code == 0
    project = tmp_path / "jaxenv-two-words"
    env = installed(project, tmp_path / "site")
    assert "8 passed" in run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", folder=project, env=env)


@pytest.mark.long
def test_the_package_passes_in_a_fresh_environment_with_core_alone(tmp_path: Path) -> None:
    project = write_plugin("demo", tmp_path)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "-q", CORE, folder=tmp_path)
    run(python, "-m", "pip", "install", "-q", "-e", ".[test]", folder=project)
    assert "8 passed" in run(python, "-m", "pytest", folder=project)
    packages = run(python, "-m", "pip", "list", "--format=freeze", folder=project)
    assert sorted(line.split("==")[0] for line in packages.splitlines() if line.startswith("jaxenv")) == [
        "jaxenv-core",
        "jaxenv-demo",
    ]


def test_every_place_is_filled_in(tmp_path: Path) -> None:
    project = write_plugin("my_tasks", tmp_path)
    assert project == tmp_path / "jaxenv-my-tasks"
    files = sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file())
    assert files == [
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "src/jaxenv_my_tasks/__init__.py",
        "src/jaxenv_my_tasks/corridor.py",
        "src/jaxenv_my_tasks/plugin.py",
        "src/jaxenv_my_tasks/py.typed",
        "tests/test_contract.py",
        "tests/test_corridor.py",
        "tox.ini",
    ]
    metadata = tomllib.loads((project / "pyproject.toml").read_text())
    assert metadata["project"]["name"] == "jaxenv-my-tasks"
    assert metadata["project"]["entry-points"] == {"jaxenv": {"my-tasks": "jaxenv_my_tasks.plugin"}}
    assert "license" not in metadata["project"]  # its author's choice


@pytest.mark.parametrize("name", ["", "Demo", "de mo", "../demo", "demo-", "1demo", "local", "jaxenv", "jaxenv-demo"])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PluginNameError, match="Choose lower-case words of letters and digits joined by '-'"):
        write_plugin(name, tmp_path)
    assert not list(tmp_path.iterdir())


def plugin_of(namespace: str, *names: str, distribution: str = "", error: PluginError | None = None) -> Plugin:
    origin: dict[str, Any] = {"namespace": namespace, "distribution": distribution or f"jaxenv-{namespace}", "version": "1.0"}
    specs = tuple(EnvSpec(name, "module:Class", **origin) for name in names)
    return Plugin(namespace, f"jaxenv_{namespace}.plugin", origin["distribution"], "1.0", specs=specs, error=error)


class TestWhatExistsIsNotReplaced:
    @pytest.fixture(autouse=True)
    def nothing_is_written(self, tmp_path: Path) -> Iterator[None]:
        yield
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("known", known_distributions(), ids=lambda known: known.distribution)
    def test_a_distribution_beside_core_installed_or_not(
        self, known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("jaxenv.cli.new_plugin.found_plugins", lambda *, quiet: ())
        with pytest.raises(PluginTakenError, match=f"{known.distribution} is published beside jaxenv-core"):
            write_plugin(known.namespace, tmp_path)

    @pytest.mark.parametrize("error", [None, PluginError("opera", "our-opera", "1.0", "it is broken")])
    def test_a_namespace_of_a_plugin_healthy_or_broken(
        self, error: PluginError | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opera = plugin_of("opera", distribution="our-opera", error=error)
        monkeypatch.setattr("jaxenv.cli.new_plugin.found_plugins", lambda *, quiet: (opera,))
        with pytest.raises(
            PluginTakenError, match=r"the namespace 'opera' belongs to our-opera 1\.0, and .* Choose another name\."
        ):
            write_plugin("opera", tmp_path)

    def test_a_distribution_that_is_no_plugin(self, tmp_path: Path) -> None:
        with pytest.raises(PluginTakenError, match=r"the distribution jaxenv-core .* is installed"):
            write_plugin("core", tmp_path)

    @pytest.mark.parametrize("name", ["two-words", "two_words"])
    def test_a_package_that_can_be_imported(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with TemporaryDirectory() as site:
            Path(site, "jaxenv_two_words").mkdir()
            Path(site, "jaxenv_two_words", "__init__.py").write_text("")
            monkeypatch.syspath_prepend(site)
            with pytest.raises(PluginTakenError, match="the package jaxenv_two_words can be imported"):
                write_plugin(name, tmp_path)


class TestDoctorFindsWhatWasReplaced:
    KNOWN = next(known for known in known_distributions() if not known.requires)

    def test_all_is_well_where_each_has_its_own(self) -> None:
        assert replacements([plugin_of(k.namespace, *k.names, distribution=k.distribution) for k in known_distributions()]) == []
        assert replacements([plugin_of("demo", "Corridor-v0")]) == []

    def test_a_plugin_that_waits_for_a_library_has_no_environments_and_is_not_replaced(self) -> None:
        waiting = next(known for known in known_distributions() if known.requires)
        assert replacements([plugin_of(waiting.namespace, distribution=waiting.distribution)]) == []

    def test_another_distribution_of_the_same_name(self) -> None:
        (sentence,) = replacements([plugin_of(self.KNOWN.namespace, "Corridor-v0")])
        name = self.KNOWN.distribution
        assert sentence.startswith(f"{name} 1.0 has none of the environments of {name}, such as {self.KNOWN.ids[0]}: another ")
        assert sentence.endswith(f"Uninstall {name}, then install the real one again.")

    def test_another_distribution_in_the_namespace(self) -> None:
        (sentence,) = replacements([plugin_of(self.KNOWN.namespace, *self.KNOWN.names, distribution="usurper")])
        name = self.KNOWN.distribution
        assert f"The namespace '{self.KNOWN.namespace}' is that of {name}, but usurper 1.0 has it here" in sentence
        assert sentence.endswith(f"Uninstall usurper, then install {name} again.")

    def test_two_distributions_with_one_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        owners = {"jaxenv_demo": ["other", "jaxenv-demo", "other"]}
        monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: owners)
        (sentence,) = replacements([plugin_of("demo", "Corridor-v0")])
        assert "The package jaxenv_demo of jaxenv-demo was installed by jaxenv-demo and other" in sentence

    def test_the_command_says_so_and_fails(
        self, jaxenv_command: Callable[..., tuple[int, str, str]], mill_plugins: list[Plugin]
    ) -> None:
        mill_plugins.append(plugin_of(self.KNOWN.namespace, "Corridor-v0"))
        code, out, _ = jaxenv_command("doctor")
        assert code == 1
        assert "has none of the environments of" in " ".join(out.split())
        code, out, _ = jaxenv_command("doctor", "--json")
        data = json.loads(out)
        assert (code, data["healthy"], len(data["replaced"])) == (1, False, 1)


def test_an_existing_project_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "jaxenv-demo").mkdir()
    with pytest.raises(ProjectExistsError, match="jaxenv-demo exists already, and nothing in it was changed"):
        write_plugin("demo", tmp_path)
    assert not list((tmp_path / "jaxenv-demo").iterdir())
