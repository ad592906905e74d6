"""Kernels on the host: the same text, compiled by the C compiler, for tests and for machines without a GPU."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from jaxenv.engine.cuda.source import Kernel, prelude


@cache
def compiler() -> str | None:
    """Return the host's C compiler, or None."""
    return shutil.which("gcc") or shutil.which("cc")


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="jaxenv-kernels-"))


def text_of(kernel: Kernel) -> str:
    """Return the C file of a kernel: a function ``run(threads, arguments)`` plays all threads, or warps, one after the other."""
    count = 1 + len(kernel.operands) + len(kernel.results)
    call = f"{kernel.name}({', '.join(f'a[{i}]' for i in range(count))})"
    if kernel.envs:
        return f"#define WARPS 1\n{prelude()}\n{kernel.source}\n{_RUN_WARPS.replace('@CALL@', call)}"
    run = f"void run(int32_t threads, void** a) {{\n  for (THREAD = 0; THREAD < threads; ++THREAD) {call};\n}}\n"
    return f"{prelude()}\n{kernel.source}\n{run}"


_RUN_WARPS = """
static void** a;
static void lane(void) {
  @CALL@;
  if (LANE == 31) setcontext(&CALLER_CONTEXT);
  LANE += 1;
  setcontext(&LANE_CONTEXTS[LANE]);
}
static char stacks[32][1 << 18];
void run(int32_t threads, void** arguments) {
  a = arguments;
  for (WARP = 0; WARP < threads / 32; ++WARP) {
    for (LANE = 0; LANE < 32; ++LANE) {
      getcontext(&LANE_CONTEXTS[LANE]);
      LANE_CONTEXTS[LANE].uc_stack.ss_sp = stacks[LANE];
      LANE_CONTEXTS[LANE].uc_stack.ss_size = sizeof(stacks[LANE]);
      makecontext(&LANE_CONTEXTS[LANE], lane, 0);
    }
    LANE = 0;
    swapcontext(&CALLER_CONTEXT, &LANE_CONTEXTS[0]);
  }
}
"""
"""How the threads of a warp take turns; see the prelude."""


@cache
def _library(text: str) -> ctypes.CDLL:
    program = compiler()
    if program is None:
        raise FileNotFoundError("no C compiler (gcc) is installed")
    stem = _folder() / hashlib.sha256(text.encode()).hexdigest()[:16]
    source, library = stem.with_suffix(".c"), stem.with_suffix(".so")
    source.write_text(text)
    # Every operation rounded by itself: contracted ones would round otherwise than XLA's.
    flags = ["-O1", "-w", "-shared", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing"]
    subprocess.run([program, *flags, str(source), "-o", str(library), "-lm"], check=True, capture_output=True, text=True)
    return ctypes.CDLL(str(library))


def run(kernel: Kernel, sizes: Sequence[int], threads: int, operands: Sequence[Any], results: Sequence[Any]) -> list[np.ndarray]:
    """Run a kernel.

    Args:
        kernel: what to run.
        sizes: what the kernel finds in ``sizes``.
        threads: how many threads.
        operands: its arrays.
        results: shapes and dtypes of what it writes.
    """
    given = [np.ascontiguousarray(x) for x in operands]
    made = [
        np.full((*x.shape, x.dtype.itemsize), 0xA5, np.uint8).view(x.dtype)[..., 0] for x in results
    ]  # shows what is not written
    for operand, result in kernel.aliases:  # over a copy, as XLA makes one of what is needed later
        made[result] = given[operand] = np.array(given[operand]).view(results[result].dtype)
    arrays = [np.asarray(sizes, np.int32), *given, *made]
    pointers = (ctypes.c_void_p * len(arrays))(*(x.ctypes.data for x in arrays))
    _library(text_of(kernel)).run(ctypes.c_int32(threads), pointers)
    return made
