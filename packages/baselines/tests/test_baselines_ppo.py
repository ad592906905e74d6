"""PPO: its estimates against sums by hand, its networks against themselves, and that it learns what only it can."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv_baselines import ppo
from jaxenv_baselines.errors import ActionSpaceError, ConfigError, TorsoError
from jaxenv_baselines.tasks import Task

KEY = 0


def task_of(name, **overrides):
    return Task.of(*jaxenv.make(name, **overrides))


@pytest.fixture
def small():
    """A config that compiles and runs in no time."""
    return ppo.Config(num_envs=8, num_steps=16, minibatches=2, epochs=2, widths=(16,), memory=8, total_steps=8 * 16 * 3)


def trained(task, config, key=KEY):
    ppo.check(task, config)
    return jax.jit(ppo.train)(task, config, jaxenv.random.key(key))


def explored(task, config, model, learner, key):
    return jaxenv.rollout(
        task.env,
        task.params,
        (ppo.Recurrent if config.torso == "gru" else ppo.FeedForward)(model, True),
        key,
        num_envs=config.num_envs,
        num_steps=config.num_steps,
        policy_params={"weights": learner.weights},
        initial_carry=model.initial_carry,
        state=learner.state,
        carry=learner.carry,
    )


def test_advantages_are_sums_of_discounted_surprises_within_an_episode():
    rng = np.random.RandomState(0)
    reward, value, next_value = (rng.randn(7, 3).astype(np.float32) for _ in range(3))
    done = rng.rand(7, 3) < 0.3
    config = ppo.Config(discount=0.9, trace=0.8)
    expected = np.zeros((7, 3))
    for env in range(3):
        for start in range(7):
            weight = 1.0
            for now in range(start, 7):
                expected[start, env] += weight * (reward[now, env] + 0.9 * next_value[now, env] - value[now, env])
                weight *= 0.9 * 0.8
                if done[now, env]:
                    break
    found = ppo.advantages(config, *map(jnp.asarray, (reward, value, next_value, done)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "torso", "limit", "cuts"),
    [
        ("local/Cue", "mlp", 2, 8 * 8),
        ("local/Cue", "gru", 2, 8 * 8),
        ("local/Cue", "mlp", 3, 0),  # the task terminates in its third step anyway
        ("Pendulum-v1", "mlp", 5, 8 * 3),
        ("MountainCarContinuous-v0", "gru", 5, 8 * 3),
    ],
)
def test_targets_bootstrap_from_the_final_observation_after_a_truncation(name, torso, limit, cuts, small):
    task, config = task_of(name, max_steps_in_episode=limit), small.replace(torso=torso)

    @jax.jit
    def both_ways(task, key):
        model, learner = ppo.Model.of(task, config), ppo.begin(task, config, key)
        result = explored(task, config, model, learner, key)
        trajectory = result.trajectory
        _, values, hidden = ppo._evaluate(model, learner.weights, None, trajectory.obs, trajectory.done, learner.carry)
        found = ppo._next_values(task, model, learner.weights, None, result, values, hidden)
        final = trajectory.info["final_observation"]
        weights = learner.weights
        x = final if hidden is None else model.recurrent_step(weights, hidden, model.recurrent_input(weights, final))[1]
        return found, model.critic(learner.weights, x) * trajectory.info["discount"], trajectory

    found, of_all, trajectory = both_ways(task, jaxenv.random.key(1))
    cut = trajectory.info["truncated"] & ~trajectory.info["terminated"]
    assert int(cut.sum()) == cuts
    np.testing.assert_allclose(found, of_all, rtol=1e-5, atol=1e-6)


def test_the_critic_learns_the_value_of_a_task_that_only_time_ends():
    """The value of every state is 1 / (1 - 0.9) = 10. Without bootstrapping it would be 2.7 on average."""
    config = ppo.Config(
        num_envs=16,
        num_steps=20,
        total_steps=16 * 20 * 150,
        widths=(16,),
        discount=0.9,
        learning_rate=0.01,
        max_gradient_norm=100.0,
    )
    config = config.replace(normalize_observations=False, scale_rewards=False)
    task = task_of("local/Stand")
    learner, _ = trained(task, config)
    value = float(ppo.Model.of(task, config).critic(learner.weights, jnp.ones(1)))
    assert value == pytest.approx(10.0, rel=0.03)


@pytest.mark.parametrize(("bootstraps", "low", "high"), [(True, -450.0, 0.0), (False, -2000.0, -650.0)])
def test_pendulum_is_learned_from_short_pieces_only_by_bootstrapping(bootstraps, low, high, monkeypatch):
    """Episodes of 16 steps are too short for a swing-up: its reward is known from the values of final observations alone."""
    if not bootstraps:
        monkeypatch.setattr(ppo, "bootstrapped", lambda _, trajectory, values, __: jnp.where(trajectory.done, 0.0, values))
    config = ppo.Config(
        num_envs=32,
        num_steps=64,
        total_steps=400_000,
        minibatches=8,
        epochs=8,
        learning_rate=3e-3,
        discount=0.95,
        entropy=0.0,
    )
    short, whole = task_of("Pendulum-v1", max_steps_in_episode=16), task_of("Pendulum-v1")
    learner, _ = jax.jit(lambda task, key: ppo.train(task, config, key))(short, jaxenv.random.key(KEY))
    played = jaxenv.evaluate(
        whole.env,
        whole.params,
        ppo.policy(whole, config),
        jaxenv.random.key(5),
        num_episodes=100,
        policy_params=ppo.policy_params(whole, config, learner),
    )
    assert low < float(played.returns.mean()) < high


def test_the_memory_that_is_learned_from_is_the_memory_that_played(small):
    task, config = task_of("local/Cue"), small.replace(torso="gru")

    @jax.jit
    def both(task, key):
        model, learner = ppo.Model.of(task, config), ppo.begin(task, config, key)
        result = explored(task, config, model, learner, key)
        _, _, hidden = ppo._evaluate(model, learner.weights, None, result.trajectory.obs, result.trajectory.done, learner.carry)
        return jnp.where(result.trajectory.done[-1][:, None], 0.0, hidden[-1]), result.carry

    learned_from, final_carry = both(task, jaxenv.random.key(3))
    assert float(jnp.abs(final_carry).max()) > 0.01
    np.testing.assert_allclose(learned_from, final_carry, rtol=1e-5, atol=1e-6)


def test_a_memory_learns_what_is_shown_once():
    config = ppo.Config(torso="gru", memory=16, widths=(16,), num_envs=32, num_steps=12, learning_rate=3e-3, total_steps=40_000)
    _, metrics = trained(task_of("local/Cue"), config)
    assert float((metrics["return_sum"] / metrics["episodes"])[-5:].mean()) > 0.9


def test_continuous_actions_reach_a_target_in_a_box_that_is_not_around_zero():
    config = ppo.Config(widths=(32,), num_envs=32, num_steps=16, learning_rate=3e-3, total_steps=60_000)
    task = task_of("local/Aim")
    learner, _ = trained(task, config)
    evaluation = jaxenv.evaluate(
        task.env,
        task.params,
        ppo.policy(task, config),
        jaxenv.random.key(5),
        num_episodes=200,
        policy_params=ppo.policy_params(task, config, learner),
    )
    assert float(evaluation.returns.mean()) > -0.01


def test_seeds_and_hyperparameters_are_trained_side_by_side(small):
    task, keys = task_of("local/Aim"), jaxenv.random.split(jaxenv.random.key(6), 2)
    rates = jnp.array([1e-3, 1e-2])
    axes = jax.tree.map(lambda _: None, small).replace(learning_rate=0)
    together, _ = jax.jit(jax.vmap(ppo.train, in_axes=(None, axes, 0)))(task, small.replace(learning_rate=rates), keys)
    for member in range(2):
        alone, _ = jax.jit(ppo.train)(task, small.replace(learning_rate=rates[member]), keys[member])
        for one, other in zip(jax.tree.leaves(together.weights), jax.tree.leaves(alone.weights), strict=True):
            np.testing.assert_allclose(one[member], other, rtol=2e-3, atol=2e-4)


def test_what_is_normalised_becomes_part_of_the_agent(small):
    task = task_of("local/Aim")
    learner, _ = trained(task, small)
    seen = ppo.policy_params(task, small, learner)["observations"]
    assert float(seen["mean"][0]) == pytest.approx(4.0, abs=0.1)
    assert float(seen["deviation"][0]) == pytest.approx(2 / 12**0.5, abs=0.05)
    assert set(ppo.policy_params(task, small.replace(normalize_observations=False), learner)) == {"weights"}


def test_equal_models_make_equal_policies_so_that_one_compilation_serves_them(small):
    first, second = (ppo.policy(task_of("local/Aim"), small) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_envs": 0}, "num_envs is 0, but an integer of at least 1 was expected"),
        ({"minibatches": 3}, "minibatches is 3, but a divisor of num_envs * num_steps, 128, was expected"),
        ({"minibatches": 3, "torso": "gru"}, "minibatches is 3, but a divisor of num_envs, 8, was expected"),
        ({"activation": "gelu"}, "activation is 'gelu', but tanh or relu was expected"),
    ],
)
def test_settings_that_cannot_be_are_refused(small, message, changes, expected):
    text = message(ConfigError, ppo.check, task_of("local/Aim"), small.replace(**changes))
    assert expected in text
    assert "Set another value: --set" in text


def test_a_cnn_needs_boards(small, message):
    text = message(TorsoError, ppo.check, task_of("local/Aim"), small.replace(torso="cnn"))
    assert "mlp or gru was expected. Set another: --set torso=mlp." in text


def test_spaces_of_actions_that_nobody_can_act_in_are_refused(message):
    from jaxenv import spaces
    from jaxenv_baselines.networks import distribution

    for space in (spaces.Dict({"a": spaces.Discrete(2)}), spaces.Box(-1.0, jnp.inf, (1,)), spaces.MultiDiscrete([64, 64])):
        text = message(ActionSpaceError, distribution, "Maze", space)
        assert text.startswith("Maze's action space is ")
        assert "Choose another environment, or wrap this one" in text


def test_a_distribution_over_combinations_says_what_its_parts_say():
    from jaxenv import spaces
    from jaxenv_baselines.networks import distribution

    both = distribution("Maze", spaces.MultiDiscrete([3, 2]))
    logits = jnp.arange(6.0)
    actions = jnp.array([[i, j] for i in range(3) for j in range(2)], jnp.int32)
    np.testing.assert_allclose(
        jax.vmap(lambda action: both.log_prob(logits, both.encode(action)))(actions), jax.nn.log_softmax(logits), rtol=1e-6
    )
    np.testing.assert_array_equal(both.mode(logits), [2, 1])
    drawn = jax.vmap(both.sample, in_axes=(0, None))(jax.random.split(jax.random.key(0), 500), logits)
    share = (np.asarray(drawn) == [2, 1]).all(axis=1).mean()
    assert share == pytest.approx(float(jax.nn.softmax(logits)[5]), abs=0.07)
