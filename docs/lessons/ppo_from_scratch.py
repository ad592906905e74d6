# %% [markdown]
# # PPO from scratch, in one page
#
# This lesson trains an agent on CartPole with proximal policy optimisation (PPO, Schulman et al. 2017). The whole
# algorithm is below: a network, advantage estimates, a loss and a loop. Environment, agent and optimiser are compiled into
# one program, so nothing travels between the device and Python while it trains.
#
# The best possible return on CartPole-v1 is 500. The task counts as solved at 475.
#
# It needs `jaxenv-core`, `jaxenv-classic`, `optax` and `matplotlib`, and takes about 20 s on two CPU cores, most of
# it for compiling.

# %%
import os
import time

import jax
import jax.numpy as jnp
import jaxenv
import matplotlib.pyplot as plt
import optax
from flax import linen as nn
from jaxenv.wrappers import LogWrapper

SHORT = os.environ.get("JAXENV_LESSONS") == "short"  # the tests run a shorter training
started = time.perf_counter()

NUM_ENVS, NUM_STEPS = 32, 128
NUM_UPDATES = 20 if SHORT else 80
EPOCHS, MINIBATCHES = 4, 4
DISCOUNT, TRACE, CLIP, ENTROPY = 0.99, 0.95, 0.2, 0.01

# %% [markdown]
# ## The environment
#
# `LogWrapper` adds the return of the last finished episode to `info`. It leaves out `final_observation` unless you ask for it.
# PPO needs it: it is the observation that a step led to, before the automatic reset.

# %%
task, params = jaxenv.make("CartPole-v1")
env = LogWrapper(task, final_observation=True)

# %% [markdown]
# ## The network
#
# Two small towers: one for the logits of the actions, one for the value of the observation. `policy` has the form that
# `jaxenv.rollout` and `jaxenv.evaluate` expect. It sees one observation, never a batch.


# %%
class ActorCritic(nn.Module):
    num_actions: int

    @nn.compact
    def __call__(self, obs):
        def tower(outputs, scale):
            x = obs
            for _ in range(2):
                x = nn.tanh(nn.Dense(64, kernel_init=nn.initializers.orthogonal(2**0.5))(x))
            return nn.Dense(outputs, kernel_init=nn.initializers.orthogonal(scale))(x)

        return tower(self.num_actions, 0.01), tower(1, 1.0)[..., 0]


network = ActorCritic(env.num_actions)


def policy(weights, obs, key):
    return jax.random.categorical(key, network.apply(weights, obs)[0])


def log_prob_of(logits, action):
    return jnp.take_along_axis(nn.log_softmax(logits), action[..., None], axis=-1)[..., 0]


# %% [markdown]
# ## Advantages
#
# Generalised advantage estimation (Schulman et al. 2016) walks backwards through the steps. Two flags matter here:
#
# - `discount` is 0 where the task itself ended, so the value of what follows is not counted. Where only the time limit was
#   reached it is 1, and the value of the final observation still counts.
# - `done` is true in both cases. The next step belongs to another episode, so the sum must not go on across it.


# %%
def estimate_advantages(weights, trajectory):
    _, value = network.apply(weights, trajectory.obs)
    _, next_value = network.apply(weights, trajectory.info["final_observation"])
    error = trajectory.reward + DISCOUNT * trajectory.info["discount"] * next_value - value

    def backwards(following, step):
        error, done = step
        advantage = error + DISCOUNT * TRACE * jnp.where(done, 0.0, following)
        return advantage, advantage

    _, advantage = jax.lax.scan(backwards, jnp.zeros(NUM_ENVS), (error, trajectory.done), reverse=True)
    return advantage, advantage + value


# %% [markdown]
# ## The loss
#
# The ratio says how much more likely an action is now than when it was played. Clipping it removes the incentive to move
# further than `CLIP` away from the policy that collected the data.


