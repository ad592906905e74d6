"""The conformance kit finds each kind of mistake, and says the right sentence; what is right passes.

The files ``test_check_<kind>.py`` hold the mistakes: for each promise of the kind one deliberately wrong environment or more.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from jaxenv import EnvSpec
from jaxenv.testing import CHECKS, check_env
from promises import Walk

pytestmark = pytest.mark.usefixtures("unoptimized")


def test_every_kind_of_promise_has_a_file_of_mistakes() -> None:
    kinds = {check.run.__module__.rpartition(".")[2] for check in CHECKS}
    assert [kind for kind in kinds if not Path(__file__).with_name(f"test_check_{kind}.py").is_file()] == []


def test_a_right_environment_keeps_every_promise() -> None:
    spec = EnvSpec("Walk-v0", entry_point="promises:Walk", summary="Walk.", reference="None.")
    report = check_env(Walk(), spec=spec)
    assert report.passed
    assert [result.check for result in report.inconclusive] == ["render"]
