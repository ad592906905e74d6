"""Several MLPs over the same inputs, such as an actor and a critic, with all weights in one flat vector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array

Head = Callable[[Array, Array, Array], tuple[Array, Array]]
"""A loss of one sample: ``(outputs, fields, numbers) -> (loss, terms)``.

``outputs`` are a tower's, float32[outputs]; ``fields`` are the sample's, float32[fields]; ``numbers`` are shared by all samples,
float32[numbers]. ``terms``, float32[terms], are numbers to report; they have no gradient.
"""


@dataclass(frozen=True)
class Layer:
    """A linear layer's place in the flat vector. The kernel is stored row by row, ``[inputs, outputs]``."""

    kernel: int
    bias: int
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Tower:
    """An MLP with a linear output layer, and its loss."""

    layers: tuple[Layer, ...]
    """From the inputs to the outputs."""
    head: Head
    """The loss of a sample. Hashable; equal heads share a compilation."""
    terms: int
    """How many terms the head returns."""
    extra: int = 0
    """Number of weights that are outputs themselves, after those of the last layer, such as logarithms of standard deviations."""
    extra_at: int = 0
    """Their place in the flat vector."""

    @property
    def outputs(self) -> int:
        """Number of outputs, with the extra ones."""
        return self.layers[-1].outputs + self.extra

    @property
    def reported(self) -> int:
        """Number of means that are reported: of the loss, then of the terms."""
        return 1 + self.terms


@dataclass(frozen=True)
class Towers:
    """Towers over the same inputs, whose hidden layers have the same widths."""

    towers: tuple[Tower, ...]
    activation: str
    """``"tanh"`` or ``"relu"``."""
    size: int
    """Length of the flat vector."""

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return self.towers[0].layers[0].inputs

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(layer.outputs for layer in self.towers[0].layers[:-1])

    @property
    def reported(self) -> int:
        """Number of means that all towers report."""
        return sum(tower.reported for tower in self.towers)

    def loss_and_terms(self, reported: Array) -> tuple[Array, Array]:
        """Return the sum of the towers' losses, and the terms of all, from what they report."""
        loss, terms, at = jnp.float32(0.0), [], 0
        for tower in self.towers:
            loss, terms, at = loss + reported[at], [*terms, reported[at + 1 : at + tower.reported]], at + tower.reported
        return loss, jnp.concatenate(terms)

    def mean_loss(self, weights: Array, x: Array, fields: Array, numbers: Array) -> tuple[Array, Array]:
        """Return the mean loss of samples, and what the towers report, by JAX's own operations.

        Args:
            weights: the flat vector, float32[size].
            x: inputs, [samples, inputs].
            fields: fields of the samples, float32[samples, fields].
            numbers: shared numbers, float32[numbers].

        Returns:
            The sum of the towers' mean losses, float32[]; and float32[reported].
        """
        activate = {"tanh": jnp.tanh, "relu": jax.nn.relu}[self.activation]
        total, means = jnp.float32(0.0), []
        for tower in self.towers:
            h = x.astype(jnp.float32)
            for i, layer in enumerate(tower.layers):
                kernel = weights[layer.kernel : layer.kernel + layer.inputs * layer.outputs].reshape(layer.inputs, layer.outputs)
                h = h @ kernel + weights[layer.bias : layer.bias + layer.outputs][None]
                h = activate(h) if i < len(tower.layers) - 1 else h
            extra = jnp.broadcast_to(weights[tower.extra_at : tower.extra_at + tower.extra], (h.shape[0], tower.extra))
            losses, terms = jax.vmap(tower.head, (0, 0, None))(jnp.concatenate([h, extra], axis=1), fields, numbers)
            loss = losses.mean()
            total, means = total + loss, [*means, loss[None], terms.mean(0)]
        return total, jnp.concatenate(means)
