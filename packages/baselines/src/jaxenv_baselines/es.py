"""Evolution strategies: improve a distribution over networks by how well its samples play (evosax: Lange 2022).

A generation draws ``population`` networks, lets each play ``episodes`` episodes with the same random numbers, and moves the
distribution towards those that did well. No gradient of a network is taken, so nothing is asked of rewards, and a memory costs
nothing more. The agent is the distribution's mean.

==============  ==================================================================================================
``strategy``    what it is
==============  ==================================================================================================
``"open_es"``   a normal distribution of one fixed width, moved by Adam (Salimans et al. 2017); for large networks
``"snes"``      a width for each weight, which adapts (Schaul, Glasmachers & Schmidhuber 2011); for medium ones
``"cma_es"``    a full covariance matrix, which adapts (Hansen & Ostermeier 2001); for some hundred weights
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
"""The strategies, and evosax's classes."""


@struct.dataclass
class Config:
    """What a training depends on, beside the task and the key. Floats are leaves; what sets shapes is static."""

    learning_rate: float = 0.02
    """Adam's step size at the start; of effect with ``open_es`` alone."""
    final_learning_rate: float = 0.005
    """Adam's step size at the end; it moves on a line from one to the other."""
    deviation: float = 0.1
    """Standard deviation of each weight of a sample; ``snes`` and ``cma_es`` change it as they learn."""

    strategy: str = struct.field(pytree_node=False, default="open_es")
    """``"open_es"``, ``"snes"`` or ``"cma_es"``."""
    total_steps: int = struct.field(pytree_node=False, default=20_000_000)
    """Steps in all environments together, at most; rounded up to whole generations of episodes that are never short."""
    population: int = struct.field(pytree_node=False, default=64)
    """Networks of a generation, an even number."""
    episodes: int = struct.field(pytree_node=False, default=4)
    """Episodes that each network plays."""
    episode_steps: int = struct.field(pytree_node=False, default=500)
    """Steps after which an episode is left, with what it returned so far."""
    torso: str = struct.field(pytree_node=False, default="mlp")
    """``"mlp"``, ``"cnn"`` for boards, ``"gru"`` for tasks that need a memory."""
    widths: tuple[int, ...] = struct.field(pytree_node=False, default=(16,))
    """Widths of the layers."""
    filters: int = struct.field(pytree_node=False, default=8)
    """Channels of the CNN."""
    memory: int = struct.field(pytree_node=False, default=16)
    """Width of the GRU."""
    activation: str = struct.field(pytree_node=False, default="tanh")
    """``"tanh"`` or ``"relu"``."""
    one_hot: bool = struct.field(pytree_node=False, default=False)
    """Whether integer observations become one-hot; else those with bounds are scaled to [-1, 1]."""


class Actor(nn.Module):
    """What to do: logits, or the means of continuous actions."""

    outputs: int
    torso: str
    widths: tuple[int, ...]
    filters: int
    memory: int
    activation: str

    @nn.compact
    def __call__(self, carry: Any, x: Array) -> tuple[Any, Array]:
        """Return the memory after a step, None without, and float32[outputs]."""
        if self.torso == "gru":
            carry, x = nn.GRUCell(self.memory)(carry, ACTIVATIONS[self.activation](nn.Dense(self.memory)(x)))
        filters = self.filters if self.torso == "cnn" else 0
        return carry, Tower(self.widths, self.outputs, 0.01, self.activation, filters)(x)


@dataclass(frozen=True)
class Model:
    """The network of an agent, and how it sees and acts. A value: two of the same fields are equal."""

    network: Actor
    """The weights' structure."""
    encoder: Encoder
    """From an observation to numbers."""
    actions: Categorical | Gaussian
    """The distribution over actions, of which the likeliest is taken."""

    @classmethod
    def of(cls, task: Task, config: Config) -> Model:
        """Return the model for a task.

        Raises:
            ActionSpaceError: no network can act in the task.
            TorsoError: the network can't be built on its observations.
        """
        space = task.observation_space
        require_torso(task.name, config.torso, space)
        actions = distribution(task.name, task.action_space)
        network = Actor(actions.outputs, config.torso, config.widths, config.filters, config.memory, config.activation)
        return cls(network, Encoder(space, config.torso == "cnn", config.one_hot), actions)

    @property
    def initial_carry(self) -> Array | None:
        """The memory at the start of an episode, float32[memory]; None without."""
        return jnp.zeros(self.network.memory) if self.network.torso == "gru" else None

    def see(self, obs: Any) -> Array:
        """Return what the network is given of an observation: numbers that have bounds are scaled to [-1, 1]."""
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
        """Return the memory after an observation, and the action."""
        said: Any = self.network.apply(weights, carry, self.see(obs))
        carry, described = said
        return carry, self.actions.limit(self.actions.mode(described))


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
        """Return the memory after the observation, and the action."""
        del key
        return self.model.act(policy_params["weights"], carry, obs)


