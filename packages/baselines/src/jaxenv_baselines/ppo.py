"""Proximal policy optimisation (Schulman et al. 2017), feed-forward and recurrent, for discrete and continuous actions.

Read it from the bottom: :func:`train` is all of it, :func:`update` one round of it. A round

1. plays ``num_steps`` steps in each of ``num_envs`` environments (one call of :func:`jaxenv.rollout`);
2. computes the values of all of them at once, and from these the advantage of each action;
3. improves the networks in a few passes over these steps, in minibatches.

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

from jaxenv_baselines.ends import at_ends, each
from jaxenv_baselines.errors import ConfigError
from jaxenv_baselines.networks import ActorCritic, Categorical, Encoder, Gaussian, distribution, require_torso
from jaxenv_baselines.statistics import Statistics
from jaxenv_baselines.tasks import Task


@struct.dataclass
class Config:
    """What a training depends on, beside the task and the key. Floats are leaves; what sets shapes is static."""

    learning_rate: float = 1e-3
    """Adam's step size at the start."""
    final_learning_rate: float = 0.0
    """Adam's step size at the end; it moves on a line from one to the other."""
    discount: float = 0.99
    """What a reward is worth a step later, in [0, 1]."""
    trace: float = 0.95
    """Lambda of generalised advantage estimation, in [0, 1]."""
    clip: float = 0.2
    """How far a probability may move, relatively, before its gradient is cut."""
    entropy: float = 0.01
    """Weight of the entropy at the start."""
    final_entropy: float = 0.0
    """Weight of the entropy at the end."""
    value: float = 0.5
    """Weight of the critic's squared error."""
    max_gradient_norm: float = 0.5
    """Length that a gradient is cut to."""

    total_steps: int = struct.field(pytree_node=False, default=500_000)
    """Steps in all environments together; rounded up to whole updates."""
    num_envs: int = struct.field(pytree_node=False, default=16)
    """Environments that play at once."""
    num_steps: int = struct.field(pytree_node=False, default=128)
    """Steps in each of them for one update."""
    epochs: int = struct.field(pytree_node=False, default=4)
    """Passes over the steps of an update."""
    minibatches: int = struct.field(pytree_node=False, default=4)
    """Minibatches of a pass: of steps, or of whole environments if the network is recurrent."""
    torso: str = struct.field(pytree_node=False, default="mlp")
    """``"mlp"``, ``"cnn"`` for boards, ``"gru"`` for tasks that need a memory."""
    widths: tuple[int, ...] = struct.field(pytree_node=False, default=(64, 64))
    """Widths of the layers of actor and critic."""
    filters: int = struct.field(pytree_node=False, default=16)
    """Channels of the CNN."""
    memory: int = struct.field(pytree_node=False, default=64)
    """Width of the GRU."""
    activation: str = struct.field(pytree_node=False, default="tanh")
    """``"tanh"`` or ``"relu"``."""
    log_std: float = struct.field(pytree_node=False, default=0.0)
    """Logarithm of the deviation of continuous actions at the start, in halves of the space's width."""
    one_hot: bool = struct.field(pytree_node=False, default=False)
    """Whether integer observations become one-hot."""
    normalize_observations: bool = struct.field(pytree_node=False, default=True)
    """Whether observations are shifted and scaled by running statistics, which become part of the agent."""
    scale_rewards: bool = struct.field(pytree_node=False, default=True)
    """Whether rewards are divided by the running deviation of discounted returns."""
    greedy: bool = struct.field(pytree_node=False, default=True)
    """Whether the trained agent takes the likeliest action; else it draws one."""


@dataclass(frozen=True)
class Model:
    """The networks of an agent, and how they see and act. A value: two of the same fields are equal."""

    network: ActorCritic
    """The weights' structure."""
    encoder: Encoder
    """From an observation to numbers."""
    actions: Categorical | Gaussian
    """The distribution over actions."""

    @classmethod
    def of(cls, task: Task, config: Config) -> Model:
        """Return the model for a task.

        Raises:
            ActionSpaceError: PPO can't act in the task.
            TorsoError: the network can't be built on its observations.
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
        """The memory at the start of an episode, float32[memory]; None without."""
        return jnp.zeros(self.network.memory, jnp.float32) if self.network.torso == "gru" else None

    def see(self, statistics: Any, obs: Any) -> Array:
        """Return what the network is given of an observation; ``statistics`` are None where nothing is normalized."""
        x = self.encoder(obs)
        return x if statistics is None else jnp.clip((x - statistics["mean"]) / statistics["deviation"], -10.0, 10.0)

    def act(self, params: Any, carry: Any, obs: Any) -> tuple[Any, Array]:
        """Return the memory after an observation, and the description of the distribution over actions."""
        x = self.see(params.get("observations"), obs)
        if carry is not None:
            carry, x = self.remember(params["weights"], carry, self.enter(params["weights"], x))
        return carry, self.actor(params["weights"], x)

    def actor(self, weights: Any, x: Array) -> Array:
        """Return what the actor says of what the network is given, or of what its memory says."""
        return self._apply("actor", weights, x)

    def critic(self, weights: Any, x: Array) -> Array:
        """Return the critic's values of the same."""
        return self._apply("critic", weights, x)

    def enter(self, weights: Any, x: Array) -> Array:
        """Return what goes into the memory."""
        return self._apply("enter", weights, x)

    def remember(self, weights: Any, carry: Array, x: Array) -> tuple[Array, Array]:
        """Return the memory after what has entered it, and what it says."""
        return self._apply("remember", weights, carry, x)

    def _apply(self, method: str, weights: Any, *inputs: Array) -> Any:
        return self.network.apply(weights, *inputs, method=method)