# %%
def loss(weights, batch):
    logits, value = network.apply(weights, batch["obs"])
    ratio = jnp.exp(log_prob_of(logits, batch["action"]) - batch["log_prob"])
    advantage = (batch["advantage"] - batch["advantage"].mean()) / (batch["advantage"].std() + 1e-8)
    gain = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage)
    entropy = -(nn.softmax(logits) * nn.log_softmax(logits)).sum(axis=-1)
    return (0.25 * jnp.square(value - batch["target"]) - gain - ENTROPY * entropy).mean()


# %% [markdown]
# ## One update
#
# `jaxenv.rollout` plays all environments and returns every step. `state=` lets it continue where the last update stopped.
# Then several epochs of minibatches follow, each a `lax.scan`.

# %%
num_gradients = NUM_UPDATES * EPOCHS * MINIBATCHES
optimiser = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(optax.linear_schedule(2e-3, 0.0, num_gradients)))


def update(carry, key):
    weights, moments, env_state = carry
    key_play, key_shuffle = jax.random.split(key)
    played = jaxenv.rollout(
        env, params, policy, key_play, num_envs=NUM_ENVS, num_steps=NUM_STEPS, policy_params=weights, state=env_state
    )
    steps = played.trajectory
    advantage, target = estimate_advantages(weights, steps)
    log_prob = log_prob_of(network.apply(weights, steps.obs)[0], steps.action)
    batch = {"obs": steps.obs, "action": steps.action, "log_prob": log_prob, "advantage": advantage, "target": target}
    batch = jax.tree.map(lambda x: x.reshape(NUM_STEPS * NUM_ENVS, *x.shape[2:]), batch)

    def learn(carry, rows):
        weights, moments = carry
        gradient = jax.grad(loss)(weights, jax.tree.map(lambda x: x[rows], batch))
        change, moments = optimiser.update(gradient, moments)
        return (optax.apply_updates(weights, change), moments), None

    orders = jax.vmap(lambda k: jax.random.permutation(k, NUM_STEPS * NUM_ENVS))(jax.random.split(key_shuffle, EPOCHS))
    (weights, moments), _ = jax.lax.scan(learn, (weights, moments), orders.reshape(EPOCHS * MINIBATCHES, -1))
    return (weights, moments, played.state), steps.info["returned_episode_returns"][-1].mean()


# %% [markdown]
# ## Training
#
# The outer loop is a scan over updates. One `jax.jit` compiles everything. To train several seeds at once, put `jax.vmap`
# around `train`: `jax.vmap(train)(jax.random.split(key, 8))`.


# %%
@jax.jit
def train(key):
    key_network, key_reset, key_updates = jax.random.split(key, 3)
    weights = network.init(key_network, jnp.zeros(env.observation_space().shape))
    _, env_state = jax.vmap(env.reset)(jax.random.split(key_reset, NUM_ENVS))
    carry = (weights, optimiser.init(weights), env_state)
    (weights, _, _), curve = jax.lax.scan(update, carry, jax.random.split(key_updates, NUM_UPDATES))
    return weights, curve


key_train, key_test = jax.random.split(jax.random.key(0))
weights, curve = jax.block_until_ready(train(key_train))

# %% [markdown]
# ## Did it learn?
#
# `jaxenv.evaluate` plays exactly 100 episodes to their ends. For the test the agent takes its most likely action.


# %%
def greedy(weights, obs, key):
    return jnp.argmax(network.apply(weights, obs)[0])


result = jaxenv.evaluate(task, params, greedy, key_test, num_episodes=100, policy_params=weights)
mean_return = float(result.returns.mean())
print(f"mean return of 100 episodes: {mean_return:.1f}")

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
axes.plot(jnp.arange(1, NUM_UPDATES + 1) * NUM_STEPS * NUM_ENVS, curve, label="while learning")
axes.axhline(475, color="grey", linestyle="--", label="solved")
axes.set(xlabel="steps", ylabel="return", title="PPO on CartPole-v1", ylim=(0, 510))
axes.legend(loc="lower right")
figure.savefig("ppo_from_scratch.png", dpi=150)

print(f"took {time.perf_counter() - started:.1f} s on {jax.devices()[0].device_kind}")
