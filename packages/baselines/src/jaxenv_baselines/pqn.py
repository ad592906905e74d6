"""PQN: Q-learning in many environments at once, without a replay buffer or a target network (Gallici et al. 2024).

Layer normalization and multi-step targets (lambda returns) keep it stable. Read it from the bottom:
:func:`train` is all of it, :func:`update` one round of it. A round

1. plays ``num_steps`` steps in each of ``num_envs`` environments with an epsilon-greedy policy;
2. computes lambda returns from the Q-values of the observations that followed;
3. fits the network to these targets in a few epochs over the steps, in minibatches.

With ``count_bits``, it adds an exploration bonus to Q-values: ``bonus`` divided by a power of the visit count of the observation
and action (Strehl & Littman 2008). The bonus enters wherever a maximum over actions is taken (Rashid et al. 2020). Observations
with the same hash share a count (Tang et al. 2017). This solves DeepSea, where random exploration fails.

Everything is a pure function of arrays. Numbers of a :class:`Config` are leaves, so that ``jax.vmap(train, (None, 0, 0))``
trains members of different seeds *and* hyperparameters at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxenv
import optax
from flax import linen as nn
from flax import struct
from jax import Array

from jaxenv_baselines.bootstrap import batched, bootstrapped
from jaxenv_baselines.errors import ChoicesError, ConfigError
from jaxenv_baselines.networks import Categorical, Encoder, distribution, require_torso
from jaxenv_baselines.statistics import Statistics
from jaxenv_baselines.tasks import Task


@struct.dataclass
class Config:
    """Hyperparameters. Floats are leaves of the pytree; integers, flags and strings, which set shapes, are static."""

    learning_rate: float = 5e-4
    """RAdam's learning rate at the start."""
    final_learning_rate: float = 0.0
    """RAdam's learning rate at the end; it is interpolated linearly."""
    discount: float = 0.99
    """Discount factor gamma, in [0, 1]."""
    trace: float = 0.65
    """Lambda of the lambda returns, in [0, 1]: 0 for one-step targets, 1 for Monte Carlo returns."""
    epsilon: float = 1.0
    """Probability of a random action at the start, in [0, 1]."""
    final_epsilon: float = 0.05
    """Probability of a random action at the end, in [0, 1]."""
    epsilon_decay: float = 0.2
    """Fraction of the training over which epsilon is interpolated linearly, in (0, 1]."""
    reward_scale: float = 1.0
    """Factor that rewards are multiplied by, to keep Q-values near 1."""
    bonus: float = 1.0
    """Exploration bonus of an action that was never taken; has no effect without ``count_bits``."""
    bonus_decay: float = 1.0
    """The bonus is divided by the visit count plus 1, to this power."""
    count_width: float = 0.1
    """Observations are rounded to multiples of this before they are hashed."""
    max_gradient_norm: float = 10.0
    """Largest global norm of a gradient; larger ones are scaled down."""

    total_steps: int = struct.field(pytree_node=False, default=500_000)
    """Steps over all environments; rounded up to whole updates."""
    num_envs: int = struct.field(pytree_node=False, default=32)
    """Number of parallel environments."""
    num_steps: int = struct.field(pytree_node=False, default=64)
    """Steps of each environment per update."""
    epochs: int = struct.field(pytree_node=False, default=4)
    """Epochs over the steps of an update."""
    minibatches: int = struct.field(pytree_node=False, default=16)
    """Minibatches per epoch."""
    torso: str = struct.field(pytree_node=False, default="mlp")
    """``"mlp"``, or ``"cnn"`` for boards."""
    widths: tuple[int, ...] = struct.field(pytree_node=False, default=(128, 128))
    """Widths of the hidden layers."""
    filters: int = struct.field(pytree_node=False, default=16)
    """Channels of the convolution."""
    one_hot: bool = struct.field(pytree_node=False, default=False)
    """Whether integer observations are one-hot encoded."""
    normalize_observations: bool = struct.field(pytree_node=False, default=True)
    """Whether observations are normalized by running statistics, which are saved with the agent."""
    count_bits: int = struct.field(pytree_node=False, default=0)
    """Bits of the hash of an observation, from 0 to 24; 0 turns the exploration bonus off."""


