"""Search over hyperparameters: what is drawn, that a trial is the training that it names, ranks, files and errors."""

import json
import math

import jaxenv
import numpy as np
import pytest
from jaxenv_baselines import agent, sweep, training
from jaxenv_baselines.algorithms import config_of
from jaxenv_baselines.errors import ConfigError, DirectoryTakenError, SweepError, UnknownSettingError
from jaxenv_baselines.sweep import Dimension, Sweep, drawn

pytestmark = pytest.mark.usefixtures("unoptimized")

SMALL = {"num_envs": 8, "num_steps": 16, "minibatches": 2, "epochs": 1, "widths": [16], "total_steps": 512}
SET = [word for name, value in SMALL.items() for word in ("--set", f"{name}={json.dumps(value)}")]


def searched(*texts, name="local/Aim", algorithm="ppo", fixed=None, **options):
    swept = [text.split("=")[0] for text in texts]
    fixed = {key: value for key, value in SMALL.items() if key not in swept or key == "widths"} if fixed is None else fixed
    return Sweep(jaxenv.spec(name), {}, algorithm, fixed, [Dimension.parse(text) for text in texts], **{"episodes": 20, **options})


def test_dimensions_are_lists_or_ranges():
    assert Dimension.parse("entropy=0,0.01") == Dimension("entropy", (0, 0.01))
    assert Dimension.parse("widths=[64,64],[128]") == Dimension("widths", ([64, 64], [128]))
    assert Dimension.parse("torso=mlp,gru") == Dimension("torso", ("mlp", "gru"))
    assert Dimension.parse("greedy=true,false") == Dimension("greedy", (True, False))
    assert Dimension.parse("discount=0.9:1") == Dimension("discount", (), 0.9, 1.0)
    assert Dimension.parse("learning_rate=1e-4:1e-2:log") == Dimension("learning_rate", (), 1e-4, 1e-2, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learning_rate", "but NAME=A,B,C or NAME=LOW:HIGH or NAME=LOW:HIGH:log was expected"),
        ("=1,2", "but NAME=A,B,C or"),
        ("learning_rate=", "but NAME=A,B,C or"),
        ("clip=low:high", "but two numbers, clip=LOW:HIGH or clip=LOW:HIGH:log was expected"),
        ("clip=0:1:square", "but two numbers, clip=LOW:HIGH or clip=LOW:HIGH:log was expected"),
        ("clip=0:1:log:log", "but two numbers"),
        ("clip=0:inf", "but two numbers"),
        ("clip=2:1", "but a range whose first number is less than its second was expected"),
        ("clip=0:1:log", "but a range above 0 where the scale is log was expected"),
    ],
)
def test_texts_that_are_no_dimension_are_refused(message, text, expected):
    assert f"--sweep has {text!r}, {expected}" in message(SweepError, Dimension.parse, text)


def test_draws_are_repeatable_and_cover_a_range():
    dimensions = [Dimension.parse("learning_rate=1e-4:1e-2:log"), Dimension.parse("entropy=0,0.01")]
    found = drawn(dimensions, 200, seed=7)
    assert found == drawn(dimensions, 200, seed=7) != drawn(dimensions, 200, seed=8)
    rates = np.array([settings["learning_rate"] for settings in found])
    assert rates.min() >= 1e-4
    assert rates.max() <= 1e-2
    assert np.median(np.log10(rates)) == pytest.approx(-3.0, abs=0.2)  # uniform in the logarithm
    assert all(float(f"{rate:.3g}") == rate for rate in rates)
    assert {settings["entropy"] for settings in found} == {0, 0.01}
    assert len(drawn(dimensions, None, 0)) == sweep.TRIALS
    uniform = [settings["clip"] for settings in drawn([Dimension.parse("clip=0.1:0.3")], 200, 0)]
    assert np.mean(uniform) == pytest.approx(0.2, abs=0.02)


