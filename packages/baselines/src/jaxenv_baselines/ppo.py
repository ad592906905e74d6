"""Proximal policy optimisation (Schulman et al. 2017), feed-forward and recurrent, for discrete and continuous actions.

Read it from the bottom: :func:`train` is all of it, :func:`update` one round of it. A round

1. plays ``num_steps`` steps in each of ``num_envs`` environments (one call of :func:`jaxenv.rollout`);
2. evaluates the critic on all of them at once, and estimates the advantage of each action (GAE);
3. updates the networks in a few epochs over these steps, in minibatches.

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
from flax import struct
from jax import Array
from jaxenv.wrappers import ClipAction

from jaxenv_baselines.bootstrap import batched, bootstrapped
from jaxenv_baselines.errors import ConfigError
from jaxenv_baselines.networks import ActorCritic, Categorical, Encoder, Gaussian, distribution, require_torso
from jaxenv_baselines.statistics import Statistics
from jaxenv_baselines.tasks import Task


@struct.dataclass
class Config:
    """Hyperparameters. Floats are leaves of the pytree; integers, flags and strings, which set shapes, are static."""

    learning_rate: float = 1e-3
    """Adam's learning rate at the start."""
    final_learning_rate: float = 0.0
    """Adam's learning rate at the end; it is interpolated linearly."""
    discount: float = 0.99
    """Discount factor gamma, in [0, 1]."""
    trace: float = 0.95
    """Lambda of generalised advantage estimation, in [0, 1]."""
    clip: float = 0.2
    """Clipping range of the probability ratio: [1 - clip, 1 + clip]."""
    entropy: float = 0.01
    """Coefficient of the entropy bonus at the start."""
    final_entropy: float = 0.0
    """Coefficient of the entropy bonus at the end; it is interpolated linearly."""
    value: float = 0.5
    """Coefficient of the value loss."""
    max_gradient_norm: float = 0.5
    """Largest global norm of a gradient; larger ones are scaled down."""

    total_steps: int = struct.field(pytree_node=False, default=500_000)
    """Steps over all environments; rounded up to whole updates."""
    num_envs: int = struct.field(pytree_node=False, default=16)
    """Number of parallel environments."""
    num_steps: int = struct.field(pytree_node=False, default=128)
    """Steps of each environment per update."""
    epochs: int = struct.field(pytree_node=False, default=4)
    """Epochs over the steps of an update."""
    minibatches: int = struct.field(pytree_node=False, default=4)
    """Minibatches per epoch: of steps, or of whole environments if the network is recurrent."""
    torso: str = struct.field(pytree_node=False, default="mlp")
    """``"mlp"``; ``"cnn"`` for boards; ``"gru"`` for tasks that need a memory."""
    widths: tuple[int, ...] = struct.field(pytree_node=False, default=(64, 64))
    """Widths of the hidden layers of actor and critic."""
    filters: int = struct.field(pytree_node=False, default=16)
    """Channels of the convolution."""
    memory: int = struct.field(pytree_node=False, default=64)
    """Size of the GRU's hidden state."""
    activation: str = struct.field(pytree_node=False, default="tanh")
    """``"tanh"`` or ``"relu"``."""
    log_std: float = struct.field(pytree_node=False, default=0.0)
    """Logarithm of the initial standard deviation of continuous actions, in units of half the space's width."""
    one_hot: bool = struct.field(pytree_node=False, default=False)
    """Whether integer observations are one-hot encoded."""
    normalize_observations: bool = struct.field(pytree_node=False, default=True)
    """Whether observations are normalized by running statistics, which are saved with the agent."""
    scale_rewards: bool = struct.field(pytree_node=False, default=True)
    """Whether rewards are divided by the running standard deviation of discounted returns."""
    greedy: bool = struct.field(pytree_node=False, default=True)
    """Whether the trained agent takes the mode of its action distribution; else it samples."""


