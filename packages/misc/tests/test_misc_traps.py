"""One test for each mistake that another port of these tasks has made, named after it; and for fields that are refused."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.testing import enable_x64
from jaxenv_misc import (
    MAPS,
    BernoulliBandit,
    FieldValueError,
    FourRooms,
    FrozenLake,
    GaussianBandit,
    MetaMaze,
    PointRobot,
    Pong,
    Reacher,
    Swimmer,
    random_map,
)

EVERY = {
    "rooms": (FourRooms(), {}),
    "rooms-pictures": (FourRooms(use_visual_obs=True), {}),
    "maze": (MetaMaze(), {"wall_penalty": 0.5}),
    "maze-goal-costs": (MetaMaze(5, 5), {"goal_reward": -2.0, "wall_penalty": -1.0}),
    "robot": (PointRobot(), {}),
    "robot-meta": (PointRobot(observe_context=True, respawn=True), {"max_steps_in_episode": 7}),
    "robot-dense": (PointRobot(observe_context=True, dense_reward=True), {}),
    "bernoulli": (BernoulliBandit(), {}),
    "bernoulli-time": (BernoulliBandit(normalize_time=True), {}),
    "gaussian": (GaussianBandit(), {}),
    "gaussian-time": (GaussianBandit(normalize_time=True), {}),
    "reacher": (Reacher(), {}),
    "reacher-3": (Reacher(3), {}),
    "swimmer": (Swimmer(), {}),
    "pong": (Pong(), {}),
    "pong-greedy": (Pong("greedy"), {}),
    "lake": (FrozenLake(), {}),
    "lake-8x8": (FrozenLake("8x8"), {}),
}


def play(env, params, steps=510, batch=16):
    """Observations, rewards and states of random play with automatic resets, and whether all observations were in their space."""
    space, actions = env.observation_space(params), env.action_space(params)

    def step(carry, key):
        state, inside = carry
        key_action, key_step = jax.random.split(key)
        obs, state, reward, done, info = env.step(key_step, state, actions.sample(key_action), params)
        inside = inside & space.contains(obs) & space.contains(info["final_observation"])
        return (state, inside), (obs, reward, done)

    @jax.jit
    @jax.vmap
    def run(key):
        obs, state = env.reset(key, params)
        return jax.lax.scan(step, (state, space.contains(obs)), jax.random.split(key, steps))

    (_, inside), (obs, reward, done) = run(jax.random.split(jax.random.key(0), batch))
    return np.asarray(obs), np.asarray(reward), np.asarray(done), bool(inside.all())


@pytest.mark.parametrize("name", EVERY)
def test_observations_are_always_inside_their_space(name):
    env, params = EVERY[name]
    obs, reward, done, inside = play(env, env.default_params.replace(**params))
    assert inside
    assert reward.dtype == np.float32
    assert done.any()
    assert obs.dtype == env.observation_space(env.default_params).dtype


@pytest.mark.parametrize("name", EVERY)
def test_x64_works_with_the_same_types(name):
    env, params = EVERY[name]
    params = env.default_params.replace(**params)
    with enable_x64():
        obs, state = env.reset(jax.random.key(0), params)
        action = env.action_space(params).sample(jax.random.key(1))
        obs, after, reward, done, _ = env.step(jax.random.key(2), state, action, params)
        assert env.observation_space(params).contains(obs)
        assert (reward.dtype, done.dtype) == (jnp.float32, jnp.bool_)
        for before, now in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
            assert before.dtype == now.dtype
            assert before.dtype in (jnp.int32, jnp.float64)


class TestFourRooms:
    def test_the_picture_is_indexed_by_row_and_column_and_shows_the_goal(self):
        env = FourRooms(use_visual_obs=True, resample_init_pos=False, resample_goal_pos=False)
        obs, _ = env.reset(jax.random.key(0))
        walls, agent, goal = np.moveaxis(np.asarray(obs), -1, 0)
        assert [[y, x] for y in range(13) for x in range(13) if env.layout[y][x] == "#"] == np.argwhere(walls).tolist()
        assert np.argwhere(agent).tolist() == [[4, 1]]
        assert np.argwhere(goal).tolist() == [[8, 9]]

    @pytest.mark.parametrize("options", [{}, {"resample_goal_pos": False}, {"resample_init_pos": False}])
    def test_the_goal_is_never_the_start(self, options):
        env = FourRooms(**options)
        obs, _ = jax.vmap(env.reset)(jax.random.split(jax.random.key(1), 20_000))
        assert (obs[:, :2] != obs[:, 2:]).any(axis=1).all()

    def test_integer_observations_have_an_integer_space(self):
        env = FourRooms()
        assert env.observation_space(env.default_params).dtype == env.reset(jax.random.key(0))[0].dtype == jnp.int32

    @pytest.mark.parametrize(("fail_prob", "intended", "other"), [(1 / 3, 2 / 3, 1 / 9), (0.0, 1.0, 0.0), (0.75, 0.25, 0.25)])
    def test_slips_have_their_probabilities(self, fail_prob, intended, other):
        env, samples = FourRooms(resample_goal_pos=False), 40_000
        params = env.default_params.replace(fail_prob=fail_prob)
        state = env.reset(jax.random.key(0), params)[1].replace(position=jnp.int32(2 * 13 + 2))
        keys = jax.random.split(jax.random.key(2), samples)
        for action in range(4):
            position = jax.vmap(env.step_env, in_axes=(0, None, None, None))(keys, state, jnp.int32(action), params)[1].position
            shares = np.array([(position == 2 * 13 + 2 + move).mean() for move in (-13, 1, 13, -1)])
            expected = np.full(4, other)
            expected[action] = intended
            np.testing.assert_allclose(shares, expected, atol=5 * 0.5 / samples**0.5)

    def test_a_wall_keeps_the_agent_and_the_goal_pays_and_ends(self):
        env = FourRooms(resample_init_pos=False, resample_goal_pos=False, start=(1, 1), goal=(1, 2))
        params = env.default_params.replace(fail_prob=0.0)
        _, state = env.reset(jax.random.key(0), params)
        for action, cell, reward in ((0, [1, 1], 0.0), (3, [1, 1], 0.0), (2, [2, 1], 0.0), (1, [1, 2], 1.0)):
            obs, _, got, done, info = env.step_env(jax.random.key(0), state, action, params)
            assert (obs[:2].tolist(), float(got), bool(done), bool(info["terminated"])) == (cell, reward, reward == 1, reward == 1)


class TestMetaMaze:
    @pytest.mark.parametrize(("size", "field"), [(11, 3), (9, 5), (7, 3), (5, 3), (21, 3)])
    def test_the_start_is_never_inside_a_pillar(self, size, field):
        env = MetaMaze(size, field)
        obs, state = env.reset(jax.random.key(0))
        assert not env.is_wall(state.y, state.x)
        assert obs[field**2 // 2] == 0

    @pytest.mark.parametrize("size", range(5, 22, 2))
    def test_the_goal_is_never_on_the_start(self, size):
        env = MetaMaze(size)
        _, state = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 2_000))
        y, x = jax.vmap(env.cell)(state.goal)
        assert ((y != state.y) | (x != state.x)).all()
        assert not env.is_wall(y, x).any()

    def test_the_teleport_never_leads_onto_the_goal_and_never_terminates(self):
        env = MetaMaze(5)
        params = env.default_params.replace(max_steps_in_episode=2_000)

        def step(state, key):
            action = jax.random.randint(key, (), 0, 4, jnp.int32)
            _, state, reward, _, info = env.step(key, state, action, params)
            y, x = env.cell(state.goal)
            return state, (reward, info["terminated"], (state.y == y) & (state.x == x))

        _, state = env.reset(jax.random.key(0), params)
        _, (reward, terminated, on_goal) = jax.lax.scan(step, state, jax.random.split(jax.random.key(1), 2_000))
        assert (reward == 10).sum() > 50
        assert not terminated.any()
        assert not on_goal.any()

    def test_the_penalty_is_subtracted_and_observed_inside_the_space(self):
        env = MetaMaze()
        params = env.default_params.replace(wall_penalty=0.5)
        _, state = env.reset(jax.random.key(0), params)
        state = state.replace(y=jnp.int32(1), x=jnp.int32(1))
        obs, after, reward, *_ = env.step(jax.random.key(1), state, 0, params)
        assert (float(reward), float(obs[12]), int(after.y)) == (-0.5, -0.5, 1)
        assert env.observation_space(params).contains(obs)

    def test_the_observation_is_laid_out_as_in_the_source(self):
        env = MetaMaze()
        params = env.default_params
        obs, state = env.reset(jax.random.key(0), params)
        assert obs.tolist() == [1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
        obs, *_ = env.step(jax.random.key(1), state.replace(goal=jnp.int32(0)), 2, params)
        np.testing.assert_allclose(obs, [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1 / 200, 0, 0, 0, 1, 0], rtol=1e-6)


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


class TestFrozenLake:
    def test_a_terminal_tile_absorbs(self):
        env = FrozenLake()
        _, state = env.reset(jax.random.key(0))
        for tile in (5, 7, 11, 12, 15):
            for action in range(4):
                obs, _, reward, done, info = env.step_env(jax.random.key(1), state.replace(position=jnp.int32(tile)), action)
                assert (int(obs), float(reward), bool(done), float(info["prob"])) == (tile, 0.0, True, 1.0)

    def test_a_map_may_have_several_starts_and_goals(self):
        env = FrozenLake(("SGS", "GSG"), is_slippery=False)
        _, state = env.reset(jax.random.key(0))
        rewards = [
            float(env.step(jax.random.key(1), state.replace(position=jnp.int32(p)), a)[2]) for p, a in ((0, 2), (2, 0), (4, 3))
        ]
        assert rewards == [1.0, 1.0, 1.0]

    def test_random_maps_have_a_way_to_the_goal(self):
        for seed in range(50):
            desc = random_map(6, 0.6, seed)
            assert FrozenLake(desc).desc == desc
            firm = np.array([list(row) for row in desc]) != "H"
            reached = np.zeros((8, 8), bool)
            reached[1, 1] = True
            for _ in range(36):
                spread = (
                    reached | np.roll(reached, 1, 0) | np.roll(reached, -1, 0) | np.roll(reached, 1, 1) | np.roll(reached, -1, 1)
                )
                reached[1:-1, 1:-1] = spread[1:-1, 1:-1] & firm
            assert reached[6, 6]
        assert random_map(12) != random_map(12)

    @pytest.mark.parametrize("x64", [False, True])
    def test_observations_are_int32_like_their_space(self, x64):
        env = FrozenLake()
        with enable_x64(x64):
            obs, _ = env.reset(jax.random.key(0))
            assert obs.dtype == env.observation_space(env.default_params).dtype == jnp.int32

    def test_firm_ice_draws_nothing(self):
        env = FrozenLake(is_slippery=False)
        _, state = env.reset(jax.random.key(0))
        jaxpr = str(jax.make_jaxpr(lambda key: env.step(key, state, 1))(jax.random.key(0)))
        assert not any(word in jaxpr for word in ("random_bits", "threefry", "random_split"))

    def test_a_named_map_equals_the_map_it_names(self):
        assert FrozenLake("8x8") == FrozenLake(list(MAPS["8x8"]))
        assert hash(FrozenLake("8x8")) == hash(FrozenLake(MAPS["8x8"]))
        assert jaxenv.make("misc/FrozenLake8x8-misc")[0] == FrozenLake("8x8")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FourRooms(start=(0, 0)), "start must be the row and column of a free cell of the layout, but \\(0, 0\\)"),
        (lambda: FourRooms(goal=(4, 1)), "goal must be another cell than start"),
        (lambda: FourRooms(layout=("####", "#  ", "####")), "layout must be rows of equal length with walls"),
        (lambda: FourRooms(layout=("####", "#   ", "####")), "layout must be rows of equal length with walls"),
        (lambda: FourRooms(layout=("###", "# #", "###")), "layout must be a map with 2 to 256 free cells"),
        (lambda: MetaMaze(10), "maze_size must be an odd number, at least 5, but 10"),
        (lambda: MetaMaze(3), "maze_size must be an odd number, at least 5, but 3"),
        (lambda: MetaMaze(receptive_field=2), "receptive_field must be an odd number"),
        (lambda: Reacher(0), "num_joints must be at least 1, but 0"),
        (lambda: Swimmer(0), "num_urchins must be at least 1, but 0"),
        (lambda: Pong("nobody"), "opponent must be 'self' or 'greedy', but 'nobody'"),
        (lambda: Pong(width=3), "width must be at least 8, but 3"),
        (lambda: Pong(height=3), "height must be at least 8, but 3"),
        (lambda: Pong(paddle_half_height=0), "paddle_half_height must be at least 1, but 0"),
        (lambda: FrozenLake("5x5"), "desc must be one of '4x4', '8x8' or rows of equal length"),
        (lambda: FrozenLake(("SF", "G")), "desc must be one of"),
        (lambda: FrozenLake(("SX", "FG")), "desc must be one of"),
        (lambda: FrozenLake(("FF", "FG")), "with at least one S"),
    ],
)
def test_a_wrong_field_is_refused_with_what_it_may_be(make, message):
    with pytest.raises(FieldValueError, match=message):
        make()


@pytest.mark.parametrize(("size", "p"), [(1, 0.8), (8, 0.0), (8, 1.5)])
def test_a_random_map_that_cannot_be_is_refused(size, p):
    with pytest.raises(ValueError, match="random_map needs size >= 2"):
        random_map(size, p, 0)
