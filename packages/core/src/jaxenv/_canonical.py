"""One dtype for each value at the public boundary: no weak types, no drift between ``init`` and ``transition``."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenv.errors import (
    ArgumentTypeError,
    BatchError,
    KeyTypeError,
    ParamsLeafError,
    ParamsTypeError,
    StateMismatchError,
    StateTypeError,
    TransitionValueError,
)
from jaxenv.errors.formatting import described, named, short

NO_TIME_LIMIT = 2**31 - 1
"""The value of ``max_steps_in_episode`` that never truncates an episode (the largest int32)."""


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def key(key: Any, how: str = "jax.vmap(function)(keys)") -> Array:
    """Return ``key``, if it is one key, typed or raw; ``how`` says what to write for a batch of them."""
    dtype = getattr(key, "dtype", None)
    typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    if not typed and dtype != jnp.uint32:
        raise KeyTypeError(key)
    one = () if typed else _raw_shape(str(jax.config.jax_default_prng_impl))  # type: ignore[attr-defined]
    if key.shape != one:
        if len(key.shape) <= len(one):
            raise KeyTypeError(key)
        raise BatchError("key", described(key), f"one key ({'' if typed else 'uint32'}{list(one) if one else 'no axes'})", how)
    return key


@lru_cache
def _raw_shape(impl: str) -> tuple[int, ...]:
    """Return the shape of a raw key of a generator."""
    return jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0, impl=impl))).shape


def action(space: Any, given: Any, name: str, how: str) -> Any:
    """Return an action in the structure, shapes and dtypes that a member of ``space`` has."""
    fitted = space.fitted(given)
    leaves, wanted = jax.tree.leaves(fitted), jax.tree.leaves(space.shape, is_leaf=_is_shape)
    shapes = [jnp.shape(leaf) for leaf in leaves]
    if (
        leaves
        and len(leaves) == len(wanted)
        and all(len(s) == len(w) + 1 and s[1:] == w for s, w in zip(shapes, wanted, strict=True))
    ):
        given_text = " and ".join(described(jnp.asarray(leaf)) for leaf in leaves)
        raise BatchError(f"{name}'s action", given_text, f"a member of {short(space)}", how)
    return space.cast(fitted, f"{name}'s action")


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(n, int) for n in x)


def state(given: Any, expected: Any, name: str, how: str) -> Any:
    """Return ``given`` without weak types, if it has the structure, shapes and dtypes of ``expected``."""
    if type(given) is not type(expected):
        raise StateTypeError(
            name, "the state", named(given) if _is_plain(given) else f"a {type(given).__qualname__}", _kind_of(expected)
        )
    difference = _structure_difference(given, expected, "state")
    if difference is not None:
        raise StateTypeError(name, *difference)
    given = strong(given)
    pairs = list(zip(jax.tree.leaves_with_path(given), jax.tree.leaves(expected), strict=True))
    if pairs and all(len(a.shape) == len(b.shape) + 1 and a.shape[1:] == b.shape for (_, a), b in pairs):
        (path, a), b = pairs[0]
        raise BatchError(f"{name}'s state{jax.tree_util.keystr(path)}", described(a), described(b), how)
    for (path, a), b in pairs:
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            raise StateTypeError(name, f"state{jax.tree_util.keystr(path)}", described(a), described(b))
    return given


def _is_plain(x: Any) -> bool:
    return x is None or isinstance(x, bool | int | float | str | tuple | list | dict | Array)


def _kind_of(x: Any) -> str:
    return f"a {type(x).__qualname__}"


def _structure_difference(given: Any, expected: Any, where: str) -> tuple[str, str, str] | None:
    """Return where two trees differ first, and what they are there; None where only their leaves may differ.

    Types of dataclasses are compared here, as JAX takes two of them with equally many leaves for one structure.
    """
    nodes = dataclasses.is_dataclass(expected)
    if type(given) is not type(expected) and (nodes or dataclasses.is_dataclass(given)):
        return where, named(given) if _is_plain(given) else _kind_of(given), _kind_of(expected)
    if not nodes or not hasattr(expected, "__dataclass_fields__") or jax.tree_util.all_leaves([expected]):
        same = jax.tree.structure(given) == jax.tree.structure(expected)
        return None if same else (where, str(jax.tree.structure(given)), str(jax.tree.structure(expected)))
    for field in dataclasses.fields(expected):
        difference = _structure_difference(getattr(given, field.name), getattr(expected, field.name), f"{where}.{field.name}")
        if difference is not None:
            return difference
    return None


class Expected(NamedTuple):
    """What params of an environment are checked against: a summary of its ``params_template``, without its values."""

    types: tuple[type, ...]
    """The type of the params and, for a wrapper, of those within, from the outside in."""
    leaves: tuple[tuple[str, int | None], ...]
    """Of each leaf, the kind of its dtype ("" for None and keys) and its number of axes (None for None)."""

    @property
    def has_none(self) -> bool:
        """Whether a leaf is None."""
        return ("", None) in self.leaves


def expected_params(default: Any) -> Expected:
    """Summarise the template of an environment's params."""
    leaves = jax.tree.leaves(default, is_leaf=_is_none)
    return Expected(tuple(_types(default)), tuple((_kind(x), _ndim(x)) for x in leaves))


