"""How often each environment calls the random number generator: at most once a step, never where its task draws nothing."""

import jax
import jaxenv
import pytest
from jaxenv import environment
from jaxenv.random import draws

JAX_DRAWS = ("random_bits", "threefry2x32", "random_split", "random_fold_in")


def calls(jaxpr):
    """Count calls of the generator in a jaxpr and all that is nested in it."""
    count = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if equation.params.get("name") in vars(draws) or name in JAX_DRAWS:
            count += 1
            continue
        if "branches" in equation.params:  # one for each platform: only one of them is compiled
            count += max(calls(branch.jaxpr) for branch in equation.params["branches"])
            continue
        for value in equation.params.values():
            for item in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(item, "jaxpr", item)
                count += calls(inner) if hasattr(inner, "eqns") else 0
    return count


# Calls of (reset, step). Steps of deterministic tasks, and resets to a fixed state, make none.
CALLS = {
    "bsuite/SimpleBandit-bsuite": (0, 0),
    "bsuite/Catch-bsuite": (1, 0),
    "bsuite/Cartpole-bsuite": (1, 0),
    "bsuite/CartpoleSwingup-bsuite": (1, 0),
    "bsuite/DeepSea-bsuite": (0, 0),
    "bsuite/DiscountingChain-bsuite": (0, 0),
    "bsuite/MemoryChain-bsuite": (1, 0),
    "bsuite/UmbrellaChain-bsuite": (1, 1),
    "bsuite/MNISTBandit-bsuite": (1, 0),
    "bsuite/MountainCar-bsuite": (1, 0),
    "classic/CartPole-v1": (1, 0),
    "classic/Pendulum-v1": (1, 0),
    "classic/Acrobot-v1": (1, 0),
    "classic/MountainCar-v0": (1, 0),
    "classic/MountainCarContinuous-v0": (1, 0),
    "minatar/Asterix-MinAtar": (0, 1),
    "minatar/Breakout-MinAtar": (1, 1),
    "minatar/Freeway-MinAtar": (1, 1),
    "minatar/Seaquest-MinAtar": (0, 1),
    "minatar/SpaceInvaders-MinAtar": (0, 1),
    "misc/FourRooms-misc": (1, 1),
    "misc/MetaMaze-misc": (1, 1),
    "misc/PointRobot-misc": (1, 0),
    "misc/BernoulliBandit-misc": (1, 1),
    "misc/GaussianBandit-misc": (1, 1),
    "misc/Reacher-misc": (1, 0),
    "misc/Swimmer-misc": (1, 0),
    "misc/Pong-misc": (0, 0),
    "misc/FrozenLake-misc": (0, 1),
}


@pytest.mark.parametrize("env_id", CALLS)
def test_generator_calls(env_id):
    env, params = jaxenv.make(env_id, **({"source": "digits"} if "MNIST" in env_id else {}))
    key = jax.random.key(0)
    _, state = jax.eval_shape(env.reset, key, params)
    action = jax.eval_shape(env.action_space(params).sample, key)
    reset = environment._init.trace(env, key, params).jaxpr.jaxpr
    step = environment._advance.trace(env, key, state, action, params).jaxpr.jaxpr
    assert (calls(reset), calls(step)) == CALLS[env_id]


def test_every_class_is_in_the_table():
    # bsuite's noisy and scaled ids are wrappers around classes that are in the table.
    classes = {
        spec.entry_point for spec in jaxenv.registered_envs() if ".wrapped:" not in spec.entry_point and spec.namespace != "local"
    }
    assert classes == {jaxenv.spec(env_id).entry_point for env_id in CALLS}
