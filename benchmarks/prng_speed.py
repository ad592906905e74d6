"""Time the random numbers of a rollout alone: for each step and environment ``fold_in(env_key, t)``, then n words.

    python benchmarks/prng_speed.py

Every word goes to a sum of its own, as the draws of an environment go to parts of its state, or all go to one sum.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import jaxenv
from jax import Array

Words = Callable[[Array, int], Array]
FoldIn = Callable[[Array, Array], Array]


def jax_words(key: Array, count: int) -> Array:
    return jax.random.bits(key, (count,), jnp.uint32)


def jax_halves(key: Array, count: int) -> Array:
    """The two words of each block, by JAX's own code."""
    return jax.random.key_data(jax.random.split(key, -(-count // 2))).ravel()[:count]


ROUTES: dict[str, tuple[Callable[[int], Array], FoldIn, Words]] = {
    "jax.random.key, jax.random": (jax.random.key, jax.random.fold_in, jax_words),
    "jax.random.key, words from jax.random.split": (jax.random.key, jax.random.fold_in, jax_halves),
    "jax.random.key, jaxenv.random": (jax.random.key, jaxenv.random.fold_in, jaxenv.random.words),
    "jaxenv.random.key, jax.random": (jaxenv.random.key, jax.random.fold_in, jax_words),
    "jaxenv.random.key, jaxenv.random": (jaxenv.random.key, jaxenv.random.fold_in, jaxenv.random.words),
}


def nanoseconds(route: str, count: int, *, spread: bool, num_envs: int, num_steps: int, repeats: int) -> tuple[float, float]:
    """Return the nanoseconds of one environment's step, the best of ``repeats``, and the seconds of compilation."""
    make, fold_in, words = ROUTES[route]

    def step(sums: Array, key: Array, time: Array) -> Array:
        drawn = [jaxenv.random.uniform(word) for word in words(fold_in(key, time), count)]
        return tuple(map(jnp.add, sums, drawn)) if spread else (sum(drawn, start=sums[0]),)

    @jax.jit
    def rollout(keys: Array) -> Array:
        sums = tuple(jnp.zeros(num_envs) for _ in range(count if spread else 1))
        times = jnp.arange(num_steps, dtype=jnp.uint32)
        return jax.lax.scan(lambda sums, time: (jax.vmap(step, (0, 0, None))(sums, keys, time), None), sums, times)[0]

    keys = jax.random.split(make(0), num_envs)
    start = time.perf_counter()
    run = rollout.lower(keys).compile()
    compilation, best = time.perf_counter() - start, float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(run(keys))
        best = min(best, time.perf_counter() - start)
    return best / (num_envs * num_steps) * 1e9, compilation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num-envs", type=int, default=2000)
    parser.add_argument("--num-steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=100)
    args = parser.parse_args()
    counts = range(1, 9)
    for spread in (False, True):
        print(f"\n{'each word to its own sum' if spread else 'all words to one sum'}, ns a step (compilation in s)\n")
        print("|", " | ".join(["key, functions", *map(str, counts)]), "|")
        print("|", " | ".join(["---"] * (len(counts) + 1)), "|")
        for route in ROUTES:
            cells = ("{:.1f} ({:.2f})".format(*nanoseconds(route, count, spread=spread, **vars(args))) for count in counts)
            print("|", " | ".join([route, *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
