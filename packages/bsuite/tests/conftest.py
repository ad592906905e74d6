import contextlib
import io
import warnings

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
