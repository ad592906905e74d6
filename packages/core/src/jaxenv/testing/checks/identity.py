"""What an environment is before it runs: a documented value with params."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import jax
import jax.numpy as jnp

from jaxenv._overrides import leaf_paths
from jaxenv.environment import Environment
from jaxenv.errors import JaxenvError, RenderNotSupportedError
from jaxenv.errors.formatting import listed, short
from jaxenv.registry.build import field_types, load_factory
from jaxenv.registry.names import nearest
from jaxenv.testing import trees
from jaxenv.testing.causes import definition, explain
from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv.testing.outcomes import Inconclusive, Violation, require


def is_environment(tested: EnvironmentUnderTest) -> None:
    """Derives from Environment."""
    require(
        isinstance(tested.env, Environment),
        f"{type(tested.env).__name__} does not derive from jaxenv.Environment. "
        "Make it a subclass, and pass an instance, not the class.",
    )


_HOOKS: dict[str, tuple[str, ...]] = {
    "init": ("key", "params"),
    "transition": ("key", "state", "action", "params"),
    "draw_step": ("key", "params"),
    "dynamics": ("state", "action", "draws", "params"),
    "observe": ("state", "params"),
    "action_space": ("params",),
    "observation_space": ("params",),
    "carry_over": ("fresh", "ended", "params"),
    "draws_in_init": ("params",),
    "draws_in_transition": ("params",),
    "render": ("state", "params"),
}
"""The arguments that each hook is called with, by position."""


def has_hooks(tested: EnvironmentUnderTest) -> None:
    """Every hook is there, and takes what it will be called with."""
    cls: Any = type(tested.env)
    step: tuple[str, ...] = ("transition",)
    if not _defines(cls, "transition") and (_defines(cls, "draw_step") or _defines(cls, "dynamics")):
        step = ("draw_step", "dynamics")
    for hook in ("default_params", "init", *step, "observe", "action_space", "observation_space"):
        arguments = "" if hook == "default_params" else f"({', '.join(_HOOKS[hook])})"
        require(
            _defines(cls, hook),
            f"{cls.__name__} does not define {hook}{arguments}. Define it on the class.",
        )
    where = definition(tested.env, "default_params")
    require(
        not callable(cls.default_params) or isinstance(cls.default_params, type),
        f"{where}: default_params is a method, but it is read without a call. Write @property above it.",
    )
    for hook, arguments in _HOOKS.items():
        where = definition(tested.env, hook)
        require(
            not isinstance(inspect.getattr_static(cls, hook), property) and callable(getattr(cls, hook)),
            f"{where}: {hook} is no method, but it is called with ({', '.join(arguments)}). Write a method.",
        )
        try:
            inspect.signature(getattr(tested.env, hook)).bind(*arguments)
        except TypeError as error:
            raise Violation(
                f"{where}: {hook} is called with ({', '.join(arguments)}), by position, but does not take that ({error}). "
                f"Write `def {hook}(self, {', '.join(arguments)})`."
            ) from error


def _defines(cls: type, hook: str) -> bool:
    """Return whether a class, or one that it derives from, overrides a hook of Environment."""
    return getattr(cls, hook) is not getattr(Environment, hook)


def has_params(tested: EnvironmentUnderTest) -> None:
    """The params hold numbers and a time limit, fit the template, and, if they are the defaults, never change."""
    try:
        params, template = tested.params, tested.env.params_template
    except Exception as error:
        raise Violation(f"default_params fails: {explain(error, tested.env)}") from error
    require(
        isinstance(params, type(template)),
        f"the params to check with are a {type(params).__name__}, but {tested.name} takes {type(template).__name__}. "
        "Start from env.default_params and change leaves with .replace(...), and let params_template be of the same class.",
    )
    leaves = trees.named_leaves(params, "params")
    limits = [leaf for path, leaf in leaves.items() if path.endswith(".max_steps_in_episode")]
    require(
        len(limits) == 1,
        f"the params have {len(limits)} leaves named max_steps_in_episode, but the time limit is exactly one leaf. "
        "Derive Params from jaxenv.Params.",
    )
    for path, leaf in leaves.items():
        try:
            jnp.asarray(leaf)
        except TypeError as error:
            raise Violation(
                f"{path} is {short(leaf)}, which is no number or array. Make it a field of the environment instead."
            ) from error
    require(
        int(jnp.min(jnp.asarray(limits[0]))) >= 1, f"max_steps_in_episode is {limits[0]}, but an episode has at least one step."
    )
    require(
        not tested.by_default or trees.value_difference(params, tested.env.default_params, "params") is None,
        "default_params differs from one access to the next. Compute it from the environment's fields alone.",
    )


def has_docstring(tested: EnvironmentUnderTest) -> None:
    """The class has a docstring of its own."""
    for env in {type(tested.env): tested.env, type(tested.env.unwrapped): tested.env.unwrapped}.values():
        cls: Any = type(env)
        doc = (cls.__dict__.get("__doc__") or "").strip()
        require(
            bool(doc) and not doc.startswith(f"{cls.__name__}("),  # dataclasses write "Name(field: type)" where there is none
            f"{cls.__name__} has no docstring. "
            "Say what the task is, what observation and action mean, how it ends, and where it comes from.",
        )


def is_hashable(tested: EnvironmentUnderTest) -> None:
    """The environment can be a static argument of jit."""
    try:
        hash(tested.env)
    except TypeError as error:
        raise Violation(
            f"the environment cannot be hashed ({error}), so it cannot be a static argument of jax.jit. "
            "Give it fields of hashable types: tuples for lists, and arrays belong in Params."
        ) from error


def equals_by_value(tested: EnvironmentUnderTest) -> None:
    """Copies of the environment are equal to it and have its hash."""
    twin = tested.twin()
    require(
        twin == tested.env and hash(twin) == hash(tested.env),
        "a copy of the environment does not equal it or has another hash, so each one is compiled anew. "
        "Keep to fields that are compared by value, and leave __eq__ and __hash__ to jaxenv.",
    )


def can_be_pickled(tested: EnvironmentUnderTest) -> None:
    """The environment can be sent to another process."""
    try:
        pickle.loads(pickle.dumps(tested.env))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise Violation(
            f"the environment cannot be pickled ({error}), so no other process can have it. "
            "Define its class, and the functions it holds, at the top level of a module."
        ) from error


def has_spec(tested: EnvironmentUnderTest) -> None:
    """The spec it was made from says what it is."""
    if tested.spec is None:
        raise Inconclusive("no EnvSpec was given: the environment was not made from an id")
    for field in ("summary", "reference"):
        require(
            bool(getattr(tested.spec, field, "").strip()),
            f"the EnvSpec of {tested.spec.name} has no {field}. `jaxenv list` and `jaxenv show` print it: add one.",
        )
    try:
        factory = load_factory(tested.spec)
    except JaxenvError as error:
        raise Violation(f"the EnvSpec's entry point does not work. {error}") from error
    fields = field_types(factory)
    leaves = [path[-1] for path in leaf_paths(tested.params)]
    takes_any = not isinstance(factory, type) and any(
        p.kind is p.VAR_KEYWORD for p in inspect.signature(factory).parameters.values()
    )
    known = {"kwargs": (list(fields), "fields"), "params": (leaves, "leaves of its params")}
    for attribute, (names, what) in known.items():
        for name in getattr(tested.spec, attribute):
            close = nearest(name, names)
            advice = (
                f"Did you mean {listed([repr(word) for word in close])}?"
                if close
                else f"Choose from {', '.join(dict.fromkeys(names))}."
            )
            require(
                name in names or (attribute == "kwargs" and takes_any),
                f"the EnvSpec of {tested.spec.name} has {name!r} in its {attribute}, which is none of the {what} of "
                f"{getattr(factory, '__name__', tested.spec.entry_point)}. {advice}",
            )


def draws(tested: EnvironmentUnderTest) -> None:
    """A drawing, if there is one, is a uint8 image made in JAX."""
    if type(tested.env.unwrapped).render is Environment.render:
        raise Inconclusive("it does not define render")
    _, state = tested.reset_types()
    try:
        image = jax.eval_shape(tested.env.render, state, tested.params)
    except RenderNotSupportedError as error:
        raise Inconclusive(str(error)) from error
    except Exception as error:
        raise Violation(f"render cannot be traced by jax.jit: {explain(error, tested.env)}") from error
    require(
        getattr(image, "dtype", None) == jnp.uint8 and len(image.shape) == 3 and image.shape[-1] == 3,
        f"render returns {trees.describe(image)}, but an image is uint8[H, W, 3].",
    )
