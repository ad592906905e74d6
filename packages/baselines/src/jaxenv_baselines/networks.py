"""Networks: observation encoders, action distributions, and an actor-critic.

Networks are flax linen modules, not nnx. A linen module is frozen and hashable, and its weights are a plain pytree of arrays
that is passed in. So weights of many members stack and ``vmap``, policies with equal modules share one
compilation, and a checkpoint is a tree of arrays.
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
"""Largest number of actions of a categorical distribution."""

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": jnp.tanh, "relu": jax.nn.relu}
TORSOS = ("mlp", "cnn", "gru")


@dataclass(frozen=True)
class Encoder:
    """Maps an observation to float32: a board [rows, columns, channels] for a CNN, else a vector."""

    space: spaces.Space
    """The space of observations."""
    board: bool = False
    """Whether to keep the shape [rows, columns, channels]; a board without channels gets one."""
    one_hot: bool = False
    """Whether every integer of a bounded Box of integers is one-hot encoded."""

    @property
    def keeps_bytes(self) -> bool:
        """Whether an observation is encoded as it is and has only flags, or integers from 0 to 255."""
        space = self.space
        if not isinstance(space, spaces.Box) or self.one_hot or self.board:
            return False
        small = np.issubdtype(space.dtype, np.bool_) or (
            np.issubdtype(space.dtype, np.integer) and np.min(space.low) >= 0 and np.max(space.high) <= 255
        )
        return bool(small)

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
        """Number of logits."""
        return self.space.n if isinstance(self.space, spaces.Discrete) else math.prod(self.space.nvec.ravel().tolist())

    def sample(self, key: Array, logits: Array) -> Array:
        """Sample an action."""
        return self._action(jax.random.categorical(key, logits))

    def mode(self, logits: Array) -> Array:
        """Return the most probable action."""
        return self._action(jnp.argmax(logits))

    def encode(self, action: Array) -> Array:
        """Return an action as :meth:`log_prob` takes it: the index of its logit, float32[1]."""
        return self.choice(action).astype(jnp.float32)[None]

    def log_prob(self, logits: Array, encoded: Array) -> Array:
        """Return the log-probability of an encoded action."""
        chosen = jnp.arange(self.outputs, dtype=jnp.float32) == encoded[0]
        return jnp.where(chosen, jax.nn.log_softmax(logits), 0.0).sum()

    def entropy(self, logits: Array) -> Array:
        """Return the entropy, in nats."""
        log_probs = jax.nn.log_softmax(logits)
        return -(jnp.exp(log_probs) * log_probs).sum()

    def limit(self, action: Array) -> Array:
        """Return the action unchanged; :class:`Gaussian` clips here."""
        return action

    def _action(self, choice: Array) -> Array:
        if isinstance(self.space, spaces.Discrete):
            return (choice + self.space.start).astype(self.space.dtype)
        parts = jnp.unravel_index(choice, tuple(self.space.nvec.ravel().tolist()))
        return jnp.stack(parts).reshape(self.space.shape).astype(self.space.dtype)

    def choice(self, action: Array) -> Array:
        """Return the index of an action's logit."""
        if isinstance(self.space, spaces.Discrete):
            return action.astype(jnp.int32) - self.space.start
        counts = self.space.nvec.ravel().tolist()
        strides = np.array([math.prod(counts[i + 1 :]) for i in range(len(counts))], np.int32)
        return (jnp.ravel(action).astype(jnp.int32) * strides).sum()


@dataclass(frozen=True)
class Gaussian:
    """A diagonal normal distribution over a bounded Box of floats, scaled so that the bounds are -1 and 1.

    Parameters are the means, from the network, and the logarithms of the standard deviations, which do not depend on the
    observation. Samples are not clipped, so that densities are exact; the environment gets the nearest action within the bounds.
    """

    space: spaces.Box
    """The space of actions."""

    @property
    def outputs(self) -> int:
        """Number of means."""
        return math.prod(self.space.shape)

    def sample(self, key: Array, dist_params: Array) -> Array:
        """Sample an action, not clipped."""
        mean, log_std = self._split(dist_params)
        return self._action(mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape))

    def mode(self, dist_params: Array) -> Array:
        """Return the mean, not clipped."""
        return self._action(self._split(dist_params)[0])

    def encode(self, action: Array) -> Array:
        """Return an action as :meth:`log_prob` takes it: in units of half the space's width, float32[outputs]."""
        return ((jnp.ravel(action) - self._middle) / self._half).astype(jnp.float32)

    def log_prob(self, dist_params: Array, encoded: Array) -> Array:
        """Return the log-density of an encoded action, in the same units."""
        mean, log_std = self._split(dist_params)
        return (-0.5 * jnp.square((encoded - mean) / jnp.exp(log_std)) - log_std - 0.5 * math.log(2 * math.pi)).sum()

    def entropy(self, dist_params: Array) -> Array:
        """Return the entropy, in nats, in the same units."""
        return (self._split(dist_params)[1] + 0.5 * math.log(2 * math.pi * math.e)).sum()

    def limit(self, action: Array) -> Array:
        """Clip an action to the bounds."""
        return jnp.clip(action, self.space.low, self.space.high)

    @property
    def _middle(self) -> Any:
        return np.asarray((self.space.low + self.space.high) / 2, np.float32).ravel()

    @property
    def _half(self) -> Any:
        return np.asarray((self.space.high - self.space.low) / 2, np.float32).ravel()

    def _action(self, raw: Array) -> Array:
        return (self._middle + self._half * raw).reshape(self.space.shape).astype(self.space.dtype)

    def _split(self, dist_params: Array) -> tuple[Array, Array]:
        return dist_params[: self.outputs], dist_params[self.outputs :]


