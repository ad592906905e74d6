"""What the operations of this package share: a leading axis of members, and where they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxenv import _jax_compat
from jaxenv.engine import select
from jaxenv.engine.cuda import launch
from jaxenv.engine.cuda.source import Kernel


def batched_over_members(
    call: Any, size: int, axes: Sequence[int | None], args: Sequence[Array]
) -> tuple[Sequence[Array], Sequence[int]]:
    """Return the results of an operation with ``members`` for a batch of its arguments, and the axes of the results.

    Args:
        call: a dataclass whose ``members`` is the length of a leading axis of all arguments and results, 0 for none.
        size: length of the batch.
        axes: axis of the batch in each argument, None where all share one.
        args: the arguments.
    """
    front = [
        jnp.broadcast_to(x, (size, *x.shape)) if axis is None else jnp.moveaxis(x, axis, 0)
        for x, axis in zip(args, axes, strict=True)
    ]
    count = len(call.shapes)
    if not call.members:
        return _jax_compat.call(replace(call, members=size), *front), (0,) * count
    flat = [x.reshape(size * call.members, *x.shape[2:]) for x in front]
    results = _jax_compat.call(replace(call, members=size * call.members), *flat)
    return [x.reshape(size, call.members, *x.shape[1:]) for x in results], (0,) * count


def shapes_of(members: int, *shapes: tuple[tuple[int, ...], Any]) -> list[jax.ShapeDtypeStruct]:
    """Return shapes and dtypes with an axis of members in front, unless there is none."""
    return [jax.ShapeDtypeStruct(((members, *shape) if members else shape), dtype) for shape, dtype in shapes]


def launched(
    kernel: Kernel, platform: str, sizes: Sequence[int], threads: int, args: Sequence[Array], results: Sequence[Any]
) -> Sequence[Array]:
    """Run a kernel where kernels run for a platform; see :func:`jaxenv.engine.select.run`."""
    return select.run(select.kernels_on(platform)[0], kernel, sizes, threads, args, results)


def kernel_or(
    what: str, platform: str, run: Callable[[], Sequence[Array]], plain: Callable[[], Sequence[Array]]
) -> Sequence[Array]:
    """Return what ``run`` returns where kernels run, else what ``plain`` does; a refused kernel costs one warning."""
    if select.kernels_on(platform)[0] is None:
        return plain()
    try:
        return run()
    except launch.KernelRefusedError as error:
        select.warn(what, str(error))
        return plain()