class QNetwork(nn.Module):
    """Q-values of all actions. Leading axes of inputs are batches."""

    outputs: int
    """Number of actions."""
    widths: tuple[int, ...]
    """Widths of the hidden layers."""
    filters: int = 0
    """Channels of a 3 x 3 convolution before them; 0 for none."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Return float32[..., outputs]."""
        if self.filters:
            # As a matrix product of patches: under vmap over members a convolution would become a grouped one, which is slow.
            rows, columns, _ = x.shape[-3:]
            patches = [x[..., i : rows - 2 + i, j : columns - 2 + j, :] for i in range(3) for j in range(3)]
            x = nn.relu(nn.LayerNorm()(nn.Dense(self.filters)(jnp.concatenate(patches, axis=-1))))
            x = x.reshape(*x.shape[:-3], -1)
        for width in self.widths:
            x = nn.relu(nn.LayerNorm()(nn.Dense(width)(x)))
        return nn.Dense(self.outputs)(x)


@dataclass(frozen=True)
class Model:
    """Network, observation encoder and actions. A value: models with the same fields are equal."""

    network: QNetwork
    """The Q-network."""
    encoder: Encoder
    """Maps an observation to the network's input."""
    actions: Categorical
    """Maps indices of Q-values to actions."""
    count_bits: int
    """Bits of the hash of an observation; 0 without exploration bonus."""

    @classmethod
    def of(cls, task: Task, config: Config) -> Model:
        """Return the model for a task.

        Raises:
            ChoicesError: the action space is neither Discrete nor MultiDiscrete.
            TorsoError: the torso does not support the observation space.
        """
        space = task.observation_space
        require_torso(task.name, config.torso, space)
        actions = distribution(task.name, task.action_space)
        if not isinstance(actions, Categorical):
            raise ChoicesError(task.name, "pqn", task.action_space)
        network = QNetwork(actions.outputs, config.widths, config.filters if config.torso == "cnn" else 0)
        return cls(network, Encoder(space, config.torso == "cnn", config.one_hot), actions, config.count_bits)

    def q_values(self, params: Any, obs: Any) -> Array:
        """Return the Q-values of one observation, float32[actions]."""
        x, scaling = self.encoder(obs), params.get("observations")
        x = x if scaling is None else jnp.clip((x - scaling["mean"]) / scaling["deviation"], -10.0, 10.0)
        q_values: Any = self.network.apply(params["weights"], x)
        return q_values

    def hash(self, params: Any, obs: Any) -> Array:
        """Return the hash of one rounded observation, int32[] in [0, 2**count_bits) (Carter & Wegman 1979)."""
        rounded = jnp.round(jnp.ravel(self.encoder(obs)) / params["count_width"]).astype(jnp.int32).astype(jnp.uint32)
        factors = jax.random.bits(jax.random.key(0, impl="threefry2x32"), rounded.shape, jnp.uint32) | jnp.uint32(1)
        word = (rounded * factors).sum(dtype=jnp.uint32)
        word = (word ^ (word >> 16)) * jnp.uint32(0x9E3779B1)
        return (word >> (32 - self.count_bits)).astype(jnp.int32)

    def bonuses(self, params: Any, obs: Any) -> Array:
        """Return the exploration bonus of each action after one observation, float32[actions]."""
        if not self.count_bits:
            return jnp.zeros(self.network.outputs)
        return params["bonus"] * (params["counts"][self.hash(params, obs)] + 1.0) ** -params["bonus_decay"]