class Learner(NamedTuple):
    """A training between two generations; all leaves are arrays."""

    key: Array
    """Of the member; each generation folds its number into it."""
    updates: Array
    """Generations so far, int32[]."""
    distribution: Any
    """The strategy's state."""


def check(task: Task, config: Config) -> None:
    """Refuse, before anything is computed, what can't be trained.

    Raises:
        ConfigError: a setting has a value that it can't have.
        ActionSpaceError: no network can act in the task.
        TorsoError: the network can't be built on its observations.
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
    """Return how many steps a generation plays at most."""
    return config.population * config.episodes * config.episode_steps


def num_updates(config: Config) -> int:
    """Return how many generations a training has."""
    return -(-config.total_steps // steps_per_update(config))


def policy(task: Task, config: Config) -> FeedForward | Recurrent:
    """Return the policy of a trained agent, for :func:`jaxenv.rollout`."""
    return (Recurrent if config.torso == "gru" else FeedForward)(Model.of(task, config))


def initial_carry(task: Task, config: Config) -> Any:
    """Return the policy's memory at the start of an episode; None without."""
    return Model.of(task, config).initial_carry


def policy_params(task: Task, config: Config, learner: Learner) -> dict[str, Any]:
    """Return the parameters of the policy, the mean of the distribution: nested dicts of arrays."""
    with _evosax_s_promotion():
        return {"weights": _strategy(task, config, learner.updates)[0].get_mean(learner.distribution)}


def begin(task: Task, config: Config, key: Array) -> Learner:
    """Return a training before its first generation."""
    key_network, key_strategy, key_train = jaxenv.random.split(key, 3)
    with _evosax_s_promotion():
        strategy, params = _strategy(task, config, jnp.int32(0))
        state = strategy.init(key_strategy, _weights(task, config, key_network), params)
    return Learner(key_train, jnp.int32(0), jax.tree.map(_strong, state))


def update(task: Task, config: Config, learner: Learner) -> tuple[Learner, dict[str, Array]]:
    """Play and learn one generation.

    Returns:
        The training after it, and what happened: ``episodes``, ``return_sum`` and ``length_sum`` of the mean's episodes, and the
        population's mean return, each float32[].
    """
    key_ask, key_play, key_tell = jaxenv.random.split(jaxenv.random.fold_in(learner.key, learner.updates), 3)
    with _evosax_s_promotion():
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
    with _evosax_s_promotion():
        told, _ = strategy.tell(key_tell, population, -returns[:-1], asked, params)
    state = jax.tree.map(lambda new, old: jnp.asarray(new).astype(old.dtype), told, learner.distribution)
    happened = {
        "episodes": jnp.float32(config.episodes),
        "return_sum": played.returns[-1].sum(),
        "length_sum": played.lengths[-1].sum().astype(jnp.float32),
        "population_return": returns[:-1].mean(),
    }
    return Learner(learner.key, learner.updates + 1, state), happened


def train(task: Task, config: Config, key: Array) -> tuple[Learner, dict[str, Array]]:
    """Train from scratch: return the trained state, and what happened in each generation, leaves ``[num_updates]``."""
    return jax.lax.scan(
        lambda learner, _: update(task, config, learner), begin(task, config, key), length=num_updates(config), xs=None
    )


def _weights(task: Task, config: Config, key: Array) -> Any:
    """Return random weights."""
    model = Model.of(task, config)
    shapes = jax.eval_shape(lambda: task.env.reset(jax.random.key(0), task.params)[0])
    obs = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    key = jax.random.wrap_key_data(jaxenv.random.words(key, 2), impl="threefry2x32")
    return model.network.init(key, model.initial_carry, model.see(obs))


def _strategy(task: Task, config: Config, updates: Array) -> tuple[Any, Any]:
    """Return evosax's object for a strategy as it is in some generation, and its params."""
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
def _evosax_s_promotion() -> Generator[None, None, None]:
    """Let evosax mix dtypes and ranks, whatever the caller's own code may do."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