@dataclass(frozen=True)
class Model:
    """Networks, observation encoder and action distribution. A value: models with the same fields are equal."""

    network: ActorCritic
    """Actor and critic."""
    encoder: Encoder
    """Maps an observation to the network's input."""
    actions: Categorical | Gaussian
    """The action distribution."""

    @classmethod
    def of(cls, task: Task, config: Config) -> Model:
        """Return the model for a task.

        Raises:
            ActionSpaceError: PPO does not support the action space.
            TorsoError: the torso does not support the observation space.
        """
        space = task.observation_space
        require_torso(task.name, config.torso, space)
        actions = distribution(task.name, task.action_space)
        network = ActorCritic(
            actions.outputs,
            isinstance(actions, Gaussian),
            config.torso,
            config.widths,
            config.filters,
            config.memory,
            config.activation,
            config.log_std,
        )
        return cls(network, Encoder(space, config.torso == "cnn", config.one_hot), actions)

    @property
    def initial_carry(self) -> Array | None:
        """The hidden state at the start of an episode, float32[memory]; None if the network is not recurrent."""
        return jnp.zeros(self.network.memory, jnp.float32) if self.network.torso == "gru" else None

    def encode(self, statistics: Any, obs: Any) -> Array:
        """Encode an observation, and normalize it unless ``statistics`` is None."""
        x = self.encoder(obs)
        return x if statistics is None else jnp.clip((x - statistics["mean"]) / statistics["deviation"], -10.0, 10.0)

    def act(self, params: Any, carry: Any, obs: Any) -> tuple[Any, Array]:
        """Return the next hidden state (None if not recurrent) and the parameters of the action distribution."""
        x = self.encode(params.get("observations"), obs)
        if carry is not None:
            carry, x = self.recurrent_step(params["weights"], carry, self.recurrent_input(params["weights"], x))
        return carry, self.actor(params["weights"], x)

    def actor(self, weights: Any, x: Array) -> Array:
        """Return the parameters of the action distribution, from encoded observations or the GRU's output."""
        return self._apply("actor", weights, x)

    def critic(self, weights: Any, x: Array) -> Array:
        """Return the value estimate, from the same input."""
        return self._apply("critic", weights, x)

    def recurrent_input(self, weights: Any, x: Array) -> Array:
        """Return the input of the GRU."""
        return self._apply("recurrent_input", weights, x)

    def recurrent_step(self, weights: Any, carry: Array, x: Array) -> tuple[Array, Array]:
        """Return the next hidden state and the GRU's output."""
        return self._apply("recurrent_step", weights, carry, x)

    def _apply(self, method: str, weights: Any, *inputs: Array) -> Any:
        return self.network.apply(weights, *inputs, method=method)


@dataclass(frozen=True)
class FeedForward:
    """A policy ``(policy_params, obs, key) -> action`` for :func:`jaxenv.rollout`."""

    model: Model
    explore: bool
    """Whether to sample without clipping, as training needs it; else actions are clipped to the space."""
    greedy: bool = True
    """Whether to take the mode where ``explore`` is off."""

    def __call__(self, policy_params: Any, obs: Any, key: Array) -> Array:
        """Return an action."""
        return _select_action(self, self.model.act(policy_params, None, obs)[1], key)


@dataclass(frozen=True)
class Recurrent:
    """A policy ``(policy_params, carry, obs, key) -> (carry, action)`` for :func:`jaxenv.rollout`."""

    model: Model
    explore: bool
    """Whether to sample without clipping, as training needs it; else actions are clipped to the space."""
    greedy: bool = True
    """Whether to take the mode where ``explore`` is off."""

    def __call__(self, policy_params: Any, carry: Array, obs: Any, key: Array) -> tuple[Array, Array]:
        """Return the next hidden state and an action."""
        carry, dist_params = self.model.act(policy_params, carry, obs)
        return carry, _select_action(self, dist_params, key)


def _select_action(policy: FeedForward | Recurrent, dist_params: Array, key: Array) -> Array:
    actions = policy.model.actions
    if policy.explore:
        return actions.sample(key, dist_params)
    return actions.limit(actions.mode(dist_params) if policy.greedy else actions.sample(key, dist_params))


class Learner(NamedTuple):
    """The state of a training between two updates; all leaves are arrays."""

    key: Array
    """The member's key; each update folds its number into it."""
    updates: Array
    """Number of updates made, int32[]."""
    weights: Any
    """Weights of the network."""
    optimiser: Any
    """State of Adam."""
    observations: Statistics
    """Running statistics of encoded observations."""
    returns: Statistics
    """Running statistics of discounted returns."""
    state: Any
    """States of the environments, leaves ``[num_envs, ...]``."""
    carry: Any
    """Hidden states, float32[num_envs, memory]; None if not recurrent."""
    running: Any
    """Discounted return, return and length of the unfinished episodes, each ``[num_envs]``."""


