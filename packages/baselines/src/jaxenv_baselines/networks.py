"""From an observation to what the algorithms need: a distribution over actions, and a value.

Networks are flax's linen, not nnx: a linen module is a frozen, hashable description, and its weights are a plain tree of arrays
that is passed in. So weights of many members stack and ``vmap``, a policy that holds a module is equal to another of the same
sizes and shares its compilation, and a file of weights needs no object beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import Array
from jaxenv import spaces

from jaxenv_baselines.errors import ActionSpaceError, TorsoError

MOST_CHOICES = 1024
"""The most actions that one categorical distribution is made of."""

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": jnp.tanh, "relu": jax.nn.relu}
TORSOS = ("mlp", "cnn", "gru")


@dataclass(frozen=True)
class Encoder:
    """From an observation of a space to float32: a board [rows, columns, channels] for a CNN, else a vector."""

    space: spaces.Space
    """The space of observations."""
    board: bool = False
    """Whether the observation stays a board, [rows, columns, channels]; a board without channels gets one."""
    one_hot: bool = False
    """Whether every integer of a bounded Box of integers becomes one-hot."""

    def __call__(self, obs: Any) -> Array:
        """Encode one observation."""
        if isinstance(self.space, spaces.Box) and self.one_hot:
            low, high = int(np.min(self.space.low)), int(np.max(self.space.high))
            return (jnp.ravel(obs).astype(jnp.int32)[:, None] == jnp.arange(low, high + 1)[None, :]).astype(jnp.float32).ravel()
        if isinstance(self.space, spaces.Box) and self.board:
            return jnp.reshape(obs, (*self.space.shape, *(1,) * (3 - len(self.space.shape)))).astype(jnp.float32)
        return self.space.flatten(obs).astype(jnp.float32)


@dataclass(frozen=True)
class Categorical:
    """A distribution over the choices of a Discrete space, or over all combinations of a MultiDiscrete one."""

    space: spaces.Discrete | spaces.MultiDiscrete
    """The space of actions."""

    @property
    def outputs(self) -> int:
        """How many numbers of a network describe the distribution."""
        return self.space.n if isinstance(self.space, spaces.Discrete) else math.prod(self.space.nvec.ravel().tolist())

    def sample(self, key: Array, logits: Array) -> Array:
        """Draw an action."""
        return self._action(jax.random.categorical(key, logits))

    def mode(self, logits: Array) -> Array:
        """Return the likeliest action."""
        return self._action(jnp.argmax(logits))

    def log_prob(self, logits: Array, action: Array) -> Array:
        """Return the logarithm of an action's probability."""
        return jax.nn.log_softmax(logits)[self.choice(action)]

    def entropy(self, logits: Array) -> Array:
        """Return the entropy, in nats."""
        log_probs = jax.nn.log_softmax(logits)
        return -(jnp.exp(log_probs) * log_probs).sum()

    def limit(self, action: Array) -> Array:
        """Return the action that the environment is given."""
        return action

    def _action(self, choice: Array) -> Array:
        if isinstance(self.space, spaces.Discrete):
            return (choice + self.space.start).astype(self.space.dtype)
        parts = jnp.unravel_index(choice, tuple(self.space.nvec.ravel().tolist()))
        return jnp.stack(parts).reshape(self.space.shape).astype(self.space.dtype)

    def choice(self, action: Array) -> Array:
        """Return the number of an action, as a network counts them."""
        if isinstance(self.space, spaces.Discrete):
            return action.astype(jnp.int32) - self.space.start
        counts = self.space.nvec.ravel().tolist()
        strides = np.array([math.prod(counts[i + 1 :]) for i in range(len(counts))], np.int32)
        return (jnp.ravel(action).astype(jnp.int32) * strides).sum()


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution over a bounded Box of floats, in which 0 is its middle and 1 and -1 its bounds.

    A network gives the means and, whatever the observation, the logarithms of the deviations. Actions are drawn without bounds,
    so that their densities are simple; the environment is given the nearest within.
    """

    space: spaces.Box
    """The space of actions."""

    @property
    def outputs(self) -> int:
        """How many means a network gives."""
        return math.prod(self.space.shape)

    def sample(self, key: Array, described: Array) -> Array:
        """Draw an action, without bounds."""
        mean, log_std = self._described(described)
        return self._action(mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape))

    def mode(self, described: Array) -> Array:
        """Return the likeliest action, without bounds."""
        return self._action(self._described(described)[0])

    def log_prob(self, described: Array, action: Array) -> Array:
        """Return the logarithm of an action's density, in units of half the space's width."""
        mean, log_std = self._described(described)
        raw = (jnp.ravel(action) - self._middle) / self._half
        return (-0.5 * jnp.square((raw - mean) / jnp.exp(log_std)) - log_std - 0.5 * math.log(2 * math.pi)).sum()

    def entropy(self, described: Array) -> Array:
        """Return the entropy, in nats, in the same units."""
        return (self._described(described)[1] + 0.5 * math.log(2 * math.pi * math.e)).sum()

    def limit(self, action: Array) -> Array:
        """Return the nearest action within the bounds."""
        return jnp.clip(action, self.space.low, self.space.high)

    @property
    def _middle(self) -> Any:
        return np.asarray((self.space.low + self.space.high) / 2, np.float32).ravel()

    @property
    def _half(self) -> Any:
        return np.asarray((self.space.high - self.space.low) / 2, np.float32).ravel()

    def _action(self, raw: Array) -> Array:
        return (self._middle + self._half * raw).reshape(self.space.shape).astype(self.space.dtype)

    def _described(self, described: Array) -> tuple[Array, Array]:
        return described[: self.outputs], described[self.outputs :]


def distribution(name: str, space: spaces.Space) -> Categorical | Gaussian:
    """Return the distribution over actions of a space.

    Args:
        name: of the environment, for messages.
        space: of its actions.

    Raises:
        ActionSpaceError: there is none for such a space.
    """
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        found = Categorical(space)
        if found.outputs <= MOST_CHOICES:
            return found
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating) and bool(np.all(space.bounded)):
        return Gaussian(space)
    raise ActionSpaceError(name, space, MOST_CHOICES)


def _spread(gain: float) -> Any:
    """Return an initialiser of weights that keeps deviations, times a gain. Uniform numbers: the fastest to compile."""
    return nn.initializers.variance_scaling(gain**2, "fan_in", "uniform")


class Tower(nn.Module):
    """Layers of one activation, and a linear one on top."""

    widths: tuple[int, ...]
    outputs: int
    scale: float
    activation: str
    convolution: int = 0

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Return float32[..., outputs]."""
        activate, spread = ACTIVATIONS[self.activation], _spread
        if self.convolution:
            # As a matrix product of patches: under vmap over members a convolution would become a grouped one, which is slow.
            rows, columns, _ = x.shape[-3:]
            patches = [x[..., i : rows - 2 + i, j : columns - 2 + j, :] for i in range(3) for j in range(3)]
            x = activate(nn.Dense(self.convolution, kernel_init=spread(2**0.5))(jnp.concatenate(patches, axis=-1)))
            x = x.reshape(*x.shape[:-3], -1)
        for width in self.widths:
            x = activate(nn.Dense(width, kernel_init=spread(2**0.5))(x))
        return nn.Dense(self.outputs, kernel_init=spread(self.scale))(x)


