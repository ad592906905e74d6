"""Scores against the reference's own analysis: of a random agent's logs, and of made-up logs of better agents."""

import math
import shutil

import numpy as np
import pytest
from jaxenv_bsuite import logs, runner, scoring, sweep

pytestmark = pytest.mark.usefixtures("unoptimized")

CHEAP = ("bandit", "bandit_noise", "catch", "catch_scale", "mnist")
SHORT = ("cartpole", "cartpole_swingup", "discounting_chain", "memory_len", "mountain_car", "umbrella_length")
SHORT_IDS = ("deep_sea/0", "deep_sea/3", "deep_sea_stochastic/0", "memory_size/3", "umbrella_distract/3")
COLUMNS = {
    "SimpleBandit": ("total_regret",),
    "Catch": ("total_regret",),
    "MNISTBandit": ("total_regret",),
    "UmbrellaChain": ("total_regret",),
    "Cartpole": ("raw_return", "best_episode"),
    "CartpoleSwingup": ("raw_return", "total_upright", "best_episode"),
    "DeepSea": ("total_bad_episodes", "denoised_return"),
    "DiscountingChain": (),
    "MemoryChain": ("total_perfect", "total_regret"),
    "MountainCar": ("raw_return",),
}


def assert_equal_to_reference(directory, reference, experiments=23):
    frame, sweep_vars = reference.read(directory)
    table = reference.scores(frame, sweep_vars)
    ours = {one.experiment: one for one in scoring.score(logs.read(directory))}
    assert len(table) == len(ours) == experiments
    for _, row in table.iterrows():
        one = ours[row.bsuite_env]
        assert one.score == pytest.approx(row.score, abs=1e-9, nan_ok=True), row.bsuite_env
        assert (one.finished, one.type, str(one.tags)) == (row.finished, row.type, row.tags)
    by_tag = dict(zip(*reference.by_tag(table, sweep_vars)[["tag", "score"]].to_numpy().T, strict=True))
    assert scoring.score_by_tag(ours.values()) == pytest.approx(by_tag, abs=1e-9, nan_ok=True)
    return ours


def test_scores_of_a_random_agent(tmp_path, reference):
    """Every task, and noise and scales once: the cheap ones for all of their episodes. The long test plays all experiments."""
    runner.run("random", CHEAP, tmp_path / "full")
    runner.run("random", [*SHORT, *SHORT_IDS], tmp_path / "short", episodes=100)
    for file in (tmp_path / "short").glob("*.csv"):
        shutil.copy(file, tmp_path / "full")
    experiments = len(CHEAP) + len(SHORT) + 4
    ours = assert_equal_to_reference(tmp_path / "full", reference, experiments)
    assert {sweep.EXPERIMENTS[name].environment for name in ours} == set(COLUMNS)
    assert all(ours[name].finished == (name in CHEAP) for name in ours)
    assert ours["mountain_car"].score == pytest.approx(0.1, abs=0.02)


@pytest.mark.long
def test_scores_of_a_full_random_run_of_one_id_of_each_experiment(tmp_path, reference, capsys):
    ids = [experiment.ids[0] for experiment in sweep.EXPERIMENTS.values()]
    runner.run("random", ids, tmp_path)
    frame, _ = reference.read(tmp_path)
    assert set(frame.bsuite_id) == set(ids)
    ours = assert_equal_to_reference(tmp_path, reference)
    assert all(one.finished for one in ours.values())
    with capsys.disabled():
        print("", *(f"{name} {one.score:.4f}" for name, one in ours.items()), sep="\n")


