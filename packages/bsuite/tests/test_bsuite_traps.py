"""Every place where a port is known to have gone wrong, by name."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv_bsuite import bsuite_info, load_from_id, sweep
from jaxenv_bsuite.cartpole_physics import episode_steps
from jaxenv_bsuite.deep_sea import Draws

KEY = jax.random.key(0)


def play(env, params, actions, key=KEY):
    """The first observation, and ``(obs, state, reward, done, info)`` of every step, automatic resets included, as NumPy's."""
    obs, state = env.reset(key, params)

    def step(state, inputs):
        key, action = inputs
        obs, state, *rest = env.step(key, state, action, params)
        return state, (obs, state, *rest)

    actions = jnp.asarray(actions, jnp.int32)
    played = jax.jit(lambda state: jax.lax.scan(step, state, (jax.random.split(key, len(actions)), actions))[1])(state)
    return np.asarray(obs), jax.device_get(played)


# -- SimpleBandit ----------------------------------------------------------------------------------------------------


def test_bandit_arms_pay_the_same_in_every_episode():
    env, params = load_from_id("bandit/5")
    _, (_, _, reward, done, _) = play(env, params, list(range(11)) * 4)
    assert done.all()
    assert np.array_equal(reward.reshape(4, 11), np.tile(reward[:11], (4, 1)))
    assert np.array_equal(reward[:11], np.linspace(0, 1, 11)[np.random.RandomState(5).permutation(11)].astype(np.float32))


def test_bandit_mapping_seed_decides_the_arms():
    assert len({load_from_id(f"bandit/{seed}")[1].ranks.tobytes() for seed in range(20)}) == 20


def test_bandit_observes_one_not_zero():
    env, params = load_from_id("bandit/0")
    obs, state = env.reset(KEY, params)
    assert obs.tolist() == [[1.0]]
    assert env.step(KEY, state, 0, params)[4]["final_observation"].tolist() == [[1.0]]


# -- counters --------------------------------------------------------------------------------------------------------


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
def test_counters_survive_automatic_resets(bsuite_id, figure, steps):
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


def test_wrappers_leave_the_counters_clean():
    clean, noisy = load_from_id("catch/0"), load_from_id("catch_noise/19")
    actions = np.random.RandomState(0).randint(0, 3, 90)
    for env, params in (clean, noisy):
        _, (_, states, reward, done, _) = play(env, params, actions)
        regret = jax.vmap(lambda state, env=env, params=params: bsuite_info(env, state, params)["total_regret"])(states)
        assert set(np.diff(np.asarray(regret))) <= {0.0, 2.0}
        assert regret[-1] > 0
    assert len(np.unique(reward)) > 80


# -- all episodes end by themselves ----------------------------------------------------------------------------------


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
def test_ends_are_terminations_with_discount_0_on_the_exact_step(bsuite_id, length):
    env, params = load_from_id(bsuite_id)
    _, (_, states, _, done, info) = play(env, params, np.full(2 * length + 1, 1))
    ends = np.flatnonzero(done) + 1
    assert ends.tolist() == [length, 2 * length] if length > 1 else done.all()
    assert np.array_equal(info["terminated"], done)
    assert not info["truncated"].any()
    assert np.array_equal(info["discount"], 1.0 - done)
    assert (states.time[ends - 1] == 0).all()


def test_catch_has_no_limit_besides_its_length():
    env, params = jaxenv.make("Catch-bsuite", rows=1500)
    _, (_, _, _, done, info) = play(env, params, np.ones(1499))
    assert np.flatnonzero(done).tolist() == [1498]
    assert not info["truncated"].any()


def test_catch_space_is_the_float32_of_its_observation():
    env, params = load_from_id("catch/0")
    obs, _ = env.reset(KEY, params)
    assert obs.dtype == env.observation_space(params).dtype == np.float32


