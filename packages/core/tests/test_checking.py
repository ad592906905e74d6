"""``jaxenv.checks()``: what leaves its space or range is an error with its value, called from Python and under ``jit``."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxenv
import pytest
from corridors import Corridor, CorridorParams
from jaxenv import spaces
from jaxenv.errors import CheckError
from jaxenv.wrappers import StickyAction, Vectorize

KEY = jax.random.key(0)


class Leaving(Corridor):
    """A corridor whose observation space is too narrow."""

    def observation_space(self, params):
        return spaces.Box(-0.5, 0.5, (2,))


def walk(env, actions, params=None):
    _, state = env.reset(KEY, params)
    return jax.lax.scan(lambda s, a: (env.step(KEY, s, a, params)[1], None), state, actions)[0]


def test_nothing_is_said_where_all_is_inside():
    with jaxenv.checks():
        jax.block_until_ready(jax.jit(lambda a: walk(Corridor(), a))(jnp.zeros(3, jnp.int32)))


@pytest.mark.parametrize("jitted", [False, True], ids=["python", "jit"])
@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: StickyAction(e, 0.5)], ids=["alone", "wrapped"])
def test_an_action_outside_of_its_space(jitted, wrap):
    env = wrap(Corridor())

    def act(action):
        _, state = env.reset(KEY)
        return env.step(KEY, state, action)[0]

    act = jax.jit(act) if jitted else act
    act(jnp.int32(7))  # compiled before: acts as the nearest
    with (
        pytest.raises(CheckError, match=r"Corridor's action is 7, which is outside of Discrete\(2\)\. Pass a member"),
        jaxenv.checks(),
    ):
        act(jnp.int32(7))
    act(jnp.int32(7))


def test_an_observation_outside_of_its_space():
    with pytest.raises(CheckError, match=r"Leaving's observation is .*, which is outside of Box"), jaxenv.checks():
        walk(Leaving(), jnp.ones(3, jnp.int32))


def test_a_traced_param_outside_of_its_range():
    limited = lambda limit: Corridor().reset(KEY, CorridorParams(max_steps_in_episode=limit))  # noqa: E731
    with (
        pytest.raises(
            CheckError, match=r"params\.max_steps_in_episode is 0, which is outside of its range: a number of at least 1"
        ),
        jaxenv.checks(),
    ):
        jax.jit(limited)(jnp.int32(0))


def test_one_lane_of_a_batch():
    batch = Vectorize(Corridor(), 4)
    _, state = batch.reset(KEY)
    actions = jnp.array([0, 1, 5, 0], jnp.int32)
    batch.step(KEY, state, actions)
    with pytest.raises(CheckError, match=r"action is 5"), jaxenv.checks():
        batch.step(KEY, state, actions)


def test_the_environment_variable_serves_a_whole_process():
    program = """
import jax, jax.numpy as jnp
from corridors import Corridor
env, key = Corridor(), jax.random.key(0)
_, state = env.reset(key)
try:
    env.step(key, state, 9)
except ValueError as error:
    print("python:", error)
try:
    jax.block_until_ready(jax.jit(lambda a: env.step(key, state, a))(jnp.int32(8)))
    jax.effects_barrier()
except RuntimeError as error:
    print("jit:", str(error).strip().splitlines()[-1])
"""
    path = os.pathsep.join([str(Path(__file__).parent / "support"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"JAXENV_CHECKS": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "python: Corridor's action is 9, which is outside of Discrete(2)." in done.stdout
    assert "jit: " in done.stdout
    assert "action is 8, which is outside" in done.stdout


def test_an_array_of_choices_acts_as_the_nearest():
    space = spaces.MultiDiscrete([3, 5])
    assert space.nearest(jnp.array([-1, 9], jnp.int32)).tolist() == [0, 4]
    assert spaces.Discrete(3, start=-1).nearest(jnp.int32(-7)) == -1
    both = spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Box(0.0, 1.0, (1,))})
    assert both.nearest({"a": jnp.int32(5), "b": jnp.ones(1) * 3})["a"] == 1
