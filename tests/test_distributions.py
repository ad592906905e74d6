"""What the distributions promise of each other: one version, pins that follow it, and ``jaxenv``, which installs them."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
VERSION = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
FAMILIES = {"jaxenv-bsuite", "jaxenv-classic", "jaxenv-minatar", "jaxenv-misc"}


def read(path):
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))
PROJECTS = {package: read(f"packages/{package}/pyproject.toml") for package in PACKAGES}
NAMES = {package: project["project"]["name"] for package, project in PROJECTS.items()}


def requirements(project):
    extras = project["project"].get("optional-dependencies", {}).values()
    return [Requirement(line) for lines in (project["project"]["dependencies"], *extras) for line in lines]


def test_there_are_nine():
    assert set(NAMES.values()) == FAMILIES | {"jaxenv", "jaxenv-baselines", "jaxenv-bridges", "jaxenv-core", "jaxenv-web"}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_version_comes_from_one_file(package):
    project = PROJECTS[package]
    assert "version" not in project["project"]
    assert (ROOT / "packages" / package / project["tool"]["hatch"]["version"]["path"]).resolve() == ROOT / "VERSION"


@pytest.mark.parametrize("name", NAMES.values())
def test_what_is_installed_has_that_version(name):
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    assert installed == VERSION, "run `uv sync --reinstall`, or install the packages again"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_asks_for_this_minor_version_of_the_others(package):
    version = Version(VERSION)
    after = f"{version.major}.{version.minor + 1}.0"
    for requirement in requirements(PROJECTS[package]):
        if requirement.name.startswith("jaxenv-"):
            assert requirement.specifier.contains(VERSION, prereleases=True), requirement
            assert not requirement.specifier.contains(after), requirement


def test_jaxenv_requires_core_and_the_families_and_holds_no_code():
    project = PROJECTS["jaxenv"]["project"]
    assert {Requirement(line).name for line in project["dependencies"]} == FAMILIES | {"jaxenv-core"}
    extras = {name: [Requirement(line) for line in lines] for name, lines in project["optional-dependencies"].items()}
    assert {name: [found.name for found in lines] for name, lines in extras.items()} == {
        "all": ["jaxenv"],
        "baselines": ["jaxenv-baselines"],
        "bridges": ["jaxenv-bridges"],
        "web": ["jaxenv-web"],
    }
    assert extras["all"][0].extras == {"baselines", "bridges", "web"}
    assert not list((ROOT / "packages/jaxenv").rglob("*.py"))
    assert "entry-points" not in project


def test_what_is_built_of_jaxenv_requires_the_same():
    try:
        built = metadata.distribution("jaxenv")
    except metadata.PackageNotFoundError:
        pytest.skip("jaxenv is not installed")
    found = [Requirement(line) for line in built.requires or ()]
    plain = {requirement.name for requirement in found if requirement.marker is None}
    everything = {one.name for one in found if one.marker is None or one.marker.evaluate({"extra": "all"})} - {"jaxenv"}
    assert plain == FAMILIES | {"jaxenv-core"}
    assert everything == set(NAMES.values()) - {"jaxenv"}
    assert not [file for file in built.files or () if file.suffix == ".py"]


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "jaxenv"])
def test_a_package_is_typed(package):
    (source,) = (ROOT / "packages" / package / "src").glob("jaxenv*")
    assert (source / "py.typed").is_file()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_workspace_and_tox_know_every_package(package):
    settings = read("pyproject.toml")["tool"]
    assert settings["uv"]["sources"][NAMES[package]] == {"workspace": True}
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert f"{{env_tmp_dir}}/dist packages/{package}\n" in tox
    everything = tox.partition("[testenv:all]")[2].partition("commands =")[0]
    assert len(re.findall(rf"\./packages/{package}(?![\w-])", everything)) == 2
    if package != "jaxenv":
        assert f"packages/{package}/src" in settings["pyright"]["extraPaths"]


def test_the_changelog_has_a_section_for_this_version():
    assert re.search(rf"^## {re.escape(VERSION)}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