def params(given: Any, env: Any, how: str = "jax.vmap(function, in_axes=(None, 0))(key, params)") -> Any:
    """Return parameters of ``env`` with fixed dtypes.

    Floats get JAX's default float dtype, and so do whole numbers given for a parameter whose default is a float; other
    64-bit integers become int32. Every other leaf stays as it is. A time limit of None is none.
    """
    wanted: Expected = env.expected_params
    if not isinstance(given, wanted.types[0]) or (hasattr(given, "env_params") and tuple(_types(given)) != wanted.types):
        raise ParamsTypeError(env.name, given, env.params_template)
    name, expected = env.name, wanted.leaves
    leaves, structure = jax.tree.flatten_with_path(given)
    if len(leaves) != len(expected) or wanted.has_none:
        leaves, structure = jax.tree.flatten_with_path(given, is_leaf=_is_none)
    if len(expected) != len(leaves):  # a container of another size: nothing to compare with
        expected = tuple((_kind(x), None) for _, x in leaves)
    return jax.tree.unflatten(structure, [_param(name, path, x, *e, how) for (path, x), e in zip(leaves, expected, strict=True)])


def _types(params: Any) -> list[type]:
    """Return the types of a wrapper's params and of those within, from the outside in."""
    inner = getattr(params, "env_params", None)
    return [type(params)] if inner is None else [type(params), *_types(inner)]


def _is_none(x: Any) -> bool:
    return x is None


def _ndim(leaf: Any) -> int | None:
    return None if leaf is None else len(jnp.shape(leaf))


def _kind(leaf: Any) -> str:
    return "" if leaf is None or _is_key(leaf) else jnp.asarray(leaf).dtype.kind


def _param(name: str, path: Any, leaf: Any, expected: str, ndim: int | None, how: str) -> Any:
    if leaf is None and path and getattr(path[-1], "name", None) == "max_steps_in_episode":
        return jnp.asarray(NO_TIME_LIMIT, jnp.int32)
    if leaf is None and expected:
        raise ArgumentTypeError(name, f"params{jax.tree_util.keystr(path)}", None, "a number" if ndim == 0 else "an array")
    if leaf is None or _is_key(leaf):
        return leaf
    try:
        leaf = jnp.asarray(leaf)
    except (TypeError, ValueError):
        raise ArgumentTypeError(name, f"params{jax.tree_util.keystr(path)}", leaf, "a number or an array") from None
    if ndim is not None and leaf.ndim > ndim:
        one = "a number" if ndim == 0 else f"an array of {ndim} {'axis' if ndim == 1 else 'axes'}"
        raise BatchError(f"{name}: params{jax.tree_util.keystr(path)}", described(leaf), one, how)
    floating = jnp.issubdtype(leaf.dtype, jnp.floating)
    if floating and expected in ("i", "u"):
        raise ParamsLeafError(name, jax.tree_util.keystr(path), described(leaf))
    dtype = jnp.int32 if leaf.dtype == jnp.int64 else leaf.dtype
    if floating or (expected == "f" and leaf.dtype.kind in "iu"):
        dtype = jnp.result_type(float)
    return leaf if leaf.dtype == dtype and not leaf.weak_type else lax.convert_element_type(leaf, dtype)


def strong(tree: Any) -> Any:
    """Turn every leaf into an array without a weak type: Python integers become int32, floats the default float."""
    for x in jax.tree.leaves(tree):
        if getattr(x, "weak_type", True):
            break
    else:
        return tree  # as most trees are: every layer of wrappers asks

    def leaf(x: Any) -> Array:
        if _is_key(x):
            return x
        dtype = jnp.int32 if isinstance(x, int) and not isinstance(x, bool) else jnp.asarray(x).dtype
        return lax.convert_element_type(x, dtype)

    return jax.tree.map(leaf, tree)


def scalar(value: Any, dtype: Any, env: Any, field: str) -> Array:
    """Return a reward or a flag as a scalar of ``dtype``."""
    value = jnp.asarray(value)
    if value.shape == () and value.dtype == dtype and not value.weak_type:
        return value
    if value.shape != ():
        raise TransitionValueError(env.name, field, value.shape)
    return lax.convert_element_type(value, dtype)


def like(tree: Any, reference: Any, env: Any) -> Any:
    """Return ``tree`` without weak types; refuse it unless structure, shapes and dtypes are those of ``reference``."""
    tree = strong(tree)
    leaves, given = jax.tree.flatten(tree)
    wanted, expected = jax.tree.flatten(reference)
    if given != expected:
        raise StateMismatchError(env.name, "the state", str(given), str(expected))
    for i, (a, b) in enumerate(zip(leaves, wanted, strict=True)):
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            path, _ = jax.tree.leaves_with_path(tree)[i]
            raise StateMismatchError(env.name, f"state{jax.tree_util.keystr(path)}", described(a), described(b))
    return tree


def select(condition: Array, on_true: Any, on_false: Any) -> Any:
    """Choose one of two trees; a leaf that both share costs nothing."""

    def leaf(a: Any, b: Any) -> Any:
        if a is b:
            return b
        alike = isinstance(a, Array) and isinstance(b, Array) and (a.shape, a.dtype) == (b.shape, b.dtype)
        return lax.select(condition, a, b) if alike else jnp.where(condition, a, b)  # traced several times as fast

    return jax.tree.map(leaf, on_true, on_false)