class Batch(NamedTuple):
    """A batch for the loss: leaves ``[steps, ...]``, or ``[num_steps, num_envs, ...]`` if the network is recurrent."""

    obs: Any
    action: Array
    log_prob: Array
    advantage: Array
    target: Array
    done: Array
    carry: Any
    """Hidden states before the first step, float32[num_envs, memory]; None if not recurrent."""


def check(task: Task, config: Config) -> None:
    """Check a config against a task, before anything is compiled.

    Raises:
        ConfigError: a setting is out of its range.
        ActionSpaceError: PPO does not support the action space.
        TorsoError: the torso does not support the observation space.
    """
    for name in ("total_steps", "num_envs", "num_steps", "epochs", "minibatches", "filters", "memory"):
        if getattr(config, name) < 1:
            raise ConfigError(name, getattr(config, name), "an integer of at least 1")
    if config.activation not in ("tanh", "relu"):
        raise ConfigError("activation", config.activation, "tanh or relu")
    what = config.num_envs if config.torso == "gru" else config.num_envs * config.num_steps
    if what % config.minibatches:
        unit = "num_envs" if config.torso == "gru" else "num_envs * num_steps"
        raise ConfigError("minibatches", config.minibatches, f"a divisor of {unit}, {what:,},")
    Model.of(task, config)


def steps_per_update(config: Config) -> int:
    """Return the number of environment steps per update."""
    return config.num_envs * config.num_steps


