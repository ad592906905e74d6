"""What the tests found, for ``docs/make_bridges.py``: JAXENV_BRIDGES_REPORT names the file that it is written to."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

import jax
import pytest


@pytest.fixture(scope="session")
def findings():
    """Return a list to add an entry to for each environment that was examined."""
    found = []
    yield found
    file = os.environ.get("JAXENV_BRIDGES_REPORT")
    if file and found:
        about = {"python": platform.python_version(), "jax": jax.__version__, "jaxenv": metadata.version("jaxenv-bridges")}
        Path(file).write_text(json.dumps({**about, "environments": found}, indent=1) + "\n")
