"""Shipped agents act as when they were saved, in a process with nothing but core, one family and this package."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jaxenv_baselines import agent

GOLDEN = Path(__file__).with_name("golden.py")
FAMILIES = ("bsuite", "classic", "minatar", "misc")
SHIPPED = agent.shipped()

ALONE = """
import importlib.abc, runpy, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

family, script = sys.argv[1:]
BLOCKED = {"gymnasium", "minatar", "bsuite", "evosax", "gymnax", "matplotlib", "pandas", "torch"}
BLOCKED |= {f"jaxenv_{other}" for other in ("bsuite", "classic", "minatar", "misc", "bridges") if other != family}
sys.meta_path.insert(0, Blocked())
sys.argv = [script, "--namespace", family]
runpy.run_path(script, run_name="__main__")
imported = {name.split(".")[0] for name in sys.modules}
assert not imported & BLOCKED
assert f"jaxenv_{family}" in imported
"""


@pytest.fixture(scope="module")
def golden():
    """``golden.py``, imported."""
    spec = importlib.util.spec_from_file_location("baselines_golden", GOLDEN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_shipped_agent_has_golden_actions(golden):
    hashes = {env_id: digest for env_id, (_, _, digest) in golden.read().items()}
    shipped = {described["spec"]["id"]: described["sha256"] for described in SHIPPED}
    assert hashes == shipped, "Run `python packages/baselines/tests/golden.py --write`."


@pytest.mark.parametrize("family", [name for name in FAMILIES if any(d["spec"]["namespace"] == name for d in SHIPPED)])
def test_agents_act_as_when_they_were_saved_where_only_their_family_is_installed(family):
    others = ",".join(name for name in (*FAMILIES, "bridges") if name != family)
    environment = os.environ | {"JAXENV_DISABLED_PLUGINS": others, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, family, str(GOLDEN)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_other_weights_are_noticed(golden, monkeypatch):
    env_id = SHIPPED[0]["spec"]["id"]
    obs, expected, digest = golden.read()[env_id]
    monkeypatch.setattr(
        golden, "read", lambda: {env_id: (obs, np.where(np.arange(golden.STEPS) == 3, 1 - expected, expected), digest)}
    )
    assert golden.differing() == [env_id]
