"""evaluate: whole episodes, those that a rollout begins with, of one policy or of a population."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.errors import (
    EvaluationLengthError,
    EvaluationMembersError,
    RolloutArgumentError,
    RolloutEnvironmentError,
    RolloutPolicyError,
)
from jaxenv.wrappers import Vectorize
from probes import Ladder, Walk

KEY = jax.random.key(3)
WALK = Walk()
LADDER = Ladder()


def linear(weights: Any, obs: Any, key: Any) -> Any:
    return jnp.tanh(obs @ weights)


def counting(carry: Any, obs: Any, key: Any) -> Any:
    return carry + 1, jnp.where(carry % 2, 1, -1)


def first_episodes(result: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the return and the length of the first episode of every environment of a rollout."""
    done = np.asarray(result.trajectory.done)
    assert done.any(0).all(), "an episode is longer than the rollout"
    lengths = done.argmax(0) + 1
    within = np.arange(len(done))[:, None] < lengths
    return (np.asarray(result.trajectory.reward) * within).sum(0), lengths


@pytest.mark.parametrize("policy", [None, linear])
def test_episodes_are_those_that_a_rollout_begins_with(policy: Any) -> None:
    weights = None if policy is None else jnp.ones((2, 2)) * 0.3
    found = jaxenv.evaluate(WALK, None, policy, KEY, num_episodes=50, policy_params=weights)
    played = jaxenv.rollout(WALK, None, policy, KEY, num_envs=50, num_steps=8, policy_params=weights)
    returns, lengths = first_episodes(played)
    np.testing.assert_array_equal(found.lengths, lengths)
    np.testing.assert_allclose(found.returns, returns, rtol=1e-5, atol=1e-6)
    assert found.finished.all()
    assert len(set(lengths.tolist())) > 1


def test_types() -> None:
    found = jaxenv.evaluate(WALK, None, None, KEY, num_episodes=np.int64(3))
    assert [x.dtype for x in jax.tree.leaves(found)] == [jnp.float32, jnp.int32, jnp.bool_]
    assert {x.shape for x in jax.tree.leaves(found)} == {(3,)}


def test_short_episodes_do_not_count_more() -> None:
    """Within a rollout as long as the limit the mean length of ended episodes is too short; here it is the true one."""
    params = WALK.default_params.replace(limit=4.0, max_steps_in_episode=40)
    lengths = np.asarray(jaxenv.evaluate(WALK, params, None, KEY, num_episodes=4000).lengths)
    biased = jaxenv.rollout(WALK, params, None, KEY, num_envs=4000, num_steps=40).statistics
    again = np.asarray(jaxenv.evaluate(WALK, params, None, jax.random.key(4), num_episodes=4000).lengths)
    error = np.hypot(lengths.std(), again.std()) / np.sqrt(4000)
    assert abs(lengths.mean() - again.mean()) < 4 * error
    assert biased.length_mean < lengths.mean() - 4 * error


