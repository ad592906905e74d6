# %% [markdown]
# # Meta-learning: an LSTM that learns to play bandits
#
# An agent faces two arms. One pays with probability 0.9, the other with 0.1, and each episode tosses a coin for which is which.
# No fixed choice is better than any other. A good agent has to explore, remember what it got, and exploit it, all within 100 pulls.
#
# Here an LSTM learns to do that (Wang et al. 2016, *Learning to reinforcement learn*; Duan et al. 2016, *RL²*). Its weights are trained
# by advantage actor-critic (A2C) over many episodes. Within an episode they stay fixed, and the memory of the LSTM does the learning.
#
# It needs `jaxenv-core`, `jaxenv-misc`, `optax` and `matplotlib`, and takes about 50 s on two CPU cores.

# %%
import os
import time

import jax
import jax.numpy as jnp
import jaxenv
import matplotlib.pyplot as plt
import optax
from flax import linen as nn

SHORT = os.environ.get("JAXENV_LESSONS") == "short"  # the tests run a shorter training
started = time.perf_counter()

NUM_ENVS, PULLS = 64, 100
NUM_UPDATES, NUM_SEEDS = (120, 1) if SHORT else (300, 4)
MEMORY, DISCOUNT, TRACE = 32, 0.5, 0.9

# %% [markdown]
# ## The task
#
# The observation of `BernoulliBandit-misc` is what a meta-learner needs: the last reward, the last arm and the time. For other tasks,
# the wrapper `PreviousActionAndReward` adds these.
#
# `info["regret"]` is the probability of the better arm minus that of the pulled one.

# %%
env, params = jaxenv.make("BernoulliBandit-misc", normalize_time=True)
print(env.observation_space(params))

# %% [markdown]
# ## A policy with a memory
#
# A recurrent policy takes the carry as an argument and returns the new one: `policy(weights, carry, obs, key) -> (carry, action)`.
# `rollout` and `evaluate` reset the carry to `initial_carry` whenever an episode ends.


# %%
class Agent(nn.Module):
    @nn.compact
    def __call__(self, carry, obs):
        carry, x = nn.OptimizedLSTMCell(MEMORY)(carry, obs)
        return carry, nn.Dense(env.num_actions)(x), nn.Dense(1)(x)[..., 0]


agent = Agent()
initial_carry = (jnp.zeros(MEMORY), jnp.zeros(MEMORY))


def policy(weights, carry, obs, key):
    carry, logits, _ = agent.apply(weights, carry, obs)
    return carry, jax.random.categorical(key, logits)


def play(weights, key):
    """Play one whole episode in each environment, `[PULLS, NUM_ENVS]`."""
    return jaxenv.rollout(
        env,
        params,
        policy,
        key,
        num_envs=NUM_ENVS,
        num_steps=PULLS,
        policy_params=weights,
        initial_carry=initial_carry,
    ).trajectory


# %% [markdown]
# ## The loss
#
# A rollout returns what happened, not what the network computed. So the loss runs the network over the episodes again, this time with
# gradients that flow back through all 100 steps of the memory.
#
# A rollout is as long as an episode, so each column is one episode and nothing follows it. The discount may be small: a pull does not
# change the arms, and what it reveals pays at once.


# %%
def loss(weights, steps, entropy_bonus):
    def one_step(carry, obs):
        carry, logits, value = agent.apply(weights, carry, obs)
        return carry, (logits, value)

    carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (NUM_ENVS, MEMORY)), initial_carry)
    _, (logits, value) = jax.lax.scan(one_step, carry, steps.obs)

    next_value = jnp.concatenate([value[1:], jnp.zeros((1, NUM_ENVS))])
    error = steps.reward + DISCOUNT * next_value - value

    def backwards(following, error):
        advantage = error + DISCOUNT * TRACE * following
        return advantage, advantage

    _, advantage = jax.lax.scan(backwards, jnp.zeros(NUM_ENVS), error, reverse=True)
    advantage = jax.lax.stop_gradient(advantage)
    target = advantage + jax.lax.stop_gradient(value)

    log_probs = nn.log_softmax(logits)
    chosen = jnp.take_along_axis(log_probs, steps.action[..., None], axis=-1)[..., 0]
    entropy = -(jnp.exp(log_probs) * log_probs).sum(axis=-1)
    return (0.25 * jnp.square(value - target) - chosen * advantage - entropy_bonus * entropy).mean()


# %% [markdown]
# ## Training
#
# The bonus for entropy keeps the agent exploring in the beginning. It falls to 0, so that the agent may commit in the end. Several seeds
# train at once, by `jax.vmap` around the whole training.

# %%
optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(5e-3))


def update(carry, inputs):
    weights, moments = carry
    key, entropy_bonus = inputs
    steps = play(weights, key)
    gradient = jax.grad(loss)(weights, steps, entropy_bonus)
    change, moments = optimiser.update(gradient, moments)
    return (optax.apply_updates(weights, change), moments), steps.reward.sum(axis=0).mean()


@jax.jit
def train(key):
    key_network, key_updates = jax.random.split(key)
    weights = agent.init(key_network, initial_carry, jnp.zeros(env.observation_space().shape))
    inputs = jax.random.split(key_updates, NUM_UPDATES), jnp.linspace(0.05, 0.0, NUM_UPDATES)
    (weights, _), curve = jax.lax.scan(update, (weights, optimiser.init(weights)), inputs)
    return weights, curve


key_train, key_test, key_pulls = jax.random.split(jax.random.key(0), 3)
weights, curves = jax.block_until_ready(jax.vmap(train)(jax.random.split(key_train, NUM_SEEDS)))

# %% [markdown]
# ## Did it learn to learn?
#
# Random pulls earn 50 on average. Nobody can earn more than 89.4 on average: that is what the Bayes-optimal agent gets. The right panel
# shows how often an agent pulls the better arm at each point of a new episode. The weights do not change there.

# %%
weights = jax.tree.map(lambda leaf: leaf[0], weights)  # of the first seed
result = jaxenv.evaluate(env, params, policy, key_test, num_episodes=1000, policy_params=weights, initial_carry=initial_carry)
mean_return = float(result.returns.mean())
print(f"mean return of 1,000 new episodes: {mean_return:.1f}")

steps = jaxenv.rollout(
    env,
    params,
    policy,
    key_pulls,
    num_envs=1000,
    num_steps=PULLS,
    policy_params=weights,
    initial_carry=initial_carry,
).trajectory
better = (steps.info["regret"] == 0).mean(axis=1)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
left.plot(curves.T)
left.axhline(89.4, color="grey", linestyle="--", label="Bayes-optimal")
left.axhline(50.0, color="grey", linestyle=":", label="random")
left.set(xlabel="update", ylabel="return", title="Training")
left.legend()
right.plot(jnp.arange(1, PULLS + 1), better)
right.set(xlabel="pull", ylabel="better arm pulled", title="Within an episode, weights fixed", ylim=(0, 1.05))
right.text(0.5, 0.1, f"mean return {mean_return:.1f}", transform=right.transAxes)
figure.savefig("meta_learning_bandits.png", dpi=150)

print(f"took {time.perf_counter() - started:.1f} s on {jax.devices()[0].device_kind}")
