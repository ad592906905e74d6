"""``jaxenv fidelity``: the report, and the error for an environment without a reference."""

import json

import jaxenv
import pytest
from cli_environments import here
from jaxenv import EnvSpec

pytestmark = pytest.mark.usefixtures("mill_plugins")


class TestFidelity:
    def test_prints_the_report(self, jaxenv_command):
        code, out, _ = jaxenv_command("fidelity", "Mill-v0", "--transitions", "1500", "--seed", "7")
        assert code == 0
        assert "dutch/Mill-v0 against paper-mill 2.0" in out
        assert "1,500 transitions, 7 episodes ended" in out
        assert ["observation", "1,500", "1e-07", "1e-05", "equal"] in [line.split() for line in out.splitlines()]
        assert "- a note" in out
        assert "PASSED" in out

    def test_a_difference_fails(self, jaxenv_command):
        code, out, _ = jaxenv_command("fidelity", "Bad-v0")
        assert code == 1
        assert ["reward", "20,000", "0.5", "exact", "DIFFERS"] in [line.split() for line in out.splitlines()]
        assert "FAILED" in out
        code, out, _ = jaxenv_command("fidelity", "Bad-v0", "--json")
        assert (code, json.loads(out)["passed"]) == (1, False)

    def test_an_environment_without_an_oracle(self, jaxenv_command):
        code, _, err = jaxenv_command("fidelity", "Plain-v0")
        assert code == 2
        assert "dutch/Plain-v0 names no oracle, so there is no reference to compare it with." in err

    def test_a_missing_reference_says_what_to_install(self, jaxenv_command, monkeypatch):
        code, _, err = jaxenv_command("fidelity", "Bare-v0")
        assert code == 2
        assert "No module named 'paper_mill_that_is_not_there'. Repair jaxenv-core, or install what its oracle imports." in err

        class Metadata:
            @staticmethod
            def get_all(name: str) -> list[str]:
                return ["oracle"]

        monkeypatch.setattr("jaxenv.cli.fidelity.metadata.metadata", lambda name: Metadata)
        assert (
            "Install the reference implementation: pip install 'jaxenv-core[oracle]'." in jaxenv_command("fidelity", "Bare-v0")[2]
        )
        jaxenv.register(EnvSpec("Lone", here("Mill"), oracle="nowhere:compare_with_reference"))
        assert "Install what the oracle imports." in jaxenv_command("fidelity", "Lone")[2]

    def test_transitions_must_be_positive(self, jaxenv_command):
        assert jaxenv_command("fidelity", "Mill-v0", "--transitions", "0")[0] == 2
