"""Where a port of SimpleBandit or of the three chains is known to have gone wrong, by name."""

import jax
import jaxenv
import numpy as np
import pytest
from jaxenv_bsuite import load_from_id

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


# -- SimpleBandit --------------------------------------------------------------------------------------------------


def test_bandit_arms_pay_the_same_in_every_episode(play):
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


# -- DiscountingChain ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chain", "step"), [(0, 1), (1, 3), (2, 10), (3, 30), (4, 100)])
def test_discounting_chain_pays_once_and_the_last_chain_on_the_last_step(chain, step, play):
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


def test_discounting_chain_observation_has_its_leading_axis_and_exact_time(play):
    env, params = load_from_id("discounting_chain/0")
    obs, (_, _, _, _, info) = play(env, params, [3] * 100)
    assert obs.tolist() == [[-1.0, 0.0]]
    final = np.asarray(info["final_observation"])
    assert final.shape == (100, 1, 2)
    assert np.array_equal(final[:, 0, 1], (np.arange(1, 101) / 100).astype(np.float32))
    assert (final[:, 0, 0] == 3).all()


# -- MemoryChain and UmbrellaChain ---------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 3, 17, 100])
def test_memory_chain_observation_lags_by_one_step(length, play):
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


def test_memory_chain_asks_for_the_bit_of_the_query(play):
    env, params = jaxenv.make("MemoryChain-bsuite", memory_length=2, num_bits=40)
    for seed in range(5):
        obs, (_, _, reward, _, info) = play(env, params, np.ones(3), jax.random.key(seed))
        query = int(info["final_observation"][1, 0, 1])
        assert reward[-1] == obs[0, 2 + query]


@pytest.mark.parametrize("length", [1, 2, 7, 100])
def test_umbrella_chain_ends_at_its_length_with_an_exact_time_feature(length, play):
    env, params = jaxenv.make("UmbrellaChain-bsuite", chain_length=length, n_distractor=3)
    obs, (_, _, reward, done, info) = play(env, params, np.ones(length))
    seen = np.concatenate([obs[None], info["final_observation"]])[:, 0]
    assert seen.shape == (length + 1, 6)
    assert np.array_equal(seen[:, 2], (1 - np.arange(length + 1) / length).astype(np.float32))
    assert np.flatnonzero(done).tolist() == [length - 1]
    assert not info["truncated"].any()
    assert (np.abs(reward) == 1).all()
    assert reward.dtype == np.float32


def test_umbrella_chain_only_the_first_action_counts(play):
    env, params = jaxenv.make("UmbrellaChain-bsuite", chain_length=4)
    for first in (0, 1):
        obs, (_, _, reward, _, info) = play(env, params, [first, 1 - first, 1 - first, 1 - first])
        assert (info["final_observation"][:, 0, 1] == first).all()
        assert reward[-1] == (1 if obs[0, 0] == first else -1)


def test_umbrella_chain_draws_new_distractors_with_every_observation(play):
    env, params = load_from_id("umbrella_distract/22")
    obs, (_, _, _, _, info) = play(env, params, np.ones(20))
    seen = np.concatenate([obs[None], info["final_observation"]])[:, 0, 3:]
    assert len({row.tobytes() for row in seen}) == 21
    assert abs(seen.mean() - 0.5) < 0.05
