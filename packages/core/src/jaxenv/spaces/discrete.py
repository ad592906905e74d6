"""Choices: one of n, and arrays of them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv import _canonical, random
from jaxenv._jax_compat import is_traced
from jaxenv.errors import SpaceDefinitionError
from jaxenv.errors.wording import short
from jaxenv.spaces import _sampling
from jaxenv.spaces.base import Space, as_array, canonical_dtype, leaf_cast, leaf_contains
from jaxenv.spaces.box import Box

HOW = "jax.vmap(space.sample)(keys)"


class Discrete(Space):
    """One of the integers ``start``, ..., ``start + n - 1``.

    Args:
        n: how many there are, at least 1.
        start: the smallest.
        dtype: an integer dtype that holds them all.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    n: int
    """How many choices there are."""
    start: int
    """The smallest choice."""

    def __init__(self, n: int, start: int = 0, dtype: Any = jnp.int32) -> None:
        n, start = _integer(n, "Discrete", "n"), _integer(start, "Discrete", "start")
        if n < 1:
            raise SpaceDefinitionError(f"Discrete got n = {n}, but there must be a choice. Pass an integer of at least 1.")
        dtype = canonical_dtype(dtype, "Discrete", "integer")
        limits = np.iinfo(dtype)
        if start < limits.min or start + n - 1 > limits.max:
            raise SpaceDefinitionError(
                f"Discrete got choices from {start} to {start + n - 1}, which {dtype} cannot hold. "
                "Choose a wider dtype or fewer choices."
            )
        self._set(n=n, start=start, dtype=dtype, shape=())

    def sample(self, key: Array) -> Array:
        key = _canonical.key(key, HOW)
        if self.n <= 1 << 16:
            choice = random.uniform_int(random.words(key, 1)[0], 0, self.n)
            return choice.astype(self.dtype) + np.asarray(self.start, self.dtype)
        low, high = (np.asarray(bound, self.dtype) for bound in (self.start, self.start + self.n - 1))
        return _sampling.integers(key, low, high, (), self.dtype)

    def contains(self, x: Any) -> Array:
        low, high = (np.asarray(bound, self.dtype) for bound in (self.start, self.start + self.n - 1))
        return leaf_contains(x, (), self.dtype, low, high)

    def cast(self, x: Any, what: str = "the value") -> Array:
        return leaf_cast(x, (), self.dtype, what, self)

    def fitted(self, x: Any) -> Any:
        array = whole(as_array(x))
        return x if array is None or array.size != 1 else array.reshape(())

    def nearest(self, x: Any) -> Any:
        low, high = (np.asarray(bound, self.dtype) for bound in (self.start, self.start + self.n - 1))
        return lax.min(
            lax.max(x, low), high
        )  # in this order: the other one is miscompiled, see at_least_0 in engine/cuda/prelude.h

    def batch(self, n: int) -> MultiDiscrete | Box:
        if self.start == 0:
            return MultiDiscrete(np.full((n,), self.n), self.dtype)
        return Box(self.start, self.start + self.n - 1, (n,), self.dtype)

    def flatten(self, x: Any) -> Array:
        choices = np.arange(self.n).astype(self.dtype) + np.asarray(self.start, self.dtype)
        return (self.cast(x) == choices).astype(self.dtype)

    def unflatten(self, v: Array) -> Array:
        return jnp.argmax(v).astype(self.dtype) + np.asarray(self.start, self.dtype)

    def flat_space(self) -> Box:
        return Box(0, 1, (self.n,), self.dtype)

    def flat_size(self) -> int:
        return self.n

    def _identity(self) -> tuple[Any, ...]:
        return self.n, self.start, self.dtype

    def __repr__(self) -> str:
        start = f", start={self.start}" if self.start else ""
        dtype = "" if self.dtype == np.int32 else f", dtype='{self.dtype}'"
        return f"Discrete({self.n}{start}{dtype})"


