# %% [markdown]
# # Getting started
#
# This lesson shows the API: make an environment, step it, run thousands of copies at once, vary its parameters, and draw it.
# At the end, a search without gradients finds a policy that balances the pole.
#
# It needs `jaxenv-core`, `jaxenv-classic` and `matplotlib`, and takes about 10 s on two CPU cores.

# %%
import os
import time

import jax
import jax.numpy as jnp
import jaxenv
import matplotlib.pyplot as plt
from jaxenv.wrappers import FrameStackObservation, LogWrapper

SHORT = os.environ.get("JAXENV_LESSONS") == "short"  # the tests run a shorter form
started = time.perf_counter()

# %% [markdown]
# ## Make, reset, step
#
# `jaxenv.make` returns an environment and its parameters. The environment is a value without any state of its own. The state
# goes in and out of `step`, and randomness comes from keys that you pass.

# %%
env, params = jaxenv.make("CartPole-v1")
print(env.action_space(params))
print(env.observation_space(params))

key_reset, key_action, key_step = jax.random.split(jax.random.key(0), 3)
obs, state = env.reset(key_reset, params)
action = env.action_space(params).sample(key_action)
obs, state, reward, done, info = env.step(key_step, state, action, params)
print(f"reward {reward}, done {done}")

# %% [markdown]
# `step` resets by itself. When `done` is true, `obs` and `state` already begin the next episode. Four entries of `info` say
# how the last one ended:
#
# - `terminated`: the task itself ended, such as a pole that fell.
# - `truncated`: the time limit was reached.
# - `discount`: 0 where the task ended, else 1. Multiply the value of the next observation by it.
# - `final_observation`: the observation before the reset.

# %%
print({name: value.shape for name, value in info.items()})

# %% [markdown]
# ## A whole episode: `lax.scan`
#
# A Python loop works, since `reset` and `step` are compiled. A scan compiles the loop as well, and a whole
# episode then costs one call.


# %%
def lean(obs, key):
    """Push the cart towards the side to which the pole leans."""
    return (obs[2] > 0).astype(jnp.int32)


@jax.jit
def play(key):
    key_reset, key_steps = jax.random.split(key)

    def one_step(carry, key):
        obs, state = carry
        obs, state, reward, done, info = env.step(key, state, lean(obs, None), params)
        return (obs, state), (state, reward, done)

    _, steps = jax.lax.scan(one_step, env.reset(key_reset, params), jax.random.split(key_steps, 200))
    return steps


states, reward, done = play(jax.random.key(1))
print(f"{int(done.sum())} episodes ended in 200 steps")

# %% [markdown]
# ## Thousands at once: `vmap`
#
# Every function here works on one environment. `jax.vmap` makes a batch of it.

# %%
keys_reset, keys_step = jax.random.split(jax.random.key(2), (2, 1024))
obs, state = jax.vmap(env.reset, in_axes=(0, None))(keys_reset, params)
actions = jax.vmap(lean, in_axes=(0, None))(obs, None)
obs, state, reward, done, info = jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys_step, state, actions, params)
print(obs.shape, reward.shape)

# %% [markdown]
# ## Rollouts
#
# Playing a batch for many steps is so common that there is a function for it. On an NVIDIA GPU `rollout` plays all steps in
# one kernel, network included.

# %%
result = jaxenv.rollout(env, params, lean, jax.random.key(3), num_envs=256, num_steps=500)
print(result.trajectory.obs.shape)  # steps, environments, components
print(f"{result.statistics.episodes} episodes with a mean return of {result.statistics.return_mean:.1f}")

# %% [markdown]
# `evaluate` plays a number of whole episodes and keeps only their returns and lengths. Use it to compare policies, since
# long episodes count as much as short ones. With `None` for a policy, actions are random.

# %%
policies = {"random": None, "lean": lean}
for key, (name, policy) in zip(jax.random.split(jax.random.key(4)), policies.items(), strict=True):
    returns = jaxenv.evaluate(env, params, policy, key, num_episodes=200).returns
    print(f"{name:6} {returns.mean():5.1f}")

