"""The commands: trained, interrupted, gone on with, evaluated, shown; and refused in one sentence before any work."""

import contextlib
import io
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jaxenv
import pytest
from jaxenv.cli import main
from jaxenv.errors import EnvironmentTypeError
from jaxenv_baselines import agent, configs, limits, training
from jaxenv_baselines.algorithms import MODULES, RANGES, algorithm, config_of, settings_of
from jaxenv_baselines.errors import OtherFieldsError
from jaxenv_baselines.tasks import Task

pytestmark = pytest.mark.usefixtures("unoptimized")

README = Path(__file__).parents[1] / "README.md"
SIZES = ["num_envs=8", "num_steps=16", "minibatches=2", "epochs=1", "widths=[16]"]
SET = [word for size in SIZES for word in ("--set", size)]


@pytest.fixture(scope="module")
def printed_and_directory(tmp_path_factory):
    """What ``train`` printed, and the directory that it wrote."""
    directory = tmp_path_factory.mktemp("trained") / "aim"
    words = ["train", "local/Aim", "--seeds", 2, "--total-steps", 1000, "--episodes", 20, "--out", directory, *SET]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
        patch.setenv("COLUMNS", "160")
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
    assert not stopped.value.code
    return printed.getvalue(), directory


@pytest.fixture
def directory(printed_and_directory):
    return printed_and_directory[1]


