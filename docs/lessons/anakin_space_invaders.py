# %% [markdown]
# # An Anakin agent on several devices
#
# Where environments are JAX functions, acting and learning fit into one program. If every device runs that program on environments
# of its own, and the devices average their gradients, the agent scales over all of them. This design is called Anakin
# (Hessel et al. 2021, *Podracer architectures for scalable reinforcement learning*).
#
# The lesson trains a small network with PPO on `SpaceInvaders-MinAtar`. `jax.shard_map` spreads it over all devices that there are.
#
# It needs `jaxenv-core`, `jaxenv-minatar`, `optax` and `matplotlib`, and takes about 100 s on two CPU cores. To try several devices
# on one CPU, set `XLA_FLAGS=--xla_force_host_platform_device_count=2`; the results of the two ways differ, since each device draws
# random numbers of its own.

# %%
import os
import time
from functools import partial

import jax
import jax.numpy as jnp
import jaxenv
import matplotlib.pyplot as plt
import numpy as np
import optax
from flax import linen as nn
from jax.sharding import Mesh, PartitionSpec
from jaxenv.wrappers import LogWrapper

SHORT = os.environ.get("JAXENV_LESSONS") == "short"  # the tests run a shorter training
started = time.perf_counter()

NUM_ENVS, NUM_STEPS = 64, 32  # environments on all devices together, steps between two updates
NUM_UPDATES, REPORTS = (20, 2) if SHORT else (1000, 20)
EPOCHS, MINIBATCHES = 2, 4
DISCOUNT, TRACE, CLIP, ENTROPY = 0.99, 0.95, 0.2, 0.01

# %% [markdown]
# ## Devices
#
# A mesh gives the devices an axis with a name. Each device gets an equal share of the environments.

# %%
devices = jax.devices()
mesh = Mesh(np.array(devices), ("devices",))
own_envs = NUM_ENVS // len(devices)
print(f"{len(devices)} devices with {own_envs} environments each")

# %% [markdown]
# ## Task and network
#
# Observations are boards of flags, `bool[10, 10, 6]`. MinAtar has no time limit, so every episode ends by the rules of the game.
# The network has one dense layer, which is quicker on a CPU than a convolution.


# %%
task, params = jaxenv.make("SpaceInvaders-MinAtar")
env = LogWrapper(task, final_observation=True)


class ActorCritic(nn.Module):
    @nn.compact
    def __call__(self, obs):
        x = obs.reshape(*obs.shape[:-3], -1).astype(jnp.float32)
        x = nn.relu(nn.Dense(128)(x))
        logits = nn.Dense(env.num_actions, kernel_init=nn.initializers.orthogonal(0.01))(x)
        return logits, nn.Dense(1)(x)[..., 0]


network = ActorCritic()


def policy(weights, obs, key):
    return jax.random.categorical(key, network.apply(weights, obs)[0])


def log_prob_of(logits, action):
    return jnp.take_along_axis(nn.log_softmax(logits), action[..., None], axis=-1)[..., 0]


# %% [markdown]
# ## The loss
#
# This is PPO, as in the lesson *PPO from scratch*. Nothing in it knows about devices.


# %%
def advantages(weights, steps):
    _, value = network.apply(weights, steps.obs)
    _, next_value = network.apply(weights, steps.info["final_observation"])
    error = steps.reward + DISCOUNT * steps.info["discount"] * next_value - value

    def backwards(following, step):
        error, done = step
        advantage = error + DISCOUNT * TRACE * jnp.where(done, 0.0, following)
        return advantage, advantage

    _, advantage = jax.lax.scan(backwards, jnp.zeros(own_envs), (error, steps.done), reverse=True)
    return advantage, advantage + value


def loss(weights, batch):
    logits, value = network.apply(weights, batch["obs"])
    ratio = jnp.exp(log_prob_of(logits, batch["action"]) - batch["log_prob"])
    advantage = (batch["advantage"] - batch["advantage"].mean()) / (batch["advantage"].std() + 1e-8)
    gain = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage)
    entropy = -(nn.softmax(logits) * nn.log_softmax(logits)).sum(axis=-1)
    return (0.25 * jnp.square(value - batch["target"]) - gain - ENTROPY * entropy).mean()


# %% [markdown]
# ## One update on one device
#
# The device plays its own environments and computes gradients from what they returned. The one line that makes the agent distributed is
# `jax.lax.pmean`: it averages the gradients over the axis of devices. All devices then take the same step, so the weights stay equal.

