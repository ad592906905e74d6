"""Train an actor and a critic with PPO (Schulman et al. 2017): playing and learning are one program on the device.

The network is flax's, the optimiser optax's, the environment any one with a Discrete action space::

    python examples/actor_critic.py
    python examples/actor_critic.py --env Catch-bsuite --seed 1
    python examples/actor_critic.py --env Breakout-MinAtar --steps 5000000 --envs 64
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxenv
import optax
from flax import linen as nn
from flax.training.train_state import TrainState
from jax import Array
from jaxenv.wrappers import FlattenObservation, LogWrapper, NormalizeReward, Vectorize


class Settings(NamedTuple):
    """What is often tuned; the defaults are common ones."""

    num_envs: int = 16
    num_steps: int = 128  # between two updates, in each environment
    num_updates: int = 150
    epochs: int = 4  # over the steps of an update
    minibatches: int = 4  # in an epoch
    learning_rate: float = 1e-3  # falls to 0 over the training
    discount: float = 0.99
    trace: float = 0.95  # lambda of the generalised advantage estimates
    clip: float = 0.2  # how far a probability may move, relatively, before its gradient is cut
    entropy: float = 0.01
    value: float = 0.5


class ActorCritic(nn.Module):
    """Two towers: logits of the actions, float32[num_actions], and the value of the observation, float32[]."""

    num_actions: int

    @nn.compact
    def __call__(self, obs: Array) -> tuple[Array, Array]:
        def tower(outputs: int, scale: float) -> Array:
            x = obs
            for _ in range(2):
                x = nn.tanh(nn.Dense(64, kernel_init=nn.initializers.orthogonal(2**0.5))(x))
            return nn.Dense(outputs, kernel_init=nn.initializers.orthogonal(scale))(x)

        return tower(self.num_actions, 0.01), tower(1, 1.0).squeeze(-1)


class Step(NamedTuple):
    """What is remembered of a step, each with leading axes ``[num_steps, num_envs]``."""

    obs: Array
    action: Array
    log_prob: Array
    value: Array
    final_value: Array
    """The value of what the step led to, before any reset: 0 where the task ended, and as it is where only the time was up."""
    reward: Array
    done: Array


class Batch(NamedTuple):
    """What is learned from, each with one leading axis."""

    obs: Array
    action: Array
    log_prob: Array
    advantage: Array
    target: Array


def advantages(steps: Step, settings: Settings) -> Array:
    """Estimate how much better each action was than the policy's average one (Schulman et al. 2016), by going backwards."""

    def back(following: Array, step: Step) -> tuple[Array, Array]:
        surprise = step.reward + settings.discount * step.final_value - step.value
        advantage = surprise + settings.discount * settings.trace * jnp.where(step.done, 0.0, following)
        return advantage, advantage

    return jax.lax.scan(back, jnp.zeros_like(steps.value[0]), steps, reverse=True)[1]


def loss(weights: Any, network: ActorCritic, batch: Batch, settings: Settings) -> Array:
    """Return PPO's loss: clipped policy gradient, squared error of the values, less a bonus for entropy."""
    logits, value = network.apply(weights, batch.obs)
    log_probs = nn.log_softmax(logits)
    ratio = jnp.exp(jnp.take_along_axis(log_probs, batch.action[:, None], axis=1).squeeze(1) - batch.log_prob)
    advantage = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std() + 1e-8)
    gain = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - settings.clip, 1 + settings.clip) * advantage)
    entropy = -(jnp.exp(log_probs) * log_probs).sum(axis=1)
    error = 0.5 * jnp.square(value - batch.target)
    return (settings.value * error - gain - settings.entropy * entropy).mean()


