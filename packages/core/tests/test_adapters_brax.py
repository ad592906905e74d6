"""Environments behind Brax's interface, with Brax's own wrappers around them."""

from __future__ import annotations

import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.errors import ArgumentTypeError, MissingExtraError
from probes import Ladder, Walk

pytestmark = pytest.mark.usefixtures("unoptimized")

pytest.importorskip("brax")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # JAXopt, which Brax imports, says that it is no longer maintained
    from brax.envs.base import State
    from brax.envs.wrappers import training
    from jaxenv.adapters.brax import BraxEnv


@pytest.fixture(autouse=True)
def promotion():
    """Brax relies on promotion, as JAX does it unless it is told otherwise."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def test_sizes_and_kinds():
    env = BraxEnv(Ladder())
    assert (env.observation_size, env.action_size, env.episode_length, env.backend) == (10, 3, 20, "jaxenv")
    state = env.reset(jax.random.PRNGKey(0))
    assert isinstance(state, State)
    assert state.obs.tolist() == [0, 1, 0, 0, 0, 0, 0, 1, 0, 0]
    after = env.step(state, jnp.asarray([0.1, -1.0, 0.9]))
    assert after.pipeline_state.rung == 2
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert [leaf.dtype for leaf in jax.tree.leaves(after)] == [leaf.dtype for leaf in jax.tree.leaves(state)]


def test_a_box_is_scaled_to_its_bounds_and_a_key_says_all():
    env = BraxEnv(Walk(), limit=0.5)
    key = jax.random.key(3)
    state = env.reset(key)
    one, two = (env.step(state, jnp.asarray([1.0, -1.0])) for _ in range(2))
    np.testing.assert_array_equal(one.obs, two.obs)
    np.testing.assert_allclose(one.obs - state.obs, [0.25, -0.25], atol=0.11)
    assert one.reward == pytest.approx(one.obs.sum(), abs=1e-6)


@pytest.mark.parametrize(
    "action", [None, "left", {"x": 1}, [[0.0], [0.0, 0.0]], 1j, np.float32(0.0), np.zeros((4, 3)), np.zeros(7)]
)
def test_an_action_that_is_not_one_number_each_is_refused(action):
    for env, size in ((BraxEnv(Ladder()), 3), (BraxEnv(Walk()), 2)):
        with pytest.raises(ArgumentTypeError, match=rf"action is .*, but an array float\[{size}\] was expected. Pass one."):
            env.step(env.reset(jax.random.key(0)), action)


def test_done_is_the_tasks_end():
    env = BraxEnv(Ladder())
    state = env.reset(jax.random.PRNGKey(0))
    for _ in range(5):
        assert state.done == 0
        state = env.step(state, jnp.asarray([0.0, 0.0, 1.0]))
    assert (state.done, state.info["truncation"]) == (1, 0)


def test_braxs_wrapper_marks_the_step_at_the_time_limit():
    env = BraxEnv(Walk())
    wrapped = training.wrap(env, episode_length=env.episode_length)
    state = jax.jit(wrapped.reset)(jax.random.split(jax.random.PRNGKey(0), 3))
    first, step = state.obs, jax.jit(wrapped.step)
    for t in range(1, 13):
        state = step(state, jnp.zeros((3, 2)))
        at_limit = t % 6 == 0
        assert (state.done == at_limit).all()
        assert (state.info["truncation"] == at_limit).all()
        assert (state.obs == first).all() == at_limit
    assert state.info["count"].tolist() == [13] * 3


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_braxs_ppo_learns_cartpole():
    pytest.importorskip("jaxenv_classic")
    if not hasattr(jax, "device_put_replicated"):
        pytest.skip("this JAX lacks a function that Brax's trainers call")
    from brax.training.agents.ppo import train

    env = BraxEnv("CartPole-v1")
    seen = []
    train.train(
        env,
        num_timesteps=300_000,
        episode_length=env.episode_length,
        num_envs=64,
        num_evals=3,
        num_minibatches=8,
        batch_size=64,
        unroll_length=16,
        learning_rate=1e-3,
        entropy_cost=1e-3,
        discounting=0.98,
        seed=0,
        progress_fn=lambda steps, metrics: seen.append(float(metrics["eval/episode_reward"])),
    )
    assert seen[0] < 60
    assert seen[-1] > 400


def test_without_brax_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "jaxenv.adapters.brax")
    monkeypatch.setitem(sys.modules, "brax.envs.base", None)
    with pytest.raises(MissingExtraError, match=r"needs brax, which is not installed. Run: pip install 'jaxenv-core\[brax\]'"):
        import jaxenv.adapters.brax  # noqa: F401