def test_train_writes_an_agent_its_curve_and_its_metrics(printed_and_directory):
    pytest.importorskip("matplotlib")
    out, directory = printed_and_directory
    assert "mean return" in out
    assert f"jaxenv render local/Aim --policy agent:{directory}" in out
    assert sorted(file.name for file in directory.iterdir()) == [
        "agent.json",
        "agent.safetensors",
        "curve.png",
        "metrics.jsonl",
        "training.safetensors",
    ]
    assert (directory / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_directory_with_a_training_is_not_overwritten(command, directory):
    code, _, err = command("train", "local/Aim", "--out", directory, *SET)
    assert code == 2
    assert err.startswith(f"Error: {directory} holds a training already. Resume it (--resume)")


def test_evaluate_says_how_good_it_is(command, directory):
    code, out, _ = command("evaluate", "local/Aim", "--agent", directory, "--episodes", 64)
    assert code == 0
    assert "95% interval" in out
    code, out, _ = command("evaluate", "local/Aim", "--agent", directory, "--episodes", 64, "--json")
    summary = json.loads(out)
    assert summary["episodes"] == 64
    assert summary["low"] < summary["mean"] < summary["high"]


def test_evaluate_cuts_episodes_where_the_recorded_returns_did(command, directory, monkeypatch):
    """At the task's time limit; without one at one number of steps for all, or at --max-steps."""
    assert (limits.max_steps(None), limits.max_steps(200)) == (100_000, 200)
    assert (limits.max_steps(None, in_reference=True), limits.max_steps(200, in_reference=True)) == (5_000, 200)
    evaluate = ["evaluate", "local/Aim", "--agent", directory, "--episodes", 4, "--json"]
    code, out, err = command(*evaluate)
    assert (code, json.loads(out)["max_steps"], err) == (0, 1, "")
    monkeypatch.setattr(limits, "MAX_STEPS", 12)
    code, out, err = command(*evaluate, "--set", "max_steps_in_episode=None")
    assert (code, json.loads(out)["max_steps"]) == (0, 12)
    assert err == "local/Aim has no time limit: an episode may take 12 steps. For a quick look: --episodes 100 --max-steps 1000.\n"
    code, out, err = command(*evaluate, "--set", "max_steps_in_episode=None", "--max-steps", 5)
    assert (code, json.loads(out)["max_steps"], err) == (0, 5, "")
    help_text = " ".join(command("evaluate", "--help")[1].replace("│", "").split())
    assert "without one, 100,000, with which" in help_text
    assert "For a quick look, evaluate fewer and shorter episodes: --episodes 100 --max-steps 1000." in help_text


def test_rollout_plays_a_trained_agent(command, directory):
    code, out, _ = command("rollout", "local/Aim", "--num-steps", 20, "--policy", f"agent:{directory}", "--json")
    assert code == 0
    assert json.loads(out)["policy"] == f"agent:{directory}"
    code, _, err = command("rollout", "local/Cue", "--policy", f"agent:{directory}")
    assert code == 2
    assert "holds an agent of local/Aim, but local/Cue was requested" in err


def test_an_interrupted_training_is_kept_and_gone_on_with(command, tmp_path, monkeypatch):
    run = training.Training.run

    def interrupted(self):
        for number, report in enumerate(run(self)):
            if number == 3:
                raise KeyboardInterrupt
            yield report

    words = ["train", "local/Aim", "--total-steps", 1000, "--episodes", 20, "--out", tmp_path, *SET]
    with monkeypatch.context() as patch:
        patch.setattr(training.Training, "run", interrupted)
        code, _, err = command(*words)
    assert code == 130
    assert "Interrupted. Run the same command with --resume to continue from " in err
    assert not (tmp_path / agent.DESCRIPTION).exists()
    code, _, err = command(*words, "--resume")
    assert code == 0, err
    assert json.loads((tmp_path / agent.DESCRIPTION).read_text())["steps"] == 1024


LOGGER = """
import json

class FakeWriter:  # the interface of TensorBoard's SummaryWriter
    def add_scalar(self, tag, scalar_value, global_step=None):
        with open("log.jsonl", "a") as stream:
            stream.write(json.dumps([tag, scalar_value, global_step]) + chr(10))

writer = FakeWriter()

def log(report):
    for name, value in report.scalars.items():
        writer.add_scalar(name, value, report.steps)

def two(report, more):
    pass
"""


def test_a_function_of_the_user_s_gets_every_report(command, tmp_path, monkeypatch):
    (tmp_path / "my_logger.py").write_text(LOGGER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    words = ["train", "local/Aim", "--seeds", 2, "--total-steps", 1000, "--episodes", 20, "--out", "out", *SET]
    code, _, err = command(*words, "--log", "my_logger:log")
    assert code == 0, err
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    metrics = [json.loads(line) for line in (tmp_path / "out" / training.METRICS).read_text().splitlines()]
    assert {step for _, _, step in logged} == {line["steps"] for line in metrics}
    last = {tag: value for tag, value, step in logged if step == metrics[-1]["steps"]}
    assert [last["return_mean/0"], last["return_mean/1"]] == metrics[-1]["return_mean"]
    assert last["entropy/1"] == metrics[-1]["entropy"][1]
    code, _, err = command(*words[:-2], "--out", "other", "--log", "my_logger:two")
    assert code == 2
    assert "--log" in err
    assert "Write a function of one argument, a jaxenv_baselines.training.TrainingProgress." in err
    code, _, err = command(*words, "--log", "my_logger")
    assert code == 2
    assert "'module:function'" in err


REPORT = training.TrainingProgress(10, 20, 1.5, 100.0, {"return_mean": [None, 2.0], "episodes": [0.0, 1.0]})
SCALARS = {"return_mean/1": 2.0, "episodes/0": 0.0, "episodes/1": 1.0, "seconds": 1.5, "steps_per_second": 100.0}


def test_numbers_that_are_missing_are_not_logged():
    assert REPORT.scalars == SCALARS


@pytest.mark.parametrize("library", ["tensorboard", "wandb"])
def test_the_documented_loggers_log_every_number(library, monkeypatch):
    logged = {}

    class Fake:
        def add_scalar(self, tag, value, step):
            logged[tag] = (value, step)

        def log(self, data, *, step):
            logged.update({tag: (value, step) for tag, value in data.items()})

    for name in ("torch", "torch.utils", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(SummaryWriter=lambda directory: Fake()))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=lambda project: Fake()))
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (block,) = [block for block in blocks if f"{library} import" in block or f"import {library}" in block]
    names = {}
    exec(block, names)
    names["log"](REPORT)
    assert logged == {tag: (value, 10) for tag, value in SCALARS.items()}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["local/Nothing"], "local/Nothing"),
        (["local/Aim", "--algorithm", "dreams"], "There is no algorithm 'dreams'"),
        (["local/Aim", "--set", "speed=1"], "ppo has no setting 'speed'"),
        (["local/Aim", "--set", "num_envs=0"], "num_envs is 0, but an integer of at least 1 was expected"),
        (["local/Aim", "--set", "torso=cnn"], "torso is 'cnn', but for Aim's observations"),
        (["local/Aim", "--env-set", "speed=1"], "speed"),
        (["local/Aim", "--env-set", "speed=1e400"], "--env-set is 'speed=1e400', but a number that a float can hold was expected"),
        (["local/Aim", "--set", "learning_rate=-1"], "learning_rate is -1.0, but a finite number of at least 0 was expected"),
        (["local/Aim", "--set", "clip=0"], "clip is 0.0, but a finite number above 0 was expected"),
        (["local/Aim", "--set", "discount=1.5"], "discount is 1.5, but a finite number in [0, 1] was expected"),
        (["local/Aim", "--set", "log_std=Infinity"], "log_std is inf, but a finite number was expected"),
        (["local/Aim", "--sweep", "learning_rate=-1,1"], "learning_rate is -1.0, but a finite number of at least 0"),
    ],
)
def test_what_cannot_be_trained_costs_a_sentence_and_no_work(command, tmp_path, monkeypatch, words, expected):
    monkeypatch.setattr(training.Training, "compile", lambda _: pytest.fail("it was compiled"))
    code, _, err = command("train", *words, "--out", tmp_path / "out")
    assert code == 2
    assert expected in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", MODULES)
