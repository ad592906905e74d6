"""PQN: Q-learning in many environments at once, without a replay buffer or a target network (Gallici et al. 2024).

What keeps it stable is layer normalization, and targets that look several steps ahead (lambda returns). Read it from the bottom:
:func:`train` is all of it, :func:`update` one round of it. A round

1. plays ``num_steps`` steps in each of ``num_envs`` environments, greedily but for a share of random actions;
2. computes what each action turned out to be worth, from what the network says of the observations that followed;
3. brings the network closer to that in a few passes over these steps, in minibatches.

With ``count_bits``, it explores: what was seldom done counts as worth more, by ``bonus`` divided by the root of how often it was
done (Strehl & Littman 2008), wherever the network is asked for a best action (Rashid et al. 2020). Observations that have the same
hash are counted together (Tang et al. 2017). That is what finds the treasure of a deep sea, where random actions never would.

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

from jaxenv_baselines.ends import at_ends, each
from jaxenv_baselines.errors import ChoicesError, ConfigError
from jaxenv_baselines.networks import Categorical, Encoder, distribution, require_torso
from jaxenv_baselines.statistics import Statistics
from jaxenv_baselines.tasks import Task


@struct.dataclass
class Config:
    """What a training depends on, beside the task and the key. Floats are leaves; what sets shapes is static."""

    learning_rate: float = 5e-4
    """RAdam's step size at the start."""
    final_learning_rate: float = 0.0
    """RAdam's step size at the end; it moves on a line from one to the other."""
    discount: float = 0.99
    """What a reward is worth a step later, in [0, 1]."""
    trace: float = 0.65
    """Lambda: how much of a target is what happened, rather than what the network expects, in [0, 1]."""
    epsilon: float = 1.0
    """Share of random actions at the start."""
    final_epsilon: float = 0.05
    """Share of random actions at the end."""
    epsilon_decay: float = 0.2
    """Share of the training in which the share of random actions moves on a line from one to the other."""
    reward_scale: float = 1.0
    """Factor of rewards, so that values are not far from 1."""
    bonus: float = 1.0
    """What an action is worth more that was never tried; of effect with ``count_bits`` alone."""
    bonus_decay: float = 1.0
    """Power of the number of tries that the bonus is divided by."""
    count_width: float = 0.1
    """What numbers of an observation are rounded to multiples of, before their hash is taken."""
    max_gradient_norm: float = 10.0
    """Length that a gradient is cut to."""

    total_steps: int = struct.field(pytree_node=False, default=500_000)
    """Steps in all environments together; rounded up to whole updates."""
    num_envs: int = struct.field(pytree_node=False, default=32)
    """Environments that play at once."""
    num_steps: int = struct.field(pytree_node=False, default=64)
    """Steps in each of them for one update."""
    epochs: int = struct.field(pytree_node=False, default=4)
    """Passes over the steps of an update."""
    minibatches: int = struct.field(pytree_node=False, default=16)
    """Minibatches of a pass."""
    torso: str = struct.field(pytree_node=False, default="mlp")
    """``"mlp"``, or ``"cnn"`` for boards."""
    widths: tuple[int, ...] = struct.field(pytree_node=False, default=(128, 128))
    """Widths of the layers."""
    filters: int = struct.field(pytree_node=False, default=16)
    """Channels of the CNN."""
    one_hot: bool = struct.field(pytree_node=False, default=False)
    """Whether integer observations become one-hot."""
    normalize_observations: bool = struct.field(pytree_node=False, default=True)
    """Whether observations are shifted and scaled by running statistics, which become part of the agent."""
    count_bits: int = struct.field(pytree_node=False, default=0)
    """Bits of an observation's hash, under which actions are counted; 0 for no exploration bonus."""