def distribution(name: str, space: spaces.Space) -> Categorical | Gaussian:
    """Return the action distribution for a space.

    Args:
        name: name of the environment, for messages.
        space: its action space.

    Raises:
        ActionSpaceError: the space is not supported.
    """
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        found = Categorical(space)
        if found.outputs <= MOST_CHOICES:
            return found
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating) and bool(np.all(space.bounded)):
        return Gaussian(space)
    raise ActionSpaceError(name, space, MOST_CHOICES)


def _scaled_init(gain: float) -> Any:
    """Return a fan-in initialiser with a gain. It is uniform, which compiles fastest."""
    return nn.initializers.variance_scaling(gain**2, "fan_in", "uniform")


class Tower(nn.Module):
    """An MLP with a linear output layer, optionally on a convolution."""

    widths: tuple[int, ...]
    outputs: int
    scale: float
    activation: str
    convolution: int = 0

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Return float32[..., outputs]."""
        activate = ACTIVATIONS[self.activation]
        if self.convolution:
            # As a matrix product of patches: under vmap over members a convolution would become a grouped one, which is slow.
            rows, columns, _ = x.shape[-3:]
            patches = [x[..., i : rows - 2 + i, j : columns - 2 + j, :] for i in range(3) for j in range(3)]
            x = activate(nn.Dense(self.convolution, kernel_init=_scaled_init(2**0.5))(jnp.concatenate(patches, axis=-1)))
            x = x.reshape(*x.shape[:-3], -1)
        for width in self.widths:
            x = activate(nn.Dense(width, kernel_init=_scaled_init(2**0.5))(x))
        return nn.Dense(self.outputs, kernel_init=_scaled_init(self.scale))(x)


class ActorCritic(nn.Module):
    """Separate actor and critic MLPs, on one shared GRU if recurrent. Leading axes of inputs are batches."""

    outputs: int
    """Number of logits, or of means."""
    continuous: bool = False
    """Whether log standard deviations follow the means; they are weights that do not depend on the observation."""
    torso: str = "mlp"
    """``"mlp"``; ``"cnn"``, a 3 x 3 convolution in each MLP; ``"gru"``, one GRU before both."""
    widths: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers."""
    filters: int = 16
    """Channels of the convolution."""
    memory: int = 64
    """Size of the GRU's hidden state."""
    activation: str = "tanh"
    """``"tanh"`` or ``"relu"``."""
    log_std: float = 0.0
    """Initial log standard deviation."""

    def setup(self) -> None:
        """Create the layers."""
        filters = self.filters if self.torso == "cnn" else 0
        self.actor_tower = Tower(self.widths, self.outputs, 0.01, self.activation, filters)
        self.critic_tower = Tower(self.widths, 1, 1.0, self.activation, filters)
        if self.continuous:
            self.deviations = self.param("log_std", nn.initializers.constant(self.log_std), (self.outputs,))
        if self.torso == "gru":
            self.inlet = nn.Dense(self.memory, kernel_init=_scaled_init(2**0.5))
            self.cell = nn.GRUCell(self.memory)

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Evaluate actor and critic on the first step of an episode; creates all weights."""
        if self.torso == "gru":
            _, x = self.recurrent_step(jnp.zeros((*x.shape[:-1], self.memory)), self.recurrent_input(x))
        return self.actor(x), self.critic(x)

    def recurrent_input(self, x: Array) -> Array:
        """Return the input of the GRU."""
        return ACTIVATIONS[self.activation](self.inlet(x))

    def recurrent_step(self, carry: Array, x: Array) -> tuple[Array, Array]:
        """Return the next hidden state and the GRU's output."""
        return self.cell(carry, x)

    def actor(self, x: Array) -> Array:
        """Return the parameters of the action distribution."""
        dist_params = self.actor_tower(x)
        if self.continuous:
            dist_params = jnp.concatenate([dist_params, jnp.broadcast_to(self.deviations, dist_params.shape)], axis=-1)
        return dist_params

    def critic(self, x: Array) -> Array:
        """Return the value estimate, float32[...]."""
        return self.critic_tower(x)[..., 0]


def require_torso(name: str, torso: str, space: spaces.Space) -> None:
    """Check that a torso exists and supports an observation space; a CNN needs boards.

    Raises:
        TorsoError: it does not.
    """
    board = isinstance(space, spaces.Box) and len(space.shape) in (2, 3) and min(space.shape[:2]) >= 3
    if torso not in TORSOS or (torso == "cnn" and not board):
        raise TorsoError(name, torso, TORSOS if board else tuple(word for word in TORSOS if word != "cnn"), space)
