"""Eleven plugins, eight of them broken, each in its own way: the healthy ones work and each broken one is named once."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parent / "broken_plugins"

CAUSES = {
    "broken-import": "ModuleNotFoundError: No module named 'a_dependency_that_is_not_there'",
    "broken-hook-raises": "RuntimeError: the moon is full",
    "broken-result": "HookResultError: jaxenv_envs gave str 'Thing-v0', but an iterable of EnvSpec was expected",
    "broken-unknown-hook": "PluginValidationError: unknown hook 'jaxenv_environments'",
    "broken-arguments": "Argument(s) {'config'} are declared in the hookimpl but can not be found in the hookspec",
    "broken-duplicate": "DuplicateNameError: jaxenv_envs gave more than one entry the name Thing-v0",
    "broken-clash": "the distributions broken-clash-one 1.9 and broken-clash-two 1.10 claim this namespace",
    "broken-id": "InvalidSpecError: EnvSpec 'not a name': name is 'not a name'",
}

PROBE = """
import json, sys, warnings
import jaxenv

def outcome(function, *args, **kwargs):
    try:
        return {"value": repr(function(*args, **kwargs))}
    except jaxenv.errors.JaxenvError as error:
        chain = []
        cause = error.__cause__
        while cause is not None:
            chain.append(type(cause).__name__)
            cause = cause.__cause__
        return {"type": type(error).__name__, "message": str(error), "causes": chain}

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    ids = [spec.id for spec in jaxenv.registered_envs()]
    jaxenv.registered_envs()
    plugins = [plugin.to_json() for plugin in jaxenv.plugins()]
    light = "jax" not in sys.modules
    asked = {env_id: outcome(jaxenv.make, env_id) for env_id in sys.argv[1:]}