class QNetwork(nn.Module):
    """What each action is worth. Leading axes of inputs are batches."""

    outputs: int
    """Actions."""
    widths: tuple[int, ...]
    """Widths of the layers."""
    filters: int = 0
    """Channels of a 3 x 3 convolution below them; 0 for none."""

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
    """The network of an agent, and how it sees and acts. A value: two of the same fields are equal."""

    network: QNetwork
    """The weights' structure."""
    encoder: Encoder
    """From an observation to numbers."""
    actions: Categorical
    """The actions, as the network counts them."""
    count_bits: int
    """Bits of an observation's hash; 0 if nothing is counted."""

    @classmethod
    def of(cls, task: Task, config: Config) -> Model:
        """Return the model for a task.

        Raises:
            ChoicesError: the actions are not one of a few.
            TorsoError: the network can't be built on the task's observations.
        """
        space = task.observation_space
        require_torso(task.name, config.torso, space)
        actions = distribution(task.name, task.action_space)
        if not isinstance(actions, Categorical):
            raise ChoicesError(task.name, "pqn", task.action_space)
        network = QNetwork(actions.outputs, config.widths, config.filters if config.torso == "cnn" else 0)
        return cls(network, Encoder(space, config.torso == "cnn", config.one_hot), actions, config.count_bits)

    def values(self, params: Any, obs: Any) -> Array:
        """Return what each action is worth after one observation, float32[actions]."""
        x, scaling = self.encoder(obs), params.get("observations")
        x = x if scaling is None else jnp.clip((x - scaling["mean"]) / scaling["deviation"], -10.0, 10.0)
        said: Any = self.network.apply(params["weights"], x)
        return said

    def hash(self, params: Any, obs: Any) -> Array:
        """Return the hash of one observation, int32[], the same for those that are equal when rounded (Carter & Wegman 1979)."""
        rounded = jnp.round(jnp.ravel(self.encoder(obs)) / params["count_width"]).astype(jnp.int32).astype(jnp.uint32)
        factors = jax.random.bits(jax.random.key(0, impl="threefry2x32"), rounded.shape, jnp.uint32) | jnp.uint32(1)
        word = (rounded * factors).sum(dtype=jnp.uint32)
        word = (word ^ (word >> 16)) * jnp.uint32(0x9E3779B1)
        return (word >> (32 - self.count_bits)).astype(jnp.int32)

    def hopes(self, params: Any, obs: Any) -> Array:
        """Return what each action may be worth in addition, since it was seldom tried, float32[actions]."""
        if not self.count_bits:
            return jnp.zeros(self.network.outputs)
        return params["bonus"] * (params["counts"][self.hash(params, obs)] + 1.0) ** -params["bonus_decay"]


@dataclass(frozen=True)
class Greedy:
    """The trained agent's policy ``(policy_params, obs, key) -> action``."""

    model: Model

    def __call__(self, policy_params: Any, obs: Any, key: Array) -> Array:
        """Return the action that is worth most."""
        del key
        return self.model.actions.mode(self.model.values(policy_params, obs))


@dataclass(frozen=True)
class Explorer:
    """The policy that is learned from: it hopes, and takes a share of random actions."""

    model: Model

    def __call__(self, policy_params: Any, obs: Any, key: Array) -> Array:
        """Return an action."""
        key_whether, key_which = jaxenv.random.split(key)
        best = self.model.values(policy_params, obs) + self.model.hopes(policy_params, obs)
        explores = jax.random.uniform(key_whether) < policy_params["epsilon"]
        return self.model.actions.mode(jnp.where(explores, jax.random.uniform(key_which, best.shape), best))


class Learner(NamedTuple):
    """A training between two updates; all leaves are arrays."""

    key: Array
    """Of the member; each update folds its number into it."""
    updates: Array
    """Updates made, int32[]."""
    weights: Any
    """Of the network."""
    optimiser: Any
    """RAdam's moments."""
    observations: Statistics
    """Of encoded observations."""
    counts: Array
    """How often each action was taken after observations of each hash, float32[2**count_bits, actions]."""
    state: Any
    """States of the environments, ``[num_envs, ...]``."""
    running: Any
    """Return and length of the running episodes, each ``[num_envs]``."""