def test_lists_are_a_grid_of_which_a_part_may_be_drawn():
    dimensions = [Dimension.parse("entropy=0,0.01"), Dimension.parse("num_steps=16,32,64")]
    grid = drawn(dimensions, None, 0)
    assert grid == [{"entropy": e, "num_steps": n} for e in (0, 0.01) for n in (16, 32, 64)] == drawn(dimensions, 99, 0)
    part = drawn(dimensions, 4, 0)
    assert len({tuple(settings.values()) for settings in part}) == 4
    assert all(settings in grid for settings in part)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A search that was run: two learning rates and two static settings, with two seeds; its directory and progress."""
    directory, progress = tmp_path_factory.mktemp("sweep"), []
    search = searched("learning_rate=1e-9,0.01", "num_steps=16,32", seeds=2, seed=5)
    search.run(directory, lambda run, report, finished: progress.append((run.members, report.steps, finished)))
    return search, directory, progress


def test_a_trial_is_the_training_with_its_settings_and_all_seeds(done):
    search, _, _ = done
    trial = search.results[3]
    assert trial.settings == {"learning_rate": 0.01, "num_steps": 32}
    alone = training.Training(
        jaxenv.spec("local/Aim"), {}, "ppo", config_of("ppo", SMALL | trial.settings), seed=5, members=2, episodes=20
    )
    list(alone.run())
    returns = np.asarray(alone.play()[1].returns)
    np.testing.assert_allclose(trial.seed_means, returns.mean(axis=1), rtol=1e-3, atol=1e-4)
    assert trial.returns["mean"] == pytest.approx(np.mean(trial.seed_means))
    assert abs(trial.seed_means[0] - trial.seed_means[1]) > 1e-4  # the seeds differ


def test_trials_with_the_same_static_settings_train_at_once(done):
    _, _, progress = done
    assert {(members, finished) for members, _, finished in progress} == {(4, 0), (4, 2)}
    assert progress[-1][1] == 512


def test_trials_are_ranked_and_written(done):
    search, directory, _ = done
    ranked = search.ranked
    assert [trial.settings["learning_rate"] for trial in ranked[:2]] == [0.01, 0.01]  # those that learned
    assert ranked[0].score > ranked[-1].score
    written = json.loads((directory / sweep.FILE).read_text())
    assert [trial["rank"] for trial in written["trials"]] == [1, 2, 3, 4]
    assert [trial["settings"] for trial in written["trials"]] == [trial.settings for trial in ranked]
    assert written["trials"][0]["returns"] == ranked[0].returns
    assert written["sweep"] == {"learning_rate": {"choices": [1e-9, 0.01]}, "num_steps": {"choices": [16, 32]}}
    assert (written["seed"], written["seeds"], written["config"]["learning_rate"]) == (5, 2, "swept")
    assert written["config"]["widths"] == [16]


def test_the_best_agent_is_written_and_evaluated_on_other_episodes(done):
    search, directory, _ = done
    best, loaded = search.ranked[0], agent.load(directory)
    described = loaded.description
    assert {name: described["config"][name] for name in best.settings} == best.settings
    assert described["member"] == int(np.argmax(best.seed_means))
    assert described["returns"]["episodes"] == 20
    assert described["returns"]["mean"] != best.returns["mean"]
    played = jaxenv.evaluate(
        loaded.env, loaded.params, loaded.policy, jaxenv.random.key(9), num_episodes=500, policy_params=loaded.policy_params
    )
    assert float(played.returns.mean()) == pytest.approx(max(best.seed_means), abs=0.3)


def test_returns_that_are_no_numbers_rank_last(tmp_path):
    search = searched("entropy=0,0.01")
    search.results[0].returns = {"mean": math.nan}
    search.results[1].returns = {"mean": -1e9}
    assert search.ranked == search.results[::-1]
    search.write(tmp_path)
    assert json.loads((tmp_path / sweep.FILE).read_text())["trials"][1]["returns"] == {"mean": None}


def test_evolution_strategies_can_be_searched(tmp_path):
    pytest.importorskip("evosax")
    fixed = {"population": 8, "episodes": 2, "episode_steps": 1, "widths": [4], "total_steps": 64}
    search = searched("deviation=0.1,0.5", algorithm="es", fixed=fixed)
    search.run(tmp_path, lambda *_: None)
    assert all(math.isfinite(trial.score) for trial in search.results)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["entropy=0,1", "entropy=2,3"], "--sweep has 'entropy', but each hyperparameter once was expected"),
        (["widths=[8],[16]"], "--sweep has 'widths', but widths either swept or set, not both was expected"),
        (["filters=8:16"], "but a list, filters=A,B,C, because each value is compiled on its own was expected"),
    ],
)
def test_searches_that_cannot_be_are_refused(message, texts, expected):
    assert expected in message(SweepError, searched, *texts)


def test_values_are_checked_before_any_training(message, monkeypatch):
    monkeypatch.setattr(training.Training, "compile", lambda _: pytest.fail("it was compiled"))
    assert "ppo has no setting 'speed'" in message(UnknownSettingError, searched, "speed=1,2")
    assert "learning_rate is 'fast', but a number was expected" in message(ConfigError, searched, "learning_rate=0.1,fast")
    assert "minibatches is 3, but a divisor of" in message(ConfigError, searched, "minibatches=2,3")


class TestCommand:
    def test_it_prints_the_trials_and_the_settings_of_the_best(self, command, tmp_path):
        words = ["--sweep", "learning_rate=1e-9,0.01", "--episodes", 20, "--seed", 3, "--out", tmp_path / "out", *SET]
        code, out, err = command("train", "local/Aim", *words)
        assert code == 0, err
        lines = out.splitlines()
        assert lines[0].split() == ["rank", "learning_rate", "return", "95%", "interval"]
        assert lines[1].split()[:2] == ["1", "0.01"]
        assert "Train with the best settings: jaxenv train local/Aim --set num_envs=8" in out
        assert "--set learning_rate=0.01" in out
        assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["agent.json", "agent.safetensors", "sweep.json"]
        code, _, err = command("train", "local/Aim", *words)
        assert code == 2
        assert "holds a search already. Choose another directory (--out)." in err
        code, out, _ = command("evaluate", "local/Aim", "--agent", tmp_path / "out", "--episodes", 8)
        assert code == 0

    def test_an_interrupted_search_keeps_finished_trials(self, command, tmp_path, monkeypatch):
        run = training.Training.run

        def interrupted(self):
            for report in run(self):
                if self.config.num_steps == 32:
                    raise KeyboardInterrupt
                yield report

        monkeypatch.setattr(training.Training, "run", interrupted)
        words = [word for name, value in SMALL.items() if name != "num_steps" for word in ("--set", f"{name}={json.dumps(value)}")]
        code, _, err = command("train", "local/Aim", "--sweep", "num_steps=16,32", "--episodes", 20, "--out", tmp_path, *words)
        assert code == 130
        assert f"Interrupted. Finished trials are in {tmp_path / sweep.FILE}" in err
        trials = json.loads((tmp_path / sweep.FILE).read_text())["trials"]
        assert trials[0]["settings"] == {"num_steps": 16}
        assert "rank" not in trials[1]

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["--sweep", "entropy=0,1", "--resume"], "--resume does not go together with --sweep. Leave one of them out."),
            (["--trials", "3"], "--trials needs a search. Add --sweep NAME=VALUES, or leave --trials out."),
            (["--sweep", "entropy"], "--sweep has 'entropy', but NAME=A,B,C or"),
            (["--sweep", "entropy=0,1", "--set", "entropy=0.5"], "either swept or set, not both"),
        ],
    )
    def test_what_cannot_be_searched_costs_a_sentence(self, command, tmp_path, monkeypatch, words, expected):
        monkeypatch.setattr(training.Training, "compile", lambda _: pytest.fail("it was compiled"))
        code, _, err = command("train", "local/Aim", *words, "--out", tmp_path / "out")
        assert code == 2
        assert expected in err
        assert len(err.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_a_directory_with_a_training_is_not_searched_in(message, tmp_path):
    (tmp_path / agent.DESCRIPTION).write_text("{}")
    text = message(DirectoryTakenError, training.require_free, tmp_path, resumable=False)
    assert text == f"{tmp_path} holds a training already. Choose another directory (--out)."
