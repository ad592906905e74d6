"""Proximal policy optimisation (Schulman et al. 2017), feed-forward and recurrent, for discrete and continuous actions.

Read it from the bottom: :func:`train` is all of it, :func:`update` one round of it. A round

1. plays ``num_steps`` steps in each of ``num_envs`` environments (one call of :func:`jaxenv.rollout`);
2. evaluates the critic on all of them at once, and estimates the advantage of each action (GAE);
3. updates the networks in a few epochs over these steps, in minibatches.

The loss of a step is written once, :class:`PolicyLoss` and :class:`ValueLoss`. For plain MLPs a minibatch's gradient is a kernel on
a GPU (:mod:`jaxenv_baselines.kernels`); other networks, and other platforms, take JAX's derivative of the same functions.

Everything is a pure function of arrays. Numbers of a :class:`Config` are leaves, so that ``jax.vmap(train, (None, 0, 0))``
trains members of different seeds *and* hyperparameters at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxenv
from flax import struct
from jax import Array
from jax.flatten_util import ravel_pytree
from jaxenv.wrappers import ClipAction

from jaxenv_baselines import kernels
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
    moments: tuple[Array, Array, Array]
    """State of Adam: moving averages of gradients and of their squares, float32[weights], and the number of steps, int32[]."""
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
    fields: Array
    """What the losses need: the encoded action, its log-probability, the advantage and the return, float32[..., fields]."""
    done: Array
    carry: Any
    """Hidden states before the first step, float32[num_envs, memory]; None if not recurrent."""


@dataclass(frozen=True)
class PolicyLoss:
    """The loss of the actor for a step; a :data:`~jaxenv_baselines.kernels.towers.Head`."""

    actions: Categorical | Gaussian

    def __call__(self, dist_params: Array, fields: Array, numbers: Array) -> tuple[Array, Array]:
        """Return the clipped surrogate's loss with the entropy bonus, and both terms."""
        *encoded, log_prob, advantage, _ = (fields[i] for i in range(fields.size))
        clip, entropy_weight, _ = (numbers[i] for i in range(3))
        ratio = jnp.exp(self.actions.log_prob(dist_params, jnp.stack(encoded)) - log_prob)
        surrogate = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)
        entropy = self.actions.entropy(dist_params)
        return -surrogate - entropy_weight * entropy, jnp.stack([-surrogate, entropy])


@dataclass(frozen=True)
class ValueLoss:
    """The loss of the critic for a step; a :data:`~jaxenv_baselines.kernels.towers.Head`."""

    def __call__(self, value: Array, fields: Array, numbers: Array) -> tuple[Array, Array]:
        """Return the weighted squared error, and the error without its weight."""
        error = 0.5 * jnp.square(value[0] - fields[fields.size - 1])
        return numbers[2] * error, error[None]


REPORTED = {"policy_loss": 1, "entropy": 2, "value_loss": 4}
"""Places of the metrics in what the losses report: each its loss, then its terms."""


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
        moments=kernels.Optimizer.begin(ravel_pytree(weights)[0])[1:],
        observations=Statistics.empty(x.shape),
        returns=Statistics.empty(()),
        state=state,
        carry=None if start is None else jnp.broadcast_to(start, (config.num_envs, *start.shape)),
        running=(zeros, zeros, jnp.zeros(config.num_envs, jnp.int32)),
    )


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
    encoded = batched(model.actions.encode, 2)(trajectory.action)
    log_prob = batched(model.actions.log_prob, 2)(dist_params, encoded)
    normalized = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    fields = jnp.concatenate([encoded, jnp.stack([log_prob, normalized, advantage + values], axis=-1)], axis=-1)
    batch = Batch(trajectory.obs, fields, trajectory.done, learner.carry)
    weights, moments, losses = _learn(model, config, learner, statistics, batch, key_learn)

    observations = learner.observations
    if config.normalize_observations:
        observations = observations.add(batched(model.encoder, 2)(trajectory.obs), axes=2)
    after = Learner(learner.key, learner.updates + 1, weights, moments, observations, returns, result.state, result.carry, running)
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
    td_error = reward + config.discount * next_value - value
    factors = jnp.where(done, 0.0, config.discount * config.trace)
    return kernels.recurrence(factors, td_error, jnp.zeros_like(value[0]), reverse=True)


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
    discounted, total, length = running
    begins = jnp.concatenate([jnp.zeros_like(done[:1]), done[:-1]])  # the step before ended its episode
    factors = [jnp.where(begins, 0.0, factor) for factor in (config.discount, 1.0, 1.0)]
    terms = [reward, reward, jnp.ones_like(reward)]
    first = [discounted, total, length.astype(jnp.float32)]
    values = kernels.recurrence(jnp.concatenate(factors, axis=1), jnp.concatenate(terms, axis=1), jnp.concatenate(first))
    discounted, totals, lengths = jnp.split(values, 3, axis=1)
    last = [jnp.where(done[-1], 0.0, x[-1]) for x in (discounted, totals, lengths)]
    running = (last[0], last[1], last[2].astype(jnp.int32))
    ended = {
        "episodes": done.sum(dtype=jnp.int32).astype(jnp.float32),
        "return_sum": jnp.where(done, totals, 0.0).sum(),
        "length_sum": jnp.where(done, lengths, 0.0).sum(),
    }
    return running, discounted, ended


