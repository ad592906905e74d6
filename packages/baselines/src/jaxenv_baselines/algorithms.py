"""The algorithms by name. Importing this module imports no JAX."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from jaxenv_baselines.errors import ConfigError, UnknownAlgorithmError, UnknownSettingError

if TYPE_CHECKING:
    from jax import Array

    from jaxenv_baselines.tasks import Task

_FRACTION, _POSITIVE, _NONNEGATIVE = (0.0, 1.0, True), (0.0, math.inf, False), (0.0, math.inf, True)
RANGES = {
    **dict.fromkeys(("discount", "trace", "epsilon", "final_epsilon"), _FRACTION),
    "epsilon_decay": (0.0, 1.0, False),
    **dict.fromkeys(("clip", "max_gradient_norm", "deviation", "count_width", "reward_scale"), _POSITIVE),
    **dict.fromkeys(("learning_rate", "final_learning_rate", "entropy", "final_entropy", "value"), _NONNEGATIVE),
    **dict.fromkeys(("bonus", "bonus_decay"), _NONNEGATIVE),
}
"""Smallest and largest value of hyperparameters, whatever the algorithm, and whether the smallest is a value itself."""
MODULES = {"ppo": "jaxenv_baselines.ppo", "pqn": "jaxenv_baselines.pqn", "es": "jaxenv_baselines.es"}
"""Modules of the algorithms. A new one is a module that satisfies :class:`Algorithm`, and an entry here."""


class Algorithm(Protocol):
    """Interface of an algorithm's module. Its functions are pure and train one member; callers ``vmap`` over seeds and configs."""

    Config: type[Any]
    """A ``flax.struct`` dataclass with defaults: floats are leaves, settings that determine shapes are static."""
    check: Callable[[Task, Any], None]
    """``check(task, config)`` raises an error if the config does not fit the task; it compiles nothing."""
    num_updates: Callable[[Any], int]
    """``num_updates(config)``: number of updates of a training."""
    steps_per_update: Callable[[Any], int]
    """``steps_per_update(config)``: environment steps per update."""
    begin: Callable[[Task, Any, Array], Any]
    """``begin(task, config, key)``: the initial state of a training, a pytree of arrays with an attribute ``updates``, int32[], the
    number of updates made."""
    update: Callable[[Task, Any, Any], tuple[Any, dict[str, Array]]]
    """``update(task, config, state)``: ``(state, metrics)``, metrics float32[] by name. ``episodes`` and names that end in ``_sum``
    are summed over updates, all others averaged. ``return_sum`` and ``length_sum`` are over the episodes that ended."""
    policy: Callable[[Task, Any], Callable[..., Any]]
    """``policy(task, config)``: the trained agent's policy for :func:`jaxenv.rollout`; equal for equal arguments."""
    policy_params: Callable[[Task, Any, Any], dict[str, Any]]
    """``policy_params(task, config, state)``: its parameters, nested dicts of arrays."""
    initial_carry: Callable[[Task, Any], Any]
    """``initial_carry(task, config)``: its carry at the start of an episode; None if not recurrent."""


def algorithm(name: str) -> Algorithm:
    """Return the module of an algorithm.

    Raises:
        UnknownAlgorithmError: no algorithm has this name.
    """
    if name not in MODULES:
        raise UnknownAlgorithmError(name, sorted(MODULES))
    return cast("Algorithm", importlib.import_module(MODULES[name]))


def config_of(name: str, settings: Mapping[str, Any]) -> Any:
    """Return an algorithm's config with these settings.

    Raises:
        UnknownAlgorithmError: no algorithm has this name.
        UnknownSettingError: it has no setting of a given name.
        ConfigError: a setting has another type than its default, or is outside of its range.
    """
    kind = algorithm(name).Config
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    for setting in settings:
        if setting not in defaults:
            raise UnknownSettingError(name, setting, list(defaults))
    return kind(**{setting: _like(setting, value, defaults[setting]) for setting, value in settings.items()})


def settings_of(config: Any) -> dict[str, Any]:
    """Return a config as JSON data."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _inside(name: str, value: Any) -> Any:
    """Return a number if it is finite and in the range of its setting; bounds on size may be infinite."""
    low, high, closed = RANGES.get(name, (-math.inf, math.inf, False))
    if math.isfinite(value) and low <= value <= high and (closed or value > low):
        return value
    if value == math.inf and name in ("clip", "max_gradient_norm"):
        return value
    if name not in RANGES:
        bounds = ""
    elif math.isfinite(high):
        bounds = f" in {'[' if closed else '('}{low:g}, {high:g}]"
    else:
        bounds = f" {'of at least' if closed else 'above'} {low:g}"
    raise ConfigError(name, value, f"a finite number{bounds}")


def _like(name: str, value: Any, default: Any) -> Any:
    """Convert a setting's value to the type of its default."""
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise ConfigError(name, value, "true or false")
    if isinstance(default, int | float):
        if isinstance(value, int | float) and not isinstance(value, bool) and (isinstance(default, float) or value == int(value)):
            return _inside(name, type(default)(value))
        raise ConfigError(name, value, "an integer" if isinstance(default, int) else "a number")
    if isinstance(default, tuple):
        items = value if isinstance(value, tuple | list) else (value,)
        if all(isinstance(item, int) and not isinstance(item, bool) and item > 0 for item in cast("tuple[Any, ...]", items)):
            return tuple(cast("tuple[Any, ...]", items))
        raise ConfigError(name, value, "a list of positive integers, such as [64,64],")
    if isinstance(value, type(default)):
        return value
    raise ConfigError(name, value, f"a {type(default).__name__}")
