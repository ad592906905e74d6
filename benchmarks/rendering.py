"""Measure drawing: a batch of states of a random policy, compiled once, frames a second from the median run.

python benchmarks/rendering.py                                    # 1,024 CartPoles at 84 x 84
python benchmarks/rendering.py Breakout-MinAtar CartPole-v1 --num-envs 4096 --size 64
"""

import argparse
import statistics
import time

import jax
import jaxenv

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("ids", nargs="*", default=["CartPole-v1"])
parser.add_argument("--num-envs", type=int, default=1024)
parser.add_argument("--size", type=int, default=84)
parser.add_argument("--repeats", type=int, default=20)
given = parser.parse_args()

print(f"{given.num_envs:,} states at {given.size} x {given.size}, JAX {jax.__version__}, {jax.devices()[0].device_kind}")
for env_id in given.ids:
    env, params = jaxenv.make(env_id)
    state = jaxenv.rollout(env, params, None, jax.random.key(0), num_envs=given.num_envs, num_steps=8).state
    started = time.perf_counter()
    draw = jax.jit(jax.vmap(lambda s, p, env=env: env.render(s, p, given.size), in_axes=(0, None))).lower(state, params).compile()
    compile_seconds = time.perf_counter() - started
    draw(state, params).block_until_ready()
    seconds = []
    for _ in range(given.repeats):
        started = time.perf_counter()
        draw(state, params).block_until_ready()
        seconds.append(time.perf_counter() - started)
    print(f"{env_id}: {given.num_envs / statistics.median(seconds):,.0f} frames a second, compiled in {compile_seconds:.2f} s")