def train(key: Array, env: Vectorize, params: Any, settings: Settings) -> tuple[TrainState, Array]:
    """Train from scratch: return the trained state, and after each update the mean return of the environments' last episodes."""
    network = ActorCritic(env.num_actions)
    first_action = env.env.action_space(params).start  # of one environment: most spaces begin at 0
    key_network, key_reset, key_train = jax.random.split(key, 3)
    obs, env_state = env.reset(key_reset, params)
    updates = settings.num_updates * settings.epochs * settings.minibatches
    optimiser = optax.chain(
        optax.clip_by_global_norm(0.5), optax.adam(optax.linear_schedule(settings.learning_rate, 0.0, updates), eps=1e-5)
    )
    learner = TrainState.create(apply_fn=network.apply, params=network.init(key_network, obs), tx=optimiser)

    def play(carry: Any, key: Array) -> tuple[Any, tuple[Step, Array]]:
        learner, env_state, obs = carry
        key_act, key_step = jax.random.split(key)
        logits, value = network.apply(learner.params, obs)
        action = jax.random.categorical(key_act, logits)
        log_prob = jnp.take_along_axis(nn.log_softmax(logits), action[:, None], axis=1).squeeze(1)
        next_obs, env_state, reward, done, info = env.step(key_step, env_state, action + first_action, params)
        final_value = network.apply(learner.params, info["final_observation"])[1] * info["discount"]
        step = Step(obs, action, log_prob, value, final_value, reward, done)
        return (learner, env_state, next_obs), (step, info["returned_episode_returns"])

    def learn(learner: TrainState, batch: Batch) -> tuple[TrainState, None]:
        return learner.apply_gradients(grads=jax.grad(loss)(learner.params, network, batch, settings)), None

    def epoch(carry: tuple[TrainState, Batch], key: Array) -> tuple[tuple[TrainState, Batch], None]:
        learner, batch = carry
        order = jax.random.permutation(key, len(batch.action)).reshape(settings.minibatches, -1)
        learner, _ = jax.lax.scan(lambda learner, rows: learn(learner, jax.tree.map(lambda x: x[rows], batch)), learner, order)
        return (learner, batch), None

    def update(carry: Any, key: Array) -> tuple[Any, Array]:
        key_play, key_learn = jax.random.split(key)
        (learner, env_state, obs), (steps, returns) = jax.lax.scan(play, carry, jax.random.split(key_play, settings.num_steps))
        advantage = advantages(steps, settings)
        batch = Batch(steps.obs, steps.action, steps.log_prob, advantage, advantage + steps.value)
        batch = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), batch)
        (learner, _), _ = jax.lax.scan(epoch, (learner, batch), jax.random.split(key_learn, settings.epochs))
        return (learner, env_state, obs), returns[-1].mean()

    (learner, _, _), returns = jax.lax.scan(update, (learner, env_state, obs), jax.random.split(key_train, settings.num_updates))
    return learner, returns


def main(arguments: Sequence[str] | None = None) -> Array:
    """Train, print the curve, and return it: the mean return after each update, float32[num_updates]."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1", help="the id of an environment with discrete actions")
    parser.add_argument("--steps", type=int, default=300_000, help="steps in all environments together")
    parser.add_argument("--envs", type=int, default=Settings().num_envs, help="environments that play at once")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    env, params = jaxenv.make(given.env)
    if not isinstance(env.action_space(params), jaxenv.spaces.Discrete):
        parser.error(f"{given.env} has the action space {env.action_space(params)}; choose an environment with a Discrete one")
    steps_an_update = given.envs * Settings().num_steps
    settings = Settings(num_envs=given.envs, num_updates=max(1, given.steps // steps_an_update))
    # The log is of the rewards of the task; what is learned from is scaled, so that values are of the order of 1 in every task.
    logged = LogWrapper(FlattenObservation(env), final_observation=True)
    wrapped = NormalizeReward(logged, gamma=settings.discount, axis_name="envs")
    batch, params = Vectorize(wrapped, settings.num_envs, axis_name="envs"), wrapped.default_params.replace(env_params=params)

    started = time.perf_counter()
    program = jax.jit(lambda key: train(key, batch, params, settings)[1]).lower(jaxenv.random.key(given.seed)).compile()
    compiled = time.perf_counter()
    returns = program(jaxenv.random.key(given.seed)).block_until_ready()
    done = time.perf_counter()
    for number in sorted({*range(0, len(returns), max(1, len(returns) // 10)), len(returns) - 1}):
        print(f"{(number + 1) * steps_an_update:9,} steps: mean return {float(returns[number]):8.2f}")
    print(f"compiled in {compiled - started:.1f} s, trained in {done - compiled:.1f} s on {jax.devices()[0].device_kind}")
    return returns


if __name__ == "__main__":
    main()
