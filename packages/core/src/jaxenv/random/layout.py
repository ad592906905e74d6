"""How words become an array without hiding them from the compiler."""

from __future__ import annotations

from collections.abc import Sequence

from jax import Array, lax


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Do what ``jnp.stack`` does.

    Where words are later taken out of the stack one by one, XLA sees through it and fuses what made each word with what uses
    it. ``jnp.stack`` under ``vmap`` leaves a transpose behind, through which XLA does not see: the step is then twice as slow.
    """
    return lax.concatenate([lax.expand_dims(array, (axis,)) for array in arrays], axis)