def num_updates(config: Config) -> int:
    """Return the number of updates of a training."""
    return -(-config.total_steps // steps_per_update(config))


def policy(task: Task, config: Config) -> FeedForward | Recurrent:
    """Return the trained agent's policy, for :func:`jaxenv.rollout`."""
    return (Recurrent if config.torso == "gru" else FeedForward)(Model.of(task, config), False, config.greedy)


def initial_carry(task: Task, config: Config) -> Any:
    """Return the policy's carry at the start of an episode; None if not recurrent."""
    return Model.of(task, config).initial_carry


def policy_params(task: Task, config: Config, learner: Learner) -> dict[str, Any]:
    """Return the parameters of the policy, nested dicts of arrays. The critic's weights are not among them."""
    del task
    normalization = {"observations": learner.observations.scaling()} if config.normalize_observations else {}
    weights = {name: layer for name, layer in learner.weights["params"].items() if name != "critic_tower"}
    return {"weights": {"params": weights}, **normalization}


def begin(task: Task, config: Config, key: Array) -> Learner:
    """Initialise a training: reset the environments, draw the weights."""
    model = Model.of(task, config)
    key_network, key_reset, key_train = jaxenv.random.split(key, 3)
    obs, state = jax.vmap(task.env.reset, in_axes=(0, None))(jaxenv.random.split(key_reset, config.num_envs), task.params)
    x = model.encoder(jax.tree.map(lambda leaf: leaf[0], obs))
    weights = model.network.init(key_network, x)
    zeros = jnp.zeros(config.num_envs, jnp.float32)
    start = model.initial_carry
    return Learner(
        key=key_train,
        updates=jnp.int32(0),
        weights=weights,
        optimiser=_ADAM.init(weights),
        observations=Statistics.empty(x.shape),
        returns=Statistics.empty(()),
        state=state,
        carry=None if start is None else jnp.broadcast_to(start, (config.num_envs, *start.shape)),
        running=(zeros, zeros, jnp.zeros(config.num_envs, jnp.int32)),
    )


_ADAM = optax.scale_by_adam(eps=1e-5)


def update(task: Task, config: Config, learner: Learner) -> tuple[Learner, dict[str, Array]]:
    """Collect one batch of experience and learn from it.

    Returns:
        ``(learner, metrics)``, each metric float32[]: sums over the episodes that ended (``episodes``, ``return_sum``,
        ``length_sum``), and means over the minibatches (losses and entropy).
    """
    model = Model.of(task, config)
    env = ClipAction(task.env) if isinstance(model.actions, Gaussian) else task.env
    key_play, key_learn = jaxenv.random.split(jaxenv.random.fold_in(learner.key, learner.updates))
    result = jaxenv.rollout(
        env,
        task.params,
        (Recurrent if learner.carry is not None else FeedForward)(model, True),
        key_play,
        num_envs=config.num_envs,
        num_steps=config.num_steps,
        policy_params=policy_params(task, config, learner),
        initial_carry=model.initial_carry,
        state=learner.state,
        carry=learner.carry,
    )
    trajectory = result.trajectory
    running, discounted, ended = _episodes(config, learner.running, trajectory.reward, trajectory.done)
    returns = learner.returns.add(discounted, axes=2) if config.scale_rewards else learner.returns
    reward = trajectory.reward / returns.scaling()["deviation"] if config.scale_rewards else trajectory.reward

    statistics = learner.observations.scaling() if config.normalize_observations else None
    dist_params, values, hidden = _evaluate(model, learner.weights, statistics, trajectory.obs, trajectory.done, learner.carry)
    next_value = _next_values(task, model, learner.weights, statistics, result, values, hidden)
    advantage = advantages(config, reward, values, next_value, trajectory.done)
    log_prob = batched(model.actions.log_prob, 2)(dist_params, trajectory.action)
    batch = Batch(trajectory.obs, trajectory.action, log_prob, advantage, advantage + values, trajectory.done, learner.carry)
    weights, optimiser, losses = _learn(model, config, learner, statistics, batch, key_learn)

    observations = learner.observations
    if config.normalize_observations:
        observations = observations.add(batched(model.encoder, 2)(trajectory.obs), axes=2)
    after = Learner(
        learner.key, learner.updates + 1, weights, optimiser, observations, returns, result.state, result.carry, running
    )
    return after, {**ended, **losses}


def train(task: Task, config: Config, key: Array) -> tuple[Learner, dict[str, Array]]:
    """Train from scratch: return the final state, and the metrics of each update, leaves ``[num_updates]``."""
    return jax.lax.scan(
        lambda learner, _: update(task, config, learner), begin(task, config, key), length=num_updates(config), xs=None
    )


def advantages(config: Config, reward: Array, value: Array, next_value: Array, done: Array) -> Array:
    """Return generalised advantage estimates (Schulman et al. 2016).

    Args:
        config: has ``discount`` and ``trace``.
        reward: float32[num_steps, num_envs].
        value: value estimates of the observations that were acted on, float32[num_steps, num_envs].
        next_value: value estimates of the observations that followed in the same episode; 0 where the task terminated.
        done: whether the step ended its episode, bool[num_steps, num_envs].

    Returns:
        float32[num_steps, num_envs].
    """

    def back(later: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        td_error, done = now
        advantage = td_error + config.discount * config.trace * jnp.where(done, 0.0, later)
        return advantage, advantage

    td_error = reward + config.discount * next_value - value
    return jax.lax.scan(back, jnp.zeros_like(value[0]), (td_error, done), reverse=True)[1]


def _evaluate(model: Model, weights: Any, statistics: Any, obs: Any, done: Array, carry: Any) -> tuple[Array, Array, Any]:
    """Evaluate actor and critic on steps.

    Returns:
        Parameters of the action distributions, values, and the hidden states after each step, before any reset (None if not
        recurrent).
    """
    x = batched(lambda obs: model.encode(statistics, obs), done.ndim)(obs)
    if carry is None:
        return model.actor(weights, x), model.critic(weights, x), None
    start: Any = model.initial_carry

    def step(carry: Array, now: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        x, done = now
        after, output = model.recurrent_step(weights, carry, x)
        return jnp.where(done[:, None], start, after), (output, after)

    _, (outputs, after) = jax.lax.scan(step, carry, (model.recurrent_input(weights, x), done))
    return model.actor(weights, outputs), model.critic(weights, outputs), after


def _next_values(task: Task, model: Model, weights: Any, statistics: Any, result: Any, values: Array, hidden: Any) -> Array:
    """Return the value of each step's next observation: 0 after a termination, that of the final observation after a truncation."""

    def value(obs: Any, carry: Any, axes: int) -> Array:
        x = batched(lambda obs: model.encode(statistics, obs), axes)(obs)
        return model.critic(
            weights, x if carry is None else model.recurrent_step(weights, carry, model.recurrent_input(weights, x))[1]
        )

    next_value = jnp.concatenate([values[1:], value(result.obs, result.carry, 1)[None]])
    return bootstrapped(
        task.time_limit, result.trajectory, next_value, lambda obs, of: value(obs, None if hidden is None else hidden[of], 2)
    )


def _episodes(config: Config, running: Any, reward: Array, done: Array) -> tuple[Any, Array, dict[str, Array]]:
    """Accumulate returns: those of unfinished episodes, the discounted returns at each step, and sums over ended episodes."""

    def step(running: Any, now: tuple[Array, Array]) -> tuple[Any, tuple[Array, ...]]:
        (discounted, total, length), (reward, done) = running, now
        discounted, total, length = config.discount * discounted + reward, total + reward, length + 1
        after = jax.tree.map(lambda leaf: jnp.where(done, jnp.zeros_like(leaf), leaf), (discounted, total, length))
        return after, (discounted, jnp.where(done, total, 0.0), jnp.where(done, length, 0))

    running, (discounted, totals, lengths) = jax.lax.scan(step, running, (reward, done))
    ended = {
        "episodes": done.sum(dtype=jnp.int32).astype(jnp.float32),
        "return_sum": totals.sum(),
        "length_sum": lengths.astype(jnp.float32).sum(),
    }
    return running, discounted, ended


def _learn(
    model: Model, config: Config, learner: Learner, statistics: Any, batch: Batch, key: Array
) -> tuple[Any, Any, dict[str, Array]]:
    """Update the weights in epochs over a batch."""
    done = learner.updates.astype(jnp.float32) / num_updates(config)
    learning_rate = config.learning_rate + done * (config.final_learning_rate - config.learning_rate)
    entropy = config.entropy + done * (config.final_entropy - config.entropy)
    axis = 0 if batch.carry is None else 1  # minibatches are of steps, or of environments
    if batch.carry is None:
        batch = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch)
    size = batch.done.shape[axis]

    def chosen(which: Array) -> Batch:
        part = jax.tree.map(lambda leaf: jnp.take(leaf, which, axis=axis), batch._replace(carry=None))
        return part._replace(carry=None if batch.carry is None else batch.carry[which])

    def minibatch(state: tuple[Any, Any], which: Array) -> tuple[tuple[Any, Any], dict[str, Array]]:
        weights, optimiser = state
        gradient, metrics = jax.grad(_loss, has_aux=True)(weights, model, config, statistics, chosen(which), entropy)
        norm = jnp.sqrt(sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(gradient)))
        gradient = jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, config.max_gradient_norm / (norm + 1e-9)), gradient)
        with jax.numpy_dtype_promotion("standard"):  # optax multiplies integers by floats
            change, optimiser = _ADAM.update(gradient, optimiser)
        return (jax.tree.map(lambda leaf, step: leaf - learning_rate * step, weights, change), optimiser), metrics

    def epoch(state: tuple[Any, Any], number: Array) -> tuple[tuple[Any, Any], dict[str, Array]]:
        order = jnp.argsort(jaxenv.random.words(jaxenv.random.fold_in(key, number), size))
        return jax.lax.scan(minibatch, state, order.reshape(config.minibatches, -1))

    state, metrics = jax.lax.scan(epoch, (learner.weights, learner.optimiser), jnp.arange(config.epochs))
    return *state, {name: value.mean() for name, value in metrics.items()}


def _loss(
    weights: Any, model: Model, config: Config, statistics: Any, batch: Batch, entropy_weight: Array
) -> tuple[Array, dict[str, Array]]:
    """Return the loss of a minibatch, and its terms."""
    dist_params, value, _ = _evaluate(model, weights, statistics, batch.obs, batch.done, batch.carry)
    axes = batch.done.ndim
    ratio = jnp.exp(batched(model.actions.log_prob, axes)(dist_params, batch.action) - batch.log_prob)
    advantage = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std() + 1e-8)
    surrogate = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - config.clip, 1 + config.clip) * advantage).mean()
    entropy = batched(model.actions.entropy, axes)(dist_params).mean()
    error = 0.5 * jnp.square(value - batch.target).mean()
    loss = config.value * error - surrogate - entropy_weight * entropy
    return loss, {"policy_loss": -surrogate, "value_loss": error, "entropy": entropy}
