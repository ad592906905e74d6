"""The adapter in gymnax's place, for code that can't be edited."""

from __future__ import annotations

import sys

from jaxenv.adapters.gymnax.environments.environment import Environment
from jaxenv.errors import GymnaxSettingError
from jaxenv.errors.wording import short

_PACKAGE = __name__.rpartition(".")[0]


def install(step_values: int = 5) -> None:
    """Make ``import gymnax`` and imports of gymnax's modules find this adapter, from now on in this process.

    Call it before the code that imports gymnax is imported: what has been imported already keeps what it has.

    Args:
        step_values: how many values ``step`` returns by default: 5 for code that was written for gymnax before 1.0, 6 for code
            that was written for gymnax 1.0.

    Raises:
        GymnaxSettingError: ``step_values`` is neither 5 nor 6.
    """
    if step_values not in (5, 6):
        raise GymnaxSettingError(f"install got step_values = {short(step_values)}, but step returns 5 or 6 values. Pass 5 or 6.")
    Environment.step_values = step_values
    for name in [name for name in sys.modules if name == "gymnax" or name.startswith("gymnax.")]:
        del sys.modules[name]
    for name in [name for name in sys.modules if name == _PACKAGE or name.startswith(f"{_PACKAGE}.")]:
        sys.modules[f"gymnax{name.removeprefix(_PACKAGE)}"] = sys.modules[name]
