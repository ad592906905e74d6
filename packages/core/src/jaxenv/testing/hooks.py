"""Traces of an environment's hooks: which inputs they read, and what they call."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
from jax.extend.core import Literal

from jaxenv import _canonical
from jaxenv.environment import Environment
from jaxenv.errors import RenderNotSupportedError
from jaxenv.testing import trees
from jaxenv.testing.subject import Subject


class HookTraces:
    """The hooks of one environment, traced with its ``default_params`` as an input of its own, apart from the params."""

    def __init__(self, subject: Subject) -> None:
        self._env, self._subject = subject.env, subject
        self._paths = list(trees.named_leaves(subject.params, ""))
        _, state = subject.reset_types()
        key, action = subject.abstract_key, subject.action_type()
        self._calls: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
            "init": (lambda env, params, key: env.init(key, params), (key,)),
            "transition": (lambda env, params, *args: env.advance(*args, params), (key, state, action)),
            "observe": (lambda env, params, state: env.observe(state, params), (state,)),
            "carry_over": (lambda env, params, fresh, ended: env.carry_over(fresh, ended, params), (state, state)),
            "action_space": (lambda env, params, key: _described(env.action_space(params), key), (key,)),
            "observation_space": (lambda env, params, key: _described(env.observation_space(params), key), (key,)),
        }
        if type(subject.env.unwrapped).render is not Environment.render:
            self._calls["render"] = (_drawn, (state,))
        self.names = tuple(self._calls)

    @cached_property
    def _reads(self) -> dict[str, tuple[list[bool], list[bool]]]:
        """By hook, whether it reads each leaf of the params, and each of the defaults."""
        return {hook: self._trace(*call) for hook, call in self._calls.items()}

    def _trace(self, call: Callable[..., Any], args: tuple[Any, ...]) -> tuple[list[bool], list[bool]]:
        defaults = self._env.default_params
        params = jax.tree.map(lambda leaf: leaf, self._subject.params)

        def traced(params: Any, defaults: Any, *args: Any) -> Any:
            return call(_spy(self._env, defaults, []), params, *args)

        canonical = [_canonical.params(given, self._env.params_template, self._env.name) for given in (params, defaults)]
        try:
            jaxpr = jax.make_jaxpr(traced)(*canonical, *args).jaxpr
        except Exception:  # a value of the defaults decides on shapes: no leaf of the params could
            jaxpr = jax.make_jaxpr(lambda params, _, *args: call(self._env, params, *args))(*canonical, *args).jaxpr
        count = len(self._paths)
        reads = [_canonical._reads(jaxpr, variable) for variable in jaxpr.invars]
        return reads[:count], reads[count : count + len(jax.tree.leaves(defaults))]

    def default_read(self, hook: str) -> str | None:
        """Return the path of the first leaf of ``default_params`` that a hook reads."""
        paths = list(trees.named_leaves(self._env.default_params, ""))
        return next((path for path, read in zip(paths, self._reads[hook][1], strict=True) if read), None)

    def unread_leaves(self) -> list[str]:
        """Return the paths of the params that no hook reads."""
        return [path for i, path in enumerate(self._paths) if not any(given[i] for given, _ in self._reads.values())]

    def reset_leaves(self) -> set[str]:
        """Return the leaves of the state that transition may reset: what follows from its ``terminated``; all if it calls init."""
        called: list[str] = []
        _, state = self._subject.reset_types()

        def advance(state: Any, key: Any, action: Any, params: Any) -> Any:
            out = _spy(self._env, None, called).transition(key, state, action, params)
            return out.terminated, out.state

        args = state, self._subject.abstract_key, self._subject.action_type(), self._subject.params
        try:
            with jax.disable_jit():  # jitted functions are written out, so that each value can be followed
                jaxpr = jax.make_jaxpr(advance)(*args).jaxpr
        except Exception:
            jaxpr = jax.make_jaxpr(advance)(*args).jaxpr
        names = list(trees.named_leaves(state, "state"))
        flag, *results = jaxpr.outvars
        follows = [called or follow for follow in _following(jaxpr, [flag], results)]
        return {name for name, follow in zip(names, follows, strict=True) if follow} - self._carried() - {"state.time"}

    def _carried(self) -> set[str]:
        """Return the leaves of the state that survive a reset."""
        _, state = self._subject.reset_types()
        env, params, names = self._env, self._subject.params, list(trees.named_leaves(state, "state"))
        jaxpr = jax.make_jaxpr(lambda ended, fresh: env.carry_over(fresh, ended, params))(state, state).jaxpr
        ended = jaxpr.invars[: len(names)]
        after = [
            result in ended or follow for result, follow in zip(jaxpr.outvars, _following(jaxpr, ended, jaxpr.outvars), strict=True)
        ]
        return {name for name, kept in zip(names, after, strict=True) if kept}


def _spy(env: Environment[Any, Any], defaults: Any, called: list[str]) -> Any:
    """Return a copy of ``env`` with other ``default_params`` (if any are given), that notes the resets that it calls."""
    cls: Any = type(env)

    def noting(method: str) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            called.append(method)
            return getattr(super(spy, self), method)(*args, **kwargs)

        return call

    body: dict[str, Any] = {method: noting(method) for method in ("init", "reset", "step")}
    if defaults is not None:
        body["default_params"] = property(lambda self: defaults)
        body["params_template"] = property(lambda self: env.params_template)
    spy: Any = type(cls)(cls.__name__, (cls,), {"__module__": cls.__module__, "__doc__": cls.__doc__, **body})
    twin = copy.copy(env)
    object.__setattr__(twin, "__class__", spy)
    return twin


def _drawn(env: Any, params: Any, state: Any) -> Any:
    """Return the drawing, or nothing where the environment says that it has none."""
    try:
        return env.render(state, params)
    except RenderNotSupportedError:
        return ()


def _described(space: Any, key: Any) -> Any:
    """Return arrays that follow from all that a space is."""
    member = space.sample(key)
    return member, space.contains(member)


def _following(jaxpr: Any, sources: list[Any], results: list[Any]) -> list[bool]:
    """Return whether each result is computed from one of the sources; equal computations count as one."""
    same: dict[Any, Any] = {}
    numbers: dict[Any, Any] = {}

    def canonical(variable: Any) -> Any:
        return ("literal", str(variable)) if isinstance(variable, Literal) else same.get(variable, variable)

    for equation in jaxpr.eqns:
        number = (equation.primitive.name, str(equation.params), tuple(canonical(variable) for variable in equation.invars))
        first = numbers.setdefault(number, [canonical(variable) for variable in equation.outvars])
        same.update(zip(equation.outvars, first, strict=True))
    found = {canonical(variable) for variable in sources if not isinstance(variable, Literal)}
    reached = set(found)
    for equation in jaxpr.eqns:
        if any(canonical(variable) in reached for variable in equation.invars):
            reached.update(canonical(variable) for variable in equation.outvars)
    return [canonical(result) in reached - found for result in results]
