"""``jaxenv new-plugin``: what it writes passes its own tests at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest
from jaxenv.cli import main
from jaxenv.cli.new_plugin import write_plugin
from jaxenv.errors import PluginNameError, ProjectExistsError

CORE = Path(__file__).parents[1]
ROOT = CORE.parents[1]


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
    cache = {"JAX_COMPILATION_CACHE_DIR": os.environ.get("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".jax_cache"))}
    env = installed(project, tmp_path / "site") | cache
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


def test_an_existing_project_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "jaxenv-demo").mkdir()
    with pytest.raises(ProjectExistsError, match="jaxenv-demo exists already, and nothing in it was changed"):
        write_plugin("demo", tmp_path)
    assert not list((tmp_path / "jaxenv-demo").iterdir())
