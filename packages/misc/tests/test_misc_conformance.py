"""Settings whose observations, actions or randomness differ in kind from the registered ids' keep the protocol's promises."""

import jax
import jax.numpy as jnp
import pytest
from jaxenv.testing import check_env
from jaxenv_misc import FourRooms, FrozenLake, PointRobot, Pong

pytestmark = pytest.mark.usefixtures("unoptimized")


@pytest.mark.parametrize(
    "env",
    [
        FourRooms(use_visual_obs=True),
        PointRobot(observe_context=True, respawn=True),
        PointRobot(dense_reward=True),
        Pong("greedy"),
        FrozenLake(is_slippery=False),
    ],
    ids=["pictures", "context", "dense", "greedy", "firm"],
)
def test_promises_are_kept(env):
    assert check_env(env).passed


def test_the_gradient_of_a_distance_is_finite_at_the_goal_itself():
    env = PointRobot(dense_reward=True)
    _, state = env.reset(jax.random.key(0))
    there = state.replace(position=state.goal)
    reward, gradient = jax.value_and_grad(lambda action: env.step(jax.random.key(1), there, action)[2])(jnp.zeros(2))
    assert reward == 0.0
    assert jnp.array_equal(gradient, jnp.zeros(2))
