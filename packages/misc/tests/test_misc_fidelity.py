"""Every environment of the family against its reference, over whole episodes, with every option."""

import dataclasses

import gymnasium
import jax
import jax.numpy as jnp
import jaxenv
import jaxenv_misc
import numpy as np
import pytest
from gymnasium.envs.toy_text.frozen_lake import generate_random_map
from jaxenv.testing import enable_x64
from jaxenv.testing.fidelity import FidelityReport
from jaxenv_misc import (
    MAPS,
    BernoulliBandit,
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
from jaxenv_misc.oracle import compare, compare_with_reference

LAKES = ["FrozenLake-misc", "FrozenLake8x8-misc"]
AGAINST_NUMPY = [
    "FourRooms-misc",
    "MetaMaze-misc",
    "PointRobot-misc",
    "BernoulliBandit-misc",
    "GaussianBandit-misc",
    "Reacher-misc",
    "Swimmer-misc",
    "Pong-misc",
]

OPTIONS = {
    "rooms-pictures": (FourRooms(use_visual_obs=True), {}),
    "rooms-fixed": (FourRooms(resample_init_pos=False, resample_goal_pos=False), {"fail_prob": 0.0, "max_steps_in_episode": 30}),
    "rooms-near": (FourRooms(resample_goal_pos=False, goal=(3, 6)), {"fail_prob": 0.6}),
    "rooms-other-map": (FourRooms(start=(1, 1), goal=(1, 4), layout=("######", "#    #", "# ## #", "######")), {}),
    "maze-penalty": (MetaMaze(), {"wall_penalty": 0.5, "goal_reward": 3.0, "max_steps_in_episode": 50}),
    "maze-5-sees-5": (MetaMaze(5, 5), {}),
    "maze-7-sees-3": (MetaMaze(7, 3), {}),
    "maze-9-sees-5": (MetaMaze(9, 5), {}),
    "robot-meta": (PointRobot(respawn=True, observe_context=True), {"max_steps_in_episode": 100}),
    "robot-dense": (PointRobot(dense_reward=True, observe_context=True), {"max_force": 0.05}),
    "robot-centre": (PointRobot(center_init=True, respawn=True), {"goal_radius": 0.5, "circle_radius": 0.8}),
    "bernoulli-time": (BernoulliBandit(normalize_time=True), {"reward_prob": 0.4, "max_steps_in_episode": 30}),
    "gaussian-time": (
        GaussianBandit(normalize_time=True),
        {"mean_mu": 0.5, "sigma_p": 2.0, "sigma_l": 1.0, "max_steps_in_episode": 30},
    ),
    "reacher-1": (Reacher(1), {}),
    "reacher-3": (Reacher(3), {"torque_scale": 2.0, "dt": 0.1}),
    "swimmer-2": (Swimmer(2), {"dt": 0.1, "max_steps_in_episode": 40}),
    "pong-greedy": (Pong("greedy"), {}),
    "pong-greedy-slow": (Pong("greedy"), {"paddle_step": 1.0, "ball_max_y_speed": 2.0}),
    "pong-small": (Pong(width=20, height=13, paddle_half_height=1), {"ball_x_speed": 2.0, "ball_max_y_speed": 5.0}),
    "lake-firm": (FrozenLake(is_slippery=False), {}),
    "lake-rates": (FrozenLake("8x8"), {"success_rate": 0.8, "reward_schedule": (2.0, -1.0, -0.1), "max_steps_in_episode": 40}),
    "lake-sure": (FrozenLake(), {"success_rate": 1.0}),
    "lake-random": (FrozenLake(random_map(12, seed=4)), {}),
    "lake-starts": (FrozenLake(("SFS", "FHG", "SFF")), {}),
    "lake-oblong": (FrozenLake(("SFFHF", "FFFFG")), {}),
}


def assert_passes(report: FidelityReport, transitions: int):
    assert report.passed, [q for q in report.quantities if not q.passed]
    assert report.transitions >= transitions
    assert {"observation", "reward", "terminated", "truncated"} <= {q.name for q in report.quantities}


@pytest.mark.parametrize("env_id", AGAINST_NUMPY)
def test_whole_episodes_equal_the_numpy_reference(env_id):
    # Swimmer and Pong have long episodes: enough transitions to see their ends.
    transitions = 17_000 if env_id == "Swimmer-misc" else 10_000
    report = compare_with_reference(jaxenv.spec(f"misc/{env_id}"), transitions=transitions, seed=1)
    assert_passes(report, transitions)
    assert report.episodes >= 25
    assert "float64" in report.notes[0]
    assert report.reference.startswith("jaxenv_misc.numpy_reference")


@pytest.mark.parametrize("env_id", LAKES)
@pytest.mark.parametrize("transitions", [5_000, pytest.param(50_000, marks=pytest.mark.long)])
def test_frozen_lake_in_lockstep_with_gymnasium(env_id, transitions):
    report = compare_with_reference(jaxenv.spec(f"misc/{env_id}"), transitions=transitions, seed=1)
    assert_passes(report, transitions)
    assert report.reference == "gymnasium"
    assert max(q.largest_difference for q in report.quantities) == 0.0
    assert report.episodes > transitions / 60


@pytest.mark.parametrize("name", OPTIONS)
def test_options_equal_the_reference(name):
    env, params = OPTIONS[name]
    with enable_x64():
        report = compare(name, env, env.default_params.replace(**params), transitions=2_000, seed=2)
    assert_passes(report, 2_000)


def test_the_comparison_notices_a_mistake():
    class GaussianBandit(jaxenv_misc.GaussianBandit):
        def transition(self, key, state, action, params):
            out = super().transition(key, state, action, params)
            return out.replace(reward=out.reward + 1e-6)

    env = GaussianBandit()
    with enable_x64():
        report = compare("wrong", env, env.default_params, transitions=100, seed=0)
    assert [q.name for q in report.quantities if not q.passed] == ["reward"]


def test_every_field_and_param_is_exercised_by_an_option():
    for cls in {type(env) for env, _ in OPTIONS.values()}:
        mine = [(env, params) for env, params in OPTIONS.values() if type(env) is cls]
        for field in (field for field in dataclasses.fields(cls) if not field.metadata.get("internal")):
            assert any(getattr(env, field.name) != field.default for env, _ in mine), (cls, field.name)
        params = {field.name for field in dataclasses.fields(cls().default_params)}
        assert params - {"max_steps_in_episode"} <= {name for _, changed in mine for name in changed}


@pytest.mark.parametrize("env_id", AGAINST_NUMPY + LAKES)
def test_whole_episodes_equal_the_reference_in_float32(env_id):
    env, params = jaxenv.make(f"misc/{env_id}")
    report = compare(env_id, env, params, transitions=2_000, seed=3)
    assert_passes(report, 2_000)
    assert "float32" in report.notes[0]


@pytest.mark.parametrize("env_id", AGAINST_NUMPY + LAKES)
def test_time_limit_is_exact(env_id):
    limits = dict(zip(AGAINST_NUMPY + LAKES, (500, 200, 20, 100, 100, 100, 500, 1000, 100, 200), strict=True))
    env, params = jaxenv.make(f"misc/{env_id}")
    assert params.max_steps_in_episode == limits[env_id]
    _, state = env.reset(jax.random.key(0), params)
    space = env.action_space(params)
    idle = jnp.zeros(space.shape, space.dtype)
    for time, truncated in ((limits[env_id] - 2, False), (limits[env_id] - 1, True)):
        info = env.step(jax.random.key(1), state.replace(time=jnp.int32(time)), idle, params)[4]
        assert bool(info["truncated"]) is truncated


@pytest.mark.parametrize("name", MAPS)
def test_slips_have_the_frequencies_of_gymnasiums_table(name):
    env = FrozenLake(MAPS[name])
    params = env.default_params
    reference = gymnasium.make("FrozenLake-v1", map_name=name).unwrapped
    tiles = len(reference.P)
    state_action = [(tile, action) for tile in range(tiles) for action in range(4)]
    samples = 3_000
    tile, action = (jnp.repeat(jnp.asarray(column, jnp.int32), samples) for column in zip(*state_action, strict=True))
    keys = jax.random.split(jax.random.key(0), len(tile))
    _, state = env.reset(keys[0], params)

    @jax.jit
    @jax.vmap
    def move(key, tile, action):
        return env.step_env(key, state.replace(position=tile), action, params)[1].position

    counts = np.zeros((tiles * 4, tiles))
    np.add.at(counts, (np.repeat(np.arange(tiles * 4), samples), np.asarray(move(keys, tile, action))), 1)
    expected = np.zeros_like(counts)
    for row, (tile, action) in enumerate(state_action):
        for prob, new_tile, _, _ in reference.P[tile][action]:
            expected[row, new_tile] += prob
    # Five standard errors of a share near 1/3.
    assert np.abs(counts / samples - expected).max() < 5 * np.sqrt(2 / 9 / samples)


@pytest.mark.parametrize(("size", "p"), [(8, 0.8), (4, 0.5), (13, 0.65), (2, 1.0)])
def test_random_maps_are_gymnasiums(size, p):
    for seed in range(20):
        assert random_map(size, p, seed) == tuple(generate_random_map(size, p, seed))