def check(task: Task, config: Config) -> None:
    """Refuse, before anything is computed, what can't be trained.

    Raises:
        ConfigError: a setting has a value that it can't have.
        ChoicesError: the actions are not one of a few.
        TorsoError: the network can't be built on the task's observations.
    """
    for name in ("total_steps", "num_envs", "num_steps", "epochs", "minibatches", "filters"):
        if getattr(config, name) < 1:
            raise ConfigError(name, getattr(config, name), "an integer of at least 1")
    if config.torso == "gru":
        raise ConfigError("torso", config.torso, "mlp or cnn: pqn has no memory (ppo has),")
    if not 0 <= config.count_bits <= 24:
        raise ConfigError("count_bits", config.count_bits, "an integer from 0 to 24")
    if steps_per_update(config) % config.minibatches:
        expected = f"a divisor of num_envs * num_steps, {steps_per_update(config):,},"
        raise ConfigError("minibatches", config.minibatches, expected)
    Model.of(task, config)


def steps_per_update(config: Config) -> int:
    """Return how many steps an update plays."""
    return config.num_envs * config.num_steps


def num_updates(config: Config) -> int:
    """Return how many updates a training has."""
    return -(-config.total_steps // steps_per_update(config))


def policy(task: Task, config: Config) -> Greedy:
    """Return the policy of a trained agent, for :func:`jaxenv.rollout`."""
    return Greedy(Model.of(task, config))


def initial_carry(task: Task, config: Config) -> None:
    """Return None: the policy has no memory."""
    del task, config


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
    """Play, judge and learn once.

    Returns:
        The training after it, and what happened: sums over the ended episodes (``episodes``, ``return_sum``, ``length_sum``) and
        means over the steps, each float32[].
    """
    model = Model.of(task, config)
    key_play, key_learn = jaxenv.random.split(jaxenv.random.fold_in(learner.key, learner.updates))
    passed = learner.updates.astype(jnp.float32) / num_updates(config)
    decayed = jnp.clip(passed / config.epsilon_decay, 0.0, 1.0)
    epsilon = config.epsilon + decayed * (config.final_epsilon - config.epsilon)
    hope = {"counts": learner.counts, **{name: getattr(config, name) for name in ("bonus", "bonus_decay", "count_width")}}
    judge = {**policy_params(task, config, learner), **hope}
    result = jaxenv.rollout(
        task.env,
        task.params,
        Explorer(model),
        key_play,
        num_envs=config.num_envs,
        num_steps=config.num_steps,
        policy_params={**judge, "epsilon": epsilon},
        state=learner.state,
    )
    played = result.trajectory
    running, ended = _episodes(learner.running, played.reward, played.done)
    counts = _counted(model, judge, played.obs, played.action)
    target = targets(task, config, model, {**judge, "counts": counts}, result)

    learning_rate = config.learning_rate + passed * (config.final_learning_rate - config.learning_rate)
    batch = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), (played.obs, played.action, target))
    weights, optimiser, losses = _learn(model, config, learner, judge, learning_rate, batch, key_learn)
    observations = learner.observations
    if config.normalize_observations:
        observations = observations.add(each(model.encoder, 2)(played.obs), axes=2)
    after = Learner(learner.key, learner.updates + 1, weights, optimiser, observations, counts, result.state, running)
    return after, {**ended, **losses, "epsilon": epsilon}


def train(task: Task, config: Config, key: Array) -> tuple[Learner, dict[str, Array]]:
    """Train from scratch: return the trained state, and what happened in each update, leaves ``[num_updates]``."""
    return jax.lax.scan(
        lambda learner, _: update(task, config, learner), begin(task, config, key), length=num_updates(config), xs=None
    )


