"""Rollouts over several devices: the same trajectories on 1, 2 and 8 of them, and over two processes."""

import json
import os
import socket
import subprocess
import sys
import textwrap

import jax
import pytest
from jaxenv.engine.plan import Plan, RolloutInputs
from jaxenv.errors import RolloutMeshError
from jaxenv.rollouts import ExecutorChoice, RolloutRunner

COMMON = textwrap.dedent(
    """
    import json, sys
    import jax, jax.numpy as jnp, numpy as np
    from jax.sharding import Mesh
    import jaxenv
    from flax import struct
    from jaxenv import Environment, Params, State, Transition, spaces

    @struct.dataclass
    class WalkState(State):
        place: jax.Array

    class Walk(Environment[WalkState, Params]):
        @property
        def default_params(self):
            return Params(max_steps_in_episode=11)
        def init(self, key, params):
            return WalkState(jaxenv.random.uniform_int(jaxenv.random.words(key, 1)[0], 0, 100))
        def transition(self, key, state, action, params):
            place = state.place + action * jaxenv.random.uniform_int(jaxenv.random.words(key, 1)[0], 0, 9)
            return Transition(state.replace(place=place), place.astype(jnp.float32), place > 120)
        def observe(self, state, params):
            return state.place[None]
        def action_space(self, params):
            return spaces.Discrete(2)
        def observation_space(self, params):
            return spaces.Box(0, 200, (1,), jnp.int32)

    def digest(mesh):
        env = Walk()
        result = jaxenv.rollout(env, None, None, jax.random.key(3), num_envs=16, num_steps=40, mesh=mesh)
        t = result.trajectory
        weights = jnp.arange(40 * 16, dtype=jnp.int32).reshape(40, 16)
        sums = jax.jit(lambda t: [(t.obs[..., 0] * weights).sum(), (t.action * weights).sum(), (t.done * weights).sum()])(t)
        return [int(x) for x in sums] + [int(result.statistics.episodes), float(result.statistics.return_mean)]
    """
)


def run(program, *args, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", COMMON + textwrap.dedent(program), *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
    )


def output(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out.strip().splitlines()[-1])


def test_the_same_trajectories_on_one_two_and_eight_devices():
    process = run(
        """
        devices = np.array(jax.devices())
        meshes = [None, Mesh(devices[:1], "envs"), Mesh(devices[:2], "envs"), Mesh(devices.reshape(2, 4), ("hosts", "chips"))]
        results = [digest(mesh) for mesh in meshes]
        spread = jaxenv.rollout(Walk(), None, None, jax.random.key(3), num_envs=16, num_steps=4, mesh=meshes[-1])
        print(json.dumps({"results": results, "devices": len(spread.trajectory.reward.devices())}))
        """,
        XLA_FLAGS="--xla_force_host_platform_device_count=8",
    )
    answer = output(process)
    first, *others = answer["results"]
    assert first[3] > 20
    for other in others:
        assert other[:4] == first[:4]
        assert other[4] == pytest.approx(first[4], rel=1e-6)
    assert answer["devices"] == 8


def test_the_same_trajectories_over_two_processes():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    program = """
        rank = int(sys.argv[2])
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"127.0.0.1:{sys.argv[1]}", num_processes=2, process_id=rank)
        print(json.dumps(digest(Mesh(np.array(jax.devices()), "envs"))))
        """
    processes = [run(program, port, rank, XLA_FLAGS="--xla_force_host_platform_device_count=2") for rank in (0, 1)]
    first, second = (output(process) for process in processes)
    assert first == second
    alone = output(run("print(json.dumps(digest(None)))"))
    assert first[:4] == alone[:4]


def test_environments_that_cannot_be_shared_out_equally():
    class TwoDevices:
        size = 2

    with pytest.raises(RolloutMeshError, match=r"num_envs is 3, but the mesh has 2 devices.*Choose a multiple of 2"):
        RolloutRunner(
            Plan(None, None),
            3,
            1,
            RolloutInputs(None, jax.random.key(0), None, None),
            ExecutorChoice(None, "", False),
            TwoDevices(),
        )
