"""What only a GPU can show of kernels: one line a check, exit code 1 if one fails.

    python benchmarks/gpu_checks.py [--ids CartPole-v1 ...] [--num-envs 1003] [--num-steps 200]

For every class of environment, with JAX's keys and with jaxenv's:

* ``rollout``: a kernel's rollout and a scan's: executors, integers and flags, and the largest difference of floats;
* ``repeat``: the same kernel twice, bit for bit;
* ``step``: batched steps of a kernel and of XLA from the same states, visited by the rollout: integers and flags bit for bit,
  floats to 1e-6 relative (1e-5 where a step subtracts numbers that are nearly equal).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jaxenv.engine import select


def differences(a: Any, b: Any) -> tuple[int, float]:
    """Return how many integers and flags differ, and the largest relative difference of floats (absolute below 1)."""
    wrong, largest = 0, 0.0
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            x, y = jax.random.key_data(x), jax.random.key_data(y)
        x, y = np.asarray(x), np.asarray(y)
        if x.shape != y.shape or x.dtype != y.dtype:
            return 10**9, np.inf
        if x.dtype.kind != "f":
            wrong += int((x != y).sum())
        elif x.size:
            same = (x == y) | (np.isnan(x) & np.isnan(y))
            with np.errstate(invalid="ignore"):
                distance = np.where(same, 0.0, np.abs(x - y) / np.maximum(1.0, np.abs(y)))
            largest = max(largest, float(np.nan_to_num(distance, nan=np.inf).max()))
    return wrong, largest


def with_engine(setting: str, function: Any, *args: Any) -> Any:
    """Call a function while an engine is chosen, traced anew."""
    os.environ["JAXENV_ENGINE"] = setting
    jax.clear_caches()
    try:
        return jax.block_until_ready(jax.jit(function)(*args))
    finally:
        os.environ["JAXENV_ENGINE"] = "auto"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", nargs="*")
    parser.add_argument("--num-envs", type=int, default=1003)
    parser.add_argument("--num-steps", type=int, default=200)
    args = parser.parse_args()
    print("engine:", select.describe())
    specs = list({spec.entry_point: spec for spec in reversed(jaxenv.registered_envs())}.values())[::-1]
    failed = 0
    for spec in specs:
        if args.ids and spec.name not in args.ids:
            continue
        try:
            env, params = jaxenv.make(spec)
        except FileNotFoundError as error:
            print(f"skip  {spec.id}: {str(error)[:80]}")
            continue
        for make_key in (jax.random.key, jaxenv.random.key):
            key, sizes = make_key(1), {"num_envs": args.num_envs, "num_steps": args.num_steps}
            started = time.perf_counter()
            kernel = jax.block_until_ready(jaxenv.rollout(env, params, None, key, keep_states=True, **sizes))
            seconds = time.perf_counter() - started
            again = jaxenv.rollout(env, params, None, key, keep_states=True, **sizes)
            scan = jaxenv.rollout(env, params, None, key, keep_states=True, fused=False, **sizes)
            wrong, largest = differences(kernel.trajectory, scan.trajectory)
            repeated = differences(kernel.trajectory, again.trajectory) == (0, 0.0)
            # A few times, all environments: the states before, and the actions, of the kernel's rollout.
            at = jnp.arange(0, args.num_steps, max(1, args.num_steps // 8))
            every = len(at) * args.num_envs
            visited = kernel.trajectory.state, kernel.trajectory.action
            states, actions = jax.tree.map(lambda x, at=at, every=every: x[at].reshape(every, *x.shape[2:]), visited)
            keys = jax.random.split(make_key(2), every)

            def steps(keys: Any, states: Any, actions: Any, params: Any, env: Any = env) -> Any:
                return jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, states, actions, params)

            one, other = (with_engine(name, steps, keys, states, actions, params) for name in ("auto", "scan"))
            step_wrong, step_largest = differences(one, other)
            fine = kernel.executor == "kernel" and repeated and step_wrong == 0 and step_largest <= 1e-5
            failed += not fine
            print(
                f"{'ok   ' if fine else 'WRONG'} {spec.id} {key.dtype}: {kernel.executor} {kernel.reason}, "
                f"first call {seconds:.2f} s; rollout: {wrong} integers or flags differ, floats by {largest:.1e}; "
                f"repeat {'equal' if repeated else 'DIFFERS'}; step: {step_wrong} and {step_largest:.1e}",
                flush=True,
            )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
