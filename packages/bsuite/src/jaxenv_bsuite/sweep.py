"""bsuite's experiments: what each of the 468 ids sets, how long it runs, and what it tells. Imports no JAX.

An id is ``"experiment/i"``. Its settings are the arguments of bsuite's own ``load``, so the tables equal those of ``bsuite.sweep``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from jaxenv.errors import JaxenvError

NOISE_SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)
REWARD_SCALES = (0.001, 0.03, 1.0, 30.0, 1000.0)
LENGTHS = (*range(1, 11), 12, 14, 17, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100)

Settings = Mapping[str, Any]


class Experiment(NamedTuple):
    """One of the 23 experiments: a task under a range of settings."""

    name: str
    """What stands before the slash of its ids."""
    environment: str
    """The class of its task."""
    settings: tuple[Settings, ...]
    """What each of its ids sets, in order."""
    episodes: int
    """How many episodes a run of one id has."""
    tags: tuple[str, ...]
    """The abilities that it tests, its type first."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in order."""
        return tuple(f"{self.name}/{i}" for i in range(len(self.settings)))

    @property
    def variant(self) -> str | None:
        """``"noise"`` or ``"scale"`` where the rewards of another experiment are changed, else None."""
        _, _, last = self.name.rpartition("_")
        return last if last in ("noise", "scale") else None


def _each(count: int, settings: Callable[[int], Settings]) -> tuple[Settings, ...]:
    return tuple(MappingProxyType(dict(settings(i))) for i in range(count))


def _family(
    name: str,
    environment: str,
    episodes: int,
    abilities: tuple[str, ...],
    plain: Callable[[int], Settings],
    few: Callable[[int], Settings],
) -> list[Experiment]:
    """Return a basic experiment and its two variants: five levels of noise, or of scale, with four ids for each."""

    def variant(kind: str, key: str, levels: tuple[float, ...]) -> Experiment:
        settings = _each(20, lambda i: {key: levels[i // 4], "seed": None, **few(i % 4)})
        return Experiment(f"{name}_{kind}", environment, settings, episodes, (kind, *abilities))

    return [
        Experiment(name, environment, _each(20, plain), episodes, ("basic", *abilities)),
        variant("noise", "noise_scale", NOISE_SCALES),
        variant("scale", "reward_scale", REWARD_SCALES),
    ]


def _seedless(_: int) -> Settings:
    return {"seed": None}


def _nothing(_: int) -> Settings:
    return {}


def _mapping_seed(i: int) -> Settings:
    return {"mapping_seed": i}


def _sea(i: int) -> Settings:
    return {"size": 10 + 2 * i, "mapping_seed": 42}


def _all() -> list[Experiment]:
    bandit = _family("bandit", "SimpleBandit", 10_000, (), _mapping_seed, _mapping_seed)
    cartpole = _family("cartpole", "Cartpole", 1000, ("generalization",), _seedless, _nothing)
    cartpole[0] = cartpole[0]._replace(tags=("basic", "credit_assignment", "generalization"))
    thresholds = _each(20, lambda i: {"height_threshold": i / 20, "x_reward_threshold": 1 - i / 20})
    distractors = _each(23, lambda i: {"n_distractor": LENGTHS[i]})
    chains = _each(23, lambda i: {"chain_length": LENGTHS[i], "n_distractor": 20})
    return [
        *bandit,
        *cartpole,
        Experiment("cartpole_swingup", "CartpoleSwingup", thresholds, 1000, ("exploration", "generalization")),
        *_family("catch", "Catch", 10_000, ("credit_assignment",), _seedless, _nothing),
        Experiment("deep_sea", "DeepSea", _each(21, _sea), 10_000, ("exploration",)),
        Experiment("deep_sea_stochastic", "DeepSea", _each(21, _sea), 10_000, ("exploration", "noise")),
        Experiment("discounting_chain", "DiscountingChain", _each(20, _mapping_seed), 1000, ("credit_assignment",)),
        Experiment("memory_len", "MemoryChain", _each(23, lambda i: {"memory_length": LENGTHS[i]}), 10_000, ("memory",)),
        Experiment("memory_size", "MemoryChain", _each(17, lambda i: {"num_bits": LENGTHS[i]}), 10_000, ("memory",)),
        *_family("mnist", "MNISTBandit", 10_000, ("generalization",), _seedless, _nothing),
        *_family("mountain_car", "MountainCar", 1000, ("generalization",), _seedless, _nothing),
        Experiment("umbrella_distract", "UmbrellaChain", distractors, 10_000, ("credit_assignment", "noise")),
        Experiment("umbrella_length", "UmbrellaChain", chains, 10_000, ("credit_assignment", "noise")),
    ]


EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({experiment.name: experiment for experiment in _all()})
"""All experiments by name, in bsuite's order."""

SWEEP: tuple[str, ...] = tuple(bsuite_id for experiment in EXPERIMENTS.values() for bsuite_id in experiment.ids)
"""All ids, in bsuite's order."""

SETTINGS: Mapping[str, Settings] = MappingProxyType(
    {
        bsuite_id: settings
        for experiment in EXPERIMENTS.values()
        for bsuite_id, settings in zip(experiment.ids, experiment.settings, strict=True)
    }
)
"""What each id sets: the arguments of bsuite's ``load``."""

EPISODES: Mapping[str, int] = MappingProxyType(
    {bsuite_id: experiment.episodes for experiment in EXPERIMENTS.values() for bsuite_id in experiment.ids}
)
"""How many episodes a run of each id has."""

TAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        tag: tuple(bsuite_id for experiment in EXPERIMENTS.values() if tag in experiment.tags for bsuite_id in experiment.ids)
        for tag in ("basic", "noise", "scale", "credit_assignment", "generalization", "exploration", "memory")
    }
)
"""The ids that test each ability."""

TESTING: tuple[str, ...] = tuple(experiment.ids[0] for experiment in EXPERIMENTS.values() if experiment.variant is None)
"""One id of each experiment whose rewards are not changed."""


def select(names: Iterable[str]) -> tuple[str, ...]:
    """Return the ids that names stand for: an id, an experiment, a tag, ``"testing"`` or ``"all"``; in bsuite's order, each once.

    Raises:
        UnknownIdError: a name stands for nothing.
    """
    wanted: set[str] = set()
    for name in names:
        if name in SETTINGS:
            wanted.add(name)
        elif name in EXPERIMENTS:
            wanted.update(EXPERIMENTS[name].ids)
        elif name in TAGS or name in ("testing", "all"):
            wanted.update({"testing": TESTING, "all": SWEEP, **TAGS}[name])
        else:
            raise UnknownIdError(name)
    return tuple(bsuite_id for bsuite_id in SWEEP if bsuite_id in wanted)


class UnknownIdError(JaxenvError, ValueError):
    """A name that stands for none of bsuite's ids."""

    def __init__(self, name: str) -> None:
        experiment, slash, _ = str(name).partition("/")
        if slash and experiment in EXPERIMENTS:
            advice = f"{experiment} has the ids {experiment}/0 to {EXPERIMENTS[experiment].ids[-1]}"
        else:
            near = difflib.get_close_matches(experiment, [*EXPERIMENTS, *TAGS], n=3, cutoff=0.6)
            advice = f"did you mean {', '.join(near)}?" if near else f"the experiments are {', '.join(EXPERIMENTS)}"
        super().__init__(f"{name!r} is none of bsuite's ids, experiments or tags: {advice}. Name one of these.")
