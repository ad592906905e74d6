"""One dtype for each value at the public boundary: no weak types, no drift between ``init`` and ``transition``."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenv.errors import KeyTypeError, StateMismatchError, TransitionValueError


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def key(key: Any) -> Array:
    """Return ``key``, if it is a typed key or a raw uint32 one."""
    dtype = getattr(key, "dtype", None)
    if dtype is None or not (jnp.issubdtype(dtype, jax.dtypes.prng_key) or dtype == jnp.uint32):
        raise KeyTypeError(key)
    return key


def params(tree: Any) -> Any:
    """Give floats JAX's default float dtype and 64-bit integers int32; leave every other leaf as it is."""
    default_float = jnp.result_type(float)

    def leaf(x: Any) -> Array:
        if _is_key(x):
            return x
        x = jnp.asarray(x)
        if jnp.issubdtype(x.dtype, jnp.floating):
            return lax.convert_element_type(x, default_float)
        if x.dtype == jnp.int64:
            return lax.convert_element_type(x, jnp.int32)
        return lax.convert_element_type(x, x.dtype)

    return jax.tree.map(leaf, tree)


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
    variable = jaxpr.invars[0]
    return variable in jaxpr.outvars or any(variable in equation.invars for equation in jaxpr.eqns)


def _describe(x: Any) -> str:
    return f"{x.dtype}[{','.join(map(str, x.shape))}]"
