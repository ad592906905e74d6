"""How episodes of this family begin: exactly where nothing is drawn, in distribution where something is."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_misc import BernoulliBandit, FourRooms, FrozenLake, GaussianBandit, MetaMaze, PointRobot, Pong, Reacher, Swimmer

pytestmark = pytest.mark.usefixtures("unoptimized")

RESETS = 20_000


def resets(env, count=RESETS, **params):
    """States of many resets, as numpy arrays by field."""
    params = env.default_params.replace(**params)
    keys = jax.random.split(jax.random.key(7), count)
    _, state = jax.jit(jax.vmap(env.reset, in_axes=(0, None)))(keys, params)
    return {name: np.asarray(value) for name, value in vars(state).items()}


def assert_uniform_over(values, members):
    """The values are the members and nothing else, each about as often: chi-square within five of its deviations."""
    found, counts = np.unique(np.asarray(values), return_counts=True, axis=0)
    assert found.tolist() == sorted(members)
    expected = len(values) / len(members)
    freedom = len(members) - 1
    assert ((counts - expected) ** 2 / expected).sum() < freedom + 5 * math.sqrt(2 * freedom)


def assert_distributed(values, cumulative):
    """Kolmogorov and Smirnov's test at a level of about 1e-4."""
    ordered = np.sort(np.asarray(values, np.float64))
    ideal = np.vectorize(cumulative)(ordered)
    rank = np.arange(len(ordered) + 1) / len(ordered)
    assert max(np.abs(ideal - rank[:-1]).max(), np.abs(ideal - rank[1:]).max()) < 2.23 / math.sqrt(len(ordered))


def assert_uniform_between(values, low, high):
    assert low <= values.min()
    assert values.max() <= high
    assert_distributed(values, lambda x: (x - low) / (high - low))


def free_cells(env):
    return [y * 13 + x for y, row in enumerate(env.layout) for x, cell in enumerate(row) if cell != "#"]


def test_four_rooms_draws_position_and_goal_uniform_and_distinct():
    env = FourRooms()
    assert len(free_cells(env)) == 104
    state = resets(env)
    assert_uniform_over(state["position"], free_cells(env))
    assert_uniform_over(state["goal"], free_cells(env))
    assert (state["position"] != state["goal"]).all()


def test_four_rooms_draws_all_pairs_of_cells():
    env = FourRooms(start=(1, 1), goal=(1, 2), layout=("#####", "#   #", "#####"))
    state = resets(env)
    pairs = [(a, b) for a in (6, 7, 8) for b in (6, 7, 8) if a != b]
    assert_uniform_over(np.stack([state["position"], state["goal"]], axis=1), [list(pair) for pair in pairs])


def test_four_rooms_with_one_cell_fixed():
    start, goal = 4 * 13 + 1, 8 * 13 + 9
    state = resets(FourRooms(resample_goal_pos=False))
    assert (state["goal"] == goal).all()
    assert_uniform_over(state["position"], [cell for cell in free_cells(FourRooms()) if cell != goal])
    state = resets(FourRooms(resample_init_pos=False))
    assert (state["position"] == start).all()
    assert_uniform_over(state["goal"], [cell for cell in free_cells(FourRooms()) if cell != start])


@pytest.mark.parametrize("size", [5, 7, 15, 21])
def test_maze_starts_in_the_free_centre_and_never_on_the_goal(size):
    env = MetaMaze(size)
    wall = np.array(
        [[y in (0, size - 1) or x in (0, size - 1) or (y % 2 == 0 and x % 2 == 0) for x in range(size)] for y in range(size)]
    )
    centre = size // 2
    wall[centre, centre] = False
    grid = jnp.arange(size)
    np.testing.assert_array_equal(env.is_wall(grid[:, None], grid[None, :]), wall)
    assert env.num_cells == (~wall).sum()

    cells = np.stack(jax.vmap(env.cell)(jnp.arange(env.num_cells)), axis=1)
    assert sorted(cells.tolist()) == np.argwhere(~wall).tolist()

    state = resets(env)
    assert (state["y"] == centre).all()
    assert (state["x"] == centre).all()
    assert not wall[centre, centre]
    goals = [cell for cell in np.argwhere(~wall).tolist() if cell != [centre, centre]]
    assert_uniform_over(cells[state["goal"]], goals)


