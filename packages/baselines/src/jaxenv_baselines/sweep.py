"""Search over hyperparameters: random, or a grid. Trials that share static settings train at once under ``jax.vmap``.

A trial is a setting of the swept hyperparameters, trained with one or more seeds. All trials have the same seeds and play the same
number of steps; they are ranked by their mean return over whole episodes after training. The same command with the same seed draws
the same trials. Importing this module imports no JAX.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxenv_baselines.algorithms import algorithm, config_of, settings_of
from jaxenv_baselines.errors import SweepError, UnknownSettingError

if TYPE_CHECKING:
    from jaxenv import EnvSpec

    from jaxenv_baselines.training import Report, Training

FORMAT, FILE = 1, "sweep.json"
"""Version of the format of the file, and its name."""
TRIALS = 16
"""Trials of a random search by default."""
DIGITS = 3
"""Significant digits of numbers that are drawn, so that they can be typed."""


@dataclass(frozen=True)
class Dimension:
    """The values of one hyperparameter: a list of choices, or a range."""

    name: str
    """Name of the hyperparameter."""
    choices: tuple[Any, ...] = ()
    """Its values; empty for a range."""
    low: float = 0.0
    """Lower end of a range."""
    high: float = 0.0
    """Upper end of a range."""
    log: bool = False
    """Whether the logarithm is uniform on the range, rather than the number."""

    @classmethod
    def parse(cls, text: str) -> Dimension:
        """Parse ``NAME=A,B,C``, ``NAME=LOW:HIGH`` or ``NAME=LOW:HIGH:log``.

        Raises:
            SweepError: the text has another form, or the range is empty.
        """
        name, equals, values = text.partition("=")
        if not (equals and name.isidentifier() and values):
            raise SweepError(text, "NAME=A,B,C or NAME=LOW:HIGH or NAME=LOW:HIGH:log")
        if ":" not in values:
            return cls(name, _choices(values))
        ends, scale = values.split(":")[:2], values.split(":")[2:]
        try:
            low, high = (float(end) for end in ends)
        except ValueError:
            low = high = math.nan
        if scale not in ([], ["log"]) or not (math.isfinite(low) and math.isfinite(high)):
            raise SweepError(text, f"two numbers, {name}=LOW:HIGH or {name}=LOW:HIGH:log")
        if not low < high:
            raise SweepError(text, "a range whose first number is less than its second")
        if scale and low <= 0.0:
            raise SweepError(text, "a range above 0 where the scale is log")
        return cls(name, (), low, high, bool(scale))

    def draw(self, random: np.random.RandomState) -> Any:
        """Draw one value."""
        if self.choices:
            return self.choices[random.randint(len(self.choices))]
        if self.log:
            return _rounded(math.exp(random.uniform(math.log(self.low), math.log(self.high))))
        return _rounded(random.uniform(self.low, self.high))

    def to_json(self) -> dict[str, Any]:
        """Return the dimension as JSON data."""
        if self.choices:
            return {"choices": list(self.choices)}
        return {"low": self.low, "high": self.high, "scale": "log" if self.log else "linear"}


def drawn(dimensions: Sequence[Dimension], trials: int | None, seed: int) -> list[dict[str, Any]]:
    """Return the settings of the trials.

    Without ranges, they are ``trials`` different points of the grid of all choices, in random order, or all of them in the grid's
    order. With ranges, each trial draws every dimension independently.

    Args:
        dimensions: what is swept.
        trials: number of trials; None means the whole grid, or 16 with ranges.
        seed: seed of the search.
    """
    random = np.random.RandomState(seed)
    if any(not dimension.choices for dimension in dimensions):
        return [{each.name: each.draw(random) for each in dimensions} for _ in range(trials or TRIALS)]
    grid = list(itertools.product(*(dimension.choices for dimension in dimensions)))
    if trials is not None and trials < len(grid):
        grid = [grid[index] for index in random.permutation(len(grid))[:trials]]
    return [dict(zip((dimension.name for dimension in dimensions), point, strict=True)) for point in grid]


@dataclass
class Trial:
    """One setting of the swept hyperparameters, and how well it did."""

    number: int
    """Its place among those drawn, from 0."""
    settings: dict[str, Any]
    """Values of the swept hyperparameters."""
    returns: dict[str, Any] = field(default_factory=dict)
    """Summary of the returns of all seeds (:func:`jaxenv_baselines.evaluation.summary`); empty before training."""
    seed_means: list[float] = field(default_factory=list)
    """Mean return of each seed."""

    @property
    def score(self) -> float:
        """Mean return; minus infinity before training, and where it is not a number."""
        mean = self.returns.get("mean", math.nan)
        return mean if math.isfinite(mean) else -math.inf


@dataclass
class Sweep:
    """A search over hyperparameters of one algorithm in one environment."""

    spec: EnvSpec
    """The environment."""
    overrides: dict[str, Any]
    """Keyword arguments of ``make``."""
    name: str
    """Name of the algorithm."""
    fixed: dict[str, Any]
    """Hyperparameters that are not swept; others have their defaults."""
    dimensions: Sequence[Dimension]
    """What is swept."""
    trials: int | None = None
    """Number of trials; see :func:`drawn`."""
    seed: int = 0
    """Seed of the search and of the trainings."""
    seeds: int = 1
    """Trainings of each trial: the members of ``jaxenv train --seed SEED --seeds SEEDS`` with its settings."""
    episodes: int = 1000
    """Episodes that evaluate each training."""
    half: bool = False
    """Whether the agents' weights are rounded to float16."""
    results: list[Trial] = field(init=False)
    """All trials, in the order in which they were drawn."""

    def __post_init__(self) -> None:
        """Draw the trials, and check each of them against the environment.

        Raises:
            UnknownSettingError: the algorithm has no such hyperparameter.
            SweepError: a hyperparameter is swept twice, or set as well, or a static one has a range.
            ConfigError: a value has the wrong type or is out of its range.
        """
        fields = {each.name: each for each in dataclasses.fields(algorithm(self.name).Config)}
        seen: set[str] = set()
        for dimension in self.dimensions:
            if dimension.name not in fields:
                raise UnknownSettingError(self.name, dimension.name, list(fields))
            if dimension.name in seen:
                raise SweepError(dimension.name, "each hyperparameter once")
            if dimension.name in self.fixed:
                raise SweepError(dimension.name, f"{dimension.name} either swept or set, not both")
            if not dimension.choices and dimension.name in self._static:
                raise SweepError(dimension.name, f"a list, {dimension.name}=A,B,C, because each value is compiled on its own")
            seen.add(dimension.name)
        self.results = [Trial(number, settings) for number, settings in enumerate(drawn(self.dimensions, self.trials, self.seed))]
        for group in self._groups():
            for trial in group:
                config_of(self.name, {**self.fixed, **trial.settings})
            self._training(group)  # checks the static settings

    @property
    def ranked(self) -> list[Trial]:
        """The trials, best first."""
        return sorted(self.results, key=lambda trial: trial.score, reverse=True)

    def run(self, directory: Path, watch: Callable[[Training, Report, int], None]) -> None:
        """Train and evaluate all trials, and write ``sweep.json`` and the best agent into a directory.

        Both are up to date after each group of trials, so that an interrupted search keeps what it found.

        Args:
            directory: where to write; created if missing.
            watch: called with each progress report: the training, the report, and the number of trials that were finished before.
        """
        finished = 0
        for group in self._groups():
            run = self._training(group)
            for report in run.run():
                watch(run, report, finished)
            policy_params, played = run.play()
            finished += len(group)
            self._record(group, played)
            if self.ranked[0] in group:
                self._save_best(directory, run, group, policy_params)
            self.write(directory)

    def write(self, directory: Path) -> None:
        """Write ``sweep.json``: the search, and all trials in the order of their rank."""
        from jaxenv_baselines import files

        trials = [
            {"rank": rank, **dataclasses.asdict(trial)} if trial.returns else dataclasses.asdict(trial)
            for rank, trial in enumerate(self.ranked, 1)
        ]
        described = {
            "format": FORMAT,
            "spec": self.spec.to_json(),
            "overrides": self.overrides,
            "algorithm": self.name,
            "config": {
                **settings_of(config_of(self.name, self.fixed)),
                **dict.fromkeys((d.name for d in self.dimensions), "swept"),
            },
            "sweep": {dimension.name: dimension.to_json() for dimension in self.dimensions},
            "seed": self.seed,
            "seeds": self.seeds,
            "episodes": self.episodes,
            "versions": {what: version(what) for what in ("jax", "jaxenv-core", "jaxenv-baselines")},
            "trials": trials,
        }
        files.write_json(directory / FILE, _plain(described))

    def flags(self, trial: Trial) -> str:
        """Return a trial's settings as options of ``jaxenv train``."""
        return " ".join(f"--set {name}={_text(value)}" for name, value in trial.settings.items())

    @property
    def _static(self) -> set[str]:
        fields = dataclasses.fields(algorithm(self.name).Config)
        return {each.name for each in fields if not each.metadata.get("pytree_node", True)}

    def _groups(self) -> Iterator[list[Trial]]:
        """Yield the trials that share their static settings, and so one compiled program."""
        groups: dict[str, list[Trial]] = {}
        for trial in self.results:
            key = json.dumps({name: trial.settings[name] for name in sorted(trial.settings) if name in self._static})
            groups.setdefault(key, []).append(trial)
        yield from groups.values()

    def _training(self, group: Sequence[Trial]) -> Training:
        """Return the training whose members are the trials of a group, each with all seeds."""
        from jaxenv_baselines.training import Training

        config = config_of(self.name, {**self.fixed, **group[0].settings})
        leaves = {dimension.name for dimension in self.dimensions} - self._static
        values = {name: np.repeat([float(trial.settings[name]) for trial in group], self.seeds) for name in leaves}
        config = config.replace(**{name: array.astype(np.float32) for name, array in values.items()})
        members = len(group) * self.seeds
        return Training(
            self.spec, self.overrides, self.name, config, self.seed, members, 20, self.episodes, self.half, repeats=len(group)
        )

    def _record(self, group: Sequence[Trial], played: Any) -> None:
        from jaxenv_baselines import evaluation

        shape = (len(group), self.seeds, -1)
        by_trial = [np.asarray(leaf).reshape(shape) for leaf in (played.returns, played.lengths, played.finished)]
        for index, trial in enumerate(group):
            returns, lengths, ended = (leaf[index] for leaf in by_trial)
            trial.returns = evaluation.summary(type(played)(returns.ravel(), lengths.ravel(), ended.ravel()))
            trial.seed_means = [float(mean) for mean in returns.mean(axis=1, dtype=np.float64)]

    def _save_best(self, directory: Path, run: Training, group: Sequence[Trial], policy_params: Any) -> None:
        """Write the agent of the best seed of the best trial, evaluated on new episodes, which did not choose it."""
        import jax

        from jaxenv_baselines import agent

        best = self.ranked[0]
        seed = int(np.argmax(best.seed_means))
        member = group.index(best) * self.seeds + seed
        chosen = jax.tree.map(lambda leaf: leaf[member], policy_params)
        described = agent.description(
            self.spec,
            self.overrides,
            self.name,
            config_of(self.name, {**self.fixed, **best.settings}),
            seed=self.seed,
            member=seed,
            steps=run.steps,
            seconds=run.seconds,
            returns=run.evaluate_once(chosen),
        )
        agent.save(directory, described, chosen, half=self.half)


def _choices(values: str) -> tuple[Any, ...]:
    """Return the values of a list: JSON values, or words where an item is none."""
    try:
        return tuple(json.loads(f"[{values}]"))
    except ValueError:
        return tuple(_value(item) for item in values.split(","))


def _value(item: str) -> Any:
    try:
        return json.loads(item)
    except ValueError:
        return item


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """Return JSON data with None in the place of numbers that are not finite."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
