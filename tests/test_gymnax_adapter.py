"""gymnax's ids through the adapter: what it takes for granted of each, and code in the style of the libraries that use it."""

import importlib.util
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.adapters import gymnax
from jaxenv.adapters.gymnax import wrappers
from jaxenv.adapters.gymnax.environments import environment
from jaxenv.adapters.gymnax.table import ROWS
from jaxenv.adapters.gymnax.visualize import Visualizer
from jaxenv.errors import GymnaxSettingError, GymnaxTerminationError

pytestmark = pytest.mark.usefixtures("unoptimized")

STYLES = Path(__file__).parent / "gymnax_styles"
IDS = [row.name for row in ROWS if row.name != "MNISTBandit-bsuite"]  # which needs files

OBSERVATIONS = {
    "Asterix-MinAtar": (10, 10, 4),
    "Breakout-MinAtar": (10, 10, 4),
    "Freeway-MinAtar": (10, 10, 7),
    "Seaquest-MinAtar": (10, 10, 10),
    "SpaceInvaders-MinAtar": (10, 10, 6),
    "Catch-bsuite": (10, 5),
    "DeepSea-bsuite": (8, 8),
    "MemoryChain-bsuite": (3,),
    "UmbrellaChain-bsuite": (3,),
    "DiscountingChain-bsuite": (2,),
    "SimpleBandit-bsuite": (1, 1),
    "FourRooms-misc": (4,),
    "Pong-misc": (30, 40),
    "FrozenLake-misc": (),
}
LIMITS = {
    "CartPole-v1": 500,
    "Pendulum-v1": 200,
    "Acrobot-v1": 500,
    "MountainCar-v0": 200,
    "MountainCarContinuous-v0": 999,
    "Freeway-MinAtar": 2500,
    "Catch-bsuite": 1000,
    "DeepSea-bsuite": 8,
    "MemoryChain-bsuite": 1000,
    "UmbrellaChain-bsuite": 100,
    "DiscountingChain-bsuite": 100,
    "SimpleBandit-bsuite": 100,
    "FourRooms-misc": 500,
    "PointRobot-misc": 20,
} | {f"{game}-MinAtar": 1000 for game in ("Asterix", "Breakout", "Seaquest", "SpaceInvaders")}


@pytest.mark.parametrize("name", IDS)
def test_every_id_has_gymnaxs_interface(name):
    env, params = gymnax.make(name)
    keys = jax.eval_shape(lambda: jax.random.key(0)), jax.eval_shape(lambda: jax.random.key(1))
    obs, state = jax.eval_shape(env.reset, keys[0], params)
    action = jax.eval_shape(env.action_space(params).sample, keys[1])
    next_obs, next_state, reward, done, info = jax.eval_shape(env.step, keys[1], state, action, params)
    assert env.name == name
    assert (obs.shape, obs.dtype) == (next_obs.shape, next_obs.dtype) == (env.obs_shape, env.observation_space().dtype)
    assert obs.shape == OBSERVATIONS.get(name, obs.shape)
    assert obs.dtype == (jnp.int32 if name == "FrozenLake-misc" else jnp.float32)
    assert jax.tree.structure(state) == jax.tree.structure(next_state)
    assert (reward.shape, reward.dtype, done.dtype) == ((), jnp.float32, jnp.bool_)
    assert {"discount"} <= set(info)
    assert all(leaf.shape == () for leaf in jax.tree.leaves(info))
    assert type(params.max_steps_in_episode) is int
    assert params.max_steps_in_episode == LIMITS.get(name, params.max_steps_in_episode) <= 2500
    assert env.num_actions >= 1
    assert getattr(gymnax.environments, type(env).__name__) is type(env)


def test_ids_are_gymnaxs_in_its_order_and_any_of_ours_can_be_made():
    assert isinstance(gymnax.registered_envs, list)
    assert gymnax.registered_envs[:3] == ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"]
    assert len(gymnax.registered_envs) == 26
    assert gymnax.make("classic/CartPole-v0")[1].max_steps_in_episode == 200
    assert gymnax.make("CartPole-v1", gravity=1.6)[1].gravity == 1.6


