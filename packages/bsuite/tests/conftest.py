import contextlib
import io
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_bsuite import mnist_data


@pytest.fixture(scope="session", autouse=True)
def mnist_dir(tmp_path_factory):
    """Random bytes in the form of MNIST, where the environment variable says."""
    directory = tmp_path_factory.mktemp("mnist")
    rng = np.random.RandomState(0)
    mnist_data.write(directory, rng.randint(0, 256, (200, 28, 28)).astype(np.uint8), rng.randint(0, 10, 200))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(mnist_data.ENVIRONMENT_VARIABLE, str(directory))
        yield directory


@pytest.fixture(scope="session")
def reference():
    """The installed reference, made fit for today's pandas by the one line that its deep_sea analysis misses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import bsuite
        import pandas as pd
        from bsuite.experiments import summary_analysis
        from bsuite.logging import csv_load
        from bsuite.utils import datasets

    class Reference:
        sweep = bsuite.sweep
        pandas = pd
        load_mnist = staticmethod(datasets.load_mnist)

        @staticmethod
        def load(bsuite_id):
            with contextlib.redirect_stdout(io.StringIO()):
                return bsuite.load_from_id(bsuite_id)

        @staticmethod
        def read(directory):
            return csv_load.load_bsuite(str(directory))

        @staticmethod
        def scores(frame, sweep_vars=("agent_name",)):
            with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                patch.setattr(pd.Series, "append", lambda self, other: pd.concat([self, other]), raising=False)
                return summary_analysis.bsuite_score(frame, list(sweep_vars))

        @staticmethod
        def by_tag(table, sweep_vars=("agent_name",)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return summary_analysis.ave_score_by_tag(table, list(sweep_vars))

    return Reference


@pytest.fixture(scope="session")
def play():
    """Return a function from an environment and actions to what is seen of them, automatic resets included."""

    def play(env, params, actions, key=None):
        """Return the first observation, and ``(obs, state, reward, done, info)`` of every step, as NumPy's."""
        key = jax.random.key(0) if key is None else key
        obs, state = env.reset(key, params)

        def step(state, inputs):
            key, action = inputs
            obs, state, *rest = env.step(key, state, action, params)
            return state, (obs, state, *rest)

        actions = jnp.asarray(actions, jnp.int32)
        played = jax.jit(lambda state: jax.lax.scan(step, state, (jax.random.split(key, len(actions)), actions))[1])(state)
        return np.asarray(obs), jax.device_get(played)

    return play
