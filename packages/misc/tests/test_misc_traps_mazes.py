"""One test for each mistake that another port of FourRooms, MetaMaze or FrozenLake has made, named after it."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.testing import enable_x64
from jaxenv_misc import MAPS, FourRooms, FrozenLake, MetaMaze, random_map

pytestmark = pytest.mark.usefixtures("unoptimized")


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
        assert jaxenv.make("misc/FrozenLake8x8-misc")[0] == FrozenLake("8x8").replace(max_steps_in_episode=200)
