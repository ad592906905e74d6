"""The command line as a whole, run in this process on environments that exist only here: help, errors, plugins, ``doctor``."""

import dataclasses
import json
import math

import cli_environments
import jax
import jaxenv
import pytest
from cli_environments import broken
from jaxenv import _jax_compat
from jaxenv.cli import app as cli_app
from jaxenv.registry.names import BUILTIN_COMMANDS

pytestmark = pytest.mark.usefixtures("mill_plugins")


class TestMain:
    def test_the_reserved_names_are_the_commands(self):
        names = {command.name for command in cli_app.app.registered_commands}
        assert names == set(BUILTIN_COMMANDS)

    def test_help_shows_the_plugins_commands_without_importing_them(self, jaxenv_command):
        code, out, _ = jaxenv_command("--help")
        assert code == 0
        assert all(text in out for text in (*BUILTIN_COMMANDS, "Say hello.", "Fail."))

    def test_version(self, jaxenv_command):
        assert jaxenv_command("--version") == (0, f"jaxenv-core {jaxenv.__version__}\n", "")

    @pytest.mark.parametrize("command", BUILTIN_COMMANDS)
    def test_every_command_has_help(self, jaxenv_command, command):
        assert jaxenv_command(command, "--help")[0] == 0

    def test_an_unknown_command_gets_a_suggestion(self, jaxenv_command):
        code, _, err = jaxenv_command("lst")
        assert code == 2
        assert "Did you mean 'list'?" in err

    def test_an_error_is_one_sentence_on_the_error_stream(self, jaxenv_command):
        code, out, err = jaxenv_command("show", "Mil-v0", "--json")
        assert (code, out) == (2, "")
        assert err == (
            "Error: No environment has the id 'Mil-v0'. Did you mean dutch/Mill-v0? Run `jaxenv list` to see which there are.\n"
        )

    def test_a_plugins_command_runs(self, jaxenv_command):
        assert jaxenv_command("greet", "--name", "[bold]") == (0, "hello [bold]\n", "")
        assert "--name" in jaxenv_command("greet", "--help")[1]

    def test_a_plugins_command_shows_all_of_its_docstring(self, jaxenv_command, monkeypatch):
        assert "Say hello." in jaxenv_command("greet", "--help")[1]
        monkeypatch.setattr(cli_environments.greet, "__doc__", "Greet someone.\n\nNothing is written.")
        out = jaxenv_command("greet", "--help")[1]
        assert "Greet someone." in out
        assert "Nothing is written." in out
        assert "Say hello." in jaxenv_command("--help")[1]

    def test_a_plugins_broken_command_is_one_sentence(self, jaxenv_command):
        code, _, err = jaxenv_command("lost")
        assert code == 2
        assert err == (
            "Error: The command 'lost' of plugin 'dutch' names 'nowhere:main', which cannot be used: ModuleNotFoundError: "
            "No module named 'nowhere'. Repair or reinstall the plugin.\n"
        )

    def test_two_plugins_with_one_command_are_named(self, jaxenv_command, mill_plugins):
        mill_plugins.append(dataclasses.replace(mill_plugins[0], namespace="flemish", specs=()))
        code, _, err = jaxenv_command("greet")
        assert code == 2
        assert "The plugins dutch and flemish all offer a command 'greet', so none of them runs." in err
        assert jaxenv_command("list")[0] == 0


class TestDoctor:
    def test_all_is_well(self, jaxenv_command):
        code, out, _ = jaxenv_command("doctor")
        assert code == 0
        assert f"jax {jax.__version__}" in out
        assert f"{jax.devices()[0]}" in out
        assert "greet, lost" in out
        assert "All is well." in out

    def test_a_refused_plugin_fails(self, jaxenv_command, mill_plugins):
        mill_plugins.append(broken())
        code, out, _ = jaxenv_command("doctor")
        assert code == 1
        assert "Plugin 'ruin' of dist 1.0 is refused: it fell down." in out
        code, out, _ = jaxenv_command("doctor", "--json")
        data = json.loads(out)
        assert (code, data["healthy"]) == (1, False)
        assert [plugin["status"] for plugin in data["plugins"]] == ["ok", "broken"]
        assert data["versions"]["jax"] == jax.__version__

    def test_says_what_plays(self, jaxenv_command, monkeypatch):
        assert "rollouts and batched steps: scans, because of the platform, cpu" in jaxenv_command("doctor")[1]
        assert json.loads(jaxenv_command("doctor", "--json")[1])["engine"].startswith("scans")
        monkeypatch.setenv("JAXENV_ENGINE", "scan")
        assert "because of JAXENV_ENGINE=scan" in jaxenv_command("doctor")[1]

    def test_says_which_versions_of_jax_were_tested(self, jaxenv_command):
        code, out, _ = jaxenv_command("doctor")
        assert (code, f"tested with jax {', '.join(_jax_compat.TESTED)}" in out) == (0, True)
        assert json.loads(jaxenv_command("doctor", "--json")[1])["jax_tested"] == list(_jax_compat.TESTED)

    @pytest.mark.parametrize(
        ("version", "newer"),
        [
            ("0.6.1", False),
            ("0.9.9.9", False),
            ("0.10.0", False),
            ("0.10.0.1", True),
            ("0.10.1.dev5", True),
            ("0.11", True),
            ("1.0", True),
        ],
    )
    def test_a_newer_jax_than_was_tested_is_told_once_and_is_no_failure(self, jaxenv_command, monkeypatch, version, newer):
        monkeypatch.setattr(_jax_compat, "TESTED", ("0.9", "0.10.0", "0.6.1"))
        monkeypatch.setattr("jaxenv.cli.doctor.metadata.version", lambda name: version if name == "jax" else "1.0")
        code, out, err = jaxenv_command("doctor")
        assert (code, err) == (0, "")
        assert out.count("is newer than 0.10.0, the newest tested. It probably works") == newer
        assert "All is well." in out
        assert json.loads(jaxenv_command("doctor", "--json")[1])["jax_newer_than_tested"] is newer

    def test_what_this_jax_does_not_have_is_reported(self, jaxenv_command, monkeypatch):
        assert json.loads(jaxenv_command("doctor", "--json")[1])["jax_missing"] == _jax_compat.MISSING
        monkeypatch.setattr(_jax_compat, "MISSING", {"materialize": "AttributeError: no such thing"})
        code, out, _ = jaxenv_command("doctor")
        assert code == 0
        text = " ".join(out.split())
        assert (
            "This JAX does not have what 'materialize' needs, so jaxenv does without it, slower: AttributeError: no such thing"
            in text
        )
        assert json.loads(jaxenv_command("doctor", "--json")[1])["jax_missing"] == {"materialize": "AttributeError: no such thing"}

    def test_no_device_fails(self, jaxenv_command, monkeypatch):
        def devices() -> None:
            raise RuntimeError("no backend\nat all")

        monkeypatch.setattr(jax, "devices", devices)
        code, out, _ = jaxenv_command("doctor")
        assert code == 1
        assert "no backend at all" in out

    def test_without_plugins_it_says_what_to_do(self, jaxenv_command, mill_plugins):
        mill_plugins.clear()
        code, out, _ = jaxenv_command("doctor")
        assert code == 0
        assert "No plugin is installed" in out


def test_numbers_that_are_not_finite_become_null(capsys):
    from jaxenv.cli.output import print_json

    print_json({"a": [math.nan, math.inf, 1.0], "b": {"c": (-math.inf,)}})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.0], "b": {"c": [None]}}