# %%
optimiser = optax.chain(
    optax.clip_by_global_norm(0.5),
    optax.adam(optax.linear_schedule(5e-3, 0.0, NUM_UPDATES * EPOCHS * MINIBATCHES)),
)


def update(carry, key):
    weights, moments, env_state = carry
    key_play, key_shuffle = jax.random.split(jax.random.fold_in(key, jax.lax.axis_index("devices")))
    played = jaxenv.rollout(
        env, params, policy, key_play, num_envs=own_envs, num_steps=NUM_STEPS, policy_params=weights, state=env_state
    )
    steps = played.trajectory
    advantage, target = advantages(weights, steps)
    log_prob = log_prob_of(network.apply(weights, steps.obs)[0], steps.action)
    batch = {"obs": steps.obs, "action": steps.action, "log_prob": log_prob, "advantage": advantage, "target": target}
    batch = jax.tree.map(lambda x: x.reshape(NUM_STEPS * own_envs, *x.shape[2:]), batch)

    def learn(carry, rows):
        weights, moments = carry
        gradient = jax.grad(loss)(weights, jax.tree.map(lambda x: x[rows], batch))
        gradient = jax.lax.pmean(gradient, "devices")
        change, moments = optimiser.update(gradient, moments)
        return (optax.apply_updates(weights, change), moments), None

    orders = jax.vmap(lambda k: jax.random.permutation(k, NUM_STEPS * own_envs))(jax.random.split(key_shuffle, EPOCHS))
    (weights, moments), _ = jax.lax.scan(learn, (weights, moments), orders.reshape(EPOCHS * MINIBATCHES, -1))
    last_returns = jax.lax.pmean(steps.info["returned_episode_returns"][-1].mean(), "devices")
    return (weights, moments, played.state), last_returns


# %% [markdown]
# ## The same program on every device
#
# `shard_map` runs `updates` on each device. The specs say what a device gets: `everywhere` is a copy, `split` is a share of the first axis.
# Many updates run in one call, so Python is needed only for reports.

# %%
everywhere, split = PartitionSpec(), PartitionSpec("devices")


@jax.jit
@partial(
    jax.shard_map,
    mesh=mesh,
    in_specs=((everywhere, everywhere, split), everywhere),
    out_specs=((everywhere, everywhere, split), everywhere),
    check_vma=False,
)
def updates(carry, keys):
    return jax.lax.scan(update, carry, keys)


key_network, key_reset, key_updates, key_trained, key_random = jax.random.split(jax.random.key(0), 5)
weights = network.init(key_network, jnp.zeros(env.observation_space().shape))
_, env_state = jax.vmap(env.reset)(jax.random.split(key_reset, NUM_ENVS))
carry, curve = (weights, optimiser.init(weights), env_state), []
for keys in jax.random.split(key_updates, (REPORTS, NUM_UPDATES // REPORTS)):
    carry, returns = updates(carry, keys)
    curve.append(returns)
    print(f"{len(curve) * NUM_UPDATES // REPORTS * NUM_STEPS * NUM_ENVS:9,} steps: mean return {returns.mean():6.1f}")

# %% [markdown]
# ## Did it learn?
#
# The test plays 100 whole games with the trained policy, and 100 with random actions.

# %%
weights = carry[0]
trained = jaxenv.evaluate(task, params, policy, key_trained, num_episodes=100, policy_params=weights, max_steps=2000).returns
random = jaxenv.evaluate(task, params, None, key_random, num_episodes=100, max_steps=2000).returns
mean_return, gain = float(trained.mean()), float(trained.mean() - random.mean())
print(f"mean return of 100 games: {mean_return:.1f}, with random actions {random.mean():.1f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
curve = jnp.concatenate(curve)
left.plot(jnp.arange(1, len(curve) + 1) * NUM_STEPS * NUM_ENVS, curve)
left.set(xlabel="steps on all devices", ylabel="return", title=f"PPO on {len(devices)} device(s)")
right.hist([random, trained], bins=30, label=["random", "trained"])
right.set(xlabel="return of a game", ylabel="games", title="SpaceInvaders-MinAtar")
right.legend()
figure.savefig("anakin_space_invaders.png", dpi=150)

print(f"took {time.perf_counter() - started:.1f} s on {jax.devices()[0].device_kind}")