def test_ranges_of_settings_are_of_settings_that_exist_and_hold_for_defaults(name):
    known = {field for module in MODULES for field in settings_of(algorithm(module).Config())}
    assert set(RANGES) <= known
    assert config_of(name, settings_of(algorithm(name).Config())) == algorithm(name).Config()


def test_a_file_in_the_place_of_the_directory_is_named(command, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = command("train", "local/Aim", "--out", tmp_path / "file")
    assert code == 2
    assert "file could not be written: it is not a directory." in err


def test_a_task_is_of_an_environment_and_its_params_may_be_left_out():
    env, params = jaxenv.make("CartPole-v1", max_steps_in_episode=7)
    assert Task.of(env, None).time_limit == 7
    with pytest.raises(EnvironmentTypeError, match=r"^Task\.of .*\.$"):
        Task.of(params, env)


def test_an_agent_does_not_fit_another_number_of_choices():
    trained = agent.load("minatar/Breakout-MinAtar")
    env, params = jaxenv.make("Breakout-MinAtar", minimal_actions=False)
    with pytest.raises(
        OtherFieldsError, match=r"does not fit Breakout with the action space Discrete\(6\)\. Leave out what changes"
    ):
        agent.require_fit(trained, "shipped", env, params)
    agent.require_fit(trained, "shipped", *jaxenv.make("Breakout-MinAtar", sticky_action_prob=0.0))


def test_agents_lists_what_is_shipped(command):
    code, out, _ = command("agents", "--json")
    assert code == 0
    listed = json.loads(out)
    assert listed == agent.shipped()
    code, out, _ = command("agents")
    assert code == 0
    assert all(described["spec"]["id"] in out for described in listed)
    assert listed or "No agents are shipped" in out


def test_shipped_agents_are_small_and_load():
    assert sum(file.stat().st_size for file in agent.SHIPPED.rglob("*") if file.is_file()) <= 5_000_000
    for described in agent.shipped():
        loaded = agent.load(described["spec"]["id"])
        assert loaded.description == described


@pytest.mark.parametrize("env_id", configs.CONFIGS)
def test_every_configured_environment_can_be_trained_as_its_row_says(env_id):
    env, params = jaxenv.make(env_id)
    for gpu in (False, True):
        name, settings = configs.settings_for(env_id, gpu=gpu)
        algorithm(name).check(Task.of(env, params), config_of(name, settings))


@pytest.mark.long
def test_the_command_solves_cartpole_within_20_seconds_without_a_cache(tmp_path):
    """In seconds of CPU time, which other work on the machine does not change much."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION_CACHE")}
    environment |= {"JAX_ENABLE_COMPILATION_CACHE": "false", "JAX_PLATFORMS": "cpu"}
    words = [sys.executable, "-m", "jaxenv", "train", "CartPole-v1", "--out", str(tmp_path / "out")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert json.loads((tmp_path / "out" / agent.DESCRIPTION).read_text())["returns"]["low"] >= 475.0
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 20.0
