"""How good the best possible agent is: optimal expected undiscounted returns, computed from the environments themselves.

>>> from jaxenv_baselines.optimal import optimal
>>> best = optimal("FrozenLake-misc")
>>> round(best.value, 4), best.kind
(0.7442, 'exact')
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxenv import Environment, make
from jaxenv.wrappers import RewardNoise, ScaleReward

from jaxenv_baselines.optimal import bandits, chances, grids, tabular
from jaxenv_baselines.optimal.errors import NoOptimumError
from jaxenv_baselines.optimal.tabular import Chances, Outcome

Kind = Literal["exact", "bound", "achieved"]


@dataclass(frozen=True)
class Optimum:
    """The largest expected undiscounted return of an episode, or what is known of it."""

    value: float
    """The return."""
    kind: Kind
    """``"exact"``: no agent is better, and one is as good. ``"bound"``: no agent is better. ``"achieved"``: an agent that plays a
    policy computed on a grid earned it, so the optimum is at least this, up to ``sem``."""
    method: str
    """How it was computed."""
    note: str = ""
    """What else to know."""
    sem: float = 0.0
    """Standard error of ``value``, where episodes were played."""
    steps: float | None = None
    """Expected length of an episode of the quickest policy, where being quick is the task; else None."""


def optimal(env: str | Environment[Any, Any], params: Any = None) -> Optimum:
    """Return the optimum of a task, computed for the very params that are given.

    Args:
        env: an id, as ``jaxenv.make`` takes it, or an environment, alone or within ``ScaleReward`` and ``RewardNoise``.
        params: its parameters; None means ``default_params``.

    Raises:
        NoOptimumError: nobody has written how to compute it.
        EndlessTaskError: the task has no time limit and needs one.
        UnknownEnvError: no installed plugin has this id.
    """
    if isinstance(env, str):
        env, made = make(env)
        params = made if params is None else params
    params = env.default_params if params is None else env.lift(params)
    if isinstance(env, ScaleReward):
        if float(params.scale) < 0.0:
            raise NoOptimumError(env.name, "ScaleReward with a negative scale")
        inner = optimal(env.env, env.inner_params(params))
        scale = float(params.scale)
        return replace(inner, value=scale * inner.value, sem=scale * inner.sem, note=_and(inner.note, f"rewards times {scale:g}"))
    if isinstance(env, RewardNoise):
        inner = optimal(env.env, env.inner_params(params))
        return replace(inner, note=_and(inner.note, "the noise of the rewards has the mean 0"))
    if env.unwrapped is not env:
        raise NoOptimumError(env.unwrapped.name, type(env).__name__)
    task = f"{type(env).__module__}:{type(env).__qualname__}"
    if task not in METHODS:
        raise NoOptimumError(env.name)
    return METHODS[task](env, params)


def _and(note: str, more: str) -> str:
    return f"{note}; {more}" if note else more


def _table(describe: Callable[[Any, Any], Chances], note: str = "") -> Callable[[Any, Any], Optimum]:
    """Return a method that enumerates states."""

    def method(env: Any, params: Any) -> Optimum:
        table = tabular.tabulate(env, params, describe(env, params))
        return Optimum(table.value(), "exact", f"dynamic programming over {table.num_states:,} states", note)

    return method


def _four_rooms(env: Any, params: Any) -> Optimum:
    told = chances.four_rooms(env, params)
    table = tabular.tabulate(env, params, told)
    steps = float(table.first_probability @ tabular.fewest_steps(table, env.name))
    note = f"the quickest policy needs {steps:.3f} steps on average, without the time limit"
    return Optimum(table.value(), "exact", f"dynamic programming over {table.num_states:,} states", note, steps=steps)


def _bernoulli_bandit(env: Any, params: Any) -> Optimum:
    return Optimum(bandits.bernoulli(env, params), "exact", "dynamic programming over a player's beliefs")


def _gaussian_bandit(env: Any, params: Any) -> Optimum:
    fine, coarse = (bandits.gaussian(env, params, spacing) for spacing in (1 / 2000, 1 / 1000))
    note = f"a grid of half the points gives {coarse - fine:.1e} more"
    return Optimum(fine, "exact", "dynamic programming over a player's beliefs, on a grid", note)


def _cartpole(env: Any, params: Any) -> Optimum:
    del env
    return Optimum(float(params.max_steps_in_episode), "bound", "each step earns 1, and there are no more than the time limit")


def _bsuite_cartpole(env: Any, params: Any) -> Optimum:
    begun = env.state_shapes(params).replace(time=np.arange(math.ceil(1.01 * env.max_time / env.timescale) + 2))
    steps = 1 + int(np.argmax(env.time_is_up(begun)))
    return Optimum(float(steps), "bound", "each step earns at most 1, and time is up after so many")


def _on_grid(solve: Callable[[Any, Any], grids.Played]) -> Callable[[Any, Any], Optimum]:
    """Return a method that plays a policy computed on a grid."""

    def method(env: Any, params: Any) -> Optimum:
        played = solve(env, params)
        note = f"mean of {len(played.returns):,} episodes"
        return Optimum(float(played.returns.mean()), "achieved", played.method, note, sem=_sem(played.returns))

    return method


def _sem(returns: Any) -> float:
    return float(np.std(returns, ddof=1) / np.sqrt(len(returns)))


METHODS: dict[str, Callable[[Any, Any], Optimum]] = {
    "jaxenv_misc.frozen_lake:FrozenLake": _table(chances.frozen_lake),
    "jaxenv_misc.four_rooms:FourRooms": _four_rooms,
    "jaxenv_misc.bernoulli_bandit:BernoulliBandit": _bernoulli_bandit,
    "jaxenv_misc.gaussian_bandit:GaussianBandit": _gaussian_bandit,
    "jaxenv_bsuite.bandit:SimpleBandit": _table(chances.none),
    "jaxenv_bsuite.cartpole:Cartpole": _bsuite_cartpole,
    "jaxenv_bsuite.catch:Catch": _table(chances.catch),
    "jaxenv_bsuite.deep_sea:DeepSea": _table(chances.deep_sea),
    "jaxenv_bsuite.discounting_chain:DiscountingChain": _table(chances.none),
    "jaxenv_bsuite.memory_chain:MemoryChain": _table(chances.memory_chain, "of an agent that remembers what it saw"),
    "jaxenv_bsuite.umbrella_chain:UmbrellaChain": _table(chances.umbrella_chain),
    "jaxenv_bsuite.mountain_car:MountainCar": _on_grid(grids.mountain_car),
    "jaxenv_classic.cartpole:CartPole": _cartpole,
    "jaxenv_classic.mountain_car:MountainCar": _on_grid(grids.mountain_car),
    "jaxenv_classic.mountain_car_continuous:MountainCarContinuous": _on_grid(grids.mountain_car_continuous),
    "jaxenv_classic.pendulum:Pendulum": _on_grid(grids.pendulum),
}
"""For each environment, as ``"module:Class"``, how its optimum is computed. No environment is imported before it is asked for."""

__all__ = ["METHODS", "Chances", "Kind", "NoOptimumError", "Optimum", "Outcome", "optimal"]
