"""Measure vector environments that are stepped from Python: jaxenv's behind Gymnasium's interface, Gymnasium's own, and a scan.

    python benchmarks/vector_env.py
    python benchmarks/vector_env.py --inline --num-envs 2048

Turns are short and in random order, in one process. Each line has the speed of the median turn, and of the tenth percentile of
turns, which other work on the machine disturbs least. All play the same random actions. ``scan`` is the program of
``GymnasiumVectorEnv`` in ``lax.scan`` under ``jax.jit``, with observations, rewards and flags of every step as outputs.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import jax
import numpy as np
from jaxenv.adapters.gymnasium import gymnasium_id


def loop(envs: Any, actions: Any) -> Callable[[], None]:
    """Return a function that takes a step with each of the actions."""
    envs.reset(seed=0)

    def run() -> None:
        for action in actions:
            out = envs.step(action)
        jax.block_until_ready(out[0])

    return run


def single(env: Any, actions: Any) -> Callable[[], None]:
    """Return a function that plays one environment, and resets it where an episode ended."""
    env.reset(seed=0)

    def run() -> None:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return run


def scan(envs: Any, actions: np.ndarray) -> Callable[[], None]:
    """Return a function that takes all steps in one compiled call."""
    envs.reset(seed=0)
    batch = envs._batch
    program, stacked = batch._program, jax.numpy.asarray(actions)

    @jax.jit
    def play(keys: Any, buffers: Any, actions: Any, params: Any) -> Any:
        given = program.params.unpack(params)

        def one(sub_envs: Any, action: Any) -> Any:
            step, sub_envs = program._stepped(True, keys, sub_envs, action, given)
            return sub_envs, (step.obs, step.reward, step.terminated, step.truncated)

        return jax.lax.scan(one, program.layout.unpack(buffers)[1], actions)

    return lambda: jax.block_until_ready(play(batch._keys, batch._buffers, stacked, batch._packed_params))


def measure(env: str, num_envs: int, turns: int, num_steps: int) -> dict[str, dict[str, float]]:
    """Return millions of steps a second, by what was measured: of the median turn and of the fast ones."""

    def make(**settings: Any) -> Any:
        return gymnasium.make_vec(gymnasium_id(env), num_envs, **settings)

    ours = make()
    ours.action_space.seed(0)
    actions = np.stack([ours.action_space.sample() for _ in range(num_steps)])
    runs: dict[str, tuple[int, Callable[[], None]]] = {
        "jaxenv": (num_envs, loop(ours, actions)),
        "jaxenv, copy=False": (num_envs, loop(make(copy=False), actions)),
        "jaxenv, to_numpy=False": (num_envs, loop(make(to_numpy=False), actions)),
        "scan": (num_envs, scan(make().unwrapped, actions)),
        "one of Gymnasium": (1, single(gymnasium.make(env, disable_env_checker=True), actions[:, 0])),
    }
    if gymnasium.spec(env).vector_entry_point:
        theirs = gymnasium.make_vec(env, num_envs, vectorization_mode="vector_entry_point")
        runs["Gymnasium, vector_entry_point"] = (num_envs, loop(theirs, actions))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _, run in runs.values():
        run()
    for _ in range(turns):
        for name, (_, run) in random.sample(sorted(runs.items()), len(runs)):
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {
        name: {label: size * num_steps / np.quantile(seconds[name], part) / 1e6 for label, part in (("median", 0.5), ("fast", 0.1))}
        for name, (size, _) in runs.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", nargs="+", default=["CartPole-v1"], help="ids that both libraries have")
    parser.add_argument("--num-envs", type=int, nargs="+", default=[8, 256, 2048])
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--steps", type=int, default=40, help="steps in a turn")
    parser.add_argument("--json", type=Path, help="a file to write the figures to")
    parser.add_argument("--inline", action="store_true", help="compute in the thread that calls: jax_cpu_enable_async_dispatch off")
    given = parser.parse_args()
    jax.config.update("jax_cpu_enable_async_dispatch", not given.inline)
    found: list[dict[str, Any]] = []
    for env in given.env:
        for num_envs in given.num_envs:
            figures = measure(env, num_envs, given.turns, given.steps)
            found.append({"env": env, "num_envs": num_envs, "million_steps_per_second": figures})
            theirs = figures.get("Gymnasium, vector_entry_point", figures["one of Gymnasium"])
            for name, speeds in figures.items():
                scanned = figures["scan"]
                columns = (
                    f"{label} {speed:7.3f} M/s, {speed / theirs[label]:5.2f} of theirs, {speed / scanned[label]:4.2f} of the scan;"
                    for label, speed in speeds.items()
                )
                print(f"{env} {num_envs:5} {name:30}", *columns, flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
