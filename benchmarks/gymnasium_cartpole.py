"""CartPole against Gymnasium's NumPy environment of a whole batch, run by run in turn: ratios of wall time and of CPU time.

    python benchmarks/gymnasium_cartpole.py

On a machine that other programs use as well, the ratio of wall times varies from run to run. That of CPU times varies less.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

import gymnasium
import jax
import jaxenv
import numpy as np

NUM_ENVS, NUM_STEPS, TURNS = 2000, 100, 25


def timed(function: Callable[..., Any], *args: Any) -> tuple[float, float]:
    """Return the wall time and the CPU time of a call, in seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(function(*args))
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure, and print a line."""
    env, params = jaxenv.make("CartPole-v1")
    envs = gymnasium.make_vec("CartPole-v1", num_envs=NUM_ENVS, vectorization_mode="vector_entry_point")
    envs.action_space.seed(0)
    envs.reset(seed=0)

    @jax.jit
    def ours(key: Any) -> Any:
        played = jaxenv.rollout(env, params, None, key, num_envs=NUM_ENVS, num_steps=NUM_STEPS).trajectory
        return played.obs, played.reward, played.done

    def theirs() -> None:
        for _ in range(NUM_STEPS):
            envs.step(envs.action_space.sample())

    keys = jax.random.split(jax.random.key(0), TURNS + 1)
    timed(ours, keys[0])
    timed(theirs)
    load = os.getloadavg()[0]
    turns = [(timed(ours, key), timed(theirs)) for key in keys[1:]]
    wall, cpu = ([theirs[i] / ours[i] for ours, theirs in turns] for i in (0, 1))
    low, _, high = quantiles(wall, n=4)
    print(
        f"jax {jax.__version__}, Gymnasium {gymnasium.__version__}, NumPy {np.__version__}, a load of {load:.1f}: "
        f"wall time {median(wall):.2f}x (quartiles {low:.2f} to {high:.2f}), CPU time {median(cpu):.2f}x"
    )


if __name__ == "__main__":
    main()
