"""The environments of this package, as data: ten tasks and bsuite's 468 ids. Imports no environment and no JAX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jaxenv.hookspecs import hookimpl
from jaxenv.registry.spec import Command, EnvSpec

from jaxenv_bsuite.seeding import bonus_arm, reward_ranks
from jaxenv_bsuite.sweep import EXPERIMENTS, Experiment, Settings

_SOURCE = "Osband et al. 2019; bsuite 0.3.6"
_ORACLE = "jaxenv_bsuite.oracle:certify"

TASKS = {
    "SimpleBandit": ("bandit", "Find the best of eleven arms."),
    "Catch": ("catch", "Catch a falling ball with a paddle."),
    "Cartpole": ("cartpole", "Balance a pole on a cart for ten seconds."),
    "CartpoleSwingup": ("cartpole_swingup", "Swing a pole up and hold it in a narrow place; pushes cost."),
    "DeepSea": ("deep_sea", "Dive to a treasure that only one sequence of moves reaches."),
    "DiscountingChain": ("discounting_chain", "Choose between rewards that come sooner or later."),
    "MemoryChain": ("memory_chain", "Recall one of some bits after a while."),
    "UmbrellaChain": ("umbrella_chain", "Decide once; only the last of many noisy rewards says whether it was right."),
    "MNISTBandit": ("mnist_bandit", "Classify handwritten digits from rewards alone."),
    "MountainCar": ("mountain_car", "Drive an underpowered car out of a valley."),
}
"""Every class: its module, and what its task is."""

GYMNAX = {
    "Catch": "an episode ends after 1,000 steps",
    "DeepSea": "another mapping of the actions, drawn anew",
    "DiscountingChain": "no bonus for seeds above 4",
    "MemoryChain": "an episode ends after 1,000 steps",
    "SimpleBandit": "rewards are drawn anew at every reset",
    "UmbrellaChain": "an episode ends after 100 steps",
}
"""Where gymnax's task of the same name differs."""


def _task_specs() -> Iterator[EnvSpec]:
    for name, (module, summary) in TASKS.items():
        counterparts = {"gymnax": (f"{name}-bsuite", GYMNAX[name])} if name in GYMNAX else {}
        if name == "Catch":
            counterparts["envpool"] = ("Catch-v0", "")
        yield EnvSpec(
            f"{name}-bsuite",
            f"jaxenv_bsuite.{module}:{name}",
            summary=summary,
            reference=_SOURCE,
            oracle=_ORACLE,
            group="bsuite",
            counterparts=counterparts,
        )


def _id_specs(experiment: Experiment) -> Iterator[EnvSpec]:
    name = experiment.environment
    module, summary = TASKS[name]
    entry_point = f"jaxenv_bsuite.wrapped:{name}_{experiment.variant}" if experiment.variant else f"jaxenv_bsuite.{module}:{name}"
    for bsuite_id, settings in zip(experiment.ids, experiment.settings, strict=True):
        kwargs, params = _translated(experiment, settings)
        yield EnvSpec(
            bsuite_id, entry_point, kwargs, params, summary, reference=_SOURCE, oracle=_ORACLE, group=f"bsuite {experiment.name}"
        )


def _translated(experiment: Experiment, settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an id's settings as fields of its environment, and as leaves of its params.

    What changes no shape is a param, made here from its seed where it has one: so the ids of an experiment share one
    environment, hence one compilation, and their params stack.
    """
    scale = {} if experiment.variant is None else {"scale": settings.get("noise_scale", settings.get("reward_scale"))}
    match experiment.environment:
        case "SimpleBandit":
            return {}, {"ranks": reward_ranks(11, settings["mapping_seed"]).tolist(), **scale}
        case "DiscountingChain":
            return {}, {"bonus_arm": bonus_arm(settings["mapping_seed"])}
        case "CartpoleSwingup":
            return {}, dict(settings)
        case "DeepSea":
            return {**settings, "deterministic": experiment.name == "deep_sea"}, {}
        case "MemoryChain":
            return {"num_bits": settings.get("num_bits", 1)}, {"memory_length": settings.get("memory_length", 2)}
        case "UmbrellaChain":
            return {"n_distractor": settings["n_distractor"]}, {"chain_length": settings.get("chain_length", 20)}
        case _:
            return {}, scale


@hookimpl
def jaxenv_envs() -> Iterable[EnvSpec]:
    """Return the specs of the ten tasks and of all ids."""
    return [*_task_specs(), *(spec for experiment in EXPERIMENTS.values() for spec in _id_specs(experiment))]


@hookimpl
def jaxenv_commands() -> Iterable[Command]:
    """Return ``jaxenv bsuite``."""
    return [Command("bsuite", "jaxenv_bsuite.commands:app", help="Run bsuite's experiments and compute their scores.")]