@dataclass(frozen=True)
class FeedForward:
    """A policy ``(policy_params, obs, key) -> action`` for :func:`jaxenv.rollout`."""

    model: Model
    explore: bool
    """Whether actions are drawn, without bounds; else they are within, and the likeliest if ``greedy``."""
    greedy: bool = True

    def __call__(self, policy_params: Any, obs: Any, key: Array) -> Array:
        """Return an action."""
        return _chosen(self, self.model.act(policy_params, None, obs)[1], key)


@dataclass(frozen=True)
class Recurrent:
    """A policy ``(policy_params, carry, obs, key) -> (carry, action)`` for :func:`jaxenv.rollout`."""

    model: Model
    explore: bool
    """Whether actions are drawn, without bounds; else they are within, and the likeliest if ``greedy``."""
    greedy: bool = True

    def __call__(self, policy_params: Any, carry: Array, obs: Any, key: Array) -> tuple[Array, Array]:
        """Return the memory after the observation, and an action."""
        carry, described = self.model.act(policy_params, carry, obs)
        return carry, _chosen(self, described, key)


def _chosen(policy: FeedForward | Recurrent, described: Array, key: Array) -> Array:
    actions = policy.model.actions
    if policy.explore:
        return actions.sample(key, described)
    return actions.limit(actions.mode(described) if policy.greedy else actions.sample(key, described))


class Learner(NamedTuple):
    """A training between two updates; all leaves are arrays."""

    key: Array
    """Of the member; each update folds its number into it."""
    updates: Array
    """Updates made, int32[]."""
    weights: Any
    """Of the network."""
    optimiser: Any
    """Adam's moments."""
    observations: Statistics
    """Of encoded observations."""
    returns: Statistics
    """Of discounted returns."""
    state: Any
    """States of the environments, ``[num_envs, ...]``."""
    carry: Any
    """Memories, ``[num_envs, memory]``; None without."""
    running: Any
    """Discounted return, return and length of the running episodes, each ``[num_envs]``."""


class Batch(NamedTuple):
    """What is learned from: leaves ``[steps, ...]``, or ``[num_steps, num_envs, ...]`` if the network is recurrent."""

    obs: Any
    action: Array
    log_prob: Array
    advantage: Array
    target: Array
    done: Array
    carry: Any
    """Memories that the steps begin with, ``[num_envs, memory]``; None without."""


def check(task: Task, config: Config) -> None:
    """Refuse, before anything is computed, what can't be trained.

    Raises:
        ConfigError: a setting has a value that it can't have.
        ActionSpaceError: PPO can't act in the task.
        TorsoError: the network can't be built on its observations.
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
    """Return how many steps an update plays."""
    return config.num_envs * config.num_steps


def num_updates(config: Config) -> int:
    """Return how many updates a training has."""
    return -(-config.total_steps // steps_per_update(config))


def policy(task: Task, config: Config) -> FeedForward | Recurrent:
    """Return the policy of a trained agent, for :func:`jaxenv.rollout`."""
    return (Recurrent if config.torso == "gru" else FeedForward)(Model.of(task, config), False, config.greedy)


def initial_carry(task: Task, config: Config) -> Any:
    """Return the policy's memory at the start of an episode; None without."""
    return Model.of(task, config).initial_carry


def policy_params(task: Task, config: Config, learner: Learner) -> dict[str, Any]:
    """Return the parameters of the policy: nested dicts of arrays."""
    del task
    seen = {"observations": learner.observations.scaling()} if config.normalize_observations else {}
    return {"weights": learner.weights, **seen}


