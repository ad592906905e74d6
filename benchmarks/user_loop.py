"""The loop that people write: ``jax.vmap(env.step)`` in ``lax.scan``, keys split at every step, the same code for both libraries.

    python benchmarks/user_loop.py [--num-envs 2048] [--num-steps 200] [--ids CartPole-v1 ...] [--json FILE]

Observations, rewards, flags and actions of every step are outputs. A run's time is the median of several; compilation is apart,
from a cleared cache. Rows are in the order of the ids; both libraries take turns within one process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jaxenv

IDS = [
    "CartPole-v1",
    "Pendulum-v1",
    "Acrobot-v1",
    "MountainCar-v0",
    "MountainCarContinuous-v0",
    "Asterix-MinAtar",
    "Breakout-MinAtar",
    "Freeway-MinAtar",
    "SpaceInvaders-MinAtar",
    "Catch-bsuite",
    "DeepSea-bsuite",
    "DiscountingChain-bsuite",
    "MemoryChain-bsuite",
    "UmbrellaChain-bsuite",
    "SimpleBandit-bsuite",
    "FourRooms-misc",
    "MetaMaze-misc",
    "PointRobot-misc",
    "BernoulliBandit-misc",
    "GaussianBandit-misc",
    "Reacher-misc",
    "Swimmer-misc",
    "Pong-misc",
]
"""Those of gymnax that need no data and are the same task in both."""


def loop(env: Any, params: Any, num_envs: int, num_steps: int) -> Callable[[Any], Any]:
    """Return the program, of a key."""
    reset, step = jax.vmap(env.reset, in_axes=(0, None)), jax.vmap(env.step, in_axes=(0, 0, 0, None))
    sample = jax.vmap(env.action_space(params).sample)

    def play(key: Any) -> Any:
        key, key_reset = jax.random.split(key)
        obs, state = reset(jax.random.split(key_reset, num_envs), params)

        def one_step(carry: Any, _: None) -> Any:
            obs, state, key = carry
            key, key_act, key_step = jax.random.split(key, 3)
            action = sample(jax.random.split(key_act, num_envs))
            results = step(jax.random.split(key_step, num_envs), state, action, params)
            next_obs, state, reward = results[:3]
            return (next_obs, state, key), (obs, action, reward, results[3:-1])  # gymnax gives two flags

        _, outputs = jax.lax.scan(one_step, (obs, state, key), None, num_steps)
        return outputs

    return play


class Runner:
    """A compiled loop, and its times."""

    def __init__(self, env: Any, params: Any, num_envs: int, num_steps: int) -> None:
        jax.clear_caches()
        key = jax.random.key(0)
        jax.block_until_ready(key)
        started = time.perf_counter()
        self._run = jax.jit(loop(env, params, num_envs, num_steps)).lower(key).compile()
        self.compile_seconds = time.perf_counter() - started
        self.steps, self.seconds = num_envs * num_steps, list[float]()
        jax.block_until_ready(self._run(key))

    def run(self, number: int) -> None:
        """Run once more."""
        key = jax.block_until_ready(jax.random.key(number))
        started = time.perf_counter()
        jax.block_until_ready(self._run(key))
        self.seconds.append(time.perf_counter() - started)

    @property
    def nanoseconds(self) -> float:
        """Median time of an environment's step."""
        return 1e9 * statistics.median(self.seconds) / self.steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-envs", type=int, default=2048)
    parser.add_argument("--num-steps", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--ids", nargs="*", default=IDS)
    parser.add_argument("--json")
    args = parser.parse_args()
    import gymnax

    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}, {args.num_envs} environments x {args.num_steps} steps")
    print(f"{'id':26}{'jaxenv ns':>10}{'gymnax ns':>11}{'times':>7}{'compile s':>11}{'gymnax s':>10}{'ratio':>7}")
    rows: list[dict[str, Any]] = []
    for env_id in args.ids:
        runners = [Runner(*make(env_id), args.num_envs, args.num_steps) for make in (jaxenv.make, gymnax.make)]
        for number in range(args.repeats):
            for runner in runners:
                runner.run(number)
        ours, theirs = runners
        row = {
            "id": env_id,
            "ns": ours.nanoseconds,
            "gymnax_ns": theirs.nanoseconds,
            "times": theirs.nanoseconds / ours.nanoseconds,
            "compile_s": ours.compile_seconds,
            "gymnax_compile_s": theirs.compile_seconds,
            "compile_ratio": ours.compile_seconds / theirs.compile_seconds,
        }
        rows.append(row)
        print(
            "{id:26}{ns:10.3f}{gymnax_ns:11.3f}{times:7.2f}{compile_s:11.2f}{gymnax_compile_s:10.2f}{compile_ratio:7.2f}".format(
                **row
            ),
            flush=True,
        )
    for name in ("times", "compile_ratio"):
        values = [row[name] for row in rows]
        print(
            f"{name}: geometric mean {statistics.geometric_mean(values):.2f}, least {min(values):.2f}, greatest {max(values):.2f}"
        )
    if args.json:
        with Path(args.json).open("w") as file:
            json.dump({"device": jax.devices()[0].device_kind, "jax": jax.__version__, **vars(args), "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
