"""What a seed means stays what it was: see ``golden.py``, which writes and compares."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import jaxenv
import pytest


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("golden.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


golden = _load()
INSTALLED = [family for family in golden.FAMILIES if jaxenv.registered_envs(family)]
CASES = [(family, spec) for family in INSTALLED for spec in golden.specs(family)]


@pytest.mark.parametrize(("family", "spec"), CASES, ids=[spec.id for _, spec in CASES])
def test_trajectories_are_what_they_were(family: str, spec: Any) -> None:
    assert golden.differences(family, spec) == []


@pytest.mark.parametrize("family", INSTALLED)
def test_the_files_hold_all_environments_and_no_others(family: str) -> None:
    assert sorted(golden.kept(family)) == sorted(spec.id for spec in golden.specs(family))


def test_another_trajectory_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = jaxenv.spec("classic/CartPole-v1")
    kept = json.loads(json.dumps(golden.kept("classic")))
    account = kept[spec.id]["jax.random.key(0)"]
    account["sha256"] = "0" * 64
    account["['obs']"][0] *= 1.001
    monkeypatch.setattr(golden, "kept", lambda family: kept)
    first, second = golden.differences("classic", spec)
    assert first.startswith("classic/CartPole-v1 with jax.random.key(0): ['obs'] is [")
    assert "sha256 is" in second
    monkeypatch.setattr(golden, "kept", lambda family: {})
    assert golden.differences("classic", spec)[0].endswith("Run: python tests/golden.py --write")