def test_arguments_have_gymnaxs_names_or_ours():
    assert gymnax.make("Breakout-MinAtar", use_minimal_action_set=False)[0].num_actions == 6
    assert gymnax.make("Breakout-MinAtar", minimal_actions=False)[0].num_actions == 6
    assert gymnax.make("MemoryChain-bsuite", num_bits=4)[0].obs_shape == (6,)
    assert gymnax.environments.DeepSea(size=5).default_params.max_steps_in_episode == 5
    assert gymnax.make("FrozenLake-misc", map_name="8x8")[1].max_steps_in_episode == 200
    assert gymnax.make("FrozenLake-misc", map_name=None)[1].max_steps_in_episode == 100
    assert gymnax.make("Pong-misc")[0].num_actions == 3
    with pytest.raises(GymnaxSettingError, match=r"got map_name = '9x9', which is none of its own\. Pass '4x4' or '8x8'"):
        gymnax.make("FrozenLake-misc", map_name="9x9")


def test_modules_make_params_and_states():
    pendulum = sys.modules["jaxenv.adapters.gymnax.environments.classic_control.pendulum"]
    env, _ = gymnax.make("Pendulum-v1")
    state = pendulum.EnvState(theta=0.5, theta_dot=0.2, last_u=0.0, time=0)
    assert np.isclose(env.get_obs(state)[2], 0.2)
    assert pendulum.EnvParams(g=1.0).g == 1.0
    chain = sys.modules["jaxenv.adapters.gymnax.environments.bsuite.memory_chain"]
    assert chain.EnvParams(memory_length=3).memory_length == 3
    assert chain.EnvParams().max_steps_in_episode == 1000


