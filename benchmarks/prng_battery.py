"""Feed jaxenv's generator to dieharder, one long stream for each way in which environments use it.

    apt-get install dieharder
    python benchmarks/prng_battery.py --stream bits fold_in --tests all > report.txt

Each test starts a stream of its own, from a key that only this test has, so no test's result leans on another's. dieharder's
verdict is WEAK for p-values beyond 0.5% on either side, which one test in a hundred earns by chance, and FAILED beyond 1e-6.
The exit status is 1 if any test FAILED.
"""

from __future__ import annotations

import argparse
import itertools
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jax import Array
from jaxenv.random import generator

WORDS = 1 << 20
"""Words in one chunk of a stream."""
ENVS = 2048
"""Environments whose draws the stream ``rollout`` interleaves."""

TESTS: dict[str, list[tuple[int, int]]] = {
    "diehard": [(test, 0) for test in (0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 15, 16)],
    "sts": [(100, 0), (101, 0), (102, 0)],
    "rgb": [*((200, n) for n in range(1, 13)), *((201, n) for n in range(2, 6)), *((202, n) for n in range(2, 6)), (204, 0)],
    "dab": [(205, 0), (206, 0), (207, 0), (208, 0), (208, 1), (209, 12)],
    "long": [(17, 0), *((203, lag) for lag in (0, 1, 2, 3, 7, 15, 31))],
}
"""dieharder's tests and their ``-n``, by group: all but those that its manual calls suspect or not to be used.

``long`` takes as long as the others together.
"""


def bits(key: Array, chunk: Array) -> Array:
    """All words of one key, in order."""
    counters = chunk * np.uint32(WORDS // 4) + jnp.arange(WORDS // 4, dtype=jnp.uint32)
    return jnp.stack(generator.block(jax.random.key_data(key), counters, generator.BITS), axis=1)


def fold_in(key: Array, chunk: Array) -> Array:
    """The first word of ``fold_in(key, t)`` for t = 0, 1, 2, ..."""
    return jax.vmap(lambda t: jax.random.bits(jax.random.fold_in(key, t), dtype=jnp.uint32))(_count(chunk, WORDS))


def rollout(key: Array, chunk: Array) -> Array:
    """What environments draw that fold in the time: step by step, environment by environment, four words of a key each."""

    def draw(env_key: Array, t: Array) -> Array:
        return jaxenv.random.words(jax.random.fold_in(env_key, t), 4)

    env_keys = jax.random.split(key, ENVS)
    return jax.vmap(jax.vmap(draw, (0, None)), (None, 0))(env_keys, _count(chunk, WORDS // ENVS // 4))


def split(key: Array, chunk: Array) -> Array:
    """The words of 1,024 children, interleaved: the first of all, the second of all, and so on; then the next children."""
    children = jax.random.split(jax.random.fold_in(key, chunk), 1024)
    return jax.vmap(lambda child: jax.random.bits(child, (WORDS // 1024,), jnp.uint32), out_axes=1)(children)


def seeds(key: Array, chunk: Array) -> Array:
    """The first word of ``key(seed)`` for consecutive seeds."""
    first = jax.random.key_data(key)[0]
    seed = jax.random.key_impl(key)
    return jax.vmap(lambda n: jax.random.bits(jax.random.key(n, impl=seed), dtype=jnp.uint32))(first + _count(chunk, WORDS))


STREAMS: dict[str, Callable[[Array, Array], Array]] = {f.__name__: f for f in (bits, fold_in, rollout, split, seeds)}


def _count(chunk: Array, size: int) -> Array:
    return chunk * np.uint32(size) + jnp.arange(size, dtype=jnp.uint32)


def chunks(stream: Callable[[Array, Array], Array], key: Array) -> Iterator[bytes]:
    """Yield the stream, little-endian; after 2**30 words it goes on from another key."""
    compute = jax.jit(stream)
    for part in itertools.count():
        for chunk in range(2**30 // WORDS):
            yield np.asarray(compute(jax.random.fold_in(key, part), jnp.uint32(chunk))).tobytes()


def run(data: Iterator[bytes], test: int, ntuple: int) -> list[tuple[str, float, str]]:
    """Return the name, p-value and assessment of all results of one of dieharder's tests."""
    command = ["dieharder", "-g", "200", "-d", str(test), "-n", str(ntuple)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        try:
            for part in data:
                process.stdin.write(part)
            process.stdin.close()
        except BrokenPipeError:
            pass
        report = process.stdout.read().decode()
    rows = re.findall(r"^\s*(\S+)\|\s*(\d+)\|[^|]*\|[^|]*\|\s*([\d.]+)\|\s*(\w+)", report, re.MULTILINE)
    return [(f"{name} {n}", float(p), assessment) for name, n, p, assessment in rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stream", nargs="+", choices=STREAMS, default=list(STREAMS))
    parser.add_argument("--tests", nargs="+", choices=[*TESTS, "all"], default=["all"])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    tests = [test for group in (TESTS if "all" in args.tests else args.tests) for test in TESTS[group]]
    verdicts: dict[str, int] = {}
    for name in args.stream:
        for test, ntuple in tests:
            key = jaxenv.random.key(args.seed)
            for number in (list(STREAMS).index(name), test, ntuple):
                key = jax.random.fold_in(key, number)
            start = time.monotonic()
            for row, p_value, assessment in run(chunks(STREAMS[name], key), test, ntuple):
                verdicts[assessment] = verdicts.get(assessment, 0) + 1
                print(f"{name:8} {row:26} p = {p_value:.8f} {assessment:7} {time.monotonic() - start:6.0f} s", flush=True)
    print(", ".join(f"{count} {assessment}" for assessment, count in sorted(verdicts.items())))
    return int("FAILED" in verdicts)


if __name__ == "__main__":
    sys.exit(main())
