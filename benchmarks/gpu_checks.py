"""What only a GPU can show of kernels: one line a check, exit code 1 if one fails.

    python benchmarks/gpu_checks.py [--ids CartPole-v1 ...] [--num-envs 1003] [--num-steps 200]
    python benchmarks/gpu_checks.py --networks

For every class of environment, with JAX's keys and with jaxenv's:

* ``rollout``: a kernel's rollout and a scan's: executors, integers and flags, and the largest difference of floats;
* ``repeat``: the same kernel twice, bit for bit;
* ``step``: batched steps of a kernel and of XLA from the same states, visited by the rollout: integers and flags bit for bit,
  floats to 1e-6 relative (1e-5 where a step subtracts numbers that are nearly equal).

With ``--networks``, for the environments of ``NETWORKS``, a deterministic policy of two layers, or with a GRU:

* ``actions``: how many of them a kernel and a scan choose differently, and the largest difference of floats up to the first;
* ``evaluate``: the mean return and length of whole episodes, by a kernel and by a scan; ``population``: of each of 5 members.
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


NETWORKS = {
    "CartPole-v1": False,
    "Acrobot-v1": False,
    "Pendulum-v1": False,
    "Catch-bsuite": False,
    "FourRooms-misc": False,
    "Breakout-MinAtar": False,
    "SpaceInvaders-MinAtar": False,
    "MemoryChain-bsuite": True,
    "MetaMaze-misc": True,
}
"""Environments that networks are checked in, and whether the network has a memory."""


def network(env: Any, params: Any, recurrent: bool, width: int = 32) -> tuple[Any, Any, Any]:
    """Return a deterministic policy for an environment, random weights for it, and its initial carry."""
    size = env.observation_space(params).flatten(env.reset(jax.random.key(0), params)[0]).size
    discrete = hasattr(env, "num_actions")
    outputs = env.num_actions if discrete else 1
    keys = iter(jax.random.split(jax.random.key(3), 8))

    def dense(inputs: int, outputs: int) -> jax.Array:
        return jax.random.normal(next(keys), (inputs, outputs)) / np.sqrt(inputs)

    weights = {"in": dense(size, width), "out": dense(width, outputs)}
    weights |= {name: dense(width, width) for name in ("update", "update_h", "new", "new_h")}

    def act(x: jax.Array) -> jax.Array:
        return jnp.argmax(x) if discrete else 2.0 * jnp.tanh(x)

    def feed_forward(weights: Any, obs: Any, _key: Any) -> jax.Array:
        x = jnp.tanh(obs.reshape(-1).astype(jnp.float32) @ weights["in"])
        return act(jnp.tanh(x @ weights["new"]) @ weights["out"])

    def gated(weights: Any, carry: Any, obs: Any, _key: Any) -> tuple[jax.Array, jax.Array]:
        x = jnp.tanh(obs.reshape(-1).astype(jnp.float32) @ weights["in"])
        gate = jax.nn.sigmoid(x @ weights["update"] + carry @ weights["update_h"])
        carry = gate * carry + (1.0 - gate) * jnp.tanh(x @ weights["new"] + carry @ weights["new_h"])
        return carry, act(carry @ weights["out"])

    return (gated, weights, jnp.zeros(width)) if recurrent else (feed_forward, weights, None)


def check_networks(ids: list[str], num_envs: int, num_steps: int) -> int:
    """Print a line for each environment; return how many are wrong."""
    failed = 0
    for env_id in ids:
        env, params = jaxenv.make(env_id)
        policy, weights, carry = network(env, params, NETWORKS[env_id])
        options = {"policy_params": weights, "initial_carry": carry}
        sizes = {"num_envs": num_envs, "num_steps": num_steps}
        kernel, scan = (
            jaxenv.rollout(env, params, policy, jax.random.key(1), fused=fused, **sizes, **options) for fused in (True, False)
        )
        done = (np.asarray(kernel.trajectory.action) != np.asarray(scan.trajectory.action)).reshape(num_steps, num_envs, -1).any(-1)
        before = np.cumsum(done, axis=0) == 0  # steps of an environment before its first action that differs
        largest = differences(*(jax.tree.map(lambda x, before=before: x[before], t.trajectory.obs) for t in (kernel, scan)))[1]
        members = jax.tree.map(lambda leaf: jnp.stack([leaf * (1.0 - 0.1 * i) for i in range(5)]), weights)
        population = options | {"policy_params": members, "policy_params_axis": 0}
        differs = 0.0
        for choice in (options, population):
            results = [
                jaxenv.evaluate(env, params, policy, jax.random.key(2), num_episodes=64, max_steps=200, fused=fused, **choice)
                for fused in (True, False)
            ]
            means = [np.asarray(jnp.stack([x.returns.mean(-1), x.lengths.mean(-1)])) for x in results]
            differs = max(differs, float(np.max(np.abs(means[0] - means[1]) / (1.0 + np.abs(means[1])))))
        discrete = np.issubdtype(kernel.trajectory.action.dtype, np.integer)
        fine = kernel.executor == "kernel" and (done.mean() < 1e-2 or not discrete) and differs < 0.05
        failed += not fine
        print(
            f"{'ok   ' if fine else 'WRONG'} {env_id}: {kernel.executor}; {done.mean():.1e} of actions differ, floats before by "
            f"{largest:.1e}; evaluate and its population: means differ by {differs:.1e} relatively",
            flush=True,
        )
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", nargs="*")
    parser.add_argument("--num-envs", type=int, default=1003)
    parser.add_argument("--num-steps", type=int, default=200)
    parser.add_argument("--networks", action="store_true")
    args = parser.parse_args()
    print("engine:", select.describe())
    if args.networks:
        jax.config.update("jax_default_matmul_precision", "float32")  # what kernels compute in; a GPU's default is tf32
        sys.exit(bool(check_networks(args.ids or list(NETWORKS), args.num_envs, args.num_steps)))
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
