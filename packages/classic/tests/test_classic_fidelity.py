"""Classic control against installed Gymnasium: single steps, resets, time limits, options."""

import warnings

import gymnasium
import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from gymnasium.envs.classic_control import AcrobotEnv, CartPoleEnv
from jaxenv.testing import enable_x64
from jaxenv.testing.fidelity import FidelityReport
from jaxenv_classic import Acrobot, CartPole
from jaxenv_classic.oracle import compare, compare_with_reference

IDS = ["CartPole-v1", "CartPole-v0", "Pendulum-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0"]
TRANSITIONS = 20_000


def reference(env_id, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # CartPole-v0 is out of date there; the task is ours to keep
        warnings.simplefilter("ignore", UserWarning)
        return gymnasium.make(env_id, **kwargs)


def assert_passes(report: FidelityReport):
    assert report.passed, [q for q in report.quantities if not q.passed]
    assert report.transitions == TRANSITIONS


@pytest.mark.parametrize("x64", [False, True], ids=["float32", "float64"])
@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.filterwarnings("ignore:.*CartPole-v0 is out of date:DeprecationWarning")
def test_single_steps_equal_gymnasium(env_id, x64):
    with enable_x64(x64):
        report = compare_with_reference(jaxenv.spec(f"classic/{env_id}"), transitions=TRANSITIONS, seed=1)
    assert_passes(report)
    assert all(q.tolerance <= (1e-10 if x64 else 1e-5) for q in report.quantities)
    if env_id != "Pendulum-v1":
        assert report.episodes > 100


@pytest.mark.parametrize(
    ("env", "params", "theirs"),
    [
        (CartPole("semi-implicit euler"), {}, "semi-implicit euler"),
        (CartPole(), {"sutton_barto_reward": True}, CartPoleEnv(sutton_barto_reward=True)),
        (CartPole(), {"masspole": 0.4, "masscart": 2.0, "length": 0.8, "gravity": 3.7}, "heavier"),
        (Acrobot("nips"), {}, "nips"),
        (Acrobot(), {"link_mass_1": 2.0, "link_com_pos_2": 0.3, "gravity": 9.8}, "other links"),
    ],
    ids=["semi-implicit", "sutton_barto", "masses", "nips", "links"],
)
def test_options_equal_gymnasium(env, params, theirs):
    match theirs:
        case "semi-implicit euler":
            theirs = CartPoleEnv()
            theirs.kinematics_integrator = "semi-implicit euler"
        case "heavier":
            theirs = CartPoleEnv()
            theirs.masspole, theirs.masscart, theirs.length, theirs.gravity = 0.4, 2.0, 0.8, 3.7
            theirs.total_mass, theirs.polemass_length = 2.4, 0.4 * 0.8
        case "nips":
            theirs = AcrobotEnv()
            theirs.book_or_nips = "nips"
        case "other links":
            theirs = AcrobotEnv()
            theirs.LINK_MASS_1, theirs.LINK_COM_POS_2 = 2.0, 0.3
        case _:
            pass
    params = env.default_params.replace(**params)
    with enable_x64():
        assert_passes(compare(env.name, env, params, theirs, transitions=TRANSITIONS, seed=2))


@pytest.mark.parametrize("env_id", IDS)
def test_time_limit_is_exact(env_id):
    theirs = reference(env_id)
    env, params = jaxenv.make(f"classic/{env_id}")
    limit = theirs.spec.max_episode_steps
    assert params.max_steps_in_episode == limit
    _, state = env.reset(jax.random.key(0), params)
    space = env.action_space(params)
    idle = jnp.zeros(space.shape, space.dtype)
    for time, truncated in ((limit - 2, False), (limit - 1, True)):
        info = env.step(jax.random.key(1), state.replace(time=jnp.int32(time)), idle, params)[4]
        assert bool(info["truncated"]) is truncated
        assert not bool(info["terminated"])


@pytest.mark.parametrize("env_id", IDS)
def test_spaces_equal_gymnasiums(env_id):
    theirs = reference(env_id)
    env, params = jaxenv.make(f"classic/{env_id}")
    assert jaxenv.spaces.to_gymnasium(env.observation_space(params)) == theirs.observation_space
    action_space = env.action_space(params)
    if isinstance(theirs.action_space, gymnasium.spaces.Discrete):
        # Their Discrete counts in int64; ours in int32, with and without x64.
        assert (action_space.n, action_space.start) == (theirs.action_space.n, theirs.action_space.start)
    else:
        assert jaxenv.spaces.to_gymnasium(action_space) == theirs.action_space


BOUNDS = {
    "CartPole-v1": {"x": 0.05, "x_dot": 0.05, "theta": 0.05, "theta_dot": 0.05},
    "Pendulum-v1": {"theta": np.pi, "theta_dot": 1.0},
    "Acrobot-v1": {"theta1": 0.1, "theta2": 0.1, "dtheta1": 0.1, "dtheta2": 0.1},
}


@pytest.mark.parametrize("env_id", BOUNDS)
def test_resets_are_uniform(env_id):
    env, params = jaxenv.make(f"classic/{env_id}")
    _, states = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(jax.random.key(0), 20_000), params)
    columns = []
    for field, bound in BOUNDS[env_id].items():
        values = np.asarray(getattr(states, field), np.float64) / bound
        assert_uniform(values, -1.0, 1.0)
        columns.append(values)
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 0.03


@pytest.mark.parametrize("env_id", ["MountainCar-v0", "MountainCarContinuous-v0"])
def test_mountain_car_resets(env_id):
    env, params = jaxenv.make(f"classic/{env_id}")
    _, states = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(jax.random.key(0), 20_000), params)
    assert_uniform(np.asarray(states.position, np.float64), -0.6, -0.4)
    assert not np.any(states.velocity)


def assert_uniform(values, low, high):
    """Kolmogorov-Smirnov at a level of about 1e-6."""
    ordered = (np.sort(values) - low) / (high - low)
    assert ordered[0] >= 0
    assert ordered[-1] <= 1
    n = len(ordered)
    distance = np.abs(ordered - (np.arange(n) + 0.5) / n).max()
    assert distance < 2.7 / np.sqrt(n)


def test_reset_bounds_are_params():
    for env_id, params in (
        ("CartPole-v1", {"reset_low": 0.2, "reset_high": 0.3}),
        ("MountainCar-v0", {"reset_low": 0.2, "reset_high": 0.3}),
        ("Pendulum-v1", {"x_init": 0.0, "y_init": 0.0}),
    ):
        env, params = jaxenv.make(f"classic/{env_id}", **params)
        obs, state = env.reset(jax.random.key(0), params)
        values = np.array([leaf for leaf in jax.tree.leaves(state) if leaf.dtype == jnp.float32])
        if env_id == "Pendulum-v1":
            np.testing.assert_array_equal(obs, [1.0, 0.0, 0.0])
        else:
            assert ((values == 0) | ((values >= 0.2) & (values <= 0.3))).all()
            assert values.any()