@pytest.mark.parametrize("name", ["CartPole-v1", "Breakout-MinAtar", "MemoryChain-bsuite"])
def test_the_task_is_ours_step_for_step(name):
    ours, _ = jaxenv.make(name)
    env, params = gymnax.make(name)
    keys = jax.random.split(jax.random.key(0), 100)

    @jax.jit
    def play(keys):
        def one_step(states, key):
            key_act, key_step = jax.random.split(key)
            action = env.action_space(params).sample(key_act)
            obs, state, reward, done, _ = ours.step(key_step, states[0], action, params)
            other_obs, other_state, *others, _ = env.step(key_step, states[1], action, params)
            return (state, other_state), ((obs, state, reward, done), (other_obs, other_state, *others))

        states = ours.reset(keys[0], params)[1], env.reset(keys[0], params)[1]
        return jax.lax.scan(one_step, states, keys[1:])[1]

    theirs, adapted = play(keys)
    assert np.allclose(np.reshape(theirs[0], adapted[0].shape), adapted[0], atol=1e-5)
    for a, b in zip(jax.tree.leaves(theirs[1:]), jax.tree.leaves(adapted[1:]), strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_a_film_is_drawn_of_states_of_wrappers_too(tmp_path):
    env, params = gymnax.make("Catch-bsuite")
    logged = wrappers.LogWrapper(env)
    _, state = logged.reset(jax.random.key(0), params)
    states = [state]
    for key in jax.random.split(jax.random.key(1), 3):
        _, state, *_ = logged.step(key, state, 1, params)
        states.append(state)
    film = Visualizer(logged, params, states, [0.0, 0.0, 0.0, 0.0])
    assert film.animate(None) is None
    film.animate(str(tmp_path / "film.gif"), view=False)
    assert (tmp_path / "film.gif").stat().st_size > 0
    assert len(film) == 4
    assert env.render(states[0].env_state).shape[-1] == 3


@pytest.fixture
def installed(monkeypatch):
    """gymnax is the adapter, and JAX promotes as it does by default; afterwards, everything is as it was."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "gymnax"}
    monkeypatch.setattr(environment.Environment, "step_values", 5)
    gymnax.install()
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "gymnax"]:
        del sys.modules[name]
    sys.modules.update(before)


def style(name):
    """Import a script that imports gymnax."""
    spec = importlib.util.spec_from_file_location(f"gymnax_style_{name}", STYLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_code_in_the_style_of_purejaxrl_learns(installed):
    metrics = style("purejaxrl").run((), jax.random.key(0))
    assert set(metrics) == {
        "discount",
        "terminated",
        "truncated",
        "returned_episode",
        "returned_episode_lengths",
        "returned_episode_returns",
        "returned_episode_valid",
    }
    returns = [
        metrics["returned_episode_returns"][part][metrics["returned_episode"][part]].mean() for part in (slice(5), slice(-5, None))
    ]
    assert returns[0] < 40
    assert returns[1] > 3 * returns[0]


def test_metrics_of_a_run_in_that_style_stay_small(installed):
    changes = {"ENV_NAME": "Breakout-MinAtar", "NUM_UPDATES": 2, "NUM_STEPS": 8}
    metrics = jax.eval_shape(style("purejaxrl").run, tuple(changes.items()), jax.random.key(0))
    assert {leaf.shape for leaf in jax.tree.leaves(metrics)} == {(2, 8, 32)}


def test_code_in_the_style_of_evosax_learns(installed):
    evosax = style("evosax")
    fitness = evosax.run("CartPole-v1", 8, jax.random.key(3), episode_length=200)
    assert fitness[-1] > 150 > 3 * fitness[0]
    assert len(evosax.run("Pendulum-v1", 1, jax.random.key(4), env_params={"max_steps_in_episode": 20})) == 1


def test_code_in_the_style_of_rejax_learns(installed):
    env, _ = gymnax.make("FrozenLake-misc", is_slippery=False)
    (length, before), (_, after) = style("rejax").run(env, 4)
    assert before.sum() == 0
    assert after.sum() == 4
    assert (length <= 100).all()


def test_a_brax_environment_keeps_truncation_apart():
    pytest.importorskip("brax")
    from jaxenv.adapters.gymnax.wrappers.brax import GymnaxToBraxWrapper

    env, params = gymnax.make("Pendulum-v1")
    brax_env = GymnaxToBraxWrapper(wrappers.LogWrapper(env))
    state = jax.jit(brax_env.reset)(jax.random.key(0), params.replace(max_steps_in_episode=1))
    next_state = jax.jit(brax_env.step)(state, jnp.zeros(1))
    assert jax.tree.structure(state) == jax.tree.structure(next_state)
    assert next_state.done == 1.0
    assert next_state.info["truncated"]
    assert not next_state.info["terminated"]
    assert not np.array_equal(next_state.info["final_observation"], next_state.obs)
    assert (brax_env.observation_size, brax_env.action_size, brax_env.backend) == (3, 1, "jax")


def test_to_gymnax_is_of_the_installed_gymnax():
    theirs = pytest.importorskip("gymnax")
    from jaxenv.adapters.to_gymnax import ToGymnax

    env = ToGymnax("Breakout-MinAtar")
    params = env.default_params
    assert isinstance(env, theirs.environments.environment.Environment)
    assert isinstance(env.action_space(params), theirs.environments.spaces.Discrete)
    assert isinstance(env.observation_space(params), theirs.environments.spaces.Box)
    assert isinstance(env.state_space(params), theirs.environments.spaces.Dict)
    obs, state = env.reset(jax.random.key(0), params)
    assert len(env.step(jax.random.key(1), state, jnp.int32(0), params)) == 5
    assert len(ToGymnax(jaxenv.make("CartPole-v1")[0], step_values=6).step(jax.random.key(2), *cart(), jnp.int32(0))) == 6
    assert env.name == "Breakout-MinAtar"
    assert env.num_actions == 3
    assert env.get_obs(state).shape == obs.shape
    with pytest.raises(GymnaxTerminationError):
        env.is_terminal(state, params)
    with pytest.raises(GymnaxSettingError, match=r"ToGymnax got step_values = 4.*Pass 5 or 6"):
        ToGymnax("CartPole-v1", step_values=4)


def cart():
    """Return a state of CartPole, in a tuple."""
    return (jaxenv.make("CartPole-v1")[0].reset(jax.random.key(3))[1],)
