"""Where a port of Cartpole, CartpoleSwingup or MountainCar is known to have gone wrong, by name."""

import functools
import operator

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv_bsuite import bsuite_info, load_from_id
from jaxenv_bsuite.cartpole_physics import episode_steps

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


def test_cartpole_ends_on_step_1001_where_float32_time_would_end_on_1000(play):
    assert functools.reduce(operator.add, [0.01] * 1000) < 10.0  # as bsuite adds; sum compensates from Python 3.12 on
    assert np.cumsum(np.full(1000, 0.01, np.float32))[-1] > 10.0
    assert episode_steps(10.0, 0.01) == 1001
    env, params = jaxenv.make("Cartpole-bsuite", gravity=0.0, init_range=0.0)
    _, (_, states, reward, done, info) = play(env, params, np.ones(1002))
    assert np.flatnonzero(done).tolist() == [1000]
    assert reward[:1001].sum() == 1001
    assert float(info["final_observation"][1000][0, 5]) == np.float32(1.001)
    assert bsuite_info(env, jax.tree.map(lambda leaf: leaf[-1], states), params)["best_episode"] == 1001.0


def test_cartpole_limit_is_counted_in_accumulated_float64():
    assert episode_steps(1.0, 0.01) == 100  # 100 times 0.01 adds up to more than 1
    assert episode_steps(5.0, 0.01) == 501


@pytest.mark.parametrize("times", [{"max_time": 0.0}, {"timescale": 0.0}, {"timescale": 20.0}, {"max_time": float("inf")}])
def test_cartpole_refuses_impossible_times(times):
    for name in ("Cartpole-bsuite", "CartpoleSwingup-bsuite"):
        with pytest.raises(ValueError, match=r"choose 0 < timescale <= max_time|a number above 0 was expected|a finite number"):
            jaxenv.make(name, **times)


@pytest.mark.parametrize("name", ["Cartpole-bsuite", "CartpoleSwingup-bsuite", "MountainCar-bsuite"])
def test_time_features_are_exact(name):
    env, params = jaxenv.make(name)
    _, state = env.reset(KEY, params)
    times = jnp.arange(1002, dtype=jnp.int32)
    observe = jax.jit(lambda times: jax.vmap(lambda time: env.observe(state.replace(time=time), params))(times))
    index = 2 if name.startswith("Mountain") else 5
    assert np.array_equal(observe(times)[:, 0, index], (np.arange(1002) / 1000).astype(np.float32))


def test_cartpole_failing_step_earns_nothing(play):
    env, params = load_from_id("cartpole/0")
    _, (_, states, reward, done, _) = play(env, params, np.full(100, 2))
    first = int(np.argmax(done))
    assert reward[first] == 0
    assert reward[:first].all()
    assert states.best_episode[first] == first


def test_cartpole_is_not_gymnasiums():
    env, params = load_from_id("cartpole/0")
    assert env.num_actions == 3
    obs, state = env.reset(KEY, params)
    assert obs.shape == (1, 6)
    still = env.step_env(KEY, state, 1, params)[1]
    assert float(still.x_dot - state.x_dot) == pytest.approx(0.0, abs=0.01)


def test_cartpole_wraps_its_angle_after_a_step_but_not_after_a_reset():
    env, params = load_from_id("cartpole/0")
    _, states = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(KEY, 50), params)
    assert float(states.theta.min()) < 0
    moved = jax.vmap(env.step_env, in_axes=(None, 0, None, None))(KEY, states, 1, params)[1]
    assert float(moved.theta.min()) >= 0
    assert float(moved.theta.max()) < 2 * np.pi


def test_swingup_hangs_at_first_and_does_not_end_by_falling(play):
    env, params = load_from_id("cartpole_swingup/10")
    obs, (_, states, reward, done, _) = play(env, params, np.ones(1001))
    assert obs[0, 3] < -0.99
    assert np.flatnonzero(done).tolist() == [1000]
    assert not reward.any()
    info = bsuite_info(env, jax.tree.map(lambda leaf: leaf[-1], states), params)
    assert info == {"raw_return": 0.0, "total_upright": 0.0, "best_episode": 0.0}


def test_swingup_best_episode_is_never_negative(play):
    env, params = load_from_id("cartpole_swingup/10")
    _, (_, states, _, done, _) = play(env, params.replace(x_threshold=0.3), np.full(100, 2))
    info = bsuite_info(env, jax.tree.map(lambda leaf: leaf[-1], states), params)
    assert done.any()
    assert info["raw_return"] == pytest.approx(-10.0, abs=1e-5)
    assert info["best_episode"] == 0.0