def test_catch_lights_one_pixel_when_the_ball_is_caught():
    env, params = jaxenv.make("Catch-bsuite", columns=1)
    _, (_, _, reward, _, info) = play(env, params, np.ones(9))
    assert info["final_observation"][-1].sum() == 1
    assert reward[-1] == 1


# -- Cartpole and CartpoleSwingup ------------------------------------------------------------------------------------


def test_cartpole_ends_on_step_1001_where_float32_time_would_end_on_1000():
    assert sum([0.01] * 1000) < 10.0
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
        with pytest.raises(ValueError, match="choose 0 < timescale <= max_time"):
            jaxenv.make(name, **times)


@pytest.mark.parametrize("name", ["Cartpole-bsuite", "CartpoleSwingup-bsuite", "MountainCar-bsuite"])
def test_time_features_are_exact(name):
    env, params = jaxenv.make(name)
    _, state = env.reset(KEY, params)
    times = jnp.arange(1002, dtype=jnp.int32)
    observe = jax.jit(lambda times: jax.vmap(lambda time: env.observe(state.replace(time=time), params))(times))
    index = 2 if name.startswith("Mountain") else 5
    assert np.array_equal(observe(times)[:, 0, index], (np.arange(1002) / 1000).astype(np.float32))


def test_cartpole_failing_step_earns_nothing():
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


def test_swingup_hangs_at_first_and_does_not_end_by_falling():
    env, params = load_from_id("cartpole_swingup/10")
    obs, (_, states, reward, done, _) = play(env, params, np.ones(1001))
    assert obs[0, 3] < -0.99
    assert np.flatnonzero(done).tolist() == [1000]
    assert not reward.any()
    info = bsuite_info(env, jax.tree.map(lambda leaf: leaf[-1], states), params)
    assert info == {"raw_return": 0.0, "total_upright": 0.0, "best_episode": 0.0}


def test_swingup_best_episode_is_never_negative():
    env, params = load_from_id("cartpole_swingup/10")
    _, (_, states, _, done, _) = play(env, params.replace(x_threshold=0.3), np.full(100, 2))
    info = bsuite_info(env, jax.tree.map(lambda leaf: leaf[-1], states), params)
    assert done.any()
    assert info["raw_return"] == pytest.approx(-10.0, abs=1e-5)
    assert info["best_episode"] == 0.0


# -- DeepSea ---------------------------------------------------------------------------------------------------------


def test_deep_sea_mapping_is_numpys_not_jaxs():
    mapping = np.asarray(load_from_id("deep_sea/0")[1].action_mapping)
    assert np.array_equal(mapping, np.random.RandomState(42).binomial(1, 0.5, [10, 10]))


def test_deep_sea_without_randomized_actions_moves_right_by_1():
    _, params = jaxenv.make("DeepSea-bsuite", randomize_actions=False)
    assert np.asarray(params.action_mapping).all()


def diagonal(size):
    return np.asarray(load_from_id("deep_sea/0")[1].action_mapping)[np.arange(size), np.arange(size)]


def test_deep_sea_treasure_costs_and_final_observation():
    env, params = load_from_id("deep_sea/0")
    _, (obs, states, reward, done, info) = play(env, params, diagonal(10))
    assert reward[:-1] == pytest.approx(-0.001)
    assert reward[-1] == pytest.approx(0.999)
    assert done[-1]
    assert not info["final_observation"][-1].any()
    assert obs[-1, 0, 0] == 1
    assert (states.denoised_return[-1], states.total_bad_episodes[-1]) == (1, 0)


def windy(monkeypatch, wind, noise=0.0):
    env, params = load_from_id("deep_sea_stochastic/0")
    draws = Draws(jnp.float32(noise), jnp.float32(wind))
    monkeypatch.setattr(type(env), "draw_step", lambda self, key: draws)
    jax.clear_caches()
    return env, params


