"""jaxenv: reinforcement-learning environments as pure JAX functions.

Everything public is named here and imported on first use, so ``import jaxenv`` costs next to nothing, loads no plugin and
no environment, and leaves JAX alone.
"""

from importlib import metadata
from typing import Any

import lazy_loader

_lookup, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    return metadata.version("jaxenv-core") if name == "__version__" else _lookup(name)
