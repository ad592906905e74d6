"""How the games build their observations: rows of a board from words, single flags from indices.

Observations are most of a step's cost, so they are made of few operations: a board is a word for each row, and one operation on a
row turns its word into flags; what is left are the few flags that are set one by one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxenv.materialize import materialized
from jaxtyping import Bool, Int, UInt32

from jaxenv_minatar.base import SIZE

ROW = (1 << SIZE) - 1
"""A word with a bit for each column."""

Flags = Bool[Array, "flags"]


def row_masks(*channels: int | None) -> np.ndarray:
    """Return for each flag of a row the bit that shows it in the row's word, or 0.

    Args:
        channels: for each channel of the observation the index of the ten bits of the word that it shows, or None.
    """
    masks = np.zeros((SIZE, len(channels)), np.uint32)
    for channel, field in enumerate(channels):
        if field is not None:
            masks[:, channel] = 1 << (np.arange(SIZE, dtype=np.uint32) + np.uint32(SIZE * field))
    return masks.ravel()


def unpack_boards(*boards: tuple[UInt32[Array, "10"], np.ndarray]) -> Flags:
    """Return the flags of all boards together; each is a word for each row, and the bits of it that the flags of a row show."""
    return _unpack_rows(*((words, jnp.asarray(masks)) for words, masks in boards)).ravel()


@materialized
def _unpack_rows(*boards: tuple[Array, Array]) -> Bool[Array, "10 flags"]:
    # Flattened within this function, a CPU would divide anew for every flag to find its row.
    shown = [words[:, None] & masks[None] for words, masks in boards]
    return functools.reduce(jnp.bitwise_or, shown) != 0


def flag(row: Array | int, column: Array | int, channel: Array | int, channels: int) -> Array:
    """Return the index of one flag of an observation of 10 x 10 x ``channels``, counted in row-major order."""
    return jnp.asarray((row * SIZE + column) * channels + channel, jnp.int32)


def set_flags(background: Flags, flags: Sequence[Int[Array, "..."]]) -> Bool[Array, "10 10 channels"]:
    """Set these flags in ``background``; a negative index sets none, and the first index is never negative.

    A CPU is quickest where it writes the few flags one by one; a GPU, where it compares every flag with every index, because then
    the observation is part of the kernel that computes the step.
    """
    (size,) = background.shape

    def write(background: Flags, flags: tuple[Array, ...]) -> Flags:
        # What sets none sets the first flag once more, so that every index is within the observation.
        index = jnp.concatenate([jnp.ravel(i) for i in flags])
        return background.at[jnp.where(index < 0, index[0], index)].set(True, mode="drop")

    def compare(background: Flags, flags: tuple[Array, ...]) -> Flags:
        everywhere = lax.iota(jnp.int32, size)[None]
        for index in flags:
            background = background | (everywhere == index.reshape(-1, 1)).any(axis=0)
        return background

    board = lax.platform_dependent(background, tuple(flags), cpu=write, default=compare)
    return board.reshape(SIZE, SIZE, -1)