def _learn(
    model: Model, config: Config, learner: Learner, statistics: Any, batch: Batch, key: Array
) -> tuple[Any, tuple[Array, Array, Array], dict[str, Array]]:
    """Update the weights in epochs over a batch."""
    done = learner.updates.astype(jnp.float32) / num_updates(config)
    learning_rate = config.learning_rate + done * (config.final_learning_rate - config.learning_rate)
    entropy = config.entropy + done * (config.final_entropy - config.entropy)
    numbers = jnp.stack([jnp.float32(config.clip), jnp.float32(entropy), jnp.float32(config.value)])
    words = batched(lambda number: jaxenv.random.words(jaxenv.random.fold_in(key, number), kernels.ROUNDS), 1)(
        jnp.arange(config.epochs)
    )
    flat, unravel = ravel_pytree(learner.weights)
    gradient_of: Any
    if config.torso == "mlp":
        x = _inputs(model, statistics, batch.obs)
        fields = batch.fields.reshape(-1, batch.fields.shape[-1])
        minibatches = kernels.Minibatches(x, fields, words, fields.shape[0] // config.minibatches)
        gradient_of = partial(kernels.value_and_gradient, towers_of(model, learner.weights), minibatches, numbers)
    else:
        gradient_of = partial(_gradient, model, config, unravel, statistics, batch, words, numbers)

    def minibatch(state: kernels.Optimizer, number: Array) -> tuple[kernels.Optimizer, Array]:
        reported, gradient, squares = gradient_of(state.weights, number)
        return kernels.updated(state, gradient, squares, learning_rate, config.max_gradient_norm), reported

    state, reported = jax.lax.scan(
        minibatch, kernels.Optimizer(flat, *learner.moments), jnp.arange(config.epochs * config.minibatches)
    )
    losses = {name: reported[:, place].mean() for name, place in REPORTED.items()}
    return unravel(state.weights), (state.mean, state.square, state.steps), losses


def towers_of(model: Model, weights: Any) -> kernels.Towers:
    """Return actor and critic, MLPs, as towers over the flat vector that ``ravel_pytree`` makes of the weights."""
    offsets: dict[Any, int] = {}
    at = 0
    for path, leaf in jax.tree_util.tree_flatten_with_path(weights)[0]:
        offsets[tuple(key.key for key in path)] = at
        at += leaf.size

    def layers(tower: str) -> tuple[kernels.Layer, ...]:
        found: list[kernels.Layer] = []
        for i in range(len(model.network.widths) + 1):
            layer = ("params", tower, f"Dense_{i}")
            shape = weights["params"][tower][f"Dense_{i}"]["kernel"].shape
            found.append(kernels.Layer(offsets[*layer, "kernel"], offsets[*layer, "bias"], *shape))
        return tuple(found)

    extra = (model.network.outputs, offsets["params", "log_std"]) if model.network.continuous else (0, 0)
    actor = kernels.Tower(layers("actor_tower"), PolicyLoss(model.actions), 2, *extra)
    critic = kernels.Tower(layers("critic_tower"), ValueLoss(), 1)
    return kernels.Towers((actor, critic), model.network.activation, at)


def _inputs(model: Model, statistics: Any, obs: Any) -> Array:
    """Return the networks' inputs for steps ``[num_steps, num_envs]``, [steps, inputs]: bytes if they are flags, else float32."""
    if statistics is None and model.encoder.keeps_bytes:
        return obs.reshape(obs.shape[0] * obs.shape[1], -1).astype(jnp.uint8)
    x = batched(partial(model.encode, statistics), 2)(obs)
    return x.reshape(-1, x.shape[-1])


def _gradient(
    model: Model,
    config: Config,
    unravel: Any,
    statistics: Any,
    batch: Batch,
    words: Array,
    numbers: Array,
    flat: Array,
    number: Array,
) -> tuple[Array, Array, Array]:
    """Return what :func:`~jaxenv_baselines.kernels.value_and_gradient` returns, for networks that are no MLPs."""
    axis = 0 if batch.carry is None else 1  # minibatches are of steps, or of environments
    if batch.carry is None:
        batch = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch)
    count = batch.done.shape[axis]
    which = kernels.minibatch(number, words, count, count // config.minibatches)
    part = jax.tree.map(lambda leaf: jnp.take(leaf, which, axis=axis), batch._replace(carry=None))
    part = part._replace(carry=None if batch.carry is None else batch.carry[which])

    def loss(flat: Array) -> tuple[Array, Array]:
        dist_params, value, _ = _evaluate(model, unravel(flat), statistics, part.obs, part.done, part.carry)
        total, reported = jnp.float32(0.0), list[Array]()
        for head, outputs in ((PolicyLoss(model.actions), dist_params), (ValueLoss(), value[..., None])):
            losses, terms = batched(lambda outputs, fields, head=head: head(outputs, fields, numbers), part.done.ndim)(
                outputs, part.fields
            )
            mean = losses.mean()
            total, reported = total + mean, [*reported, mean[None], terms.mean(tuple(range(part.done.ndim)))]
        return total, jnp.concatenate(reported)

    gradient, reported = jax.grad(loss, has_aux=True)(flat)
    return reported, gradient, jnp.square(gradient).sum()[None]
