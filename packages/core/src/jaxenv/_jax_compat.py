"""What jaxenv uses of JAX beyond its documented interface: this file alone.

Each entry says why it is indispensable, with which versions of JAX it was tried, and what happens without it. Where JAX no longer
has it, or changed it, jaxenv is slower, never wrong: the entry falls back to documented API, and :data:`MISSING` says why.
``jaxenv doctor`` prints that. A test takes each entry away in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.sharding import NamedSharding, PartitionSpec

TESTED = "0.6.1", "0.10.2", "0.11.2", "0.12.0.1"
"""Versions of JAX that the tests were run with, oldest to newest."""

MISSING: dict[str, str] = {}
"""Entries that this JAX does not have, by name, with its error message."""


def _entry(name: str, make: Callable[[], Any], without: Any) -> Any:
    """Return what ``make`` does, or ``without`` where that fails."""
    try:
        return make()
    except Exception as error:
        MISSING[name] = f"{type(error).__name__}: {error}"
        return without


# -- materialize: an intermediate result that a CPU computes once ------------------------------------------------------------------
#
# Why: on a CPU, XLA fuses an intermediate result into each array that depends on it, and computes it anew for each;
#     ``lax.optimization_barrier`` is gone before it fuses. What helps is a call that XLA must not inline, and only on a CPU.
# Uses: ``jax.interpreters`` (rules of a primitive), ``jax.experimental.xla_metadata`` (the call's attribute).
# Tried: 0.6.1 to 0.12.0.1.
# Without: results are the same; MinAtar's games compile and run more slowly on a CPU.


def _make_materialize() -> Callable[[Any], Any]:
    from jax.experimental.xla_metadata import set_xla_metadata
    from jax.interpreters import ad, batching, mlir

    call = jax.jit(lambda x: x)

    def not_inlined(x: Any) -> Any:
        with set_xla_metadata(inlineable="false"):
            return call(x)

    lower = mlir.lower_fun(not_inlined, multiple_results=False)

    def lower_on_cpu(context: Any, x: Any) -> Any:
        return _entry("materialize", lambda: lower(context, x), (x,))

    # One operation an array, so that JAX drops those that nothing depends on. And not ``lax.platform_dependent``, which is
    # traced once for each platform.
    primitive = Primitive("jaxenv_materialize")
    primitive.def_impl(lambda x: x)
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, lambda context, x: (x,))
    mlir.register_lowering(primitive, lower_on_cpu, platform="cpu")
    batching.primitive_batchers[primitive] = lambda args, axes: (primitive.bind(*args), axes[0])
    ad.primitive_jvps[primitive] = lambda args, tangents: (primitive.bind(*args), tangents[0])
    return primitive.bind


materialize: Callable[[Any], Any] = _entry("materialize", _make_materialize, lambda x: x)
"""Return an array as it is; a CPU computes it once for all that depends on it."""


# -- is_traced: whether an array's value is known ---------------------------------------------------------------------------------
#
# Why: to check values where there are any, without waiting for a device, as the fall-back does.
# Uses: ``jax.core.Tracer``.
# Tried: 0.6.1 to 0.12.0.1.
# Without: the value is asked for, which waits until it is computed.


def _has_no_value(x: Any) -> bool:
    try:
        np.asarray(jax.random.key_data(x) if isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)
    except jax.errors.TracerArrayConversionError:
        return True
    return False


def _make_is_traced() -> Callable[[Any], bool]:
    from jax.core import Tracer

    return lambda x: isinstance(x, Tracer)


is_traced: Callable[[Any], bool] = _entry("is_traced", _make_is_traced, _has_no_value)
"""Whether ``x`` is an array that is being traced, so that its value is not known."""


# -- enable_x64: 64-bit types for a while -----------------------------------------------------------------------------------------
#
# Why: the conformance kit runs an environment with and without 64-bit types. ``jax.enable_x64`` is documented; versions before 0.8
#     keep it in ``jax.experimental``.
# Uses: ``jax.experimental``, in those versions.
# Tried: 0.6.1 to 0.12.0.1.
# Without: the conformance kit says that it can't look.


def enable_x64(enabled: bool = True) -> Any:
    """Switch 64-bit types of JAX on or off for a while, in every version of JAX.

    Args:
        enabled: whether there are 64-bit types.

    Returns:
        A context manager.
    """
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(enabled)
    import importlib

    return importlib.import_module("jax.experimental").enable_x64(enabled)


# -- generator_of: what makes the words of a key ----------------------------------------------------------------------------------
#
# Why: a kernel makes random words where they are used, so it needs the functions that JAX calls for a key.
# Uses: ``_impl`` of the dtype of a key.
# Tried: 0.6.1 to 0.12.0.1.
# Without: environments that draw are played by scans, not kernels.


def generator_of(dtype: Any) -> Any:
    """Return the generator of a dtype of keys, with ``split``, ``fold_in`` and ``random_bits`` on words; None if JAX hides it."""
    return _entry("generator_of", lambda: dtype._impl, None)


# -- call: an operation that is looked into only where it is lowered --------------------------------------------------------------
#
# Why: which kernel plays, or whether one does, depends on the platform, which is known when a program is lowered; and a
#     rollout computes much of which a program uses little: it should be traced only if it is used.
# Uses: ``jax.interpreters`` (rules of a primitive).
# Tried: 0.6.1 to 0.12.0.1.
# Without: the operation is traced at once, and a GPU plays by scans.


class Operation(Protocol):
    """What :func:`call` calls; equal ones are compiled once."""

    @property
    def shapes(self) -> Sequence[jax.ShapeDtypeStruct]:
        """Shapes and dtypes of the results."""
        ...

    def plain(self, *args: Any) -> Sequence[Any]:
        """Return the results, by JAX's own operations; derivatives are those of this form."""
        ...

    def lower(self, platform: str, *args: Any) -> Sequence[Any]:
        """Return the results, in the way that suits a platform (``cuda``, ``cpu``, ...)."""
        ...

    def batch(self, size: int, axes: Sequence[int | None], *args: Any) -> tuple[Sequence[Any], Sequence[int]]:
        """Return the results for a batch of arguments along given axes, and the axes of the results."""
        ...


