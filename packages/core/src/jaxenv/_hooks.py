"""What core adds to every class of environments: to its hooks, its defaults and its constructor."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxenv import _canonical, _overrides, ranges
from jaxenv.errors import ArgumentTypeError, JaxenvError, ParamsTypeError, RangeError, WrapperSettingError

_SPACES = ("action_space", "observation_space")


def complete(cls: type[Any]) -> None:
    """Complete the hooks that ``cls`` itself defines."""
    own = vars(cls)
    for name in _SPACES:
        if callable(own.get(name)):
            setattr(cls, name, _with_params(own[name]))
    if callable(own.get("render")):
        cls.render = _rendering(own["render"])
    if isinstance(own.get("default_params"), property | functools.cached_property):
        cls.default_params = _overridden(own["default_params"])
    if callable(own.get("__post_init__")):
        cls.__post_init__ = _checked(own["__post_init__"])


def _with_params(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Let the params of a space be left out, or be those of a layer beneath."""

    @functools.wraps(hook)
    def space(self: Any, params: Any = None) -> Any:
        return hook(self, self._params_or_default(None) if params is None else self.lift(params))

    return space


def _rendering(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Let the params of a drawing be left out or be those of a layer beneath, and refuse a state of another environment."""
    how = "jax.vmap(env.render, in_axes=(0, None))(states, params)"

    @functools.wraps(hook)
    def render(self: Any, state: Any, params: Any = None, *args: Any, **kwargs: Any) -> Any:
        params = self._params_or_default(None) if params is None else self.lift(params)
        try:
            shapes = self.state_shapes(params)
        except WrapperSettingError:  # a reset needs an axis that is not mapped here
            return hook(self, state, params, *args, **kwargs)
        state = _canonical.state(state, shapes, self.name, how)
        return hook(self, state, params, *args, **kwargs)

    return render


def _overridden(defined: Any) -> property:
    """Apply to ``default_params`` what ``make`` or ``replace`` changed."""
    get: Callable[[Any], Any] = defined.fget if isinstance(defined, property) else defined.func  # type: ignore[assignment]

    @functools.wraps(get)
    def default_params(self: Any) -> Any:
        params = get(self)
        return _overrides.apply(params, self.param_overrides) if self.param_overrides else params

    return property(default_params, doc=defined.__doc__)


def check_fields(env: Any) -> None:
    """Refuse fields that are out of their ranges."""
    for field in dataclasses.fields(env):
        stated = ranges.of(type(env), field.name)
        if stated is not None:
            value = getattr(env, field.name)
            if isinstance(value, str) and "str" not in str(field.type):
                raise RangeError(type(env).__name__, field.name, value, stated.in_words)
            if isinstance(value, bool) or not isinstance(value, str | None):
                ranges.check(type(env).__name__, field.name, value, stated, static=True)


def _checked(after: Callable[..., Any]) -> Callable[..., Any]:
    """Check the ranges of fields before a class's own checks."""

    @functools.wraps(after)
    def checked(self: Any, *args: Any) -> None:
        check_fields(self)
        after(self, *args)

    return checked


def explain(env: Any, error: TypeError, **given: Any) -> None:
    """Raise what is wrong with an argument that ``jax.jit`` could not take; return where it could take all."""
    if isinstance(error, JaxenvError):
        return
    name = env.name
    for what, value in given.items():
        for leaf in jax.tree.leaves(value):
            if hasattr(leaf, "dtype") and getattr(leaf.dtype, "kind", "V") not in "OUSMm":
                continue
            if not isinstance(leaf, bool | int | float | complex | np.generic) or isinstance(leaf, str | bytes):
                expected = {"key": "a JAX random key", "state": "a state of arrays", "action": "an array or a number"}
                if what == "params" and leaf is value:
                    raise ParamsTypeError(name, value, env.params_template) from None
                raise ArgumentTypeError(name, what, leaf, expected.get(what, "params of arrays and numbers")) from None