@dataclass(frozen=True)
class Greedy:
    """The trained agent's policy ``(policy_params, obs, key) -> action``."""

    model: Model

    def __call__(self, policy_params: Any, obs: Any, key: Array) -> Array:
        """Return the action with the largest Q-value."""
        del key
        return self.model.actions.mode(self.model.q_values(policy_params, obs))


@dataclass(frozen=True)
class Explorer:
    """The behaviour policy: epsilon-greedy on Q-values plus bonus."""

    model: Model

    def __call__(self, policy_params: Any, obs: Any, key: Array) -> Array:
        """Return an action."""
        key_whether, key_which = jaxenv.random.split(key)
        best = self.model.q_values(policy_params, obs) + self.model.bonuses(policy_params, obs)
        explores = jax.random.uniform(key_whether) < policy_params["epsilon"]
        return self.model.actions.mode(jnp.where(explores, jax.random.uniform(key_which, best.shape), best))


class Learner(NamedTuple):
    """The state of a training between two updates; all leaves are arrays."""

    key: Array
    """The member's key; each update folds its number into it."""
    updates: Array
    """Number of updates made, int32[]."""
    weights: Any
    """Weights of the network."""
    optimiser: Any
    """State of RAdam."""
    observations: Statistics
    """Running statistics of encoded observations."""
    counts: Array
    """Visit counts of each hash and action, float32[2**count_bits, actions]."""
    state: Any
    """States of the environments, leaves ``[num_envs, ...]``."""
    running: Any
    """Return and length of the unfinished episodes, each ``[num_envs]``."""


def check(task: Task, config: Config) -> None:
    """Check a config against a task, before anything is compiled.

    Raises:
        ConfigError: a setting is out of its range.
        ChoicesError: the action space is neither Discrete nor MultiDiscrete.
        TorsoError: the torso does not support the observation space.
    """
    for name in ("total_steps", "num_envs", "num_steps", "epochs", "minibatches", "filters"):
        if getattr(config, name) < 1:
            raise ConfigError(name, getattr(config, name), "an integer of at least 1")
    if config.torso == "gru":
        raise ConfigError("torso", config.torso, "mlp or cnn: pqn is not recurrent (ppo is),")
    if not 0 <= config.count_bits <= 24:
        raise ConfigError("count_bits", config.count_bits, "an integer from 0 to 24")
    if steps_per_update(config) % config.minibatches:
        expected = f"a divisor of num_envs * num_steps, {steps_per_update(config):,},"
        raise ConfigError("minibatches", config.minibatches, expected)
    Model.of(task, config)


def steps_per_update(config: Config) -> int:
    """Return the number of environment steps per update."""
    return config.num_envs * config.num_steps


