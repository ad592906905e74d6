"""Scores: what an agent's logs say of its abilities, from 0 to 1, with NumPy alone.

Each experiment has a score of its own; an ability's score is the mean over the experiments that its tag names. A score is computed
from whatever episodes all ids of the experiment share, so unfinished runs have one too, marked as unfinished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

import numpy as np
from jaxenv.errors.formatting import named
from numpy.typing import NDArray

from jaxenv_bsuite.logs import Log, LogError
from jaxenv_bsuite.sweep import EXPERIMENTS, SETTINGS, TAGS, UnknownIdError

Logs = Mapping[str, Log]
"""The logs of ids, by id."""
_Array = NDArray[np.float64]
_Column = Callable[[Log], _Array]


class Score(NamedTuple):
    """How an agent did in one experiment."""

    experiment: str
    """Its name."""
    score: float
    """From 0 to 1; NaN where the logs are too short for this experiment."""
    type: str
    """The first of its tags."""
    tags: tuple[str, ...]
    """The abilities that it tests."""
    finished: bool
    """Whether every id that is there ran for all of its episodes."""


def score(logs: Logs) -> list[Score]:
    """Return the score of every experiment of which there are logs, in bsuite's order.

    Args:
        logs: the logs by id, as :func:`jaxenv_bsuite.logs.read` returns them.

    Raises:
        LogError: ``logs`` is no mapping of logs.
        UnknownIdError: one of its ids is none of bsuite's.
    """
    _check("score", logs)
    results: list[Score] = []
    for name, experiment in EXPERIMENTS.items():
        own = {bsuite_id: log for bsuite_id, log in logs.items() if bsuite_id in experiment.ids and len(log["episode"])}
        if own:
            finished = min(log["episode"].max() for log in own.values()) >= experiment.episodes
            results.append(Score(name, score_experiment(name, own), experiment.tags[0], experiment.tags, bool(finished)))
    return results


def score_by_tag(scores: Iterable[Score]) -> dict[str, float]:
    """Return the mean score of each tag that any of the experiments has."""
    scores = list(scores)
    found = {tag: [one.score for one in scores if tag in one.tags] for tag in TAGS}
    return {tag: _mean(np.array(values)) for tag, values in found.items() if values}


def score_experiment(name: str, logs: Logs) -> float:
    """Return the score of one experiment from the logs of its ids.

    Args:
        name: the experiment, such as ``"catch"``.
        logs: the logs of some of its ids, by id.

    Raises:
        LogError: ``logs`` is no mapping of logs, or has none of this experiment.
        UnknownIdError: there is no such experiment, or no such id.
    """
    if name not in EXPERIMENTS:
        raise UnknownIdError(name)
    _check("score_experiment", logs)
    own = EXPERIMENTS[name].ids
    others = [bsuite_id for bsuite_id in logs if bsuite_id not in own]
    if others or not logs:
        given = f"logs of {others[0]}" if others else "no logs"
        raise LogError(f"score_experiment got {given}, but logs of {name} were expected. Pass those of ids such as {own[0]}.")
    variant = EXPERIMENTS[name].variant
    if variant is None:
        return float(_SCORES[name](logs))
    base = _SCORES[name.removesuffix(f"_{variant}")]
    levels = _grouped(logs, {"noise": "noise_scale", "scale": "reward_scale"}[variant])
    scores = np.array([base(group) for group in levels])
    mean, spread = scores.mean(), scores.std()
    return float(0.5 * (np.clip(mean, 0, 1) + np.clip(mean - spread, 0, 1)))


def _check(function: str, logs: Any) -> None:
    """Refuse what is no mapping from ids of bsuite to logs."""
    action = "Pass what jaxenv_bsuite.logs.read returns."
    if not isinstance(logs, Mapping):
        raise LogError(f"{function} got {named(logs)}, but a mapping from ids to logs was expected. {action}")
    for bsuite_id, log in cast("Mapping[Any, Any]", logs).items():
        if bsuite_id not in SETTINGS:
            raise UnknownIdError(bsuite_id)
        if not isinstance(log, Mapping) or "episode" not in log:
            raise LogError(f"{function} got {named(log)} for {bsuite_id}, but columns with 'episode' were expected. {action}")


def _grouped(logs: Logs, setting: str) -> list[Logs]:
    """Return the logs in groups with the same setting."""
    groups: dict[Any, dict[str, Log]] = {}
    for bsuite_id, log in logs.items():
        groups.setdefault(SETTINGS[bsuite_id][setting], {})[bsuite_id] = log
    return list(groups.values())


def _until(logs: Logs, episodes: int) -> Logs:
    """Return the logs without rows beyond so many episodes."""
    return {key: {name: column[log["episode"] <= episodes] for name, column in log.items()} for key, log in logs.items()}


def _mean(values: _Array) -> float:
    """Return the mean without NaNs; NaN of nothing."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")