# %% [markdown]
# ## Parameters
#
# Every number of the task is a leaf of `params`. Change one with `replace`, or give it to `make`. What changes the shape of
# an array is a field of the environment instead, and `make` takes it by name too.

# %%
moon, moon_params = jaxenv.make("CartPole-v1", gravity=1.6)
print(moon_params.gravity, params.replace(length=1.0).length)

# %% [markdown]
# Parameters may be batched. Here 256 environments have 256 different gravities, in one call: `params_axis=0` means that the
# leaves have a leading axis.

# %%
gravities = jnp.linspace(1.0, 40.0, 256)
many = jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf), (256,)), params).replace(gravity=gravities)
lengths = jaxenv.evaluate(env, many, lean, jax.random.key(5), num_episodes=256, params_axis=0).lengths
print(f"{lengths[:128].mean():.1f} steps under weak gravity, {lengths[128:].mean():.1f} under strong")

# %% [markdown]
# ## Wrappers
#
# Wrappers are environments made from environments, with the names that Gymnasium uses. They stack in any order.

# %%
stacked = LogWrapper(FrameStackObservation(env, stack_size=4))
obs, state = stacked.reset(jax.random.key(6), params)
print(obs.shape)

# %% [markdown]
# ## Learn something
#
# The cross-entropy method draws a population of linear policies, plays them all, and moves towards the best tenth.
# `policy_params_axis=0` makes `evaluate` play every member of the population.


# %%
def linear(weights, obs, key):
    return (weights @ obs > 0).astype(jnp.int32)


@jax.jit
def generation(search, key):
    mean, std = search
    key_members, key_play = jax.random.split(key)
    members = mean + std * jax.random.normal(key_members, (128, 4))
    played = jaxenv.evaluate(env, params, linear, key_play, num_episodes=8, policy_params=members, policy_params_axis=0)
    score = played.returns.mean(axis=1)
    best = members[jnp.argsort(score)[-12:]]
    return (best.mean(axis=0), best.std(axis=0) + 0.01), score


key_search, key_test = jax.random.split(jax.random.key(7))
search, scores = (jnp.zeros(4), jnp.ones(4)), []
for key in jax.random.split(key_search, 4 if SHORT else 10):
    search, score = generation(search, key)
    scores.append(score)

weights = search[0]
tested = jaxenv.evaluate(env, params, linear, key_test, num_episodes=100, policy_params=weights)
mean_return = float(tested.returns.mean())
print(f"mean return of 100 new episodes: {mean_return:.1f}")

# %% [markdown]
# ## Draw it
#
# `env.render` is a JAX function: it returns `uint8[H, W, 3]` and works under `jit` and `vmap`. `keep_states=True` keeps the
# states of a rollout. `jaxenv.visualize.Visualizer` writes films.

# %%
shown = jaxenv.rollout(env, params, linear, jax.random.key(8), num_envs=1, num_steps=90, policy_params=weights, keep_states=True)
moments = jax.tree.map(lambda leaf: leaf[::30, 0], shown.trajectory.state)
pictures = jax.vmap(env.render, in_axes=(0, None))(moments, params)

figure = plt.figure(figsize=(8, 5), layout="constrained")
grid = figure.add_gridspec(2, 3, height_ratios=(2, 3))
for column, picture in enumerate(pictures):
    axes = figure.add_subplot(grid[0, column])
    axes.imshow(picture)
    axes.set(title=f"step {30 * column}", xticks=[], yticks=[])
axes = figure.add_subplot(grid[1, :])
axes.boxplot(scores, whis=(0, 100))
axes.set(xlabel="generation", ylabel="mean return of a member", title="A population learns to balance the pole")
figure.savefig("getting_started.png", dpi=150)

print(f"took {time.perf_counter() - started:.1f} s on {jax.devices()[0].device_kind}")