@pytest.mark.parametrize("size", [5, 11, 21])
def test_maze_teleports_uniformly_to_cells_other_than_the_goal(size):
    env = MetaMaze(size)
    params = env.default_params
    _, state = env.reset(jax.random.key(0), params)
    goal_y, goal_x = env.cell(state.goal)
    # From the neighbour of the goal that is free: rows of odd number have no pillars.
    from_left = not bool(env.is_wall(goal_y, goal_x - 1))
    place = {"y": goal_y, "x": goal_x - 1} if from_left else {"y": goal_y - 1, "x": goal_x}
    if not from_left and bool(env.is_wall(goal_y - 1, goal_x)):
        place = {"y": goal_y, "x": goal_x + 1}
    state = state.replace(**place)
    action = 3 if place["x"] < goal_x else 2 if place["x"] > goal_x else 1
    keys = jax.random.split(jax.random.key(1), RESETS)
    _, after, reward, done, _ = jax.vmap(env.step_env, in_axes=(0, None, None, None))(keys, state, jnp.int32(action), params)
    assert (reward == 10).all()
    assert not done.any()
    others = [[int(y), int(x)] for y, x in (env.cell(jnp.int32(n)) for n in range(env.num_cells) if n != state.goal)]
    assert_uniform_over(np.stack([after.y, after.x], axis=1), others)


def test_point_robot():
    state = resets(PointRobot())
    assert_uniform_between(state["position"][:, 0], -1.5, 1.5)
    assert_uniform_between(state["position"][:, 1], -0.5, 1.5)
    angle = np.arctan2(state["goal"][:, 1], state["goal"][:, 0])
    assert_uniform_between(angle, 0.0, math.pi)
    np.testing.assert_allclose(np.linalg.norm(state["goal"], axis=1), 1.0, rtol=1e-6)
    assert abs(np.corrcoef([*state["position"].T, angle]) - np.eye(3)).max() < 5 / math.sqrt(RESETS)
    np.testing.assert_array_equal(state["start"], state["position"])

    state = resets(PointRobot(center_init=True), circle_radius=2.0)
    assert (state["position"] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(state["goal"], axis=1), 2.0, rtol=1e-6)


def test_bernoulli_bandit_tosses_a_coin_for_the_better_arm():
    state = resets(BernoulliBandit(), reward_prob=0.25)
    assert_uniform_over(state["first_prob"], [0.25, 0.75])


def test_gaussian_bandit_draws_the_mean():
    state = resets(GaussianBandit(), mean_mu=-0.5, sigma_p=2.0)
    assert_distributed(state["mu"], lambda x: 0.5 * math.erfc(-(x + 0.5) / 2.0 / math.sqrt(2.0)))


@pytest.mark.parametrize("joints", [1, 2, 3])
def test_reacher(joints):
    state = resets(Reacher(joints))
    columns = []
    for field, bound, width in (("angles", math.pi, joints), ("velocities", 1.0, joints), ("goal", joints, 2)):
        assert state[field].shape == (RESETS, width)
        for column in state[field].T:
            assert_uniform_between(column, -bound, bound)
            columns.append(column)
    assert abs(np.corrcoef(columns) - np.eye(len(columns))).max() < 5 / math.sqrt(RESETS)


@pytest.mark.parametrize("urchins", [1, 5])
def test_swimmer(urchins):
    state = resets(Swimmer(urchins))
    assert state["urchins"].shape == (RESETS, urchins, 2)
    assert (state["velocity"] == 0).all()
    columns = [*state["urchins"].reshape(RESETS, -1).T, *state["position"].T, *state["goal"].T]
    for column in columns:
        assert_uniform_between(column, -1.0, 1.0)
    assert abs(np.corrcoef(columns) - np.eye(len(columns))).max() < 5 / math.sqrt(RESETS)


def test_pong_starts_in_the_centre_with_the_ball_flying_right():
    state = resets(Pong(), count=3)
    for field, value in {
        "left": 15,
        "right": 15,
        "ball_row": 15,
        "ball_column": 20,
        "velocity_row": 0,
        "velocity_column": 1,
    }.items():
        assert state[field].tolist() == [value] * 3


def test_frozen_lake_starts_on_the_s_tiles_alike():
    assert (resets(FrozenLake(), count=5)["position"] == 0).all()
    assert_uniform_over(resets(FrozenLake(("FSH", "SFS", "HGG")))["position"], [1, 3, 5])
