"""What another port of these tasks has got wrong in several of them: observations outside their space, types under x64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.testing import enable_x64
from jaxenv_misc import BernoulliBandit, FourRooms, FrozenLake, GaussianBandit, MetaMaze, PointRobot, Pong, Reacher, Swimmer

pytestmark = pytest.mark.usefixtures("unoptimized")

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
