"""Members of Gymnasium's spaces, of any structure: to and from batches of arrays."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import numpy as np

from jaxenv.errors import ActionBatchError

_CONFIG: Any = jax.config
_NARROW = {np.dtype(np.int64): np.int32, np.dtype(np.uint64): np.uint32, np.dtype(np.float64): np.float32}
"""What 64-bit arguments become where x64 is off. ``jax.jit`` does the same, and takes 20 microseconds."""


def fitted(space: gymnasium.Space[Any], action: Any) -> Any:
    """Return a member of ``space`` as arrays of its shape."""
    if isinstance(space, gymnasium.spaces.Tuple):
        return tuple(fitted(part, value) for part, value in zip(space.spaces, action, strict=True))
    if isinstance(space, gymnasium.spaces.Dict):
        return {name: fitted(part, action[name]) for name, part in space.spaces.items()}
    array = action if hasattr(action, "shape") else np.asarray(action)
    if isinstance(array, np.ndarray) and array.dtype in _NARROW and not _CONFIG.jax_enable_x64:
        array = array.astype(_NARROW[array.dtype])
    if array.shape == space.shape:
        return array
    if space.shape is None or array.size != np.prod(space.shape, dtype=int):
        raise ActionBatchError(array.shape, space.shape or ())
    return array.reshape(space.shape)


def batched(space: gymnasium.Space[Any], action: Any) -> Any:
    """Return an action as a batch of one."""
    if isinstance(space, gymnasium.spaces.Tuple):
        return tuple(batched(part, value) for part, value in zip(space.spaces, action, strict=True))
    if isinstance(space, gymnasium.spaces.Dict):
        return {name: batched(part, action[name]) for name, part in space.spaces.items()}
    return fitted(space, action)[None]


def cast(space: gymnasium.Space[Any], obs: Any) -> Any:
    """Return arrays of NumPy in the structure and the dtypes of ``space``."""
    if isinstance(space, gymnasium.spaces.Tuple):
        return tuple(cast(part, value) for part, value in zip(space.spaces, obs, strict=True))
    if isinstance(space, gymnasium.spaces.Dict):
        return {name: cast(part, obs[name]) for name, part in space.spaces.items()}
    return obs if obs.dtype == space.dtype else obs.astype(space.dtype)


def one(space: gymnasium.Space[Any], obs: Any) -> Any:
    """Return the only observation of a batch, to be written into by whoever wants to."""
    if isinstance(space, gymnasium.spaces.Tuple):
        return tuple(one(part, value) for part, value in zip(space.spaces, obs, strict=True))
    if isinstance(space, gymnasium.spaces.Dict):
        return {name: one(part, obs[name]) for name, part in space.spaces.items()}
    first = obs[0].astype(space.dtype)
    return first if first.ndim or isinstance(space, gymnasium.spaces.Box) else first[()]


def at(obs: Any, index: int) -> Any:
    """Return one observation of a batch."""
    if isinstance(obs, tuple):
        return tuple(at(part, index) for part in obs)
    return {name: at(part, index) for name, part in obs.items()} if isinstance(obs, dict) else obs[index]
