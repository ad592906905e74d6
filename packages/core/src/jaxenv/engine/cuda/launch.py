"""A kernel as an operation of JAX: on a GPU one launch, in tests a call of the host's C code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import Array

from jaxenv import _jax_compat
from jaxenv.engine.cuda import host, nvrtc
from jaxenv.engine.cuda.source import Kernel, prelude

MOST_ARRAYS = 200
"""Arrays that a kernel may read and write: more do not fit among the arguments of a launch on every GPU."""


class KernelRefusedError(RuntimeError):
    """A kernel can't be had; the message says why."""


def compiled(kernel: Kernel, capability: tuple[int, int]) -> str:
    """Return the PTX of a kernel. Raises KernelRefusedError if it can't be had."""
    count = len(kernel.operands) + len(kernel.results)
    if count >= MOST_ARRAYS:
        raise KernelRefusedError(f"a kernel with {count} arrays")
    try:
        return nvrtc.ptx(f"{prelude()}\n{kernel.source}", capability)
    except nvrtc.NvrtcError as error:
        raise KernelRefusedError(str(error)) from error


def on_gpu(
    kernel: Kernel,
    capability: tuple[int, int],
    sizes: Sequence[int],
    envs: int,
    operands: Sequence[Array],
    results: Sequence[Any],
) -> Sequence[Array]:
    """Launch a kernel.

    Args:
        kernel: what to launch.
        capability: the compute capability of the GPU.
        sizes: what the kernel finds in ``sizes``.
        envs: how many environments it plays.
        operands: its arrays.
        results: shapes and dtypes of what it writes.

    Raises:
        KernelRefusedError: it can't be had, for a reason that the message names.
    """
    given = [np.asarray(sizes, np.int32), *operands]
    return _jax_compat.ptx_call(
        compiled(kernel, capability),
        kernel.name,
        -(-kernel.threads(envs) // kernel.block),
        kernel.block,
        given,
        results,
        {i + 1: j for i, j in kernel.aliases},
        kernel.shared,
    )


def on_host(kernel: Kernel, sizes: Sequence[int], envs: int, operands: Sequence[Array], results: Sequence[Any]) -> Sequence[Array]:
    """Run the same text on the host, for tests."""
    shapes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in results]

    def run(*arrays: Any) -> list[np.ndarray]:
        return host.run(kernel, sizes, kernel.threads(envs), [np.asarray(x) for x in arrays], shapes)

    return jax.pure_callback(run, shapes, *operands)