class ActorCritic(nn.Module):
    """An actor and a critic: two towers, over one memory where there is one. Leading axes of inputs are batches."""

    outputs: int
    """Numbers that describe a distribution: logits, or means."""
    continuous: bool = False
    """Whether logarithms of deviations follow the means; they are weights, the same for all observations."""
    torso: str = "mlp"
    """``"mlp"``; ``"cnn"``, a 3 x 3 convolution below the towers; ``"gru"``, one memory below both."""
    widths: tuple[int, ...] = (64, 64)
    """Widths of a tower's layers."""
    filters: int = 16
    """Channels of the convolution."""
    memory: int = 64
    """Width of the GRU."""
    activation: str = "tanh"
    """``"tanh"`` or ``"relu"``."""
    log_std: float = 0.0
    """Where the logarithms of the deviations begin."""

    def setup(self) -> None:
        """Make the layers."""
        filters = self.filters if self.torso == "cnn" else 0
        self.actor_tower = Tower(self.widths, self.outputs, 0.01, self.activation, filters)
        self.critic_tower = Tower(self.widths, 1, 1.0, self.activation, filters)
        if self.continuous:
            self.deviations = self.param("log_std", nn.initializers.constant(self.log_std), (self.outputs,))
        if self.torso == "gru":
            self.inlet = nn.Dense(self.memory, kernel_init=_spread(2**0.5))
            self.cell = nn.GRUCell(self.memory)

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Return what actor and critic say of the first step of an episode; makes all weights."""
        if self.torso == "gru":
            _, x = self.remember(jnp.zeros((*x.shape[:-1], self.memory)), self.enter(x))
        return self.actor(x), self.critic(x)

    def enter(self, x: Array) -> Array:
        """Return what goes into the memory."""
        return ACTIVATIONS[self.activation](self.inlet(x))

    def remember(self, carry: Array, x: Array) -> tuple[Array, Array]:
        """Return the memory after a step, and what it says."""
        return self.cell(carry, x)

    def actor(self, x: Array) -> Array:
        """Return the description of a distribution over actions."""
        described = self.actor_tower(x)
        if self.continuous:
            described = jnp.concatenate([described, jnp.broadcast_to(self.deviations, described.shape)], axis=-1)
        return described

    def critic(self, x: Array) -> Array:
        """Return the value, without an axis of its own."""
        return self.critic_tower(x)[..., 0]


def require_torso(name: str, torso: str, space: spaces.Space) -> None:
    """Refuse a torso that there is not, and a CNN where observations are no boards.

    Raises:
        TorsoError: ``torso`` can't be used.
    """
    board = isinstance(space, spaces.Box) and len(space.shape) in (2, 3) and min(space.shape[:2]) >= 3
    if torso not in TORSOS or (torso == "cnn" and not board):
        raise TorsoError(name, torso, TORSOS if board else tuple(word for word in TORSOS if word != "cnn"), space)
