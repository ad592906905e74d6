"""Fixtures for tests that need a project installed: in a process of its own, as if in editable mode."""

import os
import tomllib
from importlib.util import find_spec

import numpy as np
import pytest

# The sample plugin's tests are collected where it is installed (tox -e plugin); elsewhere test_sample_plugin.py runs them.
collect_ignore = [] if find_spec("jaxenv_greenhouse") else ["sample_plugin"]


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """Random pixels in the form of MNIST, where the environment variable says."""
    from jaxenv_bsuite import mnist_data  # not installed where the sample plugin's tests run

    directory = tmp_path_factory.mktemp("mnist")
    random = np.random.default_rng(0)
    mnist_data.write(directory, random.integers(0, 256, (32, 28, 28), np.uint8), random.integers(0, 10, 32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(mnist_data.ENVIRONMENT_VARIABLE, str(directory))
        yield


@pytest.fixture
def install(tmp_path):
    """Return a function from a project's folder to the environment variables under which Python finds it installed."""

    def install(project):
        table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        info = tmp_path / "site" / f"{table['name'].replace('-', '_')}-{table['version']}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {table['name']}\nVersion: {table['version']}\n")
        points = "".join(f"{name} = {value}\n" for name, value in table["entry-points"]["jaxenv"].items())
        (info / "entry_points.txt").write_text(f"[jaxenv]\n{points}")
        return os.environ | {"PYTHONPATH": os.pathsep.join([str(project / "src"), str(tmp_path / "site")])}

    return install
