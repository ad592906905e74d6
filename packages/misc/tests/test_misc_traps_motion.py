"""One test for each mistake that another port of PointRobot, Reacher, Swimmer or Pong has made, named after it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_misc import PointRobot, Pong, Reacher, Swimmer

pytestmark = pytest.mark.usefixtures("unoptimized")


class TestPointRobot:
    def placed(self, env, position):
        _, state = env.reset(jax.random.key(0))
        return state.replace(position=jnp.asarray(position, jnp.float32), goal=jnp.asarray((0.0, 1.0), jnp.float32))

    def test_the_reward_belongs_to_the_position_after_the_move(self):
        env = PointRobot()
        state = self.placed(env, (0.0, 0.75))
        for action, reward in (((0.0, 0.1), 1.0), ((0.0, 0.04), 0.0), ((0.0, 0.06), 1.0)):
            assert float(env.step(jax.random.key(0), state, jnp.array(action))[2]) == reward
        inside = self.placed(env, (0.0, 0.85))
        assert float(env.step(jax.random.key(0), inside, jnp.array((0.0, -0.1)))[2]) == 0.0

    def test_the_observed_action_is_the_clipped_one(self):
        env = PointRobot(observe_context=True)
        obs, state, *_ = env.step(jax.random.key(0), self.placed(env, (0.0, 0.0)), jnp.array((5.0, -5.0)))
        np.testing.assert_allclose(obs[3:5], (0.1, -0.1))
        np.testing.assert_allclose(state.position, (0.1, -0.1))

    @pytest.mark.parametrize("limit", [20, 100, 40])
    def test_the_time_is_a_fraction_of_the_limit_in_force(self, limit):
        env = PointRobot(observe_context=True)
        params = env.default_params.replace(max_steps_in_episode=limit)
        state = self.placed(env, (0.0, 0.0)).replace(time=jnp.int32(9))
        obs, *_ = env.step(jax.random.key(0), state, jnp.zeros(2), params)
        np.testing.assert_allclose(obs[5], 10 / limit, rtol=1e-6)

    def test_reaching_the_goal_leads_back_to_the_start_if_asked(self):
        for respawn in (True, False):
            env = PointRobot(respawn=respawn)
            state = self.placed(env, (0.0, 0.85))
            obs, _, reward, done, _ = env.step(jax.random.key(0), state, jnp.zeros(2))
            np.testing.assert_array_equal(obs, state.start if respawn else state.position)
            assert (float(reward), bool(done)) == (1.0, False)


class TestReacherAndSwimmer:
    @pytest.mark.parametrize("joints", [1, 3, 5])
    def test_a_reacher_may_have_any_number_of_joints(self, joints):
        env = Reacher(joints)
        obs, state = env.reset(jax.random.key(0))
        obs, state, reward, *_ = env.step(jax.random.key(1), state, jnp.ones(joints))
        assert obs.shape == env.observation_space(env.default_params).shape == (3 * joints + 2,)
        assert env.num_actions == joints
        assert 0.0 <= float(reward) <= 1.0

    @pytest.mark.parametrize("urchins", [1, 5])
    def test_the_urchins_have_the_shape_that_the_state_space_says(self, urchins):
        env = Swimmer(urchins)
        _, state = env.reset(jax.random.key(0))
        assert env.state_space().spaces["urchins"].shape == state.urchins.shape == (urchins, 2)

    @pytest.mark.parametrize(("env", "size"), [(Reacher(), 2), (Swimmer(), 2)], ids=["reacher", "swimmer"])
    def test_actions_are_not_clipped(self, env, size):
        _, state = env.reset(jax.random.key(0))
        slow, fast = (env.step(jax.random.key(1), state, jnp.full(size, push))[1] for push in (1.0, 3.0))
        field = "velocities" if isinstance(env, Reacher) else "velocity"
        gained = [np.asarray(getattr(after, field) - getattr(state, field)) for after in (slow, fast)]
        np.testing.assert_allclose(gained[1], 3 * gained[0], rtol=1e-4)


class TestPong:
    def rolling(self, **fields):
        env = Pong()
        _, state = env.reset(jax.random.key(0))
        return env, state.replace(**{name: jnp.float32(value) for name, value in fields.items()})

    @pytest.mark.parametrize(
        ("row", "velocity", "after", "reflected"), [(1.5, -3.0, 1.5, 3.0), (28.5, 3.0, 26.5, -3.0), (0.0, -2.0, 2.0, 2.0)]
    )
    def test_both_walls_reflect(self, row, velocity, after, reflected):
        env, state = self.rolling(ball_row=row, velocity_row=velocity)
        state = env.step(jax.random.key(0), state, (0, 0))[1]
        assert (float(state.ball_row), float(state.velocity_row)) == (after, reflected)

    def test_the_ball_stays_between_the_walls(self):
        env, state = self.rolling(velocity_row=-3.0, velocity_column=0.0)
        for _ in range(40):
            state = env.step(jax.random.key(0), state, (0, 0))[1]
            assert 0 <= float(state.ball_row) <= 29

    def test_a_paddle_moves_two_rows_a_step_as_far_as_its_height_outside(self):
        env, state = self.rolling(velocity_column=0.0)
        for time in range(1, 15):
            state = env.step(jax.random.key(0), state, (1, 2))[1]
            assert (float(state.left), float(state.right)) == (max(15 - 2 * time, -4), min(15 + 2 * time, 34))

    def test_the_velocity_is_not_rounded(self):
        env, state = self.rolling(ball_column=2.0, velocity_column=-1.0, left=14.0)
        state = env.step(jax.random.key(0), state, (0, 0))[1]
        assert (float(state.velocity_row), float(state.velocity_column)) == (0.5, 1.0)

    def test_the_game_ends_without_a_reward_when_the_ball_is_lost(self):
        for column, velocity, row in ((1.0, -2.0, 3.0), (39.0, 1.0, 3.0)):
            env, state = self.rolling(ball_column=column, velocity_column=velocity, ball_row=row)
            *_, reward, done, info = env.step_env(jax.random.key(0), state, (0, 0))
            assert (float(reward), bool(done), bool(info["terminated"])) == (0.0, True, True)

    def test_the_greedy_opponent_follows_the_ball_and_rests_beside_it(self):
        env = Pong("greedy")
        _, state = env.reset(jax.random.key(0))
        for ball, moved in ((20.0, 2.0), (10.0, -2.0), (15.5, 0.0), (16.0, 0.0), (16.5, 2.0)):
            after = env.step(jax.random.key(0), state.replace(ball_row=jnp.float32(ball)), 0)[1]
            assert float(after.right - state.right) == moved

    def test_nothing_is_random(self):
        env = Pong()
        _, state = env.reset(jax.random.key(0))
        jaxpr = str(jax.make_jaxpr(lambda key: env.step(key, state, (0, 1)))(jax.random.key(0)))
        assert not any(word in jaxpr for word in ("random_bits", "threefry", "random_split"))
