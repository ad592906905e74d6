"""The mean loss of a minibatch and its gradient as an operation of JAX: two kernels on a GPU, JAX's own operations elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxenv import _jax_compat
from jaxenv.engine import select
from jaxenv.engine.cuda import launch
from jaxenv.engine.cuda.source import Kernel
from jaxenv.engine.scalar import UnsupportedError

from jaxenv_baselines.kernels import source
from jaxenv_baselines.kernels.operation import batched_over_members, kernel_or, launched, shapes_of
from jaxenv_baselines.kernels.shuffle import FEWEST_ROWS, minibatch, rows_of
from jaxenv_baselines.kernels.towers import Towers

OLDEST = (8, 0)
"""The oldest compute capability whose tensor cores multiply these numbers."""


@dataclass(frozen=True)
class Minibatches:
    """Samples in minibatches, each epoch in another order."""

    x: Array
    """Inputs of the towers, [samples, inputs]: float32, or bool or uint8 for flags and small integers."""
    fields: Array
    """Fields of the samples, float32[samples, fields]."""
    words: Array
    """Random words that order the samples of each epoch, uint32[epochs, ROUNDS]."""
    size: int
    """Samples in a minibatch; a divisor of the number of samples."""


jax.tree_util.register_dataclass(Minibatches, data_fields=["x", "fields", "words"], meta_fields=["size"])


@dataclass(frozen=True)
class GradientCall:
    """The operation. Its arguments: weights, number of the minibatch, words, inputs, fields, numbers."""

    towers: Towers
    sizes: source.Sizes
    epochs: int
    members: int = 0
    """Length of a leading axis of all arguments and results; 0 for none."""

    @property
    def shapes(self) -> Sequence[jax.ShapeDtypeStruct]:
        """Shapes and dtypes of the gradient, of squares whose sum is that of the gradient's squares, and of what is reported."""
        lengths = (self.towers.size, source.sum_blocks(self.towers), self.towers.reported)
        return shapes_of(self.members, *(((length,), jnp.float32) for length in lengths))

    def plain(self, *args: Array) -> Sequence[Array]:
        """Return the results by JAX's own operations."""
        return jax.vmap(self._plain)(*args) if self.members else self._plain(*args)

    def _plain(self, weights: Array, number: Array, words: Array, x: Array, fields: Array, numbers: Array) -> Sequence[Array]:
        which = minibatch(number, words, self.sizes.samples, self.sizes.minibatch)
        gradient, reported = jax.grad(self.towers.mean_loss, has_aux=True)(weights, x[which], fields[which], numbers)
        squares = jnp.zeros(source.sum_blocks(self.towers), jnp.float32).at[0].set(jnp.square(gradient).sum())
        return gradient, squares, reported

    def lower(self, platform: str, *args: Array) -> Sequence[Array]:
        """Return the results in the way that suits a platform."""
        if (select.kernels_on(platform)[0] == "cuda" and select.required_capability() < OLDEST) or self.unsupported:
            return self.plain(*args)

        def run() -> Sequence[Array]:
            first, second = _kernels(self.towers, self.sizes)
            partial = self._launch(platform, first, source.groups(self.towers, self.sizes) * len(self.towers.towers), args)
            return self._launch(platform, second, source.sum_blocks(self.towers), partial)

        return kernel_or("the gradient of a minibatch", platform, run, lambda: self.plain(*args))

    @property
    def unsupported(self) -> str:
        """Why there is no kernel on any GPU, or an empty string."""
        if rows_of(self.sizes.samples) < FEWEST_ROWS:
            return "a number of samples that has no divisors"
        return source.unsupported(self.towers, self.sizes)

    def _launch(self, platform: str, kernel: Kernel, blocks: int, args: Sequence[Array]) -> Sequence[Array]:
        results = shapes_of(self.members, *((leaf.shape, leaf.dtype) for leaf in kernel.results))
        threads = kernel.block * blocks * max(1, self.members)
        return launched(kernel, platform, (self.members, self.epochs), threads, args, results)

    def batch(self, size: int, axes: Sequence[int | None], *args: Array) -> tuple[Sequence[Array], Sequence[int]]:
        """Return the results for members that have their own arguments."""
        return batched_over_members(self, size, axes, args)