def begin(task: Task, config: Config, key: Array) -> Learner:
    """Return a training before its first update."""
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
    """Play, judge and learn once.

    Returns:
        The training after it, and what happened: sums over the ended episodes (``episodes``, ``return_sum``, ``length_sum``) and
        means over the steps, each float32[].
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
    played = result.trajectory
    running, discounted, ended = _episodes(config, learner.running, played.reward, played.done)
    returns = learner.returns.add(discounted, axes=2) if config.scale_rewards else learner.returns
    reward = played.reward / returns.scaling()["deviation"] if config.scale_rewards else played.reward

    statistics = learner.observations.scaling() if config.normalize_observations else None
    described, values, memories = _judge(model, learner.weights, statistics, played.obs, played.done, learner.carry)
    following = _following(task, model, learner.weights, statistics, result, values, memories)
    advantage = advantages(config, reward, values, following, played.done)
    log_prob = each(model.actions.log_prob, 2)(described, played.action)
    batch = Batch(played.obs, played.action, log_prob, advantage, advantage + values, played.done, learner.carry)
    weights, optimiser, losses = _learn(model, config, learner, statistics, batch, key_learn)

    observations = learner.observations
    if config.normalize_observations:
        observations = observations.add(each(model.encoder, 2)(played.obs), axes=2)
    after = Learner(
        learner.key, learner.updates + 1, weights, optimiser, observations, returns, result.state, result.carry, running
    )
    return after, {**ended, **losses}


def train(task: Task, config: Config, key: Array) -> tuple[Learner, dict[str, Array]]:
    """Train from scratch: return the trained state, and what happened in each update, leaves ``[num_updates]``."""
    return jax.lax.scan(
        lambda learner, _: update(task, config, learner), begin(task, config, key), length=num_updates(config), xs=None
    )


def advantages(config: Config, reward: Array, value: Array, following: Array, done: Array) -> Array:
    """Estimate how much better each action was than expected (Schulman et al. 2016).

    Args:
        config: has ``discount`` and ``trace``.
        reward: float32[num_steps, num_envs].
        value: the critic's value before the action.
        following: the critic's value after it, within the same episode; 0 where the task ended.
        done: whether the action was the last of its episode.

    Returns:
        float32[num_steps, num_envs].
    """

    def back(later: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        surprise, done = now
        advantage = surprise + config.discount * config.trace * jnp.where(done, 0.0, later)
        return advantage, advantage

    surprise = reward + config.discount * following - value
    return jax.lax.scan(back, jnp.zeros_like(value[0]), (surprise, done), reverse=True)[1]


def _judge(model: Model, weights: Any, statistics: Any, obs: Any, done: Array, carry: Any) -> tuple[Array, Array, Any]:
    """Return what the actor and the critic say of steps, and the memories after them, before any reset; None without."""
    x = each(lambda obs: model.see(statistics, obs), done.ndim)(obs)
    if carry is None:
        return model.actor(weights, x), model.critic(weights, x), None
    start: Any = model.initial_carry

    def step(carry: Array, now: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        x, done = now
        after, said = model.remember(weights, carry, x)
        return jnp.where(done[:, None], start, after), (said, after)

    _, (said, after) = jax.lax.scan(step, carry, (model.enter(weights, x), done))
    return model.actor(weights, said), model.critic(weights, said), after


def _following(task: Task, model: Model, weights: Any, statistics: Any, result: Any, values: Array, memories: Any) -> Array:
    """Return the value of what each step led to: 0 where the task ended, that of the final observation where time was up."""

    def look(obs: Any, carry: Any, axes: int) -> Array:
        x = each(lambda obs: model.see(statistics, obs), axes)(obs)
        return model.critic(weights, x if carry is None else model.remember(weights, carry, model.enter(weights, x))[1])

    following = jnp.concatenate([values[1:], look(result.obs, result.carry, 1)[None]])
    return at_ends(
        task.time_limit, result.trajectory, following, lambda obs, of: look(obs, None if memories is None else memories[of], 2)
    )


def _episodes(config: Config, running: Any, reward: Array, done: Array) -> tuple[Any, Array, dict[str, Array]]:
    """Follow the episodes: return the running ones, the discounted returns up to each step, and sums over those that ended."""

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
    """Improve the weights in passes over a batch."""
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
        gradient, said = jax.grad(_loss, has_aux=True)(weights, model, config, statistics, chosen(which), entropy)
        norm = jnp.sqrt(sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(gradient)))
        gradient = jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, config.max_gradient_norm / (norm + 1e-9)), gradient)
        with jax.numpy_dtype_promotion("standard"):  # optax multiplies integers by floats
            change, optimiser = _ADAM.update(gradient, optimiser)
        return (jax.tree.map(lambda leaf, step: leaf - learning_rate * step, weights, change), optimiser), said

    def epoch(state: tuple[Any, Any], number: Array) -> tuple[tuple[Any, Any], dict[str, Array]]:
        order = jnp.argsort(jaxenv.random.words(jaxenv.random.fold_in(key, number), size))
        return jax.lax.scan(minibatch, state, order.reshape(config.minibatches, -1))

    state, said = jax.lax.scan(epoch, (learner.weights, learner.optimiser), jnp.arange(config.epochs))
    return *state, {name: value.mean() for name, value in said.items()}


def _loss(
    weights: Any, model: Model, config: Config, statistics: Any, batch: Batch, entropy_weight: Array
) -> tuple[Array, dict[str, Array]]:
    """Return the loss of a minibatch, and what it is made of."""
    described, value, _ = _judge(model, weights, statistics, batch.obs, batch.done, batch.carry)
    axes = batch.done.ndim
    ratio = jnp.exp(each(model.actions.log_prob, axes)(described, batch.action) - batch.log_prob)
    advantage = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std() + 1e-8)
    gain = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - config.clip, 1 + config.clip) * advantage).mean()
    entropy = each(model.actions.entropy, axes)(described).mean()
    error = 0.5 * jnp.square(value - batch.target).mean()
    loss = config.value * error - gain - entropy_weight * entropy
    return loss, {"policy_loss": -gain, "value_loss": error, "entropy": entropy}
