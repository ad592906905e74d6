"""How the games draw their observations."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Int

from jaxenv_minatar.base import SIZE


def flag(row: Array | int, column: Array | int, channel: Array | int, channels: int) -> Array:
    """Return the index of one flag of a picture of 10 x 10 x ``channels``, counted in row-major order."""
    return jnp.asarray((row * SIZE + column) * channels + channel, jnp.int32)


def light(background: Bool[Array, "flags"], flags: Sequence[Int[Array, "..."]]) -> Bool[Array, "10 10 channels"]:
    """Return the picture ``background`` with these flags set as well; a negative index sets none.

    Pictures are most of a step's cost. A CPU is quickest where it writes the few flags one by one; a GPU, where it compares
    every flag with every index, because then the picture is part of the kernel that computes the step.
    """
    (size,) = background.shape

    def write(background: Array, flags: tuple[Array, ...]) -> Array:
        # Scatters drop what lies beyond the end, and count negative indices from there.
        index = jnp.concatenate([jnp.ravel(i) for i in flags])
        return background.at[jnp.where(index < 0, size, index)].set(True, mode="drop")

    def compare(background: Array, flags: tuple[Array, ...]) -> Array:
        everywhere = lax.iota(jnp.int32, size)[None]
        for index in flags:
            background = background | (everywhere == index.reshape(-1, 1)).any(axis=0)
        return background

    lit = lax.platform_dependent(background, tuple(flags), cpu=write, default=compare)
    return lit.reshape(SIZE, SIZE, -1)