def test_members_play_with_the_same_random_numbers_and_as_each_alone() -> None:
    population = jnp.stack([jnp.eye(2) * 0.1, jnp.eye(2) * -0.7, jnp.ones((2, 2)), jnp.eye(2) * 0.1])
    together = jaxenv.evaluate(WALK, None, linear, KEY, num_episodes=20, policy_params=population, policy_params_axis=0)
    assert together.returns.shape == together.lengths.shape == together.finished.shape == (4, 20)
    for member, weights in enumerate(population):
        alone = jaxenv.evaluate(WALK, None, linear, KEY, num_episodes=20, policy_params=weights)
        np.testing.assert_array_equal(together.lengths[member], alone.lengths)
        np.testing.assert_allclose(together.returns[member], alone.returns, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(together.returns[0], together.returns[3])


def test_members_under_vmap_are_the_same_as_an_axis() -> None:
    population = jnp.stack([jnp.eye(2) * 0.1, jnp.ones((2, 2))])

    def of(weights: Any) -> Any:
        return jaxenv.evaluate(WALK, None, linear, KEY, num_episodes=5, policy_params=weights)

    together = jaxenv.evaluate(WALK, None, linear, KEY, num_episodes=5, policy_params=population, policy_params_axis=0)
    mapped = jax.vmap(of)(population)
    np.testing.assert_array_equal(mapped.lengths, together.lengths)
    np.testing.assert_allclose(mapped.returns, together.returns, rtol=1e-5)


def test_a_recurrent_policy_has_its_own_carry() -> None:
    found = jaxenv.evaluate(LADDER, None, counting, KEY, num_episodes=2, initial_carry=jnp.int32(0))
    played = jaxenv.rollout(LADDER, None, counting, KEY, num_envs=2, num_steps=20, initial_carry=jnp.int32(0))
    returns, lengths = first_episodes(played)
    np.testing.assert_array_equal(found.returns, returns)
    np.testing.assert_array_equal(found.lengths, lengths)


def test_max_steps_leaves_episodes_and_says_so() -> None:
    found = jaxenv.evaluate(LADDER, None, lambda obs, key: jnp.int32(0), KEY, num_episodes=2, max_steps=5)
    np.testing.assert_array_equal(found.lengths, [5, 5])
    np.testing.assert_array_equal(found.returns, [5.0, 5.0])
    assert not found.finished.any()
    ended = jaxenv.evaluate(LADDER, None, lambda obs, key: jnp.int32(1), KEY, num_episodes=2, max_steps=7)
    np.testing.assert_array_equal(ended.lengths, [5, 5])
    assert ended.finished.all()


def test_params_of_every_episode() -> None:
    params = jax.tree.map(lambda x: jnp.broadcast_to(jnp.asarray(x), (3,)), WALK.default_params)
    params = params.replace(max_steps_in_episode=jnp.array([1, 2, 3], jnp.int32), limit=jnp.full(3, 50.0))
    found = jaxenv.evaluate(WALK, params, None, KEY, num_episodes=3, params_axis=0)
    np.testing.assert_array_equal(found.lengths, [1, 2, 3])


def test_the_same_under_jit_and_with_raw_keys() -> None:
    plain = jaxenv.evaluate(WALK, None, None, KEY, num_episodes=6)
    under_jit = jax.jit(lambda params: jaxenv.evaluate(WALK, params, None, KEY, num_episodes=6))(WALK.default_params)
    raw = jaxenv.evaluate(WALK, None, None, jax.random.key_data(KEY), num_episodes=6)
    for other in (under_jit, raw):
        np.testing.assert_array_equal(plain.lengths, other.lengths)
        np.testing.assert_array_equal(plain.returns, other.returns)


def test_the_limit_of_params_from_outside_is_known_under_jit() -> None:
    env, params = Ladder(), Ladder().default_params
    played = jax.jit(lambda key: jaxenv.evaluate(env, params, None, key, num_episodes=3))(jax.random.key(0))
    assert bool(played.finished.all())


def test_without_a_limit_max_steps_is_asked_for() -> None:
    params = LADDER.default_params.replace(max_steps_in_episode=jaxenv.Params().max_steps_in_episode)
    with pytest.raises(EvaluationLengthError, match=r"Ladder has no time limit.* Pass max_steps"):
        jaxenv.evaluate(LADDER, params, None, KEY, num_episodes=2)
    assert jaxenv.evaluate(LADDER, params, None, KEY, num_episodes=2, max_steps=9).lengths.max() <= 9


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"num_episodes": 0}, RolloutArgumentError, "num_episodes must be a positive integer, but 0 was given"),
        ({"max_steps": 2.5}, RolloutArgumentError, "max_steps must be a positive integer"),
        ({"policy_params_axis": 1}, RolloutArgumentError, "policy_params_axis must be 0 or None"),
        ({"params_axis": -1}, RolloutArgumentError, "params_axis must be 0 or None"),
        ({"policy_params_axis": 0}, EvaluationMembersError, "there are no parameters"),
        ({"policy_params_axis": 0, "policy_params": (jnp.ones(3), jnp.ones(2))}, EvaluationMembersError, "leaves have 3, 2"),
        ({"policy_params_axis": 0, "policy_params": jnp.float32(1)}, EvaluationMembersError, "leaves have None"),
        ({"env": Vectorize(WALK, 2)}, RolloutEnvironmentError, "plays one environment"),
        ({"policy_params": jnp.ones((2, 2)), "policy": lambda obs, key: obs}, RolloutPolicyError, "called as"),
    ],
)
def test_refusals(change: dict[str, Any], error: type[Exception], sentence: str) -> None:
    options = {"env": WALK, "params": None, "policy": linear, "key": KEY, "num_episodes": 2} | change
    with pytest.raises(error, match=sentence):
        jaxenv.evaluate(**options)
