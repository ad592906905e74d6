"""Evolution strategies over the weights of a network (evosax: Lange 2022).

A generation samples ``population`` networks from a search distribution, evaluates each on ``episodes`` episodes with common random
numbers, and updates the distribution by their returns. No gradient of the network is taken, so rewards may be sparse or delayed,
and a recurrent network needs no backpropagation through time. The agent is the mean of the distribution.

==============  ==================================================================================================
``strategy``    method
==============  ==================================================================================================
``"open_es"``   a normal distribution of fixed standard deviation, mean updated by Adam (Salimans et al. 2017); large networks
``"snes"``      a standard deviation per weight, adapted (Schaul, Glasmachers & Schmidhuber 2011); medium networks
``"cma_es"``    a full covariance matrix, adapted (Hansen & Ostermeier 2001); a few hundred weights
==============  ==================================================================================================

Everything is a pure function of arrays. Numbers of a :class:`Config` are leaves, so that ``jax.vmap(train, (None, 0, 0))``
trains members of different seeds *and* hyperparameters at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import optax
from flax import linen as nn
from flax import struct
from jax import Array
from jaxenv import spaces

from jaxenv_baselines.errors import ConfigError, MissingExtraError
from jaxenv_baselines.networks import ACTIVATIONS, Categorical, Encoder, Gaussian, Tower, distribution, require_torso
from jaxenv_baselines.tasks import Task

STRATEGIES = {"open_es": "Open_ES", "snes": "SNES", "cma_es": "CMA_ES"}
"""Names of strategies, and evosax's classes."""


@struct.dataclass
class Config:
    """Hyperparameters. Floats are leaves of the pytree; integers, flags and strings, which set shapes, are static."""

    learning_rate: float = 0.02
    """Adam's learning rate at the start; used by ``open_es`` only."""
    final_learning_rate: float = 0.005
    """Adam's learning rate at the end; it is interpolated linearly."""
    deviation: float = 0.1
    """Initial standard deviation of each weight; ``snes`` and ``cma_es`` adapt it."""

    strategy: str = struct.field(pytree_node=False, default="open_es")
    """``"open_es"``, ``"snes"`` or ``"cma_es"``."""
    total_steps: int = struct.field(pytree_node=False, default=20_000_000)
    """Upper limit of steps over all environments; rounded up to whole generations of full-length episodes."""
    population: int = struct.field(pytree_node=False, default=64)
    """Networks per generation, an even number."""
    episodes: int = struct.field(pytree_node=False, default=4)
    """Episodes per network and generation."""
    episode_steps: int = struct.field(pytree_node=False, default=500)
    """Steps after which an episode is cut; its return so far counts."""
    torso: str = struct.field(pytree_node=False, default="mlp")
    """``"mlp"``; ``"cnn"`` for boards; ``"gru"`` for tasks that need a memory."""
    widths: tuple[int, ...] = struct.field(pytree_node=False, default=(16,))
    """Widths of the hidden layers."""
    filters: int = struct.field(pytree_node=False, default=8)
    """Channels of the convolution."""
    memory: int = struct.field(pytree_node=False, default=16)
    """Size of the GRU's hidden state."""
    activation: str = struct.field(pytree_node=False, default="tanh")
    """``"tanh"`` or ``"relu"``."""
    one_hot: bool = struct.field(pytree_node=False, default=False)
    """Whether integer observations are one-hot encoded; else bounded ones are scaled to [-1, 1]."""


class Actor(nn.Module):
    """A network that outputs logits, or means of continuous actions."""

    outputs: int
    torso: str
    widths: tuple[int, ...]
    filters: int
    memory: int
    activation: str

    @nn.compact
    def __call__(self, carry: Any, x: Array) -> tuple[Any, Array]:
        """Return the next hidden state (None if not recurrent) and float32[outputs]."""
        if self.torso == "gru":
            carry, x = nn.GRUCell(self.memory)(carry, ACTIVATIONS[self.activation](nn.Dense(self.memory)(x)))
        filters = self.filters if self.torso == "cnn" else 0
        return carry, Tower(self.widths, self.outputs, 0.01, self.activation, filters)(x)


