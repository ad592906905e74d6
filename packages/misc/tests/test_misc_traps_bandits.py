"""One test for each mistake that another port of the two bandits has made, named after it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_misc import BernoulliBandit, GaussianBandit

pytestmark = pytest.mark.usefixtures("unoptimized")


class TestBandits:
    @pytest.mark.parametrize("env", [BernoulliBandit(), GaussianBandit()], ids=["bernoulli", "gaussian"])
    def test_rewards_are_float32(self, env):
        _, state = env.reset(jax.random.key(0))
        assert env.step(jax.random.key(1), state, 1)[2].dtype == jnp.float32

    @pytest.mark.parametrize("env", [BernoulliBandit(), GaussianBandit()], ids=["bernoulli", "gaussian"])
    def test_the_first_observation_shows_no_action(self, env):
        obs, state = env.reset(jax.random.key(0))
        assert obs.tolist() == [0, 0, 0, 0]
        for action, one_hot in ((0, [1, 0]), (1, [0, 1])):
            assert env.step(jax.random.key(1), state, action)[0][1:3].tolist() == one_hot

    def test_a_bernoulli_reward_is_observed_in_a_space_up_to_1(self):
        space = BernoulliBandit().observation_space(BernoulliBandit().default_params)
        assert space.low.tolist() == [0, 0, 0, 0]
        assert space.high.tolist() == [1, 1, 1, 100]

    @pytest.mark.parametrize("env", [BernoulliBandit(), GaussianBandit()], ids=["bernoulli", "gaussian"])
    def test_the_limit_is_an_integer(self, env):
        assert isinstance(env.default_params.max_steps_in_episode, int)

    def test_a_gaussian_reward_below_0_is_inside_the_space(self):
        env = GaussianBandit()
        space = env.observation_space(env.default_params)
        assert space.contains(jnp.array([-3.0, 0.0, 1.0, 5.0]))
        assert not space.contains(jnp.array([-3.0, 0.0, 1.0, 101.0]))

    @pytest.mark.parametrize("cls", [BernoulliBandit, GaussianBandit])
    @pytest.mark.parametrize(("normalize", "first", "last"), [(False, 1.0, 40.0), (True, 1 / 40, 1.0)])
    def test_the_time_stays_inside_its_space(self, cls, normalize, first, last):
        env = cls(normalize_time=normalize)
        params = env.default_params.replace(max_steps_in_episode=40)
        space = env.observation_space(params)
        _, state = env.reset(jax.random.key(0), params)
        for time, expected in ((0, first), (39, last)):
            obs = env.step_env(jax.random.key(0), state.replace(time=jnp.int32(time)), 0, params)[0]
            np.testing.assert_allclose(obs[3], expected, rtol=1e-6)
            assert space.contains(obs)
        assert space.high[3] == last

    def test_regret_is_what_the_better_arm_pays_more(self):
        env = BernoulliBandit()
        _, state = env.reset(jax.random.key(0))
        state = state.replace(first_prob=jnp.float32(0.9))
        regrets = [float(env.step(jax.random.key(1), state, action)[4]["regret"]) for action in (0, 1)]
        np.testing.assert_allclose(regrets, [0.0, 0.8], rtol=1e-6)
        env = GaussianBandit()
        _, state = env.reset(jax.random.key(0))
        for mu, expected in ((-2.0, [0.0, 2.0]), (0.5, [0.5, 0.0])):
            state = state.replace(mu=jnp.float32(mu))
            assert [float(env.step(jax.random.key(1), state, action)[4]["regret"]) for action in (0, 1)] == expected