def _make_call() -> Callable[..., Sequence[Any]]:
    from jax.core import ShapedArray
    from jax.interpreters import ad, batching, mlir

    primitive = Primitive("jaxenv_call")
    primitive.multiple_results = True

    def shapes(*args: Any, operation: Operation) -> list[Any]:
        more = _on_mesh(args)
        return [ShapedArray(shape.shape, shape.dtype, **more(len(shape.shape))) for shape in operation.shapes]

    def batch(args: Sequence[Any], axes: Sequence[Any], *, operation: Operation) -> Any:
        (size, *_) = (arg.shape[axis] for arg, axis in zip(args, axes, strict=True) if axis is not None)
        return operation.batch(size, axes, *args)

    def derive(primals: Sequence[Any], tangents: Sequence[Any], *, operation: Operation) -> Any:
        """Differentiate the plain form, by the arguments that are differentiated by."""
        moving = [i for i, tangent in enumerate(tangents) if not isinstance(tangent, ad.Zero)]

        def of_moving(*moved: Any) -> Sequence[Any]:
            args = list(primals)
            for i, x in zip(moving, moved, strict=True):
                args[i] = x
            return tuple(operation.plain(*args))

        out, out_tangents = jax.jvp(of_moving, tuple(primals[i] for i in moving), tuple(tangents[i] for i in moving))
        nothing = [ad.Zero(ShapedArray(x.shape, jax.dtypes.float0)) for x in out]
        return out, [zero if t.dtype == jax.dtypes.float0 else t for t, zero in zip(out_tangents, nothing, strict=True)]

    def lower(context: Any, *args: Any, operation: Operation, platform: str | None = None) -> Any:
        def function(*args: Any) -> Sequence[Any]:
            return operation.lower(platform, *args) if platform and _whole(context) else operation.plain(*args)

        return mlir.lower_fun(function, multiple_results=True)(context, *args)

    primitive.def_impl(lambda *args, operation: jax.jit(lambda *args: primitive.bind(*args, operation=operation))(*args))
    primitive.def_abstract_eval(shapes)
    mlir.register_lowering(primitive, lower)
    for platform in ("cuda", "cpu"):
        mlir.register_lowering(primitive, partial(lower, platform=platform), platform=platform)
    batching.primitive_batchers[primitive] = batch
    ad.primitive_jvps[primitive] = derive
    return lambda operation, *args: primitive.bind(*args, operation=operation)


