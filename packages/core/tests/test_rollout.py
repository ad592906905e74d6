"""Rollouts: forms of a policy, statistics, independence of the batch, RolloutWrapper."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from flax import linen as nn
from flax import struct
from jaxenv.engine.plan import Given, Plan
from jaxenv.environment import Environment, Params, State, Transition
from jaxenv.errors import RolloutArgumentError, RolloutEnvError, RolloutLengthError
from jaxenv.rollouts import Choice, Player
from jaxenv.spaces import Box, Discrete


@struct.dataclass
class TargetState(State):
    target: jax.Array
    total: jax.Array


@struct.dataclass
class TargetParams(Params):
    max_steps_in_episode: int = struct.field(default=5, kw_only=True)


class Target(Environment[TargetState, TargetParams]):
    """Reward 1 for naming the target; ends when it has been named twice."""

    @property
    def default_params(self):
        return TargetParams()

    def init(self, key, params):
        return TargetState(jax.random.randint(key, (), 0, 3), jnp.int32(0))

    def transition(self, key, state, action, params):
        hit = action == state.target
        total = state.total + hit.astype(jnp.int32)
        return Transition(state.replace(total=total), hit.astype(jnp.float32), total >= 2)

    def observe(self, state, params):
        return jax.nn.one_hot(state.target, 3)

    def action_space(self, params):
        return Discrete(3)

    def observation_space(self, params):
        return Box(0, 1, (3,))


ENV = Target()
PARAMS = ENV.default_params
KEY = jax.random.key(0)


def perfect(obs, key):
    return jnp.argmax(obs)


def linear(weights, obs, key):
    return jnp.argmax(obs @ weights)


def counting(carry, obs, key):
    return carry + 1, carry % 3


def numpy_statistics(trajectory):
    rewards, dones = np.asarray(trajectory.reward, np.float64), np.asarray(trajectory.done)
    returns, lengths = [], []
    for reward, done in zip(rewards.T, dones.T, strict=True):
        start = 0
        for end in np.flatnonzero(done) + 1:
            returns.append(reward[start:end].sum())
            lengths.append(end - start)
            start = end
    return np.array(returns), np.array(lengths)


def test_pieces_of_a_rollout_are_what_one_call_gives():
    player = Player(Plan(ENV, None), 3, 1, Given(PARAMS, KEY, None, None), Choice.of(False, KEY))
    loop, first = player.play(None, 0, 5)
    _, second = player.play(loop, 5, 7)
    _, both = player.play(None, 0, 12)
    for name in ("obs", "action", "reward", "done"):
        pieces = np.concatenate([getattr(first, name), getattr(second, name)])
        assert np.array_equal(pieces, getattr(both, name)), name


def test_which_key_each_environment_action_and_step_gets():
    """The order of keys is part of what a seed means: another one changes every trajectory."""
    played = jaxenv.rollout(ENV, PARAMS, None, KEY, num_envs=3, num_steps=12).trajectory
    for i in range(3):
        env_key = jaxenv.random.fold_in(KEY, i)
        obs, state = ENV.reset(jaxenv.random.lane(env_key, 1), PARAMS)
        for t in range(12):
            action = ENV.action_space(PARAMS).sample(jaxenv.random.lane(env_key, 2 * (t + 1)))
            assert (played.action[t, i], played.obs[t, i].tolist()) == (action, obs.tolist())
            obs, state, *_ = ENV.step(jaxenv.random.lane(env_key, 2 * (t + 1) + 1), state, action, PARAMS)


def test_random_policy_and_statistics_equal_a_count_by_hand():
    result = jaxenv.rollout(ENV, PARAMS, None, KEY, num_envs=32, num_steps=40)
    returns, lengths = numpy_statistics(result.trajectory)
    statistics = result.statistics
    assert int(statistics.episodes) == len(returns) > 100
    assert float(statistics.return_mean) == pytest.approx(returns.mean(), rel=1e-6)
    assert float(statistics.return_std) == pytest.approx(returns.std(), rel=1e-6)
    assert float(statistics.return_sem) == pytest.approx(returns.std(ddof=1) / np.sqrt(len(returns)), rel=1e-6)
    assert (float(statistics.return_min), float(statistics.return_max)) == (returns.min(), returns.max())
    assert float(statistics.length_mean) == pytest.approx(lengths.mean(), rel=1e-6)


def test_no_episode_ended():
    statistics = jaxenv.rollout(ENV, PARAMS, None, KEY, num_envs=1, num_steps=1).statistics
    assert int(statistics.episodes) == 0
    assert np.isnan(float(statistics.return_mean))


def test_policy_without_parameters():
    result = jaxenv.rollout(ENV, PARAMS, perfect, KEY, num_envs=4, num_steps=6)
    assert result.trajectory.reward.shape == (6, 4)
    assert float(result.statistics.return_mean) == 2.0
    assert float(result.statistics.length_mean) == 2.0


def test_policy_with_parameters():
    for weights, mean in ((jnp.eye(3), 2.0), (jnp.roll(jnp.eye(3), 1, axis=1), 0.0)):
        result = jaxenv.rollout(ENV, PARAMS, linear, KEY, num_envs=4, num_steps=10, policy_params=weights)
        assert float(result.statistics.return_mean) == mean


def test_recurrent_policy_starts_anew_with_each_episode():
    result = jaxenv.rollout(ENV, PARAMS, counting, KEY, num_envs=3, num_steps=12, initial_carry=jnp.int32(0))
    done, action = np.asarray(result.trajectory.done), np.asarray(result.trajectory.action)
    for env in range(3):
        expected, count = [], 0
        for ended in done[:, env]:
            expected.append(count % 3)
            count = 0 if ended else count + 1
        assert action[:, env].tolist() == expected
        assert int(result.carry[env]) == count


def test_recurrent_policy_with_parameters():
    def policy(offset, carry, obs, key):
        return carry + 1, (carry + offset) % 3

    result = jaxenv.rollout(
        ENV, PARAMS, policy, KEY, num_envs=2, num_steps=3, policy_params=jnp.int32(1), initial_carry=jnp.int32(0)
    )
    assert result.trajectory.action[:2].tolist() == [[1, 1], [2, 2]]


def test_the_trajectory_is_that_of_stepping_by_hand():
    result = jaxenv.rollout(ENV, PARAMS, perfect, KEY, num_envs=3, num_steps=5)
    trajectory = result.trajectory
    np.testing.assert_array_equal(trajectory.action, np.argmax(trajectory.obs, axis=-1))
    np.testing.assert_array_equal(trajectory.info["final_observation"][0], trajectory.obs[0])
    assert result.obs.shape == (3, 3)
    assert result.state.time.shape == (3,)


class Wide(Target):
    """Its observations are larger than its states."""

    def observe(self, state, params):
        return jnp.tile(super().observe(state, params), 40)

    def observation_space(self, params):
        return Box(0, 1, (120,))


class Stepping(Target):
    """It has a ``step`` of its own, whose observations are not those of the states."""

    def step(self, key, state, action, params=None):
        obs, *rest = super().step(key, state, action, params)
        return obs + 1.0, *rest


@pytest.mark.parametrize("env", [ENV, Wide(), Stepping()], ids=lambda env: env.name)
def test_the_random_policy_plays_what_the_same_policy_of_ones_own_plays(env):
    """Observations are carried from step to step, made where a policy looks at them, or made for all steps at once."""
    sizes = {"num_envs": 5, "num_steps": 12}
    random = jaxenv.rollout(env, PARAMS, None, KEY, **sizes)
    own = jaxenv.rollout(env, PARAMS, lambda obs, key: env.action_space(PARAMS).sample(key), KEY, **sizes)
    jax.tree.map(np.testing.assert_array_equal, random, own)
    seen, final = random.trajectory.obs, random.trajectory.info["final_observation"]
    shown = seen[1:] - 1.0 if isinstance(env, Stepping) else seen[1:]
    running = ~random.trajectory.done[:-1]
    np.testing.assert_array_equal(shown[running], final[:-1][running])


def test_an_environment_plays_the_same_whatever_the_batch_and_the_unrolling():
    few = jaxenv.rollout(ENV, PARAMS, None, KEY, num_envs=2, num_steps=9).trajectory
    many = jaxenv.rollout(ENV, PARAMS, None, KEY, num_envs=7, num_steps=9, unroll=3).trajectory
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[:, :2]), few, many)


def test_raw_keys_play_the_same_and_other_keys_do_not():
    typed = jaxenv.rollout(ENV, PARAMS, None, jax.random.key(1), num_envs=4, num_steps=9).trajectory
    raw = jaxenv.rollout(ENV, PARAMS, None, jax.random.PRNGKey(1), num_envs=4, num_steps=9).trajectory
    other = jaxenv.rollout(ENV, PARAMS, None, jax.random.key(2), num_envs=4, num_steps=9).trajectory
    np.testing.assert_array_equal(typed.action, raw.action)
    assert (typed.action != other.action).any()


def test_only_what_is_used_is_computed():
    jaxpr = jax.make_jaxpr(lambda key: jaxenv.rollout(ENV, PARAMS, None, key, num_envs=8, num_steps=1000).statistics)(KEY)
    compiled = (
        jax.jit(lambda key: jaxenv.rollout(ENV, PARAMS, None, key, num_envs=64, num_steps=1000).statistics).lower(KEY).compile()
    )
    assert jaxpr.out_avals[0].shape == ()
    memory = compiled.memory_analysis()
    assert memory.temp_size_in_bytes < 64 * 1000


@pytest.mark.parametrize(("name", "value"), [("num_envs", 0), ("num_steps", -1), ("unroll", 1.5), ("num_envs", True)])
def test_sizes_must_be_positive_integers(name, value):
    sizes = {"num_envs": 2, "num_steps": 2, name: value}
    with pytest.raises(RolloutArgumentError, match=f"{name} must be a positive integer, but {value}"):
        jaxenv.rollout(ENV, PARAMS, None, KEY, **sizes)


class Policy(nn.Module):
    @nn.compact
    def __call__(self, obs, key):
        return jax.random.categorical(key, nn.Dense(3)(obs))


def test_rollout_wrapper_with_a_flax_module():
    model = Policy()
    wrapper = jaxenv.RolloutWrapper(model.apply, env=ENV, num_env_steps=20)
    assert wrapper.input_shape == (3,)
    obs, state = ENV.reset(KEY, PARAMS)
    weights = model.init(KEY, obs, KEY)
    single = wrapper.single_rollout(KEY, weights)
    obs, action, reward, next_obs, done, cum_return = single
    assert (obs.shape, action.shape, reward.shape, next_obs.shape, done.shape) == ((20, 3), (20,), (20,), (20, 3), (20,))
    first = int(np.argmax(done)) + 1
    assert float(cum_return) == float(reward[:first].sum())
    np.testing.assert_array_equal(np.asarray(obs)[1:][~np.asarray(done)[:-1]], np.asarray(next_obs)[:-1][~np.asarray(done)[:-1]])

    keys = jax.random.split(KEY, 4)
    batch = wrapper.batch_rollout(keys, weights)
    assert batch[-1].shape == (4,)
    population = jax.tree.map(lambda x: jnp.stack([x, -x]), weights)
    members = wrapper.population_rollout(keys, population)
    assert members[0].shape == (2, 4, 20, 3)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[0], b), members, batch)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[2], b), batch, wrapper.single_rollout(keys[2], weights))


def test_next_obs_is_the_observation_before_the_reset():
    class Clock(Target):
        def observe(self, state, params):
            return jnp.full(3, state.time / 10)

    obs, _, _, next_obs, done, _ = jaxenv.RolloutWrapper(env=Clock(), num_env_steps=12).single_rollout(KEY)
    np.testing.assert_allclose(next_obs[:, 0], obs[:, 0] + 0.1, rtol=1e-6)
    assert bool(done.any())


def test_rollout_wrapper_takes_params_as_a_mapping_and_its_length_from_the_limit():
    wrapper = jaxenv.RolloutWrapper(env=ENV, env_params={"max_steps_in_episode": 3})
    assert wrapper.num_env_steps == 3
    assert wrapper.single_rollout(KEY)[0].shape == (3, 3)
    assert jaxenv.RolloutWrapper(env=ENV, env_params=PARAMS.replace(max_steps_in_episode=4)).num_env_steps == 4


def test_rollout_wrapper_is_where_gymnax_users_look_for_it():
    from jaxenv.experimental import RolloutWrapper

    assert RolloutWrapper is jaxenv.RolloutWrapper


def test_rollout_wrapper_needs_exactly_one_environment():
    with pytest.raises(RolloutEnvError, match="Pass exactly one of them"):
        jaxenv.RolloutWrapper()
    with pytest.raises(RolloutEnvError, match="Pass exactly one of them"):
        jaxenv.RolloutWrapper(env=ENV, env_name="CartPole-v1")


def test_a_rollout_of_unknown_length():
    with pytest.raises(RolloutLengthError, match=r"Target has no time limit.*Pass num_env_steps"):
        jaxenv.RolloutWrapper(env=ENV, env_params=Params())