messages = [str(warning.message) for warning in caught if issubclass(warning.category, jaxenv.errors.PluginWarning)]
print(json.dumps({"ids": ids, "plugins": plugins, "light": light, "asked": asked, "warnings": messages}))
"""


def declared(project):
    """Return the ``[project]`` table of a plugin."""
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function that runs Python where all the plugins are installed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JAXENV_")}
    if os.environ.get("JAXENV_BROKEN_PLUGINS") != "installed":
        site = tmp_path_factory.mktemp("site")
        for project in sorted(PLUGINS.glob("*/")):
            table = declared(project)
            info = site / f"{table['name'].replace('-', '_')}-{table['version']}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {table['name']}\nVersion: {table['version']}\n")
            points = "".join(f"{name} = {value}\n" for name, value in table["entry-points"]["jaxenv"].items())
            (info / "entry_points.txt").write_text(f"[jaxenv]\n{points}")
        environ["PYTHONPATH"] = os.pathsep.join([str(site), *map(str, sorted(PLUGINS.glob("*/")))])

    def run(*args, **variables):
        command = [sys.executable, *args]
        return subprocess.run(command, env=environ | variables, capture_output=True, text=True, check=False, timeout=300)

    return run


@pytest.fixture(scope="module")
def seen(run):
    """What a program sees that lists the environments and asks for some."""
    asked = [f"{namespace}/Thing-v0" for namespace in CAUSES]
    asked += ["alpha/Counter-v0", "beta/Counter-v0", "counters/long", "Counter-v0", "Elsewhere-v0", "alpha/Thing-v0", "Thing-v0"]
    result = run("-c", PROBE, *asked)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_there_are_eleven_plugins_of_which_eight_are_broken():
    namespaces = {name for project in PLUGINS.glob("*/") for name in declared(project)["entry-points"]["jaxenv"]}
    assert namespaces == {"alpha", "beta", "gamma", *CAUSES}
    assert len(namespaces) == 11
    assert len(CAUSES) == 8


def test_healthy_plugins_work(seen):
    ours = [env_id for env_id in seen["ids"] if env_id.split("/")[0] in {"alpha", "beta", "gamma", *CAUSES}]
    assert ours == ["alpha/Counter-v0", "beta/Counter-v0", "beta/counters/long", "gamma/Elsewhere-v0"]
    assert seen["asked"]["alpha/Counter-v0"]["value"].endswith("CounterParams(max_steps_in_episode=2147483647, goal=3))")
    assert "goal=5" in seen["asked"]["beta/Counter-v0"]["value"]
    assert "goal=10" in seen["asked"]["counters/long"]["value"]


def test_listing_imports_no_jax(seen):
    assert seen["light"]


@pytest.mark.parametrize("namespace", CAUSES)
def test_a_broken_plugin_is_named_once_with_its_cause(seen, namespace):
    (message,) = [message for message in seen["warnings"] if f"Plugin '{namespace}'" in message]
    assert CAUSES[namespace] in message
    assert f"JAXENV_DISABLED_PLUGINS={namespace}" in message


def test_a_warning_names_distribution_and_version(seen):
    (message,) = [message for message in seen["warnings"] if "Plugin 'broken-import'" in message]
    assert "of broken-import 1.3 is refused" in message


def test_nothing_else_warns(seen):
    assert len(seen["warnings"]) == len(CAUSES)


@pytest.mark.parametrize("namespace", CAUSES)
def test_an_id_of_a_broken_plugin_raises_with_its_error_as_the_cause(seen, namespace):
    error = seen["asked"][f"{namespace}/Thing-v0"]
    assert error["type"] == "UnavailableEnvError"
    assert CAUSES[namespace] in error["message"]
    expected = ["NamespaceClashError"] if namespace == "broken-clash" else ["PluginError", CAUSES[namespace].partition(":")[0]]
    if namespace == "broken-arguments":
        expected = ["PluginError", "PluginValidationError"]
    assert error["causes"][:2] == expected


def test_errors_about_healthy_ids_do_not_mention_the_broken_plugins(seen):
    for env_id in ("Counter-v0", "Elsewhere-v0", "alpha/Thing-v0"):
        assert "broken" not in seen["asked"][env_id]["message"]


def test_a_short_id_that_two_plugins_have_names_the_full_ids(seen):
    error = seen["asked"]["Counter-v0"]
    assert error["type"] == "AmbiguousEnvError"
    assert "alpha/Counter-v0, beta/Counter-v0" in error["message"]


def test_an_environment_whose_module_is_missing_says_so_when_it_is_made(seen):
    error = seen["asked"]["Elsewhere-v0"]
    assert error["type"] == "EntryPointError"
    assert "a_module_that_is_not_there" in error["message"]
    assert "Repair or reinstall healthy-gamma." in error["message"]


def test_an_unknown_short_id_says_that_it_may_belong_to_a_refused_plugin(seen):
    error = seen["asked"]["Thing-v0"]
    assert error["type"] == "UnknownEnvError"
    assert "run `jaxenv doctor`" in error["message"]


def test_strict_turns_a_failure_into_an_exception(run):
    result = run("-c", "import jaxenv; jaxenv.registered_envs()", JAXENV_STRICT_PLUGINS="1")
    assert result.returncode == 1
    assert "PluginError: Plugin 'broken-arguments'" in result.stderr


def test_disabled_plugins_are_silent_and_their_ids_say_why(run):
    result = run("-c", PROBE, "broken-id/Thing-v0", "alpha/Counter-v0", JAXENV_DISABLED_PLUGINS=", ".join([*CAUSES, "alpha"]))
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert seen["warnings"] == []
    for env_id in ("broken-id/Thing-v0", "alpha/Counter-v0"):
        assert seen["asked"][env_id]["type"] == "UnavailableEnvError"
        assert "JAXENV_DISABLED_PLUGINS" in seen["asked"][env_id]["message"]


def test_doctor_shows_every_error_and_fails(run):
    result = run("-m", "jaxenv.cli", "doctor", "--json", JAXENV_STRICT_PLUGINS="1")
    assert result.returncode == 1
    plugins = json.loads(result.stdout)["plugins"]
    errors = {plugin["namespace"]: plugin["error"] for plugin in plugins if plugin["status"] == "broken"}
    assert set(errors) == set(CAUSES)
    assert all(cause in errors[namespace] for namespace, cause in CAUSES.items())
    assert "Warning" not in result.stderr

    result = run("-m", "jaxenv.cli", "doctor", COLUMNS="200")
    assert result.returncode == 1
    shown = [line.split("'")[1] for line in result.stdout.splitlines() if line.startswith("Plugin '")]
    assert sorted(shown) == sorted(CAUSES)
    assert "Something is wrong" in result.stdout


def test_list_works_and_warns_on_the_error_stream(run):
    result = run("-m", "jaxenv.cli", "list")
    assert result.returncode == 0
    assert "alpha/Counter-v0" in result.stdout
    assert "refused" not in result.stdout, "a pipe gets ids alone"
    assert result.stderr.count("Warning: Plugin ") == len(CAUSES)
    assert "PluginWarning" not in result.stderr


def test_commands_of_plugins_join_the_command_line(run):
    result = run("-m", "jaxenv.cli", "--help", COLUMNS="200")
    assert result.returncode == 0
    assert "Say hello." in result.stdout
    assert "Fail." in result.stdout
    result = run("-m", "jaxenv.cli", "alpha-hello", "--name", "Ada")
    assert (result.returncode, result.stdout) == (0, "hello Ada\n")


def test_a_broken_command_is_a_sentence(run):
    result = run("-m", "jaxenv.cli", "gamma-broken", JAXENV_DISABLED_PLUGINS=",".join(CAUSES))
    assert result.returncode == 2
    assert result.stderr.startswith("Error: The command 'gamma-broken' of plugin 'gamma' names 'a_module_that_is_not_there:main'")
    assert "Traceback" not in result.stderr