@dataclass(frozen=True)
class Model:
    """Network, observation encoder and action distribution. A value: models with the same fields are equal."""

    network: Actor
    """The actor."""
    encoder: Encoder
    """Maps an observation to the network's input."""
    actions: Categorical | Gaussian
    """The action distribution, of which the mode is taken."""

    @classmethod
    def of(cls, task: Task, config: Config) -> Model:
        """Return the model for a task.

        Raises:
            ActionSpaceError: the action space is not supported.
            TorsoError: the torso does not support the observation space.
        """
        space = task.observation_space
        require_torso(task.name, config.torso, space)
        actions = distribution(task.name, task.action_space)
        network = Actor(actions.outputs, config.torso, config.widths, config.filters, config.memory, config.activation)
        return cls(network, Encoder(space, config.torso == "cnn", config.one_hot), actions)

    @property
    def initial_carry(self) -> Array | None:
        """The hidden state at the start of an episode, float32[memory]; None if the network is not recurrent."""
        return jnp.zeros(self.network.memory) if self.network.torso == "gru" else None

    def encode(self, obs: Any) -> Array:
        """Encode an observation; bounded numbers are scaled to [-1, 1]."""
        x, space = self.encoder(obs), self.encoder.space
        if not isinstance(space, spaces.Box) or self.encoder.one_hot:
            return x
        low, high = (
            np.broadcast_to(np.asarray(bound, np.float32), space.shape).reshape(x.shape) for bound in (space.low, space.high)
        )
        bounded = (np.abs(low) < 1e6) & (np.abs(high) < 1e6) & (low < high)
        low, high = np.where(bounded, low, np.float32(-1.0)), np.where(bounded, high, np.float32(1.0))
        return (x - (high + low) / 2) / ((high - low) / 2)

    def act(self, weights: Any, carry: Any, obs: Any) -> tuple[Any, Array]:
        """Return the next hidden state and the action."""
        outputs: Any = self.network.apply(weights, carry, self.encode(obs))
        carry, dist_params = outputs
        return carry, self.actions.limit(self.actions.mode(dist_params))


@dataclass(frozen=True)
class FeedForward:
    """A policy ``(policy_params, obs, key) -> action``."""

    model: Model

    def __call__(self, policy_params: Any, obs: Any, key: Array) -> Array:
        """Return the action."""
        del key
        return self.model.act(policy_params["weights"], None, obs)[1]


@dataclass(frozen=True)
class Recurrent:
    """A policy ``(policy_params, carry, obs, key) -> (carry, action)``."""

    model: Model

    def __call__(self, policy_params: Any, carry: Array, obs: Any, key: Array) -> tuple[Array, Array]:
        """Return the next hidden state and the action."""
        del key
        return self.model.act(policy_params["weights"], carry, obs)


class Learner(NamedTuple):
    """The state of a training between two generations; all leaves are arrays."""

    key: Array
    """The member's key; each generation folds its number into it."""
    updates: Array
    """Number of generations made, int32[]."""
    distribution: Any
    """State of the strategy: the search distribution."""


def check(task: Task, config: Config) -> None:
    """Check a config against a task, before anything is compiled.

    Raises:
        ConfigError: a setting is out of its range.
        ActionSpaceError: the action space is not supported.
        TorsoError: the torso does not support the observation space.
        MissingExtraError: evosax is not installed.
    """
    for name in ("total_steps", "population", "episodes", "episode_steps", "filters", "memory"):
        if getattr(config, name) < 1:
            raise ConfigError(name, getattr(config, name), "an integer of at least 1")
    if config.population % 2:
        raise ConfigError("population", config.population, "an even number")
    if config.strategy not in STRATEGIES:
        raise ConfigError("strategy", config.strategy, f"one of {', '.join(STRATEGIES)}")
    if config.activation not in ACTIVATIONS:
        raise ConfigError("activation", config.activation, "tanh or relu")
    Model.of(task, config)
    _classes()


def steps_per_update(config: Config) -> int:
    """Return the largest number of environment steps per generation."""
    return config.population * config.episodes * config.episode_steps


