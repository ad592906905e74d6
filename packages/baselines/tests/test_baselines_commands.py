"""The commands: trained, interrupted, gone on with, evaluated, shown; and refused in one sentence before any work."""

import json

import jaxenv
import pytest
from jaxenv_baselines import agent, configs, training
from jaxenv_baselines.algorithms import algorithm, config_of
from jaxenv_baselines.tasks import Task

SIZES = ["num_envs=8", "num_steps=16", "minibatches=2", "epochs=1", "widths=[16]"]
SET = [word for size in SIZES for word in ("--set", size)]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("trained") / "aim"


def test_train_writes_an_agent_its_curve_and_its_metrics(command, directory):
    pytest.importorskip("matplotlib")
    code, out, err = command("train", "local/Aim", "--seeds", 2, "--total-steps", 1000, "--episodes", 20, "--out", directory, *SET)
    assert code == 0, err
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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["local/Nothing"], "local/Nothing"),
        (["local/Aim", "--algorithm", "dreams"], "There is no algorithm 'dreams'"),
        (["local/Aim", "--set", "speed=1"], "ppo has no setting 'speed'"),
        (["local/Aim", "--set", "num_envs=0"], "num_envs is 0, but an integer of at least 1 was expected"),
        (["local/Aim", "--set", "torso=cnn"], "torso is 'cnn', but for Aim's observations"),
        (["local/Aim", "--env-set", "speed=1"], "speed"),
    ],
)
def test_what_cannot_be_trained_costs_a_sentence_and_no_work(command, tmp_path, monkeypatch, words, expected):
    monkeypatch.setattr(training.Training, "compile", lambda _: pytest.fail("it was compiled"))
    code, _, err = command("train", *words, "--out", tmp_path / "out")
    assert code == 2
    assert expected in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


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
