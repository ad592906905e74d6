"""What jaxenv uses of JAX beyond its documented interface: this file alone.

Each entry says why it is indispensable, with which versions of JAX it was tried, and what happens without it. Where JAX no longer
has it, or changed it, jaxenv is slower, never wrong: the entry falls back to documented API, and :data:`MISSING` says why.
``jaxenv doctor`` prints that. A test takes each entry away in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.extend.core import Primitive

TESTED = "0.6.1", "0.10.2", "0.11.2", "0.12.0.1"
"""Versions of JAX that the tests were run with, oldest to newest."""

MISSING: dict[str, str] = {}
"""Entries that this JAX does not have, by name, with what it said."""


def _entry(name: str, make: Callable[[], Any], without: Any) -> Any:
    """Return what ``make`` does, or ``without`` where that fails."""
    try:
        return make()
    except Exception as error:
        MISSING[name] = f"{type(error).__name__}: {error}"
        return without


# -- once: an intermediate result that a CPU computes once ------------------------------------------------------------------------
#
# Why: on a CPU, XLA fuses an intermediate result into each array that depends on it, and computes it anew for each;
#     ``lax.optimization_barrier`` is gone before it fuses. What helps is a call that XLA must not inline, and only on a CPU.
# Uses: ``jax.interpreters`` (rules of a primitive), ``jax.experimental.xla_metadata`` (the call's attribute).
# Tried: 0.6.1 to 0.12.0.1.
# Without: results are the same; MinAtar's games compile and run more slowly on a CPU.


def _make_once() -> Callable[[Any], Any]:
    from jax.experimental.xla_metadata import set_xla_metadata
    from jax.interpreters import ad, batching, mlir

    call = jax.jit(lambda x: x)

    def not_inlined(x: Any) -> Any:
        with set_xla_metadata(inlineable="false"):
            return call(x)

    lower = mlir.lower_fun(not_inlined, multiple_results=False)

    def lower_on_cpu(context: Any, x: Any) -> Any:
        return _entry("once", lambda: lower(context, x), (x,))

    # One operation an array, so that JAX drops those that nothing depends on. And not ``lax.platform_dependent``, which is
    # traced once for each platform.
    primitive = Primitive("jaxenv_once")
    primitive.def_impl(lambda x: x)
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, lambda context, x: (x,))
    mlir.register_lowering(primitive, lower_on_cpu, platform="cpu")
    batching.primitive_batchers[primitive] = lambda args, axes: (primitive.bind(*args), axes[0])
    ad.primitive_jvps[primitive] = lambda args, tangents: (primitive.bind(*args), tangents[0])
    return primitive.bind


once: Callable[[Any], Any] = _entry("once", _make_once, lambda x: x)
"""Return an array as it is; a CPU computes it once for all that depends on it."""


# -- is_traced: whether an array's value is known ---------------------------------------------------------------------------------
#
# Why: to check values where there are any, without waiting for a device, as the fall-back does.
# Uses: ``jax.core.Tracer``.
# Tried: 0.6.1 to 0.12.0.1.
# Without: the value is asked for, which waits until it is computed.


def _has_no_value(x: Any) -> bool:
    try:
        np.asarray(
            jax.random.key_data(x) if isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key) else x
        )
    except jax.errors.TracerArrayConversionError:
        return True
    return False


def _make_is_traced() -> Callable[[Any], bool]:
    tracer = jax.core.Tracer
    return lambda x: isinstance(x, tracer)


is_traced: Callable[[Any], bool] = _entry("is_traced", _make_is_traced, _has_no_value)
"""Whether ``x`` is an array that is being traced, so that its value is not known."""


# -- enable_x64: 64-bit types for a while -----------------------------------------------------------------------------------------
#
# Why: the conformance kit runs an environment with and without 64-bit types. ``jax.enable_x64`` is documented; versions before 0.8
#     keep it in ``jax.experimental``.
# Tried: 0.6.1 to 0.12.0.1.


def enable_x64(enabled: bool = True) -> Any:
    """Return a context in which JAX has 64-bit types, or has none."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(enabled)
    import importlib

    return importlib.import_module("jax.experimental").enable_x64(enabled)
