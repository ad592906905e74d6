"""What the tests of single steps share."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(scope="session")
def driver():
    """Return a function from a game to its first state, its params, its picture and steps whose draws a test may choose."""
    key = jax.random.key(0)

    def driver(env):
        """``step`` takes an index of the full action set, without sticky actions."""
        params = env.default_params
        play = jax.jit(env.dynamics)

        def step(state, action, params=params, **draws):
            drawn = env.draw_step(key, params)._replace(sticky=jnp.float32(1.0), **{k: jnp.asarray(v) for k, v in draws.items()})
            return play(state, jnp.int32(action), drawn, params)

        state = jax.tree.map(jnp.asarray, env.init(key, params))
        return SimpleNamespace(state=state, step=step, params=params, observe=lambda s: np.asarray(env.observe(s, params)))

    return driver