def made_up(experiment, bsuite_id, rng, skill, last):
    """A plausible log: every cumulative figure between that of the worst agent and that of the best."""
    episode = np.array(logs.logged_episodes(last), float)
    share = np.clip(skill + 0.1 * rng.standard_normal() + 0.3 * episode / last, 0, 1)
    length = 100.0
    columns = {
        "steps": episode * length,
        "episode": episode,
        "total_return": episode * (share * {"CartpoleSwingup": 700, "DiscountingChain": 1.1}.get(experiment.environment, 1)),
        "episode_len": np.full(episode.size, length),
        "episode_return": share,
        "total_regret": episode * 2 * (1 - share),
        "raw_return": episode * (1000 * share if experiment.environment == "Cartpole" else -100 - 900 * (1 - share)),
        "best_episode": np.maximum.accumulate(1000 * share * rng.random(episode.size)),
        "total_upright": episode * share,
        "total_bad_episodes": np.floor(episode * (1 - share)),
        "denoised_return": np.ceil(episode * share),
        "total_perfect": np.floor(episode * (0.5 + 0.5 * share)),
    }
    names = (*logs.BASE_COLUMNS, *COLUMNS[experiment.environment])
    return names, np.stack([columns[name] for name in names], axis=1).tolist()


@pytest.mark.parametrize(
    ("skill", "part"),
    [
        (0.2, "complete"),
        (0.5, "complete"),
        (0.8, "complete"),
        (0.5, "partial"),
        (0.6, "over-run"),
        (0.4, "some ids"),
        (0.7, "uneven"),
    ],
)
def test_scores_of_made_up_agents(skill, part, tmp_path, reference):
    rng = np.random.default_rng(round(100 * skill) + len(part))
    for name, experiment in sweep.EXPERIMENTS.items():
        own = round({"partial": 0.3, "over-run": 2.0}.get(part, 1.0) * experiment.episodes)
        for i, bsuite_id in enumerate(experiment.ids):
            if part == "some ids" and i % 3:
                continue
            last = own if part != "uneven" or i % 2 else own // 2
            logs.write(tmp_path, bsuite_id, *made_up(experiment, bsuite_id, rng, skill, last))
        assert name in sweep.EXPERIMENTS
    ours = assert_equal_to_reference(tmp_path, reference)
    if part == "partial":
        assert math.isnan(ours["mnist"].score)
        assert not any(one.finished for one in ours.values())
    if part == "complete":
        assert len({round(one.score, 6) for one in ours.values()}) > 12


def test_no_logs_give_no_scores():
    assert scoring.score({}) == []
    assert scoring.score_by_tag([]) == {}


def test_a_stochastic_sea_needs_a_hundred_episodes(tmp_path):
    logs.write(
        tmp_path, "deep_sea_stochastic/0", *made_up(sweep.EXPERIMENTS["deep_sea_stochastic"], "", np.random.default_rng(0), 1, 90)
    )
    assert math.isnan(scoring.score(logs.read(tmp_path))[0].score)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], logs.LogError, r"score got list \[\], but a mapping from ids to logs was expected. Pass what jaxenv_bsuite.logs.read"),
        (None, logs.LogError, r"score got NoneType None, but a mapping"),
        ({"catch/0": {}}, logs.LogError, r"score got dict {} for catch/0, but columns with 'episode' were expected. Pass what"),
        ({"catch/0": 3}, logs.LogError, r"score got int 3 for catch/0, but columns"),
        ({"cath/0": {}}, sweep.UnknownIdError, r"did you mean catch"),
    ],
)
def test_what_is_no_mapping_of_logs_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        scoring.score(given)


def test_an_experiment_is_scored_from_its_own_logs():
    with pytest.raises(sweep.UnknownIdError, match="did you mean catch"):
        scoring.score_experiment("cath", {})
    log = {"episode": np.arange(3.0)}
    for name in ("catch", "catch_noise"):
        for given, text in (({}, "no logs"), ({"bandit/0": log}, "logs of bandit/0")):
            with pytest.raises(
                logs.LogError, match=rf"got {text}, but logs of {name} were expected. Pass those of ids such as {name}/0."
            ):
                scoring.score_experiment(name, given)
