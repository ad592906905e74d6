"""Fidelity reports for classic control: single steps against installed Gymnasium, from injected states."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxenv import Environment, make
from jaxenv.registry.spec import EnvSpec
from jaxenv.testing.fidelity import FidelityReport, Quantity

FLOAT32_TOLERANCE, FLOAT64_TOLERANCE = 1e-5, 1e-10


class ComparisonSetup(NamedTuple):
    """How one environment's state and actions are written down for the reference."""

    fields: tuple[str, ...]
    """State fields in the order of the reference's ``state`` array."""
    low: tuple[float, ...]
    """Lower corner of the box that states are drawn from; wide enough to reach walls, limits and goals."""
    high: tuple[float, ...]
    """Its upper corner."""
    angles: tuple[int, ...] = ()
    """Indices of angles, compared modulo a full turn."""
    action: Callable[[np.random.Generator, int], np.ndarray] = lambda rng, n: rng.integers(0, 2, n)
    """Draws ``n`` actions, some of them outside the bounds where the task clips."""


SETUPS = {
    "CartPole": ComparisonSetup(("x", "x_dot", "theta", "theta_dot"), (-2.5, -3.0, -0.22, -3.0), (2.5, 3.0, 0.22, 3.0)),
    "Pendulum": ComparisonSetup(
        ("theta", "theta_dot"), (-10.0, -8.0), (10.0, 8.0), (), lambda rng, n: rng.uniform(-3, 3, (n, 1)).astype(np.float32)
    ),
    "Acrobot": ComparisonSetup(
        ("theta1", "theta2", "dtheta1", "dtheta2"),
        # A Runge-Kutta step of 0.2 s amplifies rounding too much for float32 near the speed limits, 4 pi and 9 pi.
        (-np.pi, -np.pi, -3.0, -5.0),
        (np.pi, np.pi, 3.0, 5.0),
        (0, 1),
        lambda rng, n: rng.integers(0, 3, n),
    ),
    "MountainCar": ComparisonSetup(("position", "velocity"), (-1.2, -0.07), (0.6, 0.07), (), lambda rng, n: rng.integers(0, 3, n)),
    "MountainCarContinuous": ComparisonSetup(
        ("position", "velocity"), (-1.2, -0.07), (0.6, 0.07), (), lambda rng, n: rng.uniform(-1.5, 1.5, (n, 1)).astype(np.float32)
    ),
}


def compare_with_reference(spec: EnvSpec, *, transitions: int, seed: int) -> FidelityReport:
    """Compare ``transitions`` single steps of a registered environment with Gymnasium's environment of the same name."""
    import gymnasium

    env, params = make(spec)
    return compare(spec.id, env, params, gymnasium.make(spec.name), transitions=transitions, seed=seed)


def compare(env_id: str, env: Environment[Any, Any], params: Any, reference: Any, *, transitions: int, seed: int) -> FidelityReport:
    """Step both sides from the same states with the same actions and compare all that can be observed.

    Args:
        env_id: the id to report.
        env: our environment.
        params: its parameters.
        reference: Gymnasium's environment with the same settings.
        transitions: how many states to draw.
        seed: of the states and actions.
    """
    setup = SETUPS[env.name]
    rng = np.random.default_rng(seed)
    start = rng.uniform(setup.low, setup.high, (transitions, len(setup.fields)))
    action = setup.action(rng, transitions)
    ours = _our_step(env, params, setup, start, action)
    # The reference starts from the very numbers that ours held, float32 or float64.
    theirs = _their_step(reference.unwrapped, ours["start"], action)
    x64 = ours["start"].dtype == np.float64
    tolerance = FLOAT64_TOLERANCE if x64 else FLOAT32_TOLERANCE
    if theirs["state"].dtype == np.float32:
        ours["state"] = ours["state"].astype(np.float32)
    difference = {name: _difference(ours[name], theirs[name]) for name in ("state", "obs", "reward", "terminated")}
    for index in setup.angles:
        turns = difference["state"][:, index]
        difference["state"][:, index] = np.minimum(turns, np.abs(2 * np.pi - turns))
    quantities = (
        *(
            Quantity(f"state.{name}", transitions, float(difference["state"][:, i].max()), tolerance)
            for i, name in enumerate(setup.fields)
        ),
        Quantity("observation", transitions, float(difference["obs"].max()), tolerance),
        Quantity("reward", transitions, float(difference["reward"].max()), tolerance),
        Quantity("terminated", transitions, float(difference["terminated"].sum()), 0.0),
    )
    return FidelityReport(
        env_id=env_id,
        reference="gymnasium",
        reference_version=importlib.metadata.version("gymnasium"),
        transitions=transitions,
        episodes=int(theirs["terminated"].sum()),
        quantities=quantities,
        notes=(f"single steps in {'float64' if x64 else 'float32'} from states drawn uniformly from the whole state space",),
    )


def _difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.abs(ours.astype(np.float64) - theirs.astype(np.float64))


def _our_step(
    env: Environment[Any, Any], params: Any, setup: ComparisonSetup, start: np.ndarray, action: np.ndarray
) -> dict[str, np.ndarray]:
    key = jax.random.key(0)
    _, state = env.reset(key, params)
    dtype = np.dtype(getattr(state, setup.fields[0]).dtype)
    start = start.astype(dtype)

    @jax.jit
    @jax.vmap
    def step(row: Any, act: Any) -> tuple[Any, ...]:
        placed = state.replace(**dict(zip(setup.fields, row, strict=True)))
        obs, after, reward, _, info = env.step_env(key, placed, act, params)
        return [getattr(after, name) for name in setup.fields], obs, reward, info["terminated"]

    after, obs, reward, terminated = step(start, action)
    return {
        "start": start,
        "state": np.stack([np.asarray(x) for x in after], axis=1),
        "obs": np.asarray(obs),
        "reward": np.asarray(reward),
        "terminated": np.asarray(terminated),
    }


def _their_step(reference: Any, start: np.ndarray, action: np.ndarray) -> dict[str, np.ndarray]:
    reference.reset(seed=0)
    results: list[tuple[Any, ...]] = []
    for row, act in zip(start.astype(np.float64), action, strict=True):
        reference.state = row.copy()
        # CartPole warns about, and changes the reward of, steps after a termination; every injected state is a fresh one.
        reference.steps_beyond_terminated = None
        # As float64: NumPy would otherwise do part of the reference's arithmetic in float32.
        obs, reward, terminated, _, _ = reference.step(act.astype(np.float64) if act.dtype == np.float32 else act)
        results.append((np.asarray(reference.state), obs, np.float32(reward), terminated))
    states, observations, rewards, flags = zip(*results, strict=True)
    return {"state": np.stack(states), "obs": np.stack(observations), "reward": np.stack(rewards), "terminated": np.array(flags)}
