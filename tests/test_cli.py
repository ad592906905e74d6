"""The command line with every family installed: meanings, missing data, settings, and one loader for all commands."""

import json
import subprocess
import sys
import textwrap

import jaxenv
import pytest
from jaxenv.cli import main
from jaxenv.cli.show import describe

pytest.importorskip("jaxenv_bsuite")


@pytest.fixture
def command(capsys):
    """Return a function that runs the command line and returns exit code, output and error output."""

    def run(*args):
        with pytest.raises(SystemExit) as stopped:
            main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return run


def one_of_each():
    """One id for each class or function that builds environments."""
    return list({spec.entry_point: spec for spec in reversed(jaxenv.registered_envs())}.values())


@pytest.mark.usefixtures("mnist")
@pytest.mark.parametrize("spec", one_of_each(), ids=lambda spec: spec.id)
def test_every_field_and_param_has_a_meaning(spec):
    description = describe(spec)
    assert [setting.name for setting in (*description.fields, *description.params) if not setting.description] == []


class TestWithoutMnist:
    @pytest.fixture(autouse=True)
    def no_files(self, monkeypatch):
        monkeypatch.delenv("JAXENV_MNIST_DIR", raising=False)

    def test_show_says_all_the_same_what_there_is_to_know(self, command):
        code, out, err = command("show", "MNISTBandit-bsuite")
        assert code == 0
        assert "Box(" in out
        assert "JAXENV_MNIST_DIR" in out
        assert err.startswith("Warning: The values of the params are not known. MNISTBandit needs the training files of MNIST")
        data = json.loads(command("show", "MNISTBandit-bsuite", "--json")[1])
        assert [param["value"] for param in data["params"] if param["name"] in ("images", "labels")] == [None, None]
        assert data["missing"].startswith("MNISTBandit needs")

    def test_show_of_a_folder_without_them_names_it(self, command, tmp_path):
        assert f"{tmp_path} holds no train-images" in command("show", "MNISTBandit-bsuite", "--set", f"data_dir={tmp_path}")[2]

    def test_digits_without_scikit_learn_are_one_sentence(self, command, monkeypatch):
        from jaxenv_bsuite.mnist_bandit import _stored

        _stored.cache_clear()
        monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
        for args in (("rollout", "--num-steps", "2"), ("render", "x.gif"), ("check",), ("bench",), ("play",)):
            code, _, err = command(args[0], "MNISTBandit-bsuite", *args[1:], "--set", "source=digits")
            assert (code, err.count("\n")) == (2, 1)
            assert 'Run: pip install "jaxenv-bsuite[digits]"' in err

    def test_bench_leaves_it_out_and_measures_the_rest(self, command, monkeypatch, tmp_path):
        from jaxenv.benchmark.report import read

        chosen = [spec for spec in jaxenv.registered_envs() if spec.name in ("MNISTBandit-bsuite", "Catch-bsuite")]
        monkeypatch.setattr("jaxenv.cli.bench.registered_envs", lambda: chosen)
        path = tmp_path / "report.json"
        code, _, err = command("bench", "--num-envs", 2, "--num-steps", 2, "--repeats", 1, "--json", path)
        assert code == 0
        assert "Warning: bsuite/MNISTBandit-bsuite is left out. MNISTBandit needs the training files of MNIST" in err
        assert [measured.env_id for measured in read(path).measurements] == ["bsuite/Catch-bsuite"]

    def test_bench_of_it_alone_says_what_is_missing_before_it_measures(self, command, monkeypatch):
        monkeypatch.setattr("jaxenv.benchmark.protocol.compare", None)
        code, _, err = command("bench", "Catch-bsuite", "MNISTBandit-bsuite")
        assert (code, "Error: MNISTBandit needs the training files" in err) == (2, True)


class TestOneLoader:
    """``module:object`` is found in the current folder by every command that takes one."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch):
        (tmp_path / "own_agents.py").write_text(
            textwrap.dedent("""
                import jax.numpy as jnp
                from jaxenv_bsuite import Catch


                def first(obs, key):
                    return jnp.int32(0)


                class Mine(Catch):
                    \"\"\"Catch, again.\"\"\"
            """)
        )
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
        yield
        sys.modules.pop("own_agents", None)

    @pytest.mark.parametrize(
        "line",
        [
            "render Catch-bsuite out.gif --steps 2 --size 16 --policy own_agents:first",
            "check own_agents:Mine --only docstring",
            "bsuite run --ids catch/0 --episodes 2 --save-path out --agent own_agents:first",
        ],
    )
    def test_finds_it(self, line, command):
        assert command(*line.split())[0] == 0

    @pytest.mark.parametrize(
        "line",
        [
            "render Catch-bsuite out.gif --policy own_agents:nothing",
            "check own_agents:nothing",
            "bsuite run --ids catch/0 --save-path out --agent own_agents:nothing",
        ],
    )
    def test_says_what_is_missing(self, line, command):
        code, _, err = command(*line.split())
        assert (code, "has no attribute 'nothing'" in err) == (2, True)


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("show Brekout", "Did you mean minatar/Breakout-MinAtar?"),
        ("show minatar/CartPole-v1", "Did you mean classic/CartPole-v1"),
        ("new-plugin classic", "the namespace 'classic' belongs to jaxenv-classic"),
        ("rollout CartPole-v1 --set gravity=true", "gravity is bool True"),
        ("rollout CartPole-v1 --set gravity=[1,2]", "gravity is tuple (1, 2)"),
        ("rollout FrozenLake-misc --set desc=[1,2]", "desc must be one of '4x4', '8x8' or rows"),
        ("rollout FrozenLake-misc --set desc=3", "desc must be one of '4x4', '8x8' or rows"),
        ("rollout DeepSea-bsuite --set size=100000000", "There is not enough memory for this"),
        ("fidelity CartPole-v1 --transitions 2147483647", "There is not enough memory for this"),
        ("bsuite run --save-path out --ids ,", "--ids is ',', but at least one id, experiment or tag was expected."),
        ("bsuite run --save-path out --ids mnist/0 --mnist-source cifar", "--mnist-source"),
        ("bsuite run --save-path out --ids catch/0 --seed 4294967296", "--seed"),
        ("bsuite run --save-path out --ids catch/0 --agent agents.py:first", "such as agents:first, and not of a file"),
        ("bsuite score out", "out is not a directory. Pass the --save-path of a run."),
    ],
)
def test_a_wrong_use_is_reported(line, fragment, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = command(*line.split())
    assert (code, "Traceback" in err) == (2, False)
    assert fragment in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["jaxenv", "jaxenv.cli"])
def test_the_command_runs_as_a_module(module):
    done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"jaxenv-core {jaxenv.__version__}\n", "")


def test_a_terminal_that_knows_no_signs_gets_question_marks():
    args = [sys.executable, "-m", "jaxenv", "check", "CartPole-v1", "--only", "docstring"]
    env = {**__import__("os").environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(args, capture_output=True, text=True, check=False, timeout=120, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "? docstring" in done.stdout