@cache
def _kernels(towers: Towers, sizes: source.Sizes) -> tuple[Kernel, Kernel]:
    """Return both kernels. Raises KernelRefusedError for a loss that can't be taken apart."""
    try:
        return source.gradient_kernel(towers, sizes), source.sum_kernel(towers, sizes)
    except UnsupportedError as error:
        raise launch.KernelRefusedError(str(error)) from error


def value_and_gradient(
    towers: Towers, batches: Minibatches, numbers: Array, weights: Array, number: Array
) -> tuple[Array, Array, Array]:
    """Return the mean loss of a minibatch and its gradient.

    Args:
        towers: the networks and the losses of a sample.
        batches: the samples.
        numbers: numbers that the losses share, float32[numbers].
        weights: all weights, float32[towers.size].
        number: number of the minibatch over all epochs, int32[], at least 0 and below epochs * samples / size.

    Returns:
        ``(reported, gradient, squares)``: means of losses and terms, float32[reported], which :meth:`Towers.loss_and_terms` takes
        apart; float32[towers.size]; and numbers whose sum is that of the gradient's squares, for
        :func:`~jaxenv_baselines.kernels.adam.updated`. On a GPU products are float32's if ``jax_default_matmul_precision``
        asks for that (``"float32"``, ``"highest"``), else those of tensor cores, as in JAX's own operations.

    Raises:
        ValueError: the inputs have another width than the towers, or minibatches do not divide the samples.
    """
    samples, width = batches.x.shape
    if width != towers.inputs or samples % batches.size:
        raise ValueError(
            f"expected inputs [samples, {towers.inputs}] and a minibatch size that divides the number of samples; "
            f"got inputs {batches.x.shape} and minibatches of {batches.size}"
        )
    flags = batches.x.dtype in (jnp.bool_, jnp.uint8)
    x = batches.x.astype(jnp.uint8 if flags else jnp.float32)
    sizes = source.Sizes(samples, batches.size, batches.fields.shape[1], numbers.size, flags, _exact(), _shared_memory())
    call = GradientCall(towers, sizes, batches.words.shape[0])
    results = _jax_compat.call(call, weights, number.astype(jnp.int32), batches.words, x, batches.fields, numbers)
    gradient, squares, reported = results
    return reported, gradient, squares


def _shared_memory() -> tuple[int, int]:
    return source.shared_memory(select.capability() or (9, 0))


def _exact() -> bool:
    """Whether the user's default precision of matrix products is that of float32."""
    wanted = getattr(jax.config, "jax_default_matmul_precision", None)
    return str(wanted).rpartition(".")[2].lower() in ("float32", "highest", "f32_f32_f32")


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def mean_loss(towers: Towers, batches: Minibatches, numbers: Array, weights: Array, number: Array) -> tuple[Array, Array]:
    """Return the mean loss of a minibatch and the means of the heads' terms, differentiable by ``weights``.

    Arguments are those of :func:`value_and_gradient`, which also gives the derivative.
    """
    return towers.loss_and_terms(value_and_gradient(towers, batches, numbers, weights, number)[0])


def _forward(towers: Towers, batches: Minibatches, numbers: Array, weights: Array, number: Array) -> Any:
    reported, gradient, _ = value_and_gradient(towers, batches, numbers, weights, number)
    return towers.loss_and_terms(reported), gradient


def _backward(towers: Towers, gradient: Array, cotangents: tuple[Array, Array]) -> Any:
    del towers
    return None, None, cotangents[0] * gradient, None


mean_loss.defvjp(_forward, _backward)