def test_deep_sea_wind_blocks_the_move_but_not_its_cost(monkeypatch):
    env, params = windy(monkeypatch, wind=0.05)
    _, state = env.reset(KEY, params)
    _, state, reward, *_ = env.step(KEY, state, diagonal(1)[0], params)
    jax.clear_caches()
    assert int(state.column) == 0
    assert float(reward) == pytest.approx(-0.001)


def test_deep_sea_treasure_is_taken_even_if_the_wind_blocks_the_move(monkeypatch):
    env, params = windy(monkeypatch, wind=0.05, noise=0.25)
    _, state = env.reset(KEY, params)
    corner = state.replace(time=jnp.int32(9), column=jnp.int32(9))
    action = np.asarray(params.action_mapping)[9, 9]
    _, state, reward, done, _ = env.step(KEY, corner, action, params)
    jax.clear_caches()
    assert float(reward) == pytest.approx(1.0 + 0.25 - 0.001)
    assert bool(done)
    assert int(state.denoised_return) == 1


def test_deep_sea_stochastic_noise_only_in_the_corners_of_the_last_row():
    env, params = load_from_id("deep_sea_stochastic/0")
    _, state = env.reset(KEY, params)

    def reward(row, column):
        at = state.replace(time=jnp.int32(row), column=jnp.int32(column))
        action = 1 - int(params.action_mapping[row, column])
        return float(env.step(KEY, at, action, params)[2])

    assert reward(9, 0) != 0.0
    assert reward(9, 9) != 0.0
    assert reward(9, 4) == reward(8, 0) == 0.0


# -- DiscountingChain ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chain", "step"), [(0, 1), (1, 3), (2, 10), (3, 30), (4, 100)])
def test_discounting_chain_pays_once_and_the_last_chain_on_the_last_step(chain, step):
    env, params = load_from_id("discounting_chain/2")
    _, (_, _, reward, done, info) = play(env, params, [chain, *[0] * 99])
    assert np.flatnonzero(reward).tolist() == [step - 1]
    assert reward[step - 1] == np.float32(1.1 if chain == 2 else 1.0)
    assert done[99]
    assert info["discount"][99] == 0


def test_discounting_chain_every_seed_has_a_bonus_arm():
    for i in range(20):
        assert load_from_id(f"discounting_chain/{i}")[1].bonus_arm == i % 5
    assert jaxenv.make("DiscountingChain-bsuite", mapping_seed=7)[1].bonus_arm == 2


def test_discounting_chain_observation_has_its_leading_axis_and_exact_time():
    env, params = load_from_id("discounting_chain/0")
    obs, (_, _, _, _, info) = play(env, params, [3] * 100)
    assert obs.tolist() == [[-1.0, 0.0]]
    final = np.asarray(info["final_observation"])
    assert final.shape == (100, 1, 2)
    assert np.array_equal(final[:, 0, 1], (np.arange(1, 101) / 100).astype(np.float32))
    assert (final[:, 0, 0] == 3).all()


# -- MemoryChain and UmbrellaChain -----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 3, 17, 100])
def test_memory_chain_observation_lags_by_one_step(length):
    env, params = jaxenv.make("MemoryChain-bsuite", memory_length=length, num_bits=4)
    obs, (_, _, reward, done, info) = play(env, params, np.zeros(length + 1))
    seen = np.concatenate([obs[None], info["final_observation"]])[:, 0]
    assert np.array_equal(seen[0], seen[1])
    shown = np.concatenate([[0], np.arange(length + 1)])
    assert np.array_equal(seen[:, 0], (1 - shown / length).astype(np.float32))
    assert (np.abs(seen[:2, 2:]) == 1).all()
    assert not seen[2:, 2:].any()
    assert not seen[-1].any()
    assert reward.dtype == np.float32
    assert not reward[:-1].any()
    assert np.abs(reward[-1]) == 1
    assert done[-1]