def _on_mesh(args: Sequence[Any]) -> Callable[[int], dict[str, Any]]:
    """Return how results of some rank vary over the devices of a ``shard_map`` that checks it: as the argument that varies most."""
    for name, of in (("manual_axis_type", lambda kind: kind.varying), ("vma", lambda axes: axes)):
        most = max((arg for arg in args if hasattr(arg, name)), key=lambda arg: len(of(getattr(arg, name))), default=None)
        if most is not None and of(getattr(most, name)):
            kind, mesh = getattr(most, name), most.sharding.mesh
            return lambda rank: {name: kind, "sharding": NamedSharding(mesh, PartitionSpec(*[None] * rank))}
    return lambda rank: {}


def _whole(context: Any) -> bool:
    """Whether the arrays in a program that is lowered are what one device has, as under ``shard_map`` or with one device.

    XLA would gather arrays that it spreads over devices by itself, for an operation that it doesn't know.
    """
    try:
        return getattr(context.module_context.axis_context, "num_devices", 1) == 1
    except AttributeError:
        return jax.device_count() == 1


call: Callable[..., Sequence[Any]] = _entry("call", _make_call, lambda operation, *args: operation.plain(*args))
"""``call(operation, *args)`` returns the results of an :class:`Operation`."""


# -- ptx_call: a kernel as an operation -------------------------------------------------------------------------------------------
#
# Why: XLA can launch a kernel that is given as PTX; nothing else reaches a kernel of one's own without a compiled extension.
# Uses: ``jax.ffi.ffi_call``, which is documented, with the name and the configuration of a custom call of XLA's, which are not.
# Tried: 0.10.2 to 0.12.0.1 with CUDA 12 and 13.
# Without: a GPU plays by scans.


def ptx_call(
    ptx: str,
    name: str,
    blocks: int,
    threads: int,
    operands: Sequence[Any],
    results: Sequence[Any],
    aliases: dict[int, int] | None = None,
    shared: int = 0,
) -> Sequence[Any]:
    """Launch a kernel.

    Args:
        ptx: the text of the kernel's module.
        name: the kernel's function.
        blocks: blocks in the grid.
        threads: threads in a block.
        operands: arrays that it reads: its first arguments.
        results: shapes and dtypes of what it writes: its other arguments.
        aliases: which operands, by number, results may be written over.
        shared: bytes of shared memory of each block, besides what the text declares.
    """
    text = ptx.rstrip("\0").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", " ")
    places = ", ".join(f"{len(operands) + i} : i32" for i in range(len(results)))
    grid = ", ".join(f"grid_{axis} = {size} : i32" for axis, size in zip("xyz", (blocks, 1, 1), strict=True))
    block = ", ".join(f"block_{axis} = {size} : i32" for axis, size in zip("xyz", (threads, 1, 1), strict=True))
    config = (
        f'{{name = "{name}", kernel_type = "ptx", kernel_data = "{text}", {grid}, {block}, '
        f"shared_mem_bytes = {shared} : i32, output_indices = [{places}]}}"
    )
    call_kernel: Any = jax.ffi.ffi_call(
        "__gpu$xla.gpu.ptx",
        tuple(results),
        custom_call_api_version=2,
        legacy_backend_config=config,
        input_output_aliases=aliases or {},
    )
    return call_kernel(*operands)
