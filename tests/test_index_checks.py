"""No environment, and no observation, reads or writes beyond the end of an array: ``checkify.index_checks`` finds nothing."""

import importlib

import jax
import jax.numpy as jnp
import jaxenv
import pytest
from jaxenv.wrappers import FrameStackObservation, RecordEpisodeStatistics

pytestmark = pytest.mark.usefixtures("unoptimized")

checkify = importlib.import_module("jax.experimental.checkify")  # a test may: users do
pytest.importorskip("jaxenv_minatar")

STEPS = 400


def one_of_each():
    """One id for each class or function that builds environments."""
    return list({spec.entry_point: spec for spec in reversed(jaxenv.registered_envs())}.values())


def finding(env, params, steps):
    """Return what the checks say of random play, resets included; None if they say nothing."""

    def play(key, params):
        def step(state, key):
            key_act, key_step = jax.random.split(key)
            obs, state, *_ = env.step(key_step, state, env.action_space(params).sample(key_act), params)
            return state, jax.tree.map(lambda leaf: leaf.sum(dtype=leaf.dtype), obs)

        key_reset, key_steps = jax.random.split(key)
        obs, state = env.reset(key_reset, params)
        return jax.lax.scan(step, state, jax.random.split(key_steps, steps))

    error, _ = jax.jit(checkify.checkify(play, errors=checkify.index_checks))(jax.random.key(0), params)
    return error.get()


@pytest.mark.usefixtures("mnist")
@pytest.mark.parametrize("spec", one_of_each(), ids=lambda spec: spec.id)
def test_every_index_is_in_bounds(spec):
    env, params = jaxenv.make(spec)
    assert finding(env, params, STEPS) is None


def test_under_wrappers_too():
    env, params = jaxenv.make("Breakout-MinAtar")
    assert finding(RecordEpisodeStatistics(FrameStackObservation(env, 3)), params, STEPS) is None


def test_an_index_out_of_bounds_would_be_found():
    error, _ = checkify.checkify(lambda i: jnp.zeros(3).at[i].set(1.0, mode="drop"), errors=checkify.index_checks)(3)
    assert "out-of-bounds" in error.get()
