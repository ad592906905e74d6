"""jaxenv: reinforcement-learning environments as pure JAX functions.

Everything public is named here and imported on first use, so ``import jaxenv`` costs next to nothing, loads no plugin and
no environment, and leaves JAX alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxenv import errors, experimental, hookspecs, random, ranges, registry, spaces, testing, visualize, wrappers
    from jaxenv.checking import checks
    from jaxenv.environment import Environment, Params, State, Transition
    from jaxenv.evaluation import evaluate
    from jaxenv.registry.lookup import make, plugins, register, registered_envs, spec
    from jaxenv.registry.spec import EnvSpec
    from jaxenv.rollout_wrapper import RolloutWrapper
    from jaxenv.rollouts import rollout

__all__ = [
    "EnvSpec",
    "Environment",
    "Params",
    "RolloutWrapper",
    "State",
    "Transition",
    "checks",
    "errors",
    "evaluate",
    "experimental",
    "hookspecs",
    "make",
    "plugins",
    "random",
    "ranges",
    "register",
    "registered_envs",
    "registry",
    "rollout",
    "spaces",
    "spec",
    "testing",
    "visualize",
    "wrappers",
]

_MODULES = {
    "jaxenv.checking": ("checks",),
    "jaxenv.environment": ("Environment", "Params", "State", "Transition"),
    "jaxenv.evaluation": ("evaluate",),
    "jaxenv.registry.lookup": ("make", "plugins", "register", "registered_envs", "spec"),
    "jaxenv.registry.spec": ("EnvSpec",),
    "jaxenv.rollout_wrapper": ("RolloutWrapper",),
    "jaxenv.rollouts": ("rollout",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    elif name in __all__:
        value = importlib.import_module(f"{__name__}.{name}")
    elif name == "__version__":
        value = importlib.import_module("importlib.metadata").version("jaxenv-core")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