def test_memory_chain_asks_for_the_bit_of_the_query():
    env, params = jaxenv.make("MemoryChain-bsuite", memory_length=2, num_bits=40)
    for seed in range(5):
        obs, (_, _, reward, _, info) = play(env, params, np.ones(3), jax.random.key(seed))
        query = int(info["final_observation"][1, 0, 1])
        assert reward[-1] == obs[0, 2 + query]


@pytest.mark.parametrize("length", [1, 2, 7, 100])
def test_umbrella_chain_ends_at_its_length_with_an_exact_time_feature(length):
    env, params = jaxenv.make("UmbrellaChain-bsuite", chain_length=length, n_distractor=3)
    obs, (_, _, reward, done, info) = play(env, params, np.ones(length))
    seen = np.concatenate([obs[None], info["final_observation"]])[:, 0]
    assert seen.shape == (length + 1, 6)
    assert np.array_equal(seen[:, 2], (1 - np.arange(length + 1) / length).astype(np.float32))
    assert np.flatnonzero(done).tolist() == [length - 1]
    assert not info["truncated"].any()
    assert (np.abs(reward) == 1).all()
    assert reward.dtype == np.float32


def test_umbrella_chain_only_the_first_action_counts():
    env, params = jaxenv.make("UmbrellaChain-bsuite", chain_length=4)
    for first in (0, 1):
        obs, (_, _, reward, _, info) = play(env, params, [first, 1 - first, 1 - first, 1 - first])
        assert (info["final_observation"][:, 0, 1] == first).all()
        assert reward[-1] == (1 if obs[0, 0] == first else -1)


def test_umbrella_chain_draws_new_distractors_with_every_observation():
    env, params = load_from_id("umbrella_distract/22")
    obs, (_, _, _, _, info) = play(env, params, np.ones(20))
    seen = np.concatenate([obs[None], info["final_observation"]])[:, 0, 3:]
    assert len({row.tobytes() for row in seen}) == 21
    assert abs(seen.mean() - 0.5) < 0.05


# -- MNISTBandit -----------------------------------------------------------------------------------------------------


def test_mnist_terminates_without_being_truncated():
    env, params = load_from_id("mnist/0")
    _, (_, _, reward, _, info) = play(env, params, np.arange(50) % 10)
    assert info["terminated"].all()
    assert not info["truncated"].any()
    assert not info["final_observation"].any()
    assert set(np.asarray(reward)) == {-1.0, 1.0}


def test_mnist_pixels_are_signed_bytes_as_in_bsuite():
    env = load_from_id("mnist/0")[0]
    image = np.arange(784).reshape(1, 28, 28).astype(np.uint8)
    params = env.params_from(image, np.array([0]))
    obs, _ = env.reset(KEY, params)
    assert np.array_equal(obs, image[0].astype(np.int8).astype(np.float32) / np.float32(255))
    assert obs.min() == np.float32(-128 / 255)
    assert env.observation_space(params).contains(obs)
    unit = type(env)(pixel_mode="unit")
    obs, _ = unit.reset(KEY, params)
    assert np.array_equal(obs, image[0].astype(np.float32) / np.float32(255))
    assert unit.observation_space(params).contains(obs)


def test_mnist_images_are_arguments_of_the_program_not_constants():
    env, params = load_from_id("mnist/0")
    assert params.images.dtype == np.int8
    _, state = env.reset(KEY, params)
    jaxpr = jax.make_jaxpr(env.step)(KEY, state, 0, params)
    assert all(np.size(constant) < 1000 for constant in jaxpr.consts)
    assert params.images.size > 100_000
    text = jax.jit(lambda state, params: env.step(KEY, state, 0, params)).lower(state, params).as_text()
    assert len(text) < 50_000


# -- randomness ------------------------------------------------------------------------------------------------------


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
    text = str(jax.make_jaxpr(lambda key: env.transition(key, state, jnp.int32(0), params))(KEY))
    assert text.count("random_bits[") + text.count("jit[name=_random_words") <= 1