def _last_episode(logs: Logs, most: int) -> float:
    return min(max(log["episode"].max(initial=0) for log in logs.values()), most)


def _per_episode(logs: Logs, most: int, column: _Column) -> float:
    """Return a cumulative column divided by the episodes, at the last episode that counts, over the ids that reached it."""
    last = _last_episode(logs, most)
    return _mean(np.concatenate([column(log)[log["episode"] == last] for log in logs.values()])) / last


def _regret(logs: Logs, worst: float, most: int, column: _Column) -> float:
    """Return how much of the worst average regret was avoided."""
    return float(np.clip((worst - _per_episode(logs, most, column)) / worst, 0, 1))


def _total_regret(log: Log) -> _Array:
    return log["total_regret"]


def _bandit(logs: Logs) -> float:
    return _regret(logs, 0.5, 10_000, _total_regret)


def _catch(logs: Logs) -> float:
    return _regret(logs, 1.6, 10_000, _total_regret)


def _mnist(logs: Logs) -> float:
    """Half for the regret, half for the accuracy over the last tenth of a run."""
    gains: list[_Array] = []
    for log in logs.values():
        order = np.argsort(log["episode"], kind="stable")
        episode, regret = log["episode"][order], log["total_regret"][order]
        gains.append((1.0 - np.diff(regret) / np.diff(episode))[episode[1:] > 9000])
    accuracy = 0.5 * (_mean(np.concatenate(gains)) + 1.0)
    return 0.5 * (_regret(logs, 1.8, 10_000, _total_regret) + accuracy)


def _cartpole(logs: Logs) -> float:
    logs = _until(logs, 1000)
    solved = np.array([log["best_episode"].max(initial=0) > 500 for log in logs.values()])
    return 0.5 * (_regret(logs, 1000.0, 1000, lambda log: 1000 * log["episode"] - log["raw_return"]) + solved.mean())


def _cartpole_swingup(logs: Logs) -> float:
    def one(group: Logs) -> float:
        solved = np.array([log["best_episode"].max(initial=0) > 100 for log in group.values()])
        return 0.5 * (_regret(group, 700.0, 1000, lambda log: 700 * log["episode"] - log["total_return"]) + solved.mean())

    return float(np.mean([one(group) for group in _grouped(_until(logs, 1000), "height_threshold")]))


def _mountain_car(logs: Logs) -> float:
    return _regret(logs, 1000.0, 1000, lambda log: -100 * log["episode"] - log["raw_return"])


def _deep_sea(logs: Logs, threshold: float = 0.9) -> float:
    """Count the sizes whose share of bad episodes fell below the threshold far sooner than by luck."""
    outcomes: list[bool] = []
    for group in _grouped(_until(logs, 10_000), "size"):
        size = SETTINGS[next(iter(group))]["size"]
        episode = np.concatenate([log["episode"] for log in group.values()])
        bad = np.concatenate([log["total_bad_episodes"] for log in group.values()])
        good = episode[bad / episode < threshold]
        solved = good.size > 0
        at = good.min() if solved else episode.max(initial=0)
        outcomes += [bool(solved and at < 2**size + 100)] * int((episode == at).sum())
    return float(np.mean(outcomes))


def _deep_sea_stochastic(logs: Logs) -> float:
    late = {key: {name: column[log["episode"] >= 100] for name, column in log.items()} for key, log in logs.items()}
    late = {key: log for key, log in late.items() if len(log["episode"])}
    return _deep_sea(late, 0.8) if late else float("nan")


def _discounting_chain(logs: Logs) -> float:
    return float(np.clip(1 - 10 * (1.1 - _per_episode(logs, 1000, lambda log: log["total_return"])), 0, 1))


def _share(logs: Logs, setting: str, column: _Column, most: float) -> float:
    """Return for how many values of a setting the average of a column is below a bound."""
    return float(np.mean([_per_episode(group, 10_000, column) < most for group in _grouped(logs, setting)]))


def _memory(setting: str) -> Callable[[Logs], float]:
    # Guessing is wrong half of the time; twice the error rate is 1 then.
    return lambda logs: _share(logs, setting, lambda log: 2 * (log["episode"] - log["total_perfect"]), 0.75)


def _umbrella(setting: str) -> Callable[[Logs], float]:
    return lambda logs: _share(logs, setting, _total_regret, 0.5)


_SCORES: Mapping[str, Callable[[Logs], float]] = {
    "bandit": _bandit,
    "cartpole": _cartpole,
    "cartpole_swingup": _cartpole_swingup,
    "catch": _catch,
    "deep_sea": _deep_sea,
    "deep_sea_stochastic": _deep_sea_stochastic,
    "discounting_chain": _discounting_chain,
    "memory_len": _memory("memory_length"),
    "memory_size": _memory("num_bits"),
    "mnist": _mnist,
    "mountain_car": _mountain_car,
    "umbrella_distract": _umbrella("n_distractor"),
    "umbrella_length": _umbrella("chain_length"),
}
