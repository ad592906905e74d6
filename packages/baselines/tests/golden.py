"""Golden actions of the shipped agents: what each does after 16 observations, kept in ``data/golden_actions.safetensors``.

    python packages/baselines/tests/golden.py            # print the agents whose actions differ
    python packages/baselines/tests/golden.py --write    # write the file anew, after agents were shipped

An agent is loaded as users load it. Its observations are those of its first 16 steps in the environment, so files hold integers and
floats that an environment really gives. A recurrent agent keeps its hidden state over all of them.
"""

import argparse
import json
from pathlib import Path

import jax
import jaxenv
import numpy as np
from jaxenv_baselines import agent, files
from safetensors.numpy import load

FILE = Path(__file__).parent / "data" / "golden_actions.safetensors"
STEPS = 16
TOLERANCE = 1e-4
"""Of continuous actions, relative to 1: the rounding of float32 on other hardware."""


def observations(acting):
    """Return the observations of the agent's first steps, leaves ``[STEPS, ...]``."""
    played = jaxenv.rollout(
        acting.env,
        acting.params,
        acting.policy,
        jaxenv.random.key(0),
        num_envs=1,
        num_steps=STEPS,
        policy_params=acting.policy_params,
        initial_carry=acting.initial_carry,
    )
    return jax.tree.map(lambda leaf: np.asarray(leaf[:, 0]), played.trajectory.obs)


def actions(acting, obs):
    """Return the agent's actions after these observations, ``[STEPS, ...]``."""

    def step(carry, time_and_obs):
        time, obs = time_and_obs
        key = jaxenv.random.fold_in(jaxenv.random.key(1), time)
        if carry is None:
            return None, acting.policy(acting.policy_params, obs, key)
        return acting.policy(acting.policy_params, carry, obs, key)

    times = np.arange(STEPS, dtype=np.uint32)
    return np.asarray(jax.jit(lambda obs: jax.lax.scan(step, acting.initial_carry, (times, obs))[1])(obs))


def read():
    """Return the golden observations and actions of each id, and the SHA-256 of its weights."""
    data = FILE.read_bytes()
    arrays, hashes = load(data), json.loads(files.metadata_of(FILE, data)["sha256"])
    return {env_id: (arrays[f"{env_id}/obs"], arrays[f"{env_id}/actions"], digest) for env_id, digest in hashes.items()}


def differing(namespace=None):
    """Return the ids whose agents act otherwise than the file says, of one namespace or of all."""
    found = []
    for env_id, (obs, expected, _) in read().items():
        if namespace is None or env_id.startswith(f"{namespace}/"):
            same = np.allclose(actions(agent.load(env_id), obs), expected, rtol=0.0, atol=TOLERANCE)
            found += [] if same else [env_id]
    return found


def write():
    """Write the file."""
    arrays, hashes = {}, {}
    for described in agent.shipped():
        env_id = described["spec"]["id"]
        acting = agent.load(env_id)
        obs = observations(acting)
        arrays |= {f"{env_id}/obs": obs, f"{env_id}/actions": actions(acting, obs)}
        hashes[env_id] = described["sha256"]
    files.write(FILE, files.packed(arrays, {"sha256": json.dumps(hashes)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the file")
    parser.add_argument("--namespace", help="of the agents that are compared")
    given = parser.parse_args()
    if given.write:
        write()
    else:
        print(json.dumps(differing(given.namespace)))
