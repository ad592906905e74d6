"""Whatever goes wrong on the command line ends as one sentence; policies and classes are loaded and tried in one way."""

import errno
import sys
import textwrap

import cli_environments
import jax
import jax.numpy as jnp
import pytest
from jaxenv.cli import memory, options
from jaxenv.cli.failures import brief, describe_failure
from jaxenv.cli.memory import check_fits, size_of
from jaxenv.cli.objects import load_here, refusal
from jaxenv.errors import EntryPointError, JaxenvError, MemoryLimitError, OutputFileError, SettingError
from jaxenv.registry.names import BUILTIN_COMMANDS
from jaxenv.visualize.files import check_output

pytestmark = pytest.mark.usefixtures("mill_plugins", "unoptimized")


def says_one_sentence(code, err):
    assert code == 2
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert err.rstrip().endswith(".")


class Panic(BaseException):
    """A library's own kind of exception, which is no Exception."""


def traced_bool():
    try:
        jax.jit(lambda x: 1 if x > 0 else 0)(1.0)
    except Exception as error:
        return error
    raise AssertionError


FAILURES = [
    (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero. Run the command again with --traceback"),
    (KeyError("name"), "KeyError: 'name'. Run"),
    (RuntimeError(), "RuntimeError. Run"),
    (RuntimeError("first line\n\nsecond line"), "RuntimeError: first line. Run"),
    (Panic("the library fell over"), "Panic: the library fell over. Run"),
    (MemoryError(), "There is not enough memory for this: MemoryError. Ask for less"),
    (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes."), "There is not enough memory for this"),
    (PermissionError(errno.EACCES, "Permission denied", "/etc/x"), "/etc/x: Permission denied. Choose another path"),
    (OSError(errno.ENOSPC, "No space left on device"), "OSError: [Errno 28] No space left on device. Run"),
    (ModuleNotFoundError("No module named 'sails'", name="sails"), "No module named 'sails'. Install it, or repair"),
    (traced_bool(), "TracerBoolConversionError: Attempted boolean conversion of"),
]


class TestUnforeseen:
    @pytest.fixture(params=FAILURES, ids=lambda failure: f"{type(failure[0]).__name__}-{str(failure[0])[:20]}")
    def failure(self, request, monkeypatch):
        error, fragment = request.param

        def greet() -> None:
            raise error

        monkeypatch.setattr(cli_environments, "greet", greet)
        return fragment

    def test_is_one_sentence(self, failure, jaxenv_command):
        code, out, err = jaxenv_command("greet")
        says_one_sentence(code, err)
        assert out == ""
        assert failure in err
        assert "Traced<" not in err

    def test_traceback_shows_where(self, failure, jaxenv_command):
        for args in (("greet", "--traceback"), ("--traceback", "greet")):
            code, _, err = jaxenv_command(*args)
            assert code == 2
            assert "Traceback (most recent call last)" in err
            assert "in greet" in err
            assert failure in err.splitlines()[-1]

    def test_so_does_the_environment_variable(self, failure, jaxenv_command, monkeypatch):
        monkeypatch.setenv("JAXENV_TRACEBACK", "1")
        assert "in greet" in jaxenv_command("greet")[2]
        monkeypatch.setenv("JAXENV_TRACEBACK", "0")
        assert "in greet" not in jaxenv_command("greet")[2]


def test_traceback_serves_our_own_errors_too_and_help_names_it(jaxenv_command):
    code, _, err = jaxenv_command("show", "Mil-v0", "--traceback")
    assert (code, "Traceback" in err, err.splitlines()[-1].startswith("Error: No environment has the id")) == (2, True, True)
    assert "--traceback" in jaxenv_command("--help")[1]


def test_what_stands_behind_two_dashes_is_the_commands(jaxenv_command):
    assert "No environment has the id '--traceback'" in jaxenv_command("show", "--", "--traceback")[2]


def test_an_interruption_is_no_traceback(jaxenv_command, monkeypatch):
    def greet() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_environments, "greet", greet)
    code, _, err = jaxenv_command("greet")
    assert code in (1, 130)
    assert "Traceback" not in err


def test_without_a_device_that_is_what_is_said(monkeypatch):
    def devices():
        raise AssertionError

    monkeypatch.setattr(jax, "devices", devices)
    assert describe_failure(AssertionError()).startswith("JAX finds no device to run on: AssertionError. Check JAX_PLATFORMS")


def test_a_long_message_is_cut():
    assert len(brief(ValueError("x" * 10_000))) < 300


# -- wrong uses, command by command --------------------------------------------------------------------------------


WRONG = [
    ("rollout Mill-v0 --num-envs 99999999999", "--num-envs"),
    ("rollout Mill-v0 --num-steps 99999999999", "--num-steps"),
    ("rollout Mill-v0 --num-envs 2147483647", "--num-envs is 2,147,483,647, which does not fit into memory"),
    ("rollout Mill-v0 --unroll 100000", "--unroll"),
    ("rollout Mill-v0 --seed 4294967296", "--seed"),
    ("rollout Mill-v0 --seed -1", "--seed"),
    ("rollout Mill-v0 --set wind=NaN", "--set is 'wind=NaN', but a number that a float can hold was expected."),
    ("rollout Mill-v0 --set wind=1e400", "--set is 'wind=1e400', but a number that a float can hold was expected."),
    ("rollout Mill-v0 --set wind=1 --set wind=2", "--set is 'wind=2', but one value for wind was expected."),
    ("rollout Mill-v0 --set =1", "but NAME=VALUE was expected"),
    ("rollout Mill-v0 extra", "extra"),
    ("rollout", "ID"),
    ("show Mill-v0 --set height=wide", "height is str 'wide'"),
    ("show Mill-v0 --set no=1", "neither a field nor a param named 'no'"),
    ("list -n duch", "Did you mean dutch?"),
    ("check Mill-v0 Mil-v0", "No environment has the id 'Mil-v0'"),
    ("check --all --set wind=1", "--set is 'wind=1', but no option --all or --namespace beside it was expected."),
    ("check math:pi --set wind=1", "an id or a class of environments beside it, and not math:pi"),
    ("check Mill-v0 --only nothing", "There is no check named 'nothing'"),
    ("check :", "TARGET is ':', but an id or 'module:Class' was expected."),
    ("fidelity Mill-v0 --transitions 0", "--transitions"),
    ("fidelity Mill-v0 --transitions 99999999999", "--transitions"),
    ("fidelity Mill-v0 --set no=1", "neither a field nor a param named 'no'"),
    ("bench Mill-v0 --num-envs 2147483647", "which does not fit into memory: one environment of dutch/Mill-v0"),
    ("bench Mill-v0 --num-steps 99999999999", "--num-steps"),
    ("bench Mill-v0 --num-steps 2147483647", "one environment of dutch/Mill-v0 with 2,147,483,647 steps takes at least"),
    ("bench Mill-v0 --tolerance nan", "--tolerance"),
    ("bench Mill-v0 --set no=1", "neither a field nor a param named 'no'"),
    ("bench Mill-v0 --set wind=1 --against gymnasium", "but no option --against gymnasium beside it was expected"),
    ("bench Mill-v0 --json .", "it is a folder"),
    ("bench Mill-v0 --compare .", "directory"),
    ("bench Mill-v0 --compare nothing.json", "nothing.json"),
    ("render Mill-v0 x.gif", "Mill does not define render(state, params, size), so it cannot be drawn."),
    ("render Mill-v0 x.bad", "End the name in one of .gif, .mp4, .html, .png."),
    ("render Mill-v0 .", "End the name in one of"),
    ("render Mill-v0 nodir/x.gif", "nodir/x.gif cannot be written: there is no folder nodir. Make the folder"),
    ("render Mill-v0 x.gif --fps nan", "--fps"),
    ("render Mill-v0 x.gif --fps inf", "--fps"),
    ("render Mill-v0 x.gif --size 1000000", "--size"),
    ("render Mill-v0 x.gif --num-envs 1000000", "--num-envs"),
    ("render Mill-v0 x.gif --steps 99999999999", "--steps"),
    ("play Mill-v0 --fps nan", "--fps"),
    ("play Mill-v0 --set no=1", "neither a field nor a param named 'no'"),
    ("new-plugin dutch", "as the namespace 'dutch' belongs to jaxenv-core 1.2"),
    ("new-plugin ..", "A plugin cannot be named '..'"),
    ("doctor extra", "extra"),
    ("frobnicate", "frobnicate"),
]


@pytest.mark.parametrize(("line", "fragment"), WRONG, ids=[line for line, _ in WRONG])
def test_a_wrong_use_is_reported_before_anything_is_done(line, fragment, jaxenv_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxenv.cli.render.record", None)  # nothing is played
    monkeypatch.setattr("jaxenv.benchmark.protocol.compare", None)
    code, out, err = jaxenv_command(*line.split())
    assert (code, out) == (2, "")
    assert fragment in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_every_command_has_a_wrong_use_above():
    assert {line.split()[0] for line, _ in WRONG} >= set(BUILTIN_COMMANDS)


# -- settings ------------------------------------------------------------------------------------------------------


class TestSettings:
    """``--set`` on every command that makes an environment."""

    def test_show(self, jaxenv_command):
        out = jaxenv_command("show", "Mill-v0", "--set", "height=7", "--set", "wind=2.5")[1]
        lines = [" ".join(line.split()) for line in out.splitlines()]
        assert "observations Box(-inf, 1.0, (7,))" in lines
        assert "height 7 Storeys of the mill." in lines
        assert any(line.startswith("wind 2.5 ") for line in lines)

    def test_check(self, jaxenv_command, monkeypatch):
        seen = []
        monkeypatch.setattr(
            "jaxenv.testing.environment_under_test.EnvironmentUnderTest.__init__",
            lambda self, env, params, spec=None, seed=0: seen.append((env, params, spec)),
        )
        monkeypatch.setattr("jaxenv.testing.conformance.ConformanceRun.results", lambda self, only: iter(()))
        assert jaxenv_command("check", "Mill-v0", "cli_environments:Mill", "--set", "height=7", "--set", "wind=2.5")[0] == 0
        (env, params, spec), (env_by_class, params_by_class, _) = seen
        assert env == env_by_class
        assert env.without_overrides == cli_environments.Mill(height=7)
        assert params.wind == params_by_class.wind == 2.5
        assert (spec.id, dict(spec.kwargs), dict(spec.params)) == ("dutch/Mill-v0", {"height": 7}, {"wind": 2.5})

    def test_fidelity(self, jaxenv_command, monkeypatch):
        seen = []
        real = cli_environments.compare_with_reference
        monkeypatch.setattr(
            cli_environments, "compare_with_reference", lambda spec, **sizes: seen.append(spec) or real(spec, **sizes)
        )
        assert jaxenv_command("fidelity", "Mill-v0", "--set", "height=7", "--set", "wind=2.5")[0] == 0
        assert [(dict(spec.kwargs), dict(spec.params)) for spec in seen] == [({"height": 7}, {"wind": 2.5})]

    def test_bench(self, jaxenv_command, tmp_path):
        from jaxenv.benchmark.report import read

        path = tmp_path / "report.json"
        small = "--num-envs", "2", "--num-steps", "2", "--repeats", "1"
        code, out, _ = jaxenv_command("bench", "Mill-v0", *small, "--set", "height=7", "--set", "wind=2.5", "--json", str(path))
        assert code == 0
        assert "height=7, wind=2.5, random policy" in out
        (measured,) = read(path).measurements
        assert measured.workload.settings == (("height", 7), ("wind", 2.5))
        compared = jaxenv_command("bench", "Mill-v0", *small, "--compare", str(path))
        assert (compared[0], "no measurement of the same environment, sizes and options" in compared[2]) == (2, True)

    def test_values_are_read_as_json_and_infinity_by_its_word(self):
        assert options.setting("low=-Infinity") == ("low", -jnp.inf)
        assert options.setting("low=[1, [2.5, Infinity]]") == ("low", (1, (2.5, jnp.inf)))
        with pytest.raises(SettingError):
            options.setting("low=[1, 1e999]")


# -- memory and files ----------------------------------------------------------------------------------------------


def test_memory_is_looked_at_before_it_is_used(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1000)
    check_fits("--num-envs", 10, 100, "one")
    with pytest.raises(
        MemoryLimitError, match=r"is 11, which does not fit into memory: one takes at least 100 bytes.*at most 10\."
    ):
        check_fits("--num-envs", 11, 100, "one")
    check_fits("--num-envs", 11, 100, "one", devices=2)
    monkeypatch.setattr(memory, "available", lambda: None)
    check_fits("--num-envs", 10**12, 100, "one")


def test_sizes_are_those_of_the_arrays():
    assert size_of({"a": jnp.zeros((3, 2)), "b": jnp.zeros((), bool), "key": jax.random.key(0)}) == 24 + 1 + 8
    assert memory.available() > 2**20


def test_a_file_that_can_be_written_is_left_as_it_was(tmp_path):
    check_output(tmp_path / "new.gif")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.gif").write_bytes(b"old")
    check_output(tmp_path / "old.gif")
    assert (tmp_path / "old.gif").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("", "it is a folder. Name a file in it."),
        ("no/x.gif", "there is no folder .*no. Make the folder, or choose another."),
        ("file/x.gif", "file is no folder. Choose another."),
        ("a" * 300, "ile name too long. Choose another folder or name."),
        ("nul\0l", "ull byte. Choose another folder or name."),
    ],
)
def test_a_file_that_cannot_be_written_is_reported(name, fragment, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFileError, match=fragment) as caught:
        check_output(tmp_path / name)
    assert isinstance(caught.value, JaxenvError | OSError)


