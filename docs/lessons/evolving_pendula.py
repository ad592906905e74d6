# %% [markdown]
# # Evolving an LSTM that controls pendula of different lengths
#
# `Acrobot-v1` is a pendulum of two links. A motor at the joint between them has to swing the tip above a line. How the arm
# moves depends on the length of its first link, `params.link_length_1`.
#
# This lesson evolves one controller for many arms. It doesn't observe the length, so it has to feel it from how the arm moves. Hence the
# LSTM: its memory lasts for an episode. Nothing is differentiated. An evolution strategy only needs the returns of a population.
#
# It needs `jaxenv-core`, `jaxenv-classic`, `matplotlib` and `evosax`, which is the extra `es` of `jaxenv-baselines`
# (`python -m pip install 'evosax>=0.3'`). It takes about 35 s on two CPU cores.

# %%
import os
import time

import jax
import jax.numpy as jnp
import jaxenv
import matplotlib.pyplot as plt
from evosax.algorithms import SNES
from flax import linen as nn

SHORT = os.environ.get("JAXENV_LESSONS") == "short"  # the tests run a shorter search
started = time.perf_counter()

GENERATIONS = 8 if SHORT else 60
MEMBERS, ARMS, MEMORY = 64, 8, 16

# %% [markdown]
# ## Many arms
#
# Params are a pytree, so a batch of tasks is a batch of params. `tasks` has a leading axis on every leaf and another length in each row.
# Nothing is compiled anew for another length.

# %%
env, params = jaxenv.make("Acrobot-v1")


def tasks(lengths):
    """Return params with a leading axis, one row for each length of the first link in m."""
    return jax.vmap(lambda length: params.replace(link_length_1=length))(lengths)


# %% [markdown]
# ## The controller
#
# A recurrent policy returns its new carry and an action. `evaluate` starts every episode with `initial_carry`.


# %%
class Controller(nn.Module):
    @nn.compact
    def __call__(self, carry, obs):
        scaled = obs / jnp.array([1.0, 1.0, 1.0, 1.0, 4 * jnp.pi, 9 * jnp.pi])
        carry, x = nn.OptimizedLSTMCell(MEMORY)(carry, scaled)
        return carry, nn.Dense(env.num_actions)(x)


controller = Controller()
initial_carry = (jnp.zeros(MEMORY), jnp.zeros(MEMORY))


def policy(weights, carry, obs, key):
    carry, logits = controller.apply(weights, carry, obs)
    return carry, jnp.argmax(logits)


# %% [markdown]
# ## One generation
#
# One call plays every member on every arm: `policy_params_axis=0` is the axis of members, `params_axis=0` that of arms. An
# arm costs -1 a step until its tip is above the line, so a return is minus the number of steps, at worst -500.
#
# evosax keeps a normal distribution over weights. `ask` draws members, `tell` moves the distribution towards the good ones. evosax
# minimises, hence the sign.

# %%
key_network, key_search, key_evolve, key_evolved, key_untrained = jax.random.split(jax.random.key(0), 5)
solution = controller.init(key_network, initial_carry, jnp.zeros(6))
strategy = SNES(population_size=MEMBERS, solution=solution)
settings = strategy.default_params.replace(std_init=0.5)


def returns_of(weights, lengths, key, population):
    """Return the return on each arm, float32[arms], or of a population float32[members, arms]."""
    played = jaxenv.evaluate(
        env,
        tasks(lengths),
        policy,
        key,
        num_episodes=len(lengths),
        policy_params=weights,
        policy_params_axis=0 if population else None,
        params_axis=0,
        initial_carry=initial_carry,
        max_steps=500,
    )
    return played.returns


@jax.jit
def generation(search, key):
    key_ask, key_lengths, key_play, key_tell = jax.random.split(key, 4)
    members, search = strategy.ask(key_ask, search, settings)
    lengths = jax.random.uniform(key_lengths, (ARMS,), minval=0.5, maxval=2.0)
    score = returns_of(members, lengths, key_play, population=True).mean(axis=1)
    search, _ = strategy.tell(key_tell, members, -score, search, settings)
    return search, score


search, scores = strategy.init(key_search, solution, settings), []
for key in jax.random.split(key_evolve, GENERATIONS):
    search, score = generation(search, key)
    scores.append(score)

# %% [markdown]
# ## Did it learn?
#
# The test plays the mean of the distribution on 64 lengths, and the controller of the first generation for comparison. The range
# from 0.5 to 2 m is what it was evolved on; what is outside of it was never seen.

# %%
weights = strategy.get_mean(search)
lengths = jnp.linspace(0.4, 2.4, 64)
evolved = returns_of(weights, lengths, key_evolved, population=False)
untrained = returns_of(solution, lengths, key_untrained, population=False)
seen = (lengths >= 0.5) & (lengths <= 2.0)
mean_return = float(evolved[seen].mean())
gain = mean_return - float(untrained[seen].mean())
print(f"mean return on lengths from 0.5 to 2 m: {mean_return:.0f}, before: {mean_return - gain:.0f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
scores = jnp.stack(scores)
left.plot(scores.mean(axis=1), label="mean of members")
left.plot(scores.max(axis=1), label="best member")
left.set(xlabel="generation", ylabel="return", title="Evolution")
left.legend()
right.plot(lengths, untrained, ".", color="grey", label="before")
right.plot(lengths, evolved, ".", label="evolved")
right.axvspan(0.5, 2.0, color="C0", alpha=0.1, label="evolved on")
right.set(xlabel="length of the first link, m", ylabel="return", title="One controller, many arms")
right.legend()
figure.savefig("evolving_pendula.png", dpi=150)

print(f"took {time.perf_counter() - started:.1f} s on {jax.devices()[0].device_kind}")
