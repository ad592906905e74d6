"""Values that are known from elsewhere: of optimal policies, exactly and by playing them."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.testing import enable_x64
from jaxenv_misc import BernoulliBandit, FrozenLake, GaussianBandit
from jaxenv_misc.frozen_lake import StepDraws

pytestmark = pytest.mark.usefixtures("unoptimized")


@pytest.mark.parametrize(("name", "limit", "value"), [("4x4", 100, 0.7442), ("8x8", 200, 0.9132)])
def test_frozen_lake_optimal_value(name, limit, value):
    """Dynamic programming over our own transition function, with one draw for each of the three moves."""
    env = FrozenLake(name)
    with enable_x64():
        params = env.default_params.replace(success_rate=jnp.float64(1 / 3))
        tiles = env.observation_space(params).n
        tile, action, uniform = (x.ravel() for x in np.meshgrid(np.arange(tiles), np.arange(4), [0.1, 0.5, 0.9], indexing="ij"))
        _, state = env.reset(jax.random.key(0), params)

        def move(tile, action, uniform):
            return env.dynamics(state.replace(position=tile), action, StepDraws(uniform), params)

        out = jax.vmap(move)(jnp.asarray(tile, jnp.int32), jnp.asarray(action, jnp.int32), jnp.asarray(uniform))
    shape = (tiles, 4, 3)
    after, reward, ends, prob = (
        np.asarray(x).reshape(shape) for x in (out.state.position, out.reward, out.terminated, out.info["prob"])
    )
    # A step from a terminal tile has one outcome, which the three draws all give.
    prob = prob / prob.sum(axis=2, keepdims=True)
    values = np.zeros(tiles)
    for _ in range(limit):
        values = (prob * (reward + ~ends * values[after])).sum(axis=2).max(axis=1)
    assert round(float(values[0]), 4) == value


def bernoulli_value(q, pulls=100):
    """The Bayes-optimal return: each pull is worth the same evidence on either arm, so the likelier arm is pulled."""
    net = np.arange(-pulls - 1, pulls + 2)
    first_is_better = 1.0 / (1.0 + (q / (1.0 - q)) ** net.astype(np.float64))
    pays = np.maximum(first_is_better, 1 - first_is_better) * (1 - 2 * q) + q
    values = np.zeros(len(net))
    for _ in range(pulls):
        # Evidence moves away from 0 if the likelier arm pays, and towards 0 if it does not.
        outwards, inwards = (
            np.where(net >= 0, np.roll(values, -1), np.roll(values, 1)),
            np.where(net >= 0, np.roll(values, 1), np.roll(values, -1)),
        )
        values = pays * (1 + outwards) + (1 - pays) * inwards
    return values[pulls + 1]


@pytest.mark.parametrize(("q", "value", "published"), [(0.1, 89.375, 89.36), (0.25, 74.0, 74.06), (0.4, 57.688, 57.73)])
def test_bernoulli_bandit_bayes_optimal_return(q, value, published):
    assert bernoulli_value(q) == pytest.approx(value, abs=5e-4)
    # The published figures are means over finitely many episodes.
    assert value == pytest.approx(published, abs=0.07)

    env, episodes = BernoulliBandit(), 4_000
    params = env.default_params.replace(reward_prob=q)

    def pull(carry, key):
        state, net, total = carry
        arm = (net < 0).astype(jnp.int32)
        _, state, reward, _, info = env.step_env(key, state, arm, params)
        for_first = (arm == 0) == (reward > 0)
        return (state, net + jnp.where(for_first, 1, -1), total + reward), (reward, info["regret"])

    def play(key):
        keys = jax.random.split(key, 101)
        state = env.reset(keys[0], params)[1]
        (_, _, total), (_, regret) = jax.lax.scan(pull, (state, jnp.int32(0), jnp.float32(0)), keys[1:])
        return total, regret.sum()

    returns, regrets = (np.asarray(x, np.float64) for x in jax.jit(jax.vmap(play))(jax.random.split(jax.random.key(0), episodes)))
    assert abs(returns.mean() - value) < 4 * returns.std() / math.sqrt(episodes)
    # The regret is what the expected rewards lack of the better arm's.
    assert abs(100 * (1 - q) - regrets.mean() - value) < 4 * regrets.std() / math.sqrt(episodes)


def gaussian_values(spread=1.0, noise=0.1, mean=-1.0, pulls=100):
    """Returns of a player who knows the mean, and of one who pulls arm 1 once and stays with it if it paid."""
    mu = np.linspace(mean - 12 * spread, mean + 12 * spread, 200_001)
    density = np.exp(-0.5 * ((mu - mean) / spread) ** 2) / (spread * math.sqrt(2 * math.pi)) * (mu[1] - mu[0])
    stays = 0.5 * np.vectorize(math.erfc)(-mu / noise / math.sqrt(2.0))
    return pulls * (density * np.maximum(mu, 0.0)).sum(), mean + (pulls - 1) * (density * mu * stays).sum()


def test_gaussian_bandit_returns_of_oracle_and_explore_then_commit():
    oracle, explore = gaussian_values()
    # The published figures, 8.30 and 7.10, are means over finitely many episodes.
    assert oracle == pytest.approx(8.30, abs=0.05)
    assert explore == pytest.approx(7.10, abs=0.05)

    env, episodes = GaussianBandit(), 20_000
    params = env.default_params

    def play(policy, key):
        def pull(carry, key):
            state, stay, total = carry
            _, after, reward, _, _ = env.step_env(key, state, policy(state, stay), params)
            return (after, jnp.where(state.time == 0, reward > 0, stay), total + reward), None

        keys = jax.random.split(key, 101)
        state = env.reset(keys[0], params)[1]
        return jax.lax.scan(pull, (state, jnp.bool_(True), jnp.float32(0)), keys[1:])[0][2]

    policies = {
        oracle: lambda state, stay: (state.mu > 0).astype(jnp.int32),
        explore: lambda state, stay: ((state.time == 0) | stay).astype(jnp.int32),
    }
    keys = jax.random.split(jax.random.key(0), episodes)
    for value, policy in policies.items():
        returns = np.asarray(jax.jit(jax.vmap(lambda key, policy=policy: play(policy, key)))(keys), np.float64)
        assert abs(returns.mean() - value) < 4 * returns.std() / math.sqrt(episodes)
