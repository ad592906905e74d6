"""The policy ``mlp``: one network with the same weights for every library that shows and takes the same.

Two tanh layers of 64 on the flattened observation, in float32. The weights depend on nothing but the sizes, and are arguments of
the compiled program, so no library's program has them folded in. A library in Python calls the same network, compiled, on its
batch of observations.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv.errors import BenchmarkPolicyError

HIDDEN = (64, 64)
"""Widths of the hidden layers."""


class Network(NamedTuple):
    """Sizes of a network, and what becomes of its outputs. Equal networks have equal weights."""

    inputs: int
    """Numbers in one observation."""
    shape: tuple[int, ...]
    """Shape of one action."""
    choices: tuple[int, ...] = ()
    """Choices of each component of a discrete action: each takes the largest of as many outputs. Empty for a continuous action,
    whose components are the tanh of an output each."""
    start: int = 0
    """The smallest choice."""

    @property
    def outputs(self) -> int:
        """Width of the last layer."""
        return sum(self.choices) or math.prod(self.shape)

    def weights(self) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
        """Return the matrices, normal with variance 1 / fan-in, from a fixed seed."""
        sizes = (self.inputs, *HIDDEN, self.outputs)
        rng = np.random.default_rng(0)
        pairs = itertools.pairwise(sizes)
        return [rng.normal(0.0, fan_in**-0.5, (fan_in, fan_out)).astype(np.float32) for fan_in, fan_out in pairs]

    def act(self, weights: Any, obs: Any) -> Array:
        """Return the action for one observation: int32 if it is discrete, else float32 between -1 and 1."""
        hidden = jnp.concatenate([jnp.asarray(leaf).reshape(-1).astype(jnp.float32) for leaf in jax.tree.leaves(obs)])
        for weight in weights[:-1]:
            hidden = jnp.tanh(hidden @ weight)
        out = hidden @ weights[-1]
        if not self.choices:
            return jnp.tanh(out).reshape(self.shape)
        ends = np.cumsum(self.choices).tolist()
        best = [jnp.argmax(out[end - n : end]).astype(jnp.int32) for n, end in zip(self.choices, ends, strict=True)]
        return (jnp.stack(best) + np.int32(self.start)).reshape(self.shape)


def network(obs: Any, space: Any) -> Network:
    """Return the network for one observation (arrays, or their shapes) and one action space of any library.

    Raises:
        BenchmarkPolicyError: the action space is neither a Discrete, a MultiDiscrete, a MultiBinary nor a Box.
    """
    inputs = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(obs))
    if hasattr(space, "nvec"):
        counts = np.asarray(space.nvec)
        return Network(inputs, counts.shape, tuple(counts.ravel().tolist()))
    if hasattr(space, "n") and tuple(getattr(space, "shape", ())):  # a MultiBinary: a choice of two for each element
        return Network(inputs, tuple(space.shape), (2,) * math.prod(space.shape))
    if hasattr(space, "n"):
        return Network(inputs, (), (int(space.n),), int(getattr(space, "start", 0)))
    if not hasattr(space, "low"):
        raise BenchmarkPolicyError(space)
    return Network(inputs, tuple(space.shape))
