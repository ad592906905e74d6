"""gymnax's environments by class, and the modules that it keeps them in, made of the table: one for each environment."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import jax

from jaxenv.adapters.gymnax.environments import adapted, environment, spaces
from jaxenv.adapters.gymnax.environments.environment import Environment, EnvParams, EnvState
from jaxenv.adapters.gymnax.table import ROWS, Row

__all__ = ["EnvParams", "EnvState", "Environment", "environment", "spaces"]
__all__ += [row.class_name for row in ROWS]  # pyright: ignore[reportUnsupportedDunderAll]


def _module(name: str, doc: str) -> ModuleType:
    """Return the module of this name, made and put in its place if there is none."""
    if name not in sys.modules:
        module = sys.modules[name] = ModuleType(name, doc)
        module.__path__ = []  # so that modules within it can be imported
        parent, _, last = name.rpartition(".")
        setattr(sys.modules[parent], last, module)
    return sys.modules[name]


def _add(row: Row) -> None:
    """Make the class of a row, and give it to this package, to its family's module and to its own."""
    family, _, own = row.module.rpartition(".")
    parent = _module(f"{__name__}.{family}", f"gymnax's module ``environments.{family}``.")
    module = _module(f"{__name__}.{row.module}", f"gymnax's module ``environments.{family}.{own}``.")
    cls: Any = adapted.class_of(row, module.__name__)
    for place in (sys.modules[__name__], parent, module):
        setattr(place, row.class_name, cls)

    def make_params(**changes: Any) -> Any:
        return cls().default_params.replace(**changes)

    def make_state(**changes: Any) -> Any:
        kept = {name: value for name, value in changes.items() if name not in row.not_kept}
        return cls().reset(jax.random.key(0))[1].replace(**kept)

    make_params.__doc__ = f"Return the parameters of {row.name} with other leaves."
    make_state.__doc__ = f"Return the first state of {row.name}, of the key 0, with other leaves."
    vars(module).update(EnvParams=make_params, EnvState=make_state)


for _row in ROWS:
    _add(_row)