def targets(task: Task, config: Config, model: Model, judge: Any, result: Any) -> Array:
    """Return what each action turned out to be worth: lambda returns, float32[num_steps, num_envs].

    ``G[t] = r[t] + discount * ((1 - trace) * V[t + 1] + trace * (hope[t + 1] + G[t + 1]))``, where ``V`` is the value of the best
    action with what is hoped for, and ``hope`` that of the action that was taken. The last step of an episode, and of the round,
    looks at ``V`` alone; where the task ended, at nothing.
    """
    played = result.trajectory

    def best(obs: Any) -> Array:
        return (model.values(judge, obs) + model.hopes(judge, obs)).max()

    def hoped(obs: Any, action: Array) -> Array:
        return model.hopes(judge, obs)[model.actions.choice(action)]

    value = each(best, 2)(played.obs)
    following = jnp.concatenate([value[1:], jax.vmap(best)(result.obs)[None]])
    following = at_ends(task.time_limit, played, following, lambda obs, of: each(best, 2)(obs))
    hopes = each(hoped, 2)(played.obs, played.action)

    def back(later: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        reward, following, done, hope = now
        ahead = jnp.where(done, following, (1 - config.trace) * following + config.trace * later)
        target = config.reward_scale * reward + config.discount * ahead
        return hope + target, target

    return jax.lax.scan(back, following[-1], (played.reward, following, played.done, hopes), reverse=True)[1]


def _episodes(running: Any, reward: Array, done: Array) -> tuple[Any, dict[str, Array]]:
    """Follow the episodes: return the running ones, and sums over those that ended."""

    def step(running: Any, now: tuple[Array, Array]) -> tuple[Any, tuple[Array, Array]]:
        (total, length), (reward, done) = running, now
        total, length = total + reward, length + 1
        after = jax.tree.map(lambda leaf: jnp.where(done, jnp.zeros_like(leaf), leaf), (total, length))
        return after, (jnp.where(done, total, 0.0), jnp.where(done, length, 0))

    running, (totals, lengths) = jax.lax.scan(step, running, (reward, done))
    episodes = done.sum(dtype=jnp.int32).astype(jnp.float32)
    return running, {"episodes": episodes, "return_sum": totals.sum(), "length_sum": lengths.astype(jnp.float32).sum()}


def _counted(model: Model, judge: Any, obs: Any, action: Any) -> Array:
    """Return how often actions were taken, these included."""
    counts = judge["counts"]
    if not model.count_bits:
        return counts
    hashes = each(lambda obs: model.hash(judge, obs), 2)(obs)
    return counts.at[hashes, each(model.actions.choice, 2)(action)].add(1.0)


def _learn(
    model: Model, config: Config, learner: Learner, judge: Any, learning_rate: Array, batch: Any, key: Array
) -> tuple[Any, Any, dict[str, Array]]:
    """Bring the network closer to the targets in passes over a batch."""

    def loss(weights: Any, part: Any) -> tuple[Array, dict[str, Array]]:
        obs, action, target = part
        values = jax.vmap(lambda obs: model.values({**judge, "weights": weights}, obs))(obs)
        chosen = jax.vmap(lambda values, action: values[model.actions.choice(action)])(values, action)
        error = 0.5 * jnp.square(chosen - target).mean()
        return error, {"value_loss": error, "value": chosen.mean()}

    def minibatch(state: tuple[Any, Any], which: Array) -> tuple[tuple[Any, Any], dict[str, Array]]:
        weights, optimiser = state
        gradient, said = jax.grad(loss, has_aux=True)(weights, jax.tree.map(lambda leaf: leaf[which], batch))
        norm = jnp.sqrt(sum((jnp.square(leaf).sum() for leaf in jax.tree.leaves(gradient)), start=jnp.float32(0.0)))
        gradient = jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, config.max_gradient_norm / (norm + 1e-9)), gradient)
        with jax.numpy_dtype_promotion("standard"):  # optax multiplies integers by floats
            change, optimiser = _RADAM.update(gradient, optimiser)
        return (jax.tree.map(lambda leaf, step: leaf - learning_rate * step, weights, change), optimiser), said

    def epoch(state: tuple[Any, Any], number: Array) -> tuple[tuple[Any, Any], dict[str, Array]]:
        order = jnp.argsort(jaxenv.random.words(jaxenv.random.fold_in(key, number), steps_per_update(config)))
        return jax.lax.scan(minibatch, state, order.reshape(config.minibatches, -1))

    state, said = jax.lax.scan(epoch, (learner.weights, learner.optimiser), jnp.arange(config.epochs))
    return *state, {name: value.mean() for name, value in said.items()}
