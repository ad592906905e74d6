"""Where a port is known to have gone wrong in several tasks: counters, ends of episodes, random numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_bsuite import bsuite_info, load_from_id, sweep

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("bsuite_id", "figure", "steps"),
    [
        ("bandit/0", "total_regret", 30),
        ("catch/0", "total_regret", 60),
        ("memory_len/0", "total_regret", 60),
        ("memory_len/0", "total_perfect", 60),
        ("umbrella_length/2", "total_regret", 60),
        ("mnist/0", "total_regret", 30),
        ("deep_sea/0", "total_bad_episodes", 60),
        ("cartpole/0", "raw_return", 300),
        ("cartpole_swingup/0", "raw_return", 300),
        ("mountain_car/0", "raw_return", 50),
    ],
)
def test_counters_survive_automatic_resets(bsuite_id, figure, steps, play):
    env, params = load_from_id(bsuite_id)
    if bsuite_id.startswith("mountain_car"):
        params = params.replace(max_steps=10)
    if bsuite_id.startswith("cartpole_swingup"):
        params = params.replace(x_threshold=0.2)
    _, (_, states, _, done, _) = play(env, params, np.random.RandomState(0).randint(0, env.num_actions, steps))
    totals = np.abs(np.asarray(jax.vmap(lambda state: bsuite_info(env, state, params)[figure])(states)))
    assert done.sum() > 1
    assert (np.diff(totals) >= 0).all()
    assert totals[-1] > 0
    task = env.unwrapped
    assert all(getattr(states, name).dtype == np.int32 for name in task.counters)


def test_wrappers_leave_the_counters_clean(play):
    clean, noisy = load_from_id("catch/0"), load_from_id("catch_noise/19")
    actions = np.random.RandomState(0).randint(0, 3, 90)
    for env, params in (clean, noisy):
        _, (_, states, reward, done, _) = play(env, params, actions)
        regret = jax.vmap(lambda state, env=env, params=params: bsuite_info(env, state, params)["total_regret"])(states)
        assert set(np.diff(np.asarray(regret))) <= {0.0, 2.0}
        assert regret[-1] > 0
    assert len(np.unique(reward)) > 80


@pytest.mark.parametrize(
    ("bsuite_id", "length"),
    [
        ("bandit/0", 1),
        ("catch/0", 9),
        ("cartpole_swingup/0", 1001),
        ("deep_sea/0", 10),
        ("deep_sea_stochastic/1", 12),
        ("discounting_chain/0", 100),
        ("memory_len/22", 101),
        ("umbrella_length/22", 100),
        ("umbrella_distract/0", 20),
        ("mnist/0", 1),
        ("mountain_car/0", 1000),
    ],
)
def test_ends_are_terminations_with_discount_0_on_the_exact_step(bsuite_id, length, play):
    env, params = load_from_id(bsuite_id)
    _, (_, states, _, done, info) = play(env, params, np.full(2 * length + 1, 1))
    ends = np.flatnonzero(done) + 1
    assert ends.tolist() == [length, 2 * length] if length > 1 else done.all()
    assert np.array_equal(info["terminated"], done)
    assert not info["truncated"].any()
    assert np.array_equal(info["discount"], 1.0 - done)
    assert (states.time[ends - 1] == 0).all()


@pytest.mark.parametrize("bsuite_id", ["bandit/0", "deep_sea/0", "discounting_chain/0"])
def test_tasks_without_randomness_leave_the_key_alone(bsuite_id):
    env, params = load_from_id(bsuite_id)
    _, state = env.reset(KEY, params)
    text = str(jax.make_jaxpr(lambda key: env.step(key, state, 0, params))(KEY))
    assert "random_bits" not in text
    assert "_random_words" not in text
    assert "threefry" not in text


@pytest.mark.parametrize("experiment", [e for e in sweep.EXPERIMENTS if e not in ("bandit", "bandit_noise", "bandit_scale")])
def test_one_generator_call_a_transition(experiment):
    env, params = load_from_id(f"{experiment}/0")
    _, state = env.reset(KEY, params)
    text = str(jax.make_jaxpr(lambda key: env.advance(key, state, jnp.int32(0), params))(KEY))
    assert text.count("random_bits[") + text.count("jit[name=_random_words") <= 1
