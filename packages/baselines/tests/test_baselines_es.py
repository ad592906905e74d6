"""Evolution strategies: that each learns, with and without a memory, and what a generation plays."""

import sys

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv_baselines import es
from jaxenv_baselines.errors import ActionSpaceError, ConfigError, MissingExtraError, TorsoError
from jaxenv_baselines.tasks import Task

pytestmark = pytest.mark.usefixtures("unoptimized")


def task_of(name, **overrides):
    return Task.of(*jaxenv.make(name, **overrides))


def small(generations, **changes):
    config = es.Config(**{"population": 32, "episodes": 16, "episode_steps": 3, "widths": (8,), "memory": 4, **changes})
    return config.replace(total_steps=generations * es.steps_per_update(config))


@pytest.fixture
def evosax():
    """Skip where evosax, an extra, is not installed."""
    return pytest.importorskip("evosax")


def trained(task, config, seed=0):
    es.check(task, config)
    return jax.jit(es.train)(task, config, jaxenv.random.key(seed))


def returns(task, config, learner):
    return jaxenv.evaluate(
        task.env,
        task.params,
        es.policy(task, config),
        jax.random.key(9),
        num_episodes=256,
        policy_params=es.policy_params(task, config, learner),
        initial_carry=es.initial_carry(task, config),
    ).returns


@pytest.mark.parametrize("strategy", es.STRATEGIES)
def test_every_strategy_learns_to_aim(evosax, strategy):
    task = task_of("local/Aim")
    config = small(100, strategy=strategy, learning_rate=0.05, deviation=0.1 if strategy == "open_es" else 0.3)
    learner, metrics = trained(task, config)
    assert float(metrics["return_sum"][0] / metrics["episodes"][0]) < -0.2
    assert float(returns(task, config, learner).mean()) > -0.02


def test_a_memory_is_learned(evosax):
    task = task_of("local/Cue")
    config = small(60, strategy="snes", torso="gru", deviation=1.0)
    learner, _ = trained(task, config)
    assert float(returns(task, config, learner).mean()) > 0.99
    assert es.initial_carry(task, config).shape == (4,)


def test_metrics_are_of_the_mean_s_episodes(evosax):
    task = task_of("local/Stand", max_steps_in_episode=5)
    _, metrics = trained(task, small(2, episode_steps=9))
    np.testing.assert_allclose(metrics["episodes"], 16.0)
    np.testing.assert_allclose(metrics["return_sum"], 16 * 5.0)
    np.testing.assert_allclose(metrics["length_sum"], 16 * 5.0)
    np.testing.assert_allclose(metrics["population_return"], 5.0)
    _, metrics = trained(task, small(1, episode_steps=3))
    np.testing.assert_allclose(metrics["population_return"], 3.0)  # left after three steps


def test_seeds_and_numbers_train_side_by_side_as_they_do_alone(evosax):
    task, deviations = task_of("local/Aim"), jnp.array([0.1, 0.5])
    keys = jaxenv.random.split(jaxenv.random.key(4), 2)
    axes = jax.tree.map(lambda _: None, small(3)).replace(deviation=0)
    together, _ = jax.jit(jax.vmap(es.train, (None, axes, 0)))(task, small(3, deviation=deviations), keys)
    alone, _ = jax.jit(es.train)(task, small(3, deviation=deviations[1]), keys[1])
    np.testing.assert_allclose(alone.distribution.mean, together.distribution.mean[1], rtol=1e-3, atol=1e-4)


def test_bounded_numbers_are_scaled_to_between_minus_1_and_1_and_others_as_they_are():
    encode = es.Model.of(task_of("MountainCar-v0"), es.Config()).encode
    np.testing.assert_allclose(encode(jnp.array([-1.2, 0.07])), [-1.0, 1.0], rtol=1e-5)
    encode = es.Model.of(task_of("CartPole-v1"), es.Config()).encode
    np.testing.assert_allclose(encode(jnp.array([4.8, 7.0, 0.0, -9.0])), [1.0, 7.0, 0.0, -9.0], rtol=1e-5)
    encode = es.Model.of(task_of("FourRooms-misc"), es.Config(one_hot=True)).encode
    assert encode(jnp.array([0, 12, 3, 4])).sum() == 4.0


def test_boards_get_a_convolution(evosax):
    _, metrics = trained(task_of("Catch-bsuite"), small(1, torso="cnn", filters=2, population=2, episodes=2, episode_steps=9))
    assert np.isfinite(metrics["return_sum"]).all()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"strategy": "luck"}, "strategy is 'luck', but one of open_es, snes, cma_es was expected"),
        ({"population": 3}, "population is 3, but an even number was expected"),
        ({"episodes": 0}, "episodes is 0, but an integer of at least 1 was expected"),
        ({"activation": "step"}, "activation is 'step', but tanh or relu was expected"),
    ],
)
def test_settings_that_cannot_be(message, changes, expected):
    assert expected in message(ConfigError, es.check, task_of("local/Cue"), es.Config(**changes))


def test_tasks_that_it_cannot_see(message):
    assert "torso is 'cnn'" in message(TorsoError, es.check, task_of("local/Cue"), es.Config(torso="cnn"))


def test_tasks_that_it_cannot_act_in(message):
    from jaxenv.wrappers import TransformAction

    env, params = jaxenv.make("local/Cue")
    wild = TransformAction(env, lambda action: (action[0] > 0).astype(jnp.int32), jaxenv.spaces.Box(-np.inf, np.inf, (1,)))
    assert "bounded Box of floats" in message(ActionSpaceError, es.check, Task.of(wild, params), es.Config())


def test_evosax_is_asked_for_where_it_is_missing(message, monkeypatch):
    monkeypatch.setitem(sys.modules, "evosax", None)
    text = message(MissingExtraError, es.check, task_of("local/Cue"), es.Config())
    assert text == "evosax is not installed. Install it: pip install 'jaxenv-baselines[es]'."
