"""One dtype for each value at the public boundary: no weak types, no drift between ``init`` and ``transition``."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenv.errors import KeyTypeError, ParamsLeafError, ParamsTypeError, StateMismatchError, TransitionValueError


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def key(key: Any) -> Array:
    """Return ``key``, if it is a typed key or a raw uint32 one."""
    dtype = getattr(key, "dtype", None)
    if dtype is None or not (jnp.issubdtype(dtype, jax.dtypes.prng_key) or dtype == jnp.uint32):
        raise KeyTypeError(key)
    return key


def params(given: Any, default: Any, name: str) -> Any:
    """Return parameters with fixed dtypes.

    Floats get JAX's default float dtype, and so do whole numbers given for a parameter whose default is a float; other
    64-bit integers become int32. Every other leaf stays as it is.
    """
    if not isinstance(given, type(default)):
        raise ParamsTypeError(name, given, type(default))
    leaves, structure = jax.tree.flatten_with_path(given, is_leaf=lambda x: x is None)
    kinds = [_kind(x) for x in jax.tree.leaves(default, is_leaf=lambda x: x is None)]
    if len(kinds) != len(leaves):  # a container of another size: nothing to compare with
        kinds = [_kind(x) for _, x in leaves]
    return jax.tree.unflatten(structure, [_param(name, path, x, k) for (path, x), k in zip(leaves, kinds, strict=True)])


def _kind(leaf: Any) -> str:
    return "" if leaf is None or _is_key(leaf) else jnp.asarray(leaf).dtype.kind


def _param(name: str, path: Any, leaf: Any, expected: str) -> Any:
    if leaf is None or _is_key(leaf):
        return leaf
    leaf = jnp.asarray(leaf)
    floating = jnp.issubdtype(leaf.dtype, jnp.floating)
    if floating and expected in ("i", "u"):
        raise ParamsLeafError(name, jax.tree_util.keystr(path), _describe(leaf))
    if floating or (expected == "f" and leaf.dtype.kind in "iu"):
        return lax.convert_element_type(leaf, jnp.result_type(float))
    return lax.convert_element_type(leaf, jnp.int32 if leaf.dtype == jnp.int64 else leaf.dtype)


def strong(tree: Any) -> Any:
    """Turn every leaf into an array without a weak type: Python integers become int32, floats the default float."""

    def leaf(x: Any) -> Array:
        if _is_key(x):
            return x
        dtype = jnp.int32 if isinstance(x, int) and not isinstance(x, bool) else jnp.asarray(x).dtype
        return lax.convert_element_type(x, dtype)

    return jax.tree.map(leaf, tree)


def scalar(value: Any, dtype: Any, name: str, field: str) -> Array:
    """Return a reward or a flag as a scalar of ``dtype``."""
    value = jnp.asarray(value)
    if value.shape != ():
        raise TransitionValueError(name, field, value.shape)
    return lax.convert_element_type(value, dtype)


def like(tree: Any, reference: Any, name: str) -> Any:
    """Return ``tree`` without weak types; refuse it unless structure, shapes and dtypes are those of ``reference``."""
    tree = strong(tree)
    given, expected = jax.tree.structure(tree), jax.tree.structure(reference)
    if given != expected:
        raise StateMismatchError(name, "the state", str(given), str(expected))
    for (path, a), b in zip(jax.tree.leaves_with_path(tree), jax.tree.leaves(reference), strict=True):
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            raise StateMismatchError(name, f"state{jax.tree_util.keystr(path)}", _describe(a), _describe(b))
    return tree


def select(condition: Array, on_true: Any, on_false: Any) -> Any:
    """Choose one of two trees; a leaf that both share costs nothing."""
    return jax.tree.map(lambda a, b: b if a is b else jnp.where(condition, a, b), on_true, on_false)


def reads_key(function: Any, env: Any, key: Array, *args: Any) -> bool:
    """Whether the jitted ``function(env, key, *args)`` uses its key; the trace that tells is the one that runs later."""
    jaxpr = function.trace(env, key, *args).jaxpr.jaxpr
    return _reads(jaxpr, jaxpr.invars[0])


def _reads(jaxpr: Any, variable: Any) -> bool:
    """Whether ``jaxpr`` uses ``variable`` for more than to hand it to a jitted function that ignores it."""
    if variable in jaxpr.outvars:
        return True
    for equation in jaxpr.eqns:
        jitted = equation.params.get("jaxpr") if equation.primitive.name in ("jit", "pjit") else None
        for position, operand in enumerate(equation.invars):
            if operand is variable and (jitted is None or _reads(jitted.jaxpr, jitted.jaxpr.invars[position])):
                return True
    return False


def _describe(x: Any) -> str:
    return f"{x.dtype}[{','.join(map(str, x.shape))}]"