# -- one loader for policies, agents and classes -------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with a module of its own, and Python's path as an installed command finds it."""
    (tmp_path / "folder_agents.py").write_text(
        textwrap.dedent("""
            def act(obs, key):
                return 0

            number = 3
        """)
    )
    (tmp_path / "folder_quits.py").write_text("raise SystemExit(3)")
    (tmp_path / "folder_broken.py").write_text("def (")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    yield tmp_path
    for name in ("folder_agents", "folder_quits", "folder_broken"):
        sys.modules.pop(name, None)


def test_the_current_folder_comes_first(folder):
    assert load_here("--policy", "folder_agents:number", "x") == 3
    assert sys.path[0] == str(folder)
    assert load_here("--policy", "math:pi", "x") > 3


@pytest.mark.parametrize(
    ("text", "kind", "fragment"),
    [
        ("act", SettingError, "but this was expected"),
        ("folder_agents:", SettingError, "but this was expected"),
        (":act", SettingError, "but this was expected"),
        ("folder agents:act", SettingError, "but this was expected"),
        ("folder_agents.py:act", SettingError, "the name of a module, such as folder_agents:act, and not of a file"),
        ("./sub/folder_agents.py:act", SettingError, "such as sub.folder_agents:act"),
        ("folder_agents:missing", EntryPointError, "has no attribute 'missing'"),
        ("folder_nothing:act", EntryPointError, "No module named 'folder_nothing'"),
        ("folder_quits:act", EntryPointError, "SystemExit: 3"),
        ("folder_broken:act", EntryPointError, "SyntaxError"),
    ],
)
def test_what_cannot_be_loaded_is_reported(text, kind, fragment, folder):
    with pytest.raises(kind, match=fragment):
        load_here("--policy", text, "this")


def test_a_folder_that_was_removed_is_no_reason_to_fail(folder, monkeypatch):
    def gone():
        raise FileNotFoundError

    monkeypatch.setattr("jaxenv.cli.objects.Path.cwd", gone)
    assert load_here("--policy", "math:pi", "x") > 3


def test_arguments_are_compared_where_they_are_known():
    assert refusal(lambda obs, key: 0, "obs", "key") is None
    assert refusal(lambda *args: 0, "obs", "key") is None
    assert refusal(lambda obs, key, carry=None: 0, "obs", "key") is None
    assert "it takes (obs), and is called with (obs, key): too many" in refusal(lambda obs: 0, "obs", "key")
    assert "missing a required argument: 'carry'" in refusal(lambda obs, key, carry: 0, "obs", "key")

    async def late(obs, key):
        return 0

    assert refusal(late, "obs", "key") == "it is defined by async def, and is called without await"
    assert refusal(3, "obs", "key") == "it is int, which cannot be called"
    assert refusal(dict.get, "obs", "key") is None
