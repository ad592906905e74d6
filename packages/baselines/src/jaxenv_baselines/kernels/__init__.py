"""GPU kernels for the update of small networks: the loss of a minibatch and its gradient in two launches.

* :mod:`~jaxenv_baselines.kernels.towers`: several MLPs over the same inputs, with all weights in one flat vector.
* :mod:`~jaxenv_baselines.kernels.shuffle`: a permutation as a function of an index, so that nothing is sorted or copied.
* :mod:`~jaxenv_baselines.kernels.gradient`: the mean loss of a minibatch and its gradient, as an operation of JAX.
* :mod:`~jaxenv_baselines.kernels.adam`: clipping and Adam on flat vectors.
* :mod:`~jaxenv_baselines.kernels.recurrence`: linear recurrences along time.
* :mod:`~jaxenv_baselines.kernels.source`: the text of its kernels.

A kernel runs on an NVIDIA GPU of compute capability 8.0 or higher. Everywhere else, and for networks that do not fit, the same
operation runs as JAX's own operations, with the same results up to rounding.
"""

from jaxenv_baselines.kernels.adam import Optimizer, updated
from jaxenv_baselines.kernels.gradient import Minibatches, mean_loss, value_and_gradient
from jaxenv_baselines.kernels.recurrence import recurrence
from jaxenv_baselines.kernels.shuffle import ROUNDS, minibatch, permuted
from jaxenv_baselines.kernels.towers import Layer, Tower, Towers

__all__ = [
    "ROUNDS",
    "Layer",
    "Minibatches",
    "Optimizer",
    "Tower",
    "Towers",
    "mean_loss",
    "minibatch",
    "permuted",
    "recurrence",
    "updated",
    "value_and_gradient",
]