def num_updates(config: Config) -> int:
    """Return the number of generations of a training."""
    return -(-config.total_steps // steps_per_update(config))


def policy(task: Task, config: Config) -> FeedForward | Recurrent:
    """Return the trained agent's policy, for :func:`jaxenv.rollout`."""
    return (Recurrent if config.torso == "gru" else FeedForward)(Model.of(task, config))


def initial_carry(task: Task, config: Config) -> Any:
    """Return the policy's carry at the start of an episode; None if not recurrent."""
    return Model.of(task, config).initial_carry


def policy_params(task: Task, config: Config, learner: Learner) -> dict[str, Any]:
    """Return the parameters of the policy, the mean of the distribution, as nested dicts of arrays."""
    with _standard_promotion():
        return {"weights": _strategy(task, config, learner.updates)[0].get_mean(learner.distribution)}


def begin(task: Task, config: Config, key: Array) -> Learner:
    """Initialise a training: draw the initial mean."""
    key_network, key_strategy, key_train = jaxenv.random.split(key, 3)
    with _standard_promotion():
        strategy, params = _strategy(task, config, jnp.int32(0))
        state = strategy.init(key_strategy, _weights(task, config, key_network), params)
    return Learner(key_train, jnp.int32(0), jax.tree.map(_strong, state))


def update(task: Task, config: Config, learner: Learner) -> tuple[Learner, dict[str, Array]]:
    """Evaluate one generation and update the distribution.

    Returns:
        ``(learner, metrics)``, each metric float32[]: ``episodes``, ``return_sum`` and ``length_sum`` of the mean's episodes, and
        ``population_return``, the mean return of the population.
    """
    key_ask, key_play, key_tell = jaxenv.random.split(jaxenv.random.fold_in(learner.key, learner.updates), 3)
    with _standard_promotion():
        strategy, params = _strategy(task, config, learner.updates)
        population, asked = strategy.ask(key_ask, learner.distribution, params)
        mean = strategy.get_mean(learner.distribution)
    played = jaxenv.evaluate(
        task.env,
        task.params,
        policy(task, config),
        key_play,
        num_episodes=config.episodes,
        policy_params={"weights": jax.tree.map(lambda leaf, own: jnp.concatenate([leaf, own[None]]), population, mean)},
        policy_params_axis=0,
        initial_carry=initial_carry(task, config),
        max_steps=config.episode_steps,
    )
    returns = played.returns.mean(axis=1)
    with _standard_promotion():
        updated, _ = strategy.tell(key_tell, population, -returns[:-1], asked, params)
    state = jax.tree.map(lambda new, old: jnp.asarray(new).astype(old.dtype), updated, learner.distribution)
    metrics = {
        "episodes": jnp.float32(config.episodes),
        "return_sum": played.returns[-1].sum(),
        "length_sum": played.lengths[-1].sum().astype(jnp.float32),
        "population_return": returns[:-1].mean(),
    }
    return Learner(learner.key, learner.updates + 1, state), metrics


def train(task: Task, config: Config, key: Array) -> tuple[Learner, dict[str, Array]]:
    """Train from scratch: return the final state, and the metrics of each generation, leaves ``[num_updates]``."""
    return jax.lax.scan(
        lambda learner, _: update(task, config, learner), begin(task, config, key), length=num_updates(config), xs=None
    )


def _weights(task: Task, config: Config, key: Array) -> Any:
    """Return random weights."""
    model = Model.of(task, config)
    shapes = jax.eval_shape(lambda: task.env.reset(jax.random.key(0), task.params)[0])
    obs = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    key = jax.random.wrap_key_data(jaxenv.random.words(key, 2), impl="threefry2x32")
    return model.network.init(key, model.initial_carry, model.encode(obs))


def _strategy(task: Task, config: Config, updates: Array) -> tuple[Any, Any]:
    """Return evosax's strategy with the learning rate of a generation, and its params."""
    shapes = jax.eval_shape(lambda: _weights(task, config, jax.random.key(0)))
    template = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    kind = _classes()[config.strategy]
    if config.strategy != "open_es":
        strategy = kind(population_size=config.population, solution=template)
        return strategy, strategy.default_params.replace(std_init=jnp.asarray(config.deviation, jnp.float32))
    passed = updates.astype(jnp.float32) / num_updates(config)
    learning_rate = config.learning_rate + passed * (config.final_learning_rate - config.learning_rate)
    strategy = kind(
        population_size=config.population,
        solution=template,
        optimizer=optax.adam(learning_rate),
        std_schedule=lambda _: jnp.asarray(config.deviation, jnp.float32),
    )
    return strategy, strategy.default_params


def _strong(leaf: Any) -> Array:
    leaf = jnp.asarray(leaf)
    return leaf.astype(leaf.dtype)


def _classes() -> dict[str, Any]:
    """Return evosax's classes by the strategies' names."""
    try:
        from evosax import algorithms
    except ImportError as error:
        raise MissingExtraError("es", "evosax") from error
    return {name: getattr(algorithms, kind) for name, kind in STRATEGIES.items()}


@contextlib.contextmanager
def _standard_promotion() -> Generator[None, None, None]:
    """Allow implicit promotion of dtypes and ranks inside evosax."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
