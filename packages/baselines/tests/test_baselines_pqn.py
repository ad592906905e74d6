"""PQN: its targets against sums by hand, its counts, and that it learns what only it can."""

from functools import partial

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv_baselines import pqn
from jaxenv_baselines.configs import CONFIGS
from jaxenv_baselines.errors import ChoicesError, ConfigError, TorsoError
from jaxenv_baselines.tasks import Task


def task_of(name, **overrides):
    return Task.of(*jaxenv.make(name, **overrides))


def small(**changes):
    """Return a config that compiles and runs in no time."""
    sizes = {"num_envs": 4, "num_steps": 8, "minibatches": 2, "epochs": 2, "widths": (8,), "total_steps": 4 * 8 * 3}
    return pqn.Config(**{**sizes, **changes})


def trained(task, config, seed=0):
    pqn.check(task, config)
    return jax.jit(pqn.train)(task, config, jaxenv.random.key(seed))


def mean_return(task, config, learner, episodes=64):
    params = pqn.policy_params(task, config, learner)
    played = jaxenv.evaluate(
        task.env,
        task.params,
        pqn.policy(task, config),
        jax.random.key(9),
        num_episodes=episodes,
        policy_params=params,
        max_steps=1000,
    )
    return float(played.returns.mean())


def explored(task, config, model, q_params):
    return jaxenv.rollout(
        task.env,
        task.params,
        pqn.Explorer(model),
        jax.random.key(1),
        num_envs=config.num_envs,
        num_steps=config.num_steps,
        policy_params={**q_params, "epsilon": jnp.float32(0.5)},
    )


def q_params_of(model, learner, config):
    bonus = {name: getattr(config, name) for name in ("bonus", "bonus_decay", "count_width")}
    return {"weights": learner.weights, "counts": learner.counts, **bonus}


@pytest.mark.parametrize("count_bits", [0, 8])
def test_targets_are_lambda_returns_by_hand(count_bits):
    task = task_of("local/Cue", max_steps_in_episode=2)  # half of the rounds end with an episode that was cut
    config = small(num_steps=7, discount=0.9, trace=0.7, reward_scale=2.0, count_bits=count_bits, bonus=0.6, minibatches=1)
    model = pqn.Model.of(task, config)
    learner = jax.jit(pqn.begin)(task, config, jaxenv.random.key(0))
    learner = learner._replace(counts=jnp.arange(learner.counts.size, dtype=jnp.float32).reshape(learner.counts.shape))
    q_params = q_params_of(model, learner, config)
    result = explored(task, config, model, q_params)
    played, last_obs, counts = jax.tree.map(np.asarray, (result.trajectory, result.obs, learner.counts))

    hashes, values = jax.jit(model.hash), jax.jit(model.q_values)

    def best_and_hopes(obs):
        bonuses = np.zeros(2) if not count_bits else 0.6 / (counts[hashes(q_params, obs)] + 1.0)
        return float(np.max(np.asarray(values(q_params, obs)) + bonuses)), bonuses

    expected = np.zeros((7, 4))
    for env in range(4):
        later, following = None, best_and_hopes(last_obs[env])[0]
        for now in reversed(range(7)):
            if played.done[now, env]:
                over = bool(played.info["terminated"][now, env])
                ahead = 0.0 if over else best_and_hopes(played.info["final_observation"][now, env])[0]
            else:
                ahead = following if later is None else 0.3 * following + 0.7 * later
            expected[now, env] = 2.0 * float(played.reward[now, env]) + 0.9 * ahead
            following, bonuses = best_and_hopes(played.obs[now, env])
            later = bonuses[int(played.action[now, env])] + expected[now, env]
    assert np.asarray(played.info["truncated"]).any()
    found = jax.jit(lambda q_params, result: pqn.targets(task, config, model, q_params, result))(q_params, result)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_only_final_observations_tell_what_standing_is_worth():
    # Truncated every fifth step. With bootstrapping the value is 1 / (1 - 0.9) = 10, without it about 4.
    task = task_of("local/Stand")
    config = small(discount=0.9, num_steps=16, total_steps=30_000, num_envs=8, learning_rate=1e-2, normalize_observations=False)
    config = config.replace(final_epsilon=1.0)  # both actions are learned of
    learner, _ = trained(task, config)
    values = pqn.Model.of(task, config).q_values({"weights": learner.weights}, jnp.ones(1))
    np.testing.assert_allclose(values, 10.0, rtol=0.1)


def test_counts_are_of_actions_after_observations():
    task = task_of("DeepSea-bsuite", size=3)
    config = small(count_bits=12, epsilon=1.0, final_epsilon=1.0, num_steps=9, num_envs=16, minibatches=1, total_steps=3 * 9 * 16)
    learner, _ = trained(task, config)
    assert float(learner.counts.sum()) == 3 * 9 * 16
    assert int((learner.counts.sum(axis=1) > 0).sum()) == 1 + 2 + 3  # cells that a dive of three steps begins a step in
    assert float(learner.counts.sum(axis=1).max()) == 3 * 3 * 16  # every dive begins in the corner


def test_observations_are_told_apart_by_rounding():
    model = pqn.Model.of(task_of("CartPole-v1"), small(count_bits=20))
    params = {"count_width": 0.1}
    one, close, other = (int(model.hash(params, jnp.array([x, -0.5, 0.0, 2.0]))) for x in (1.0, 1.04, 1.2))
    assert one == close != other
    assert 0 <= one < 2**20
    cells = jax.vmap(lambda obs: pqn.Model.of(task_of("DeepSea-bsuite"), small(count_bits=20)).hash(params, obs))
    boards = jnp.eye(64, dtype=jnp.bool_).reshape(64, 8, 8)
    assert len(set(cells(boards).tolist())) == 64