class MultiDiscrete(Space):
    """An array of choices; element i is one of 0, ..., ``nvec[i] - 1``.

    Args:
        nvec: how many choices each element has, an array of any shape with values of at least 1.
        dtype: an integer dtype that holds them all.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nvec: np.ndarray[Any, np.dtype[np.int64]]
    """How many choices each element has, a read-only array."""

    def __init__(self, nvec: Any, dtype: Any = jnp.int32) -> None:
        dtype = canonical_dtype(dtype, "MultiDiscrete", "integer")
        counts = np.array("traced") if is_traced(nvec) else np.array(nvec)
        if counts.size and not np.issubdtype(counts.dtype, np.integer):
            raise SpaceDefinitionError(
                f"MultiDiscrete got nvec = {short(nvec)}, which is not an array of integers. Pass one, such as [3, 2]."
            )
        counts = counts.astype(np.int64)
        if (counts < 1).any():
            raise SpaceDefinitionError(
                f"MultiDiscrete got nvec = {counts.tolist()}, but each element needs a choice. Pass counts of at least 1."
            )
        if (counts - 1 > np.iinfo(dtype).max).any():
            raise SpaceDefinitionError(
                f"MultiDiscrete got nvec = {counts.tolist()}, which {dtype} cannot hold. Choose a wider dtype or fewer choices."
            )
        counts.setflags(write=False)
        self._set(nvec=counts, dtype=dtype, shape=counts.shape)

    @property
    def _high(self) -> Any:
        return (self.nvec - 1).astype(self.dtype)

    def sample(self, key: Array) -> Array:
        return _sampling.integers(_canonical.key(key, HOW), np.zeros_like(self._high), self._high, self.shape, self.dtype)

    def contains(self, x: Any) -> Array:
        return leaf_contains(x, self.shape, self.dtype, np.zeros_like(self._high), self._high)

    def cast(self, x: Any, what: str = "the value") -> Array:
        return leaf_cast(x, self.shape, self.dtype, what, self)

    def fitted(self, x: Any) -> Any:
        array = whole(as_array(x))
        if array is None:
            return x
        return array.reshape(self.shape) if array.size == self.nvec.size == 1 else array

    def nearest(self, x: Any) -> Any:
        return lax.min(lax.max(x, np.zeros_like(self._high)), self._high)

    def batch(self, n: int) -> Box:
        return Box(0, np.broadcast_to(self._high, (n, *self.shape)), (n, *self.shape), self.dtype)

    def flatten(self, x: Any) -> Array:
        counts = self.nvec.ravel()
        element = np.repeat(np.arange(counts.size), counts)
        choice = np.concatenate([np.arange(n) for n in counts] or [np.arange(0)]).astype(self.dtype)
        return (jnp.ravel(self.cast(x))[element] == choice).astype(self.dtype)

    def unflatten(self, v: Array) -> Array:
        ends = np.cumsum(self.nvec.ravel())
        choices = [jnp.argmax(part) for part in jnp.split(v, ends[:-1])] if ends.size else []
        return jnp.reshape(jnp.stack(choices) if choices else jnp.zeros((0,)), self.shape).astype(self.dtype)

    def flat_space(self) -> Box:
        return Box(0, 1, (self.flat_size(),), self.dtype)

    def flat_size(self) -> int:
        return int(self.nvec.sum())

    def _identity(self) -> tuple[Any, ...]:
        return self.shape, self.dtype, self.nvec.tobytes()

    def __repr__(self) -> str:
        dtype = "" if self.dtype == np.int32 else f", dtype='{self.dtype}'"
        return f"MultiDiscrete({self.nvec.tolist()}{dtype})"


def whole(array: Any) -> Any:
    """Return whole floats whose values are known as integers; leave any other array."""
    if isinstance(array, np.ndarray | np.generic) and array.dtype.kind == "f" and (np.trunc(array) == array).all():
        return np.asarray(array).astype(np.int64 if np.abs(array).max(initial=0) > 2**31 - 1 else np.int32)
    return array


def _integer(value: Any, owner: str, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise SpaceDefinitionError(f"{owner} got {name} = {short(value)}, which is not an integer. Pass a Python integer.")
    return int(value)
