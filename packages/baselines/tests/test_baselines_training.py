"""Resuming a training, saving and loading agents, and errors on damaged files."""

import dataclasses
import errno
import json
import os
import shutil

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv_baselines import agent, evaluation, files, training
from jaxenv_baselines.algorithms import config_of, settings_of
from jaxenv_baselines.errors import (
    ConfigError,
    DamagedAgentError,
    DirectoryTakenError,
    MissingAgentError,
    NotConfiguredError,
    NotWrittenError,
    OtherFieldsError,
    OtherTaskError,
    OtherTrainingError,
    UnknownAlgorithmError,
    UnknownSettingError,
)

pytestmark = pytest.mark.usefixtures("unoptimized")

SMALL = {"num_envs": 8, "num_steps": 16, "minibatches": 2, "epochs": 2, "widths": [16], "memory": 8, "total_steps": 768}


def begun(torso="gru", name="local/Cue", seed=3, **settings):
    config = config_of("ppo", SMALL | {"torso": torso} | settings)
    return training.Training(jaxenv.spec(name), {}, "ppo", config, seed, members=2, reports=4, episodes=50)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training that nobody interrupted, and the directory with its agent."""
    directory = tmp_path_factory.mktemp("whole")
    run = begun()
    list(run.run())
    run.save_checkpoint(directory)
    run.save_agent(directory)
    return run, directory


@pytest.fixture
def copied(whole, tmp_path):
    """A copy of the directory, to be damaged."""
    return shutil.copytree(whole[1], tmp_path / "copy")


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does_bit_for_bit(whole, tmp_path):
    run, _ = whole
    first = begun()
    for report in first.run():
        if report.steps >= run.steps // 2:
            break
    first.save_checkpoint(tmp_path)
    second = begun()
    second.resume(tmp_path)
    assert 0 < second.updates < run.updates
    list(second.run())
    assert second.updates == run.updates
    for one, other in zip(jax.tree.leaves(second.state), jax.tree.leaves(run.state), strict=True):
        plain, other = (jax.random.key_data(x) if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key) else x for x in (one, other))
        np.testing.assert_array_equal(plain, other)

    def comparable(lines):
        return [{name: value for name, value in line.items() if not name.startswith(("seconds", "steps_per"))} for line in lines]

    assert comparable(second.lines) == comparable(run.lines)


def test_reports_say_what_happened_to_each_member(whole):
    run, directory = whole
    lines = [json.loads(line) for line in (directory / training.METRICS).read_text().splitlines()]
    assert [line["steps"] for line in lines] == [256, 384, 640, 768]
    assert all(len(line["return_mean"]) == 2 for line in lines)
    assert all(line["length_mean"] == [3.0, 3.0] for line in lines)
    assert lines == run.lines


def test_members_differ_and_the_best_is_kept(whole):
    run, directory = whole
    best, chosen, returns = run.evaluate()
    described = json.loads((directory / agent.DESCRIPTION).read_text())
    assert described["member"] == best
    assert described["returns"] == returns
    kernels = np.asarray(run.state.weights["params"]["actor_tower"]["Dense_0"]["kernel"])
    assert not np.array_equal(kernels[0], kernels[1])
    np.testing.assert_array_equal(chosen["weights"]["params"]["actor_tower"]["Dense_0"]["kernel"], kernels[best])


def test_a_loaded_agent_acts_as_the_trained_one(whole):
    run, directory = whole
    loaded = agent.load(directory)
    _, chosen, returns = run.evaluate()
    for one, other in zip(jax.tree.leaves(loaded.policy_params), jax.tree.leaves(chosen), strict=True):
        np.testing.assert_array_equal(one, other)
    result = jaxenv.rollout(
        loaded.env,
        loaded.params,
        loaded.policy,
        jaxenv.random.key(0),
        num_envs=4,
        num_steps=12,
        policy_params=loaded.policy_params,
        initial_carry=loaded.initial_carry,
    )
    assert result.carry.shape == (4, 8)
    assert loaded.description["returns"]["mean"] == returns["mean"]


def test_the_description_says_how_the_agent_came_about(whole):
    _, directory = whole
    described = json.loads((directory / agent.DESCRIPTION).read_text())
    assert described["spec"]["id"] == "local/Cue"
    assert (described["algorithm"], described["seed"], described["steps"]) == ("ppo", 3, 768)
    assert described["config"]["widths"] == [16]
    assert described["versions"]["jax"] == jax.__version__
    assert described["prng"] == str(jax.random.key_impl(jaxenv.random.key(0)))
    assert described["sha256"] == files.sha256((directory / agent.WEIGHTS).read_bytes())
    assert described["returns"]["low"] <= described["returns"]["mean"] <= described["returns"]["high"]


def test_half_of_the_bytes_are_what_was_judged(whole, tmp_path):
    run, directory = whole
    described = json.loads((directory / agent.DESCRIPTION).read_text())
    chosen = agent.rounded(run.evaluate()[1])
    agent.save(tmp_path, described, chosen, half=True)
    assert (tmp_path / agent.WEIGHTS).stat().st_size < 0.7 * (directory / agent.WEIGHTS).stat().st_size
    for one, other in zip(jax.tree.leaves(agent.load(tmp_path).policy_params), jax.tree.leaves(chosen), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_an_evaluated_agent_has_the_weights_that_are_stored(tmp_path):
    # XLA removes a conversion to float16 and back: agents were evaluated with other weights than were stored.
    run = training.Training(
        jaxenv.spec("local/Stand"), {"max_steps_in_episode": 3}, "ppo", config_of("ppo", SMALL), episodes=4, half=True
    )
    list(run.run())
    evaluated = run.evaluate()[1]
    for leaf in jax.tree.leaves(evaluated["weights"]):
        np.testing.assert_array_equal(leaf, np.asarray(leaf).astype(np.float16).astype(np.float32))
    tenth = jnp.float32(0.1)
    rounded = jax.jit(agent.rounded)({"weights": {"w": tenth}, "observations": {"mean": tenth}})
    assert (float(rounded["weights"]["w"]), float(rounded["observations"]["mean"])) == (float(np.float16(0.1)), float(tenth))


def test_an_agent_remembers_what_the_environment_was_told(tmp_path):
    config = config_of("ppo", SMALL)
    run = training.Training(jaxenv.spec("local/Stand"), {"max_steps_in_episode": 3}, "ppo", config, episodes=4, half=True)
    list(run.run())
    run.save_agent(tmp_path)
    loaded = agent.load(tmp_path)
    assert loaded.params.max_steps_in_episode == 3
    assert loaded.description["returns"]["mean"] == 3.0
    for one, other in zip(jax.tree.leaves(loaded.policy_params), jax.tree.leaves(run.evaluate()[1]), strict=True):
        np.testing.assert_array_equal(one, other)


class TestFailures:
    def test_a_damaged_file_of_weights(self, copied, message):
        data = bytearray((copied / agent.WEIGHTS).read_bytes())
        data[-5] ^= 1
        (copied / agent.WEIGHTS).write_bytes(data)
        text = message(DamagedAgentError, agent.load, copied)
        assert "agent.safetensors is damaged: its SHA-256 is not the one in agent.json. Get it anew" in text

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ("no json", "it is not JSON"),
            ("[]", "it is not a JSON object"),
            ({"format": 99}, "its format is 99, but 1 is read"),
            ({"sha256": None}, "its sha256 is missing or of another kind"),
            ({"spec": {}}, "its spec has no id"),
            ({"algorithm": "dreams"}, "its agent can't be built: There is no algorithm 'dreams'"),
        ],
    )
    def test_a_damaged_description(self, copied, message, change, expected):
        file = copied / agent.DESCRIPTION
        file.write_text(change if isinstance(change, str) else json.dumps(json.loads(file.read_text()) | change))
        assert expected in message(DamagedAgentError, agent.load, copied)

    def test_weights_of_another_network(self, copied, message):
        file = copied / agent.DESCRIPTION
        described = json.loads(file.read_text())
        described["config"]["widths"] = [32]
        file.write_text(json.dumps(described))
        assert "was expected. Get it anew" in message(DamagedAgentError, agent.load, copied)

    def test_what_is_no_file_of_weights(self, copied, message):
        data = b"these are no weights"
        (copied / agent.WEIGHTS).write_bytes(data)
        file = copied / agent.DESCRIPTION
        file.write_text(json.dumps(json.loads(file.read_text()) | {"sha256": files.sha256(data)}))
        assert "it is not a safetensors file" in message(DamagedAgentError, agent.load, copied)

    def test_missing_files(self, copied, message, tmp_path):
        assert "There is no file" in message(MissingAgentError, agent.load, tmp_path / "nowhere")
        (copied / agent.WEIGHTS).unlink()
        assert "agent.safetensors" in message(MissingAgentError, agent.load, copied)

    def test_an_agent_of_another_task(self, whole, message):
        text = message(OtherTaskError, agent.load, whole[1], env_id="local/Aim")
        assert "holds an agent of local/Cue, but local/Aim was requested" in text

    def test_an_agent_in_an_environment_with_other_fields(self, whole, message):
        loaded = agent.load(whole[1])
        agent.require_fit(loaded, "shipped", loaded.env, loaded.params)
        other = jaxenv.make("local/Aim")
        text = message(OtherFieldsError, agent.require_fit, loaded, "shipped", *other)
        assert "The agent shipped does not fit Aim with the observation space Box(" in text
        assert text.endswith("Leave out what changes this space.")
        changed = dataclasses.replace(loaded, description={"overrides": {"see": True}})
        assert "as it was in training: --set see=true." in message(OtherFieldsError, agent.require_fit, changed, "shipped", *other)

    def test_an_environment_without_an_agent(self, message):
        assert "No agent is shipped for local/Cue. Train one (jaxenv train local/Cue)" in message(
            NotConfiguredError, agent.load, "local/Cue"
        )

    def test_a_full_disk_leaves_what_was_there(self, copied, message, monkeypatch):
        def full(_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        before = (copied / agent.DESCRIPTION).read_bytes()
        monkeypatch.setattr(os, "fsync", full)
        text = message(NotWrittenError, files.write_json, copied / agent.DESCRIPTION, {})
        assert "could not be written: No space left on device." in text
        assert (copied / agent.DESCRIPTION).read_bytes() == before
        assert not list(copied.glob("*.part"))

    def test_going_on_with_another_training(self, whole, message):
        _, directory = whole
        assert "whose seed is 3, but 4 was requested" in message(OtherTrainingError, begun(seed=4).resume, directory)
        other = begun(learning_rate=0.5)
        assert "whose learning_rate is 0.001, but 0.5 was requested" in message(OtherTrainingError, other.resume, directory)

    def test_going_on_with_a_damaged_training(self, copied, message):
        file = copied / training.CHECKPOINT
        file.write_bytes(file.read_bytes()[:200])
        assert "is damaged" in message(DamagedAgentError, begun().resume, copied)

    def test_a_directory_that_is_taken(self, whole, message, tmp_path):
        assert "Resume it (--resume)" in message(DirectoryTakenError, training.require_free, whole[1])
        training.require_free(tmp_path)

    def test_a_directory_that_cannot_be_written(self, message, tmp_path):
        (tmp_path / "file").write_text("")
        assert "file/out could not be written: " in message(NotWrittenError, training.require_writable, tmp_path / "file" / "out")

    def test_unknown_algorithms_and_settings(self, message):
        assert "There is no algorithm 'dreams'. Choose " in message(UnknownAlgorithmError, config_of, "dreams", {})
        text = message(UnknownSettingError, config_of, "ppo", {"speed": 1})
        assert "ppo has no setting 'speed'. Choose one of learning_rate, " in text

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"num_envs": 1.5}, "num_envs is 1.5, but an integer was expected"),
            ({"learning_rate": "fast"}, "learning_rate is 'fast', but a number was expected"),
            ({"greedy": 1}, "greedy is 1, but true or false was expected"),
            ({"widths": [64, 0]}, "widths is [64, 0], but a list of positive integers"),
            ({"torso": 3}, "torso is 3, but a str was expected"),
        ],
    )
    def test_settings_of_the_wrong_type(self, message, settings, expected):
        assert expected in message(ConfigError, config_of, "ppo", settings)


def test_settings_survive_json():
    config = config_of("ppo", {"widths": [32, 16], "learning_rate": 1, "total_steps": 1e6})
    assert (config.widths, config.learning_rate, config.total_steps) == ((32, 16), 1.0, 1_000_000)
    assert config_of("ppo", json.loads(json.dumps(settings_of(config)))) == config


def test_a_summary_of_returns():
    played = jaxenv.evaluation.Evaluation(np.arange(100.0), np.full(100, 7), np.arange(100) < 98)
    summary = evaluation.summary(played)
    assert (summary["episodes"], summary["mean"], summary["median"], summary["iqm"]) == (100, 49.5, 49.5, 49.5)
    assert summary["high"] - summary["mean"] == pytest.approx(1.96 * np.std(np.arange(100), ddof=1) / 10)
    assert (summary["length"], summary["unfinished"]) == (7.0, 2)