def test_a_bonus_falls_with_tries_and_there_is_none_without_counts():
    task = task_of("DeepSea-bsuite", size=3)
    config = small(count_bits=4, bonus=2.0, bonus_decay=0.5)
    model, learner = pqn.Model.of(task, config), pqn.begin(task, config, jaxenv.random.key(0))
    obs = jnp.zeros((3, 3), jnp.bool_)
    params = q_params_of(model, learner, config)
    np.testing.assert_allclose(model.bonuses(params, obs), [2.0, 2.0])
    params["counts"] = learner.counts.at[model.hash(params, obs), 1].set(3.0)
    np.testing.assert_allclose(model.bonuses(params, obs), [2.0, 1.0])
    plain = small(bonus=2.0)
    np.testing.assert_allclose(pqn.Model.of(task, plain).bonuses({}, obs), [0.0, 0.0])


def test_random_actions_become_few_on_a_line():
    _, metrics = trained(task_of("local/Cue"), small(epsilon=0.8, final_epsilon=0.2, epsilon_decay=0.5, total_steps=4 * 8 * 8))
    np.testing.assert_allclose(metrics["epsilon"], [0.8, 0.65, 0.5, 0.35, 0.2, 0.2, 0.2, 0.2], rtol=1e-5)


def test_seeds_and_numbers_train_side_by_side_as_they_do_alone():
    task, rates = task_of("local/Cue"), jnp.array([1e-3, 1e-2])
    keys = jaxenv.random.split(jaxenv.random.key(4), 2)
    axes = jax.tree.map(lambda _: None, small()).replace(learning_rate=0)
    together, _ = jax.jit(jax.vmap(pqn.train, (None, axes, 0)))(task, small(learning_rate=rates), keys)
    alone, _ = jax.jit(pqn.train)(task, small(learning_rate=rates[1]), keys[1])
    close = partial(np.testing.assert_allclose, rtol=2e-3, atol=1e-4)
    jax.tree.map(lambda one, many: close(one, many[1]), alone.weights, together.weights)


def test_learns_to_balance():
    task = task_of("CartPole-v1")
    sizes = {"total_steps": 100_000, "num_envs": 16, "num_steps": 32, "minibatches": 8, "widths": (64, 64)}
    config = pqn.Config(**sizes, learning_rate=1e-3, trace=0.9)
    learner, metrics = trained(task, config)
    assert mean_return(task, config, learner) > 400.0
    assert float(metrics["return_sum"][:4].sum() / metrics["episodes"][:4].sum()) < 60.0


def test_a_bonus_finds_the_treasure_of_a_deep_sea_that_random_actions_miss():
    task = task_of("DeepSea-bsuite", size=8)
    settings = {**CONFIGS["bsuite/DeepSea-bsuite"].settings, "num_steps": 8, "total_steps": 30_000}
    config = pqn.Config(**settings)
    learner, _ = trained(task, config)
    assert mean_return(task, config, learner) > 0.98
    without = pqn.Config(**{**settings, "count_bits": 0})
    learner, metrics = trained(task, without)
    assert mean_return(task, without, learner) < 0.01


@pytest.mark.long
def test_the_treasure_of_a_sea_of_twenty_rows_is_found_by_every_seed():
    task = task_of("DeepSea-bsuite", size=20)
    config = pqn.Config(**CONFIGS["bsuite/deep_sea/5"].settings)
    learners, _ = jax.jit(jax.vmap(pqn.train, (None, None, 0)))(task, config, jaxenv.random.split(jaxenv.random.key(0), 4))
    for seed in range(4):
        assert mean_return(task, config, jax.tree.map(lambda leaf, seed=seed: leaf[seed], learners)) > 0.98


def test_boards_get_a_convolution():
    task, config = task_of("Catch-bsuite"), small(torso="cnn", filters=4)
    pqn.check(task, config)
    learner = jax.jit(pqn.begin)(task, config, jaxenv.random.key(0))
    assert learner.weights["params"]["Dense_0"]["kernel"].shape == (9, 4)
    boards = jnp.zeros((2, 10, 5), jnp.bool_).at[1, 4, 2].set(True)
    values = jax.vmap(lambda obs: pqn.Model.of(task, config).q_values({"weights": learner.weights}, obs))(boards)
    assert values.shape == (2, 3)
    assert not np.allclose(values[0], values[1])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"minibatches": 5}, "minibatches is 5, but a divisor of num_envs * num_steps, 32, was expected"),
        ({"count_bits": 25}, "count_bits is 25, but an integer from 0 to 24 was expected"),
        ({"num_envs": 0}, "num_envs is 0, but an integer of at least 1 was expected"),
        ({"torso": "gru"}, "torso is 'gru', but mlp or cnn: pqn is not recurrent"),
    ],
)
def test_settings_that_cannot_be(message, changes, expected):
    assert expected in message(ConfigError, pqn.check, task_of("local/Cue"), small(**changes))


def test_tasks_that_it_cannot_act_in_or_see(message):
    assert "pqn supports discrete actions only, but Aim's action space is" in message(
        ChoicesError, pqn.check, task_of("local/Aim"), small()
    )
    assert "torso is 'cnn'" in message(TorsoError, pqn.check, task_of("local/Cue"), small(torso="cnn"))