def num_updates(config: Config) -> int:
    """Return the number of updates of a training."""
    return -(-config.total_steps // steps_per_update(config))


def policy(task: Task, config: Config) -> Greedy:
    """Return the trained agent's policy, for :func:`jaxenv.rollout`."""
    return Greedy(Model.of(task, config))


def initial_carry(task: Task, config: Config) -> None:
    """Return None: the policy is not recurrent."""
    del task, config


def policy_params(task: Task, config: Config, learner: Learner) -> dict[str, Any]:
    """Return the parameters of the policy, nested dicts of arrays."""
    del task
    normalization = {"observations": learner.observations.scaling()} if config.normalize_observations else {}
    return {"weights": learner.weights, **normalization}


def begin(task: Task, config: Config, key: Array) -> Learner:
    """Initialise a training: reset the environments, draw the weights."""
    model = Model.of(task, config)
    key_network, key_reset, key_train = jaxenv.random.split(key, 3)
    obs, state = jax.vmap(task.env.reset, in_axes=(0, None))(jaxenv.random.split(key_reset, config.num_envs), task.params)
    x = model.encoder(jax.tree.map(lambda leaf: leaf[0], obs))
    weights = model.network.init(jax.random.wrap_key_data(jaxenv.random.words(key_network, 2), impl="threefry2x32"), x)
    return Learner(
        key=key_train,
        updates=jnp.int32(0),
        weights=weights,
        optimiser=_RADAM.init(weights),
        observations=Statistics.empty(x.shape),
        counts=jnp.zeros((2**config.count_bits, model.network.outputs)),
        state=state,
        running=(jnp.zeros(config.num_envs), jnp.zeros(config.num_envs, jnp.int32)),
    )


_RADAM = optax.scale_by_radam()


def update(task: Task, config: Config, learner: Learner) -> tuple[Learner, dict[str, Array]]:
    """Collect one batch of experience and learn from it.

    Returns:
        ``(learner, metrics)``, each metric float32[]: sums over the episodes that ended (``episodes``, ``return_sum``,
        ``length_sum``), means over the minibatches (``value_loss``, ``value``), and ``epsilon``.
    """
    model = Model.of(task, config)
    key_play, key_learn = jaxenv.random.split(jaxenv.random.fold_in(learner.key, learner.updates))
    passed = learner.updates.astype(jnp.float32) / num_updates(config)
    decayed = jnp.clip(passed / config.epsilon_decay, 0.0, 1.0)
    epsilon = config.epsilon + decayed * (config.final_epsilon - config.epsilon)
    bonus = {"counts": learner.counts, **{name: getattr(config, name) for name in ("bonus", "bonus_decay", "count_width")}}
    q_params = {**policy_params(task, config, learner), **bonus}
    result = jaxenv.rollout(
        task.env,
        task.params,
        Explorer(model),
        key_play,
        num_envs=config.num_envs,
        num_steps=config.num_steps,
        policy_params={**q_params, "epsilon": epsilon},
        state=learner.state,
    )
    trajectory = result.trajectory
    running, ended = _episodes(learner.running, trajectory.reward, trajectory.done)
    counts = _update_counts(model, q_params, trajectory.obs, trajectory.action)
    target = targets(task, config, model, {**q_params, "counts": counts}, result)

    learning_rate = config.learning_rate + passed * (config.final_learning_rate - config.learning_rate)
    batch = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), (trajectory.obs, trajectory.action, target))
    weights, optimiser, losses = _learn(model, config, learner, q_params, learning_rate, batch, key_learn)
    observations = learner.observations
    if config.normalize_observations:
        observations = observations.add(batched(model.encoder, 2)(trajectory.obs), axes=2)
    after = Learner(learner.key, learner.updates + 1, weights, optimiser, observations, counts, result.state, running)
    return after, {**ended, **losses, "epsilon": epsilon}


def train(task: Task, config: Config, key: Array) -> tuple[Learner, dict[str, Array]]:
    """Train from scratch: return the final state, and the metrics of each update, leaves ``[num_updates]``."""
    return jax.lax.scan(
        lambda learner, _: update(task, config, learner), begin(task, config, key), length=num_updates(config), xs=None
    )


