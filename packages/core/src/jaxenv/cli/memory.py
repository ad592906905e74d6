"""How much memory there is, and whether what is asked for fits: looked at before it is used up."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path
from typing import Any

from jaxenv.errors import MemoryLimitError

_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def available() -> int | None:
    """Return how many bytes JAX's first device has, for a CPU those of the machine or the container; None if unknown."""
    import jax

    device = jax.devices()[0]
    limit = (device.memory_stats() or {}).get("bytes_limit") if device.platform != "cpu" else None
    if limit or device.platform != "cpu":
        return int(limit) if limit else None
    known: list[int] = []
    with contextlib.suppress(AttributeError, OSError, ValueError):  # not every system has sysconf
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
        known.append(int(_CONTAINER.read_text()))
    return min(known, default=None)


def size_of(tree: Any) -> int:
    """Return the bytes of the arrays, or of the shapes of arrays, in a tree."""
    import jax

    return sum(math.prod(leaf.shape) * _item_size(leaf.dtype) for leaf in jax.tree.leaves(tree))


def check_fits(option: str, given: int, each: int, what: str, devices: int = 1) -> None:
    """Refuse a number of things that need ``each`` bytes, if they cannot fit into the memory of so many devices.

    Raises:
        MemoryLimitError: they cannot; it says how many can.
    """
    limit = available()
    if limit is not None and given * each > limit * devices:
        raise MemoryLimitError(option, given, what, each, limit * devices)


def _item_size(dtype: Any) -> int:
    import jax
    import jax.numpy as jnp

    return 8 if jnp.issubdtype(dtype, jax.dtypes.prng_key) else dtype.itemsize
