"""A key of ``jaxenv.random`` in another process, with other devices and types, draws the same."""

import json
import os
import pickle
import subprocess
import sys

import jax
from jaxenv import random

PROCESS = """
import jax, json, pickle, sys
import jaxenv.random
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized()
key = pickle.loads(bytes.fromhex(sys.argv[1]))
from jax.sharding import NamedSharding, PartitionSpec as P

mesh = jax.make_mesh((8,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
sharding = NamedSharding(mesh, P("i"))
assert len(jax.devices()) == 8

def draw(key):
    return jax.random.bits(jax.random.fold_in(key, 3), (5,), "uint32")

keys = jax.device_put(jax.random.split(key, 16), sharding)
mapped = jax.jit(jax.shard_map(jax.vmap(draw), mesh=mesh, in_specs=P("i"), out_specs=P("i")))(keys)
large = jax.jit(lambda key: jax.random.bits(key, (64, 6), "uint32"), out_shardings=sharding)(key)
words = jax.jit(lambda key: jaxenv.random.words(key, 64), out_shardings=sharding)
print(json.dumps({
    "key": jax.random.key_data(key).tolist(),
    "vmap": jax.jit(jax.vmap(draw))(keys).tolist(),
    "shard_map": mapped.tolist(),
    "sharded": large.tolist(),
    "words": words(key).tolist(),
    "threefry words": words(jax.random.key(5)).tolist(),
    "seed": jax.random.key_data(jaxenv.random.key(-3)).tolist(),
    "permutation": jax.random.permutation(key, 50).tolist(),
}))
"""


def test_another_process_with_eight_devices_and_x64_agrees() -> None:
    """A pickled key means the same there, and neither sharding nor x64 changes a word."""
    key = random.key(11)
    environment = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", PROCESS, pickle.dumps(key).hex()]
    ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    draws = jax.vmap(lambda key: jax.random.bits(jax.random.fold_in(key, 3), (5,)))(jax.random.split(key, 16)).tolist()
    assert json.loads(ran.stdout) == {
        "key": jax.random.key_data(key).tolist(),
        "vmap": draws,
        "shard_map": draws,
        "sharded": jax.random.bits(key, (64, 6)).tolist(),
        "words": random.words(key, 64).tolist(),
        "threefry words": random.words(jax.random.key(5), 64).tolist(),
        "seed": jax.random.key_data(random.key(-3)).tolist(),
        "permutation": jax.random.permutation(key, 50).tolist(),
    }
