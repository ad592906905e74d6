"""Which executor plays, and why.

A kernel plays on an NVIDIA GPU of compute capability 7.5 or higher, where NVRTC is installed and XLA launches what it is given; a
scan plays everywhere else, and whatever can't be a kernel. Nobody has to choose:

* ``JAXENV_ENGINE=scan`` in the environment turns kernels off;
* ``JAXENV_ENGINE=host`` plays the text of kernels on a CPU, by the host's C compiler: for tests.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _jax_compat
from jaxenv.engine.cuda import host, launch, nvrtc
from jaxenv.engine.cuda.launch import KernelRefusedError
from jaxenv.engine.cuda.source import Kernel
from jaxenv.engine.scalar.program import Leaf
from jaxenv.errors import EngineSettingError, JaxenvPerformanceWarning

Where = Literal["cuda", "host"]
"""Where kernels run."""


def setting() -> str:
    """Return what ``JAXENV_ENGINE`` says. Raises EngineSettingError if that means nothing."""
    value = os.environ.get("JAXENV_ENGINE") or "auto"
    if value not in ("auto", "scan", "host"):
        raise EngineSettingError(value)
    return value


def platform_of(array: Any = None) -> str:
    """Return the platform on which a program over an array will run, as far as that is known while it is traced."""
    if array is not None and not _jax_compat.is_traced(array) and isinstance(array, jax.Array):
        return next(iter(array.devices())).platform
    device: Any = getattr(jax.config, "jax_default_device", None)
    return getattr(device, "platform", device) or jax.default_backend()


def kernels_on(platform: str) -> tuple[Where | None, str]:
    """Return where kernels run for a platform, and if nowhere, the reason why not."""
    wanted = setting()
    if wanted == "scan":
        return None, "JAXENV_ENGINE=scan"
    if "call" in _jax_compat.MISSING:
        return None, f"JAX {jax.__version__}, which lacks what kernels need ({_jax_compat.MISSING['call']})"
    if wanted == "host" and platform == "cpu":
        return ("host", "") if host.compiler() else (None, "JAXENV_ENGINE=host without a C compiler")
    if platform not in ("gpu", "cuda"):
        return None, f"the platform, {platform}"
    reason = gpu_trouble()
    return (None, reason) if reason else ("cuda", "")


@cache
def capability() -> tuple[int, int] | None:
    """Return the compute capability that all GPUs have, or None where there is no NVIDIA GPU."""
    try:
        found = [str(device.compute_capability) for device in jax.devices("gpu")]
        return min((int(major), int(minor)) for major, minor in (text.split(".") for text in found))
    except (RuntimeError, AttributeError, ValueError):
        return None


def run(
    where: Where | None, kernel: Kernel, sizes: Sequence[int], envs: int, operands: Sequence[Array], results: Sequence[Any]
) -> Sequence[Array]:
    """Run a kernel where :func:`kernels_on` found that kernels run. The other arguments are those of :mod:`launch`.

    Raises:
        KernelRefusedError: it can't be had, for a reason that the message names.
    """
    if where == "host":
        return launch.on_host(kernel, sizes, envs, operands, results)
    return launch.on_gpu(kernel, required_capability(), sizes, envs, operands, results)


def required_capability() -> tuple[int, int]:
    """Return the compute capability to compile for; that of the oldest GPU that plays kernels where none is here."""
    return capability() or nvrtc.OLDEST


@cache
def gpu_trouble() -> str:
    """Return why a GPU plays no kernels, or an empty string: a small kernel is compiled and run once in a process."""
    number = capability()
    if number is None:
        return "the GPU, which is not one of NVIDIA's"
    if number < nvrtc.OLDEST:
        return f"the GPU's compute capability {number[0]}.{number[1]}, which is below {nvrtc.OLDEST[0]}.{nvrtc.OLDEST[1]}"
    try:
        return _probe(number)
    except KernelRefusedError as error:
        return str(error)
    except Exception as error:  # whatever XLA or the driver says of a custom call that they do not know
        return f"XLA, which launches no kernel of jaxenv's ({type(error).__name__}: {_first_line(error)})"


def _probe(number: tuple[int, int]) -> str:
    """Run a kernel that doubles a few numbers."""
    leaf = Leaf("x", (), np.dtype(np.int32))
    source = (
        "KERNEL(32) jaxenv_probe(const int32_t* __restrict__ sizes, const int32_t* __restrict__ x, int32_t* __restrict__ y) {\n"
        "  if (THREAD < sizes[0]) y[THREAD] = 2 * x[THREAD];\n}\n"
    )
    kernel = Kernel("jaxenv_probe", source, (leaf,), (leaf,), 32)
    shape = jax.ShapeDtypeStruct((4,), jnp.int32)

    def double(x: Any) -> Any:
        return launch.on_gpu(kernel, number, [4], 4, [x], [shape])[0]

    compiled = jax.jit(double).lower(shape).compile()  # ahead of time: this may be called while something else is traced
    with jax.ensure_compile_time_eval():
        doubled = np.asarray(compiled(jax.device_put(np.arange(4, dtype=np.int32), jax.devices("gpu")[0])))
    return "" if doubled.tolist() == [0, 2, 4, 6] else "XLA, which runs kernels of jaxenv's wrongly"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


_warned: set[str] = set()


def warn(what: str, reason: str) -> None:
    """Say once that something is played by a scan although a GPU could do better, and why."""
    sentence = (
        f"{what} is played by a scan, which is slower on a GPU than a kernel, because of {reason}. "
        "Set JAXENV_ENGINE=scan, or filter JaxenvPerformanceWarning, if that is what you want."
    )
    if sentence not in _warned:
        _warned.add(sentence)
        warnings.warn(sentence, JaxenvPerformanceWarning, stacklevel=2)


def describe() -> str:
    """Return one line for ``jaxenv doctor``."""
    where, reason = kernels_on(platform_of())
    if where is None:
        return f"scans, because of {reason}"
    if where == "host":
        return "kernels on the host (for tests)"
    number = required_capability()
    return f"kernels, compute capability {number[0]}.{number[1]}, NVRTC {'.'.join(map(str, nvrtc.version()))}"