def targets(task: Task, config: Config, model: Model, q_params: Any, result: Any) -> Array:
    """Return the targets of the Q-values: lambda returns with exploration bonus, float32[num_steps, num_envs].

    ``G[t] = r[t] + discount * ((1 - trace) * V[t + 1] + trace * (bonus[t + 1] + G[t + 1]))``, where ``V`` is the maximum
    over actions of Q-value plus bonus, and ``bonus`` is that of the action taken. The last step of an episode or batch bootstraps
    from ``V`` alone. Nothing follows a termination.
    """
    trajectory = result.trajectory

    def best(obs: Any) -> Array:
        return (model.q_values(q_params, obs) + model.bonuses(q_params, obs)).max()

    def bonus_of(obs: Any, action: Array) -> Array:
        return model.bonuses(q_params, obs)[model.actions.choice(action)]

    value = batched(best, 2)(trajectory.obs)
    next_value = jnp.concatenate([value[1:], jax.vmap(best)(result.obs)[None]])
    next_value = bootstrapped(task.time_limit, trajectory, next_value, lambda obs, of: batched(best, 2)(obs))
    bonuses = batched(bonus_of, 2)(trajectory.obs, trajectory.action)

    def back(later: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        reward, next_value, done, bonus = now
        ahead = jnp.where(done, next_value, (1 - config.trace) * next_value + config.trace * later)
        target = config.reward_scale * reward + config.discount * ahead
        return bonus + target, target

    return jax.lax.scan(back, next_value[-1], (trajectory.reward, next_value, trajectory.done, bonuses), reverse=True)[1]


def _episodes(running: Any, reward: Array, done: Array) -> tuple[Any, dict[str, Array]]:
    """Accumulate returns: return those of unfinished episodes, and sums over ended episodes."""

    def step(running: Any, now: tuple[Array, Array]) -> tuple[Any, tuple[Array, Array]]:
        (total, length), (reward, done) = running, now
        total, length = total + reward, length + 1
        after = jax.tree.map(lambda leaf: jnp.where(done, jnp.zeros_like(leaf), leaf), (total, length))
        return after, (jnp.where(done, total, 0.0), jnp.where(done, length, 0))

    running, (totals, lengths) = jax.lax.scan(step, running, (reward, done))
    episodes = done.sum(dtype=jnp.int32).astype(jnp.float32)
    return running, {"episodes": episodes, "return_sum": totals.sum(), "length_sum": lengths.astype(jnp.float32).sum()}


def _update_counts(model: Model, q_params: Any, obs: Any, action: Any) -> Array:
    """Return the visit counts with a batch added."""
    counts = q_params["counts"]
    if not model.count_bits:
        return counts
    hashes = batched(lambda obs: model.hash(q_params, obs), 2)(obs)
    return counts.at[hashes, batched(model.actions.choice, 2)(action)].add(1.0)


def _learn(
    model: Model, config: Config, learner: Learner, q_params: Any, learning_rate: Array, batch: Any, key: Array
) -> tuple[Any, Any, dict[str, Array]]:
    """Fit the network to the targets in epochs over a batch."""

    def loss(weights: Any, part: Any) -> tuple[Array, dict[str, Array]]:
        obs, action, target = part
        values = jax.vmap(lambda obs: model.q_values({**q_params, "weights": weights}, obs))(obs)
        chosen = jax.vmap(lambda values, action: values[model.actions.choice(action)])(values, action)
        error = 0.5 * jnp.square(chosen - target).mean()
        return error, {"value_loss": error, "value": chosen.mean()}

    def minibatch(state: tuple[Any, Any], which: Array) -> tuple[tuple[Any, Any], dict[str, Array]]:
        weights, optimiser = state
        gradient, metrics = jax.grad(loss, has_aux=True)(weights, jax.tree.map(lambda leaf: leaf[which], batch))
        norm = jnp.sqrt(sum((jnp.square(leaf).sum() for leaf in jax.tree.leaves(gradient)), start=jnp.float32(0.0)))
        gradient = jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, config.max_gradient_norm / (norm + 1e-9)), gradient)
        with jax.numpy_dtype_promotion("standard"):  # optax multiplies integers by floats
            change, optimiser = _RADAM.update(gradient, optimiser)
        return (jax.tree.map(lambda leaf, step: leaf - learning_rate * step, weights, change), optimiser), metrics

    def epoch(state: tuple[Any, Any], number: Array) -> tuple[tuple[Any, Any], dict[str, Array]]:
        order = jnp.argsort(jaxenv.random.words(jaxenv.random.fold_in(key, number), steps_per_update(config)))
        return jax.lax.scan(minibatch, state, order.reshape(config.minibatches, -1))

    state, metrics = jax.lax.scan(epoch, (learner.weights, learner.optimiser), jnp.arange(config.epochs))
    return *state, {name: value.mean() for name, value in metrics.items()}
