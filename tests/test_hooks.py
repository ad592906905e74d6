"""What a plugin gives through each hook arrives, shown with the sample plugin.

One test a hook: test_writing_a_plugin.py counts them.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "sample_plugin"


@pytest.fixture
def jaxenv_cli(install):
    """Return a function that runs the command line where the sample plugin is installed."""
    environ = install(SAMPLE)

    def run(*args):
        command = [sys.executable, "-m", "jaxenv.cli", *args]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout

    return run


def test_hook_jaxenv_envs(jaxenv_cli):
    listed = json.loads(jaxenv_cli("list", "--namespace", "greenhouse", "--json"))
    assert [spec["id"] for spec in listed] == ["greenhouse/Greenhouse-v0", "greenhouse/GreenhouseWinter-v0"]
    assert {(spec["distribution"], spec["version"]) for spec in listed} == {("jaxenv-greenhouse", "0.3.0")}
    shown = json.loads(jaxenv_cli("show", "GreenhouseWinter-v0", "--json"))
    assert shown["spec"]["params"] == {"outside_mean": -8.0, "gusts": 1.5}
    assert {field["name"]: field["value"] for field in shown["fields"]} == {"forecast_steps": 12}


def test_hook_jaxenv_commands(jaxenv_cli):
    assert "Print the outside temperature through a day." in jaxenv_cli("--help")
    assert jaxenv_cli("weather", "--mean", "0").splitlines()[1] == "03:00  -6.0 °C"


def test_hook_jaxenv_policies(jaxenv_cli, tmp_path):
    def played(policy):
        return json.loads(jaxenv_cli("rollout", "Greenhouse-v0", "--num-steps", "300", "--policy", policy, "--json"))

    kept, frozen = played("thermostat:21"), played("thermostat:2")
    assert (kept["policy"], frozen["policy"]) == ("thermostat:21", "thermostat:2")
    assert kept["return_mean"] > frozen["return_mean"] + 50
