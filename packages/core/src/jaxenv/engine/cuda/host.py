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
from jaxenv.engine.cuda.warp import LANES


@cache
def compiler() -> str | None:
    """Return the host's C compiler, or None."""
    return shutil.which("gcc") or shutil.which("cc")


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="jaxenv-kernels-"))


def text_of(kernel: Kernel) -> str:
    """Return the C file of a kernel: ``run(threads, arguments)`` plays all threads, warps or blocks, one after the other."""
    count = 1 + len(kernel.operands) + len(kernel.results)
    call = f"{kernel.name}({', '.join(f'a[{i}]' for i in range(count))})"
    if kernel.envs or kernel.cooperative:
        sizes = (kernel.block, 0) if kernel.cooperative else (LANES, 1)
        defined = f"#define BLOCK {sizes[0]}\n#define WARPS {sizes[1]}\n#define SHARED_BYTES {kernel.shared}\n"
        return f"{defined}{prelude()}\n{kernel.source}\n{_RUN_BLOCKS.replace('@CALL@', call)}"
    run = f"void run(int32_t threads, void** a) {{\n  for (THREAD = 0; THREAD < threads; ++THREAD) {call};\n}}\n"
    return f"{prelude()}\n{kernel.source}\n{run}"


_RUN_BLOCKS = """
static void** a;
static void thread(void) {
  @CALL@;
  if (TURN == BLOCK - 1) setcontext(&CALLER_CONTEXT);
  TURN += 1;
  setcontext(&CONTEXTS[TURN]);
}
static char stacks[BLOCK][1 << 18];
void run(int32_t threads, void** arguments) {
  a = arguments;
  for (BLOCK_NUMBER = 0; BLOCK_NUMBER < threads / BLOCK; ++BLOCK_NUMBER) {
    for (TURN = 0; TURN < BLOCK; ++TURN) {
      getcontext(&CONTEXTS[TURN]);
      CONTEXTS[TURN].uc_stack.ss_sp = stacks[TURN];
      CONTEXTS[TURN].uc_stack.ss_size = sizeof(stacks[TURN]);
      makecontext(&CONTEXTS[TURN], thread, 0);
    }
    TURN = 0;
    swapcontext(&CALLER_CONTEXT, &CONTEXTS[0]);
  }
}
"""
"""How the threads of a block take turns; see the prelude."""


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
