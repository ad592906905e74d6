# %% [markdown]
# # bsuite in ten minutes
#
# The Behaviour Suite (Osband et al. 2019) shows what an agent is good at. Small tasks test one ability each: exploration, memory,
# credit assignment, robustness to noise and to the scale of rewards. There are 23 experiments with 468 ids. An experiment has a score
# from 0 to 1, and so has an ability.
#
# This lesson writes a small DQN agent, runs it and a random agent on some ids, scores both, and draws bsuite's radar.
#
# It needs `jaxenv-core`, `jaxenv-bsuite`, `optax` and `matplotlib`, and takes about 180 s on two CPU cores.

# %%
import os
import time
from pathlib import Path
from tempfile import mkdtemp

import jax
import jax.numpy as jnp
import jaxenv
import jaxenv_bsuite
import matplotlib.pyplot as plt
import optax
from jaxenv_bsuite import logs, plots, runner, scoring

SHORT = os.environ.get("JAXENV_LESSONS") == "short"  # the tests run fewer ids for fewer episodes
started = time.perf_counter()

# %% [markdown]
# ## Ids
#
# Every id is an environment with settings of its own. `make` takes it like any other.

# %%
env, params = jaxenv.make("bsuite/catch/0")
print(len(jaxenv_bsuite.SWEEP), "ids")
for tag, ids in jaxenv_bsuite.TAGS.items():
    experiments = dict.fromkeys(bsuite_id.partition("/")[0] for bsuite_id in ids)
    print(f"{tag:18} {', '.join(experiments)}")

# %% [markdown]
# ## An agent
#
# An agent for `jaxenv bsuite` is a class with three pure functions. `begin` returns its memory, `act` chooses an action, and `learn`
# returns the memory after one step. Everything that the agent knows is in the memory: weights, optimiser, replay buffer. So many ids run at
# the same time, under `jax.vmap`, each with a memory of its own.
#
# This agent is a DQN (Mnih et al. 2015) with one hidden layer, a small replay buffer, and a target network that follows slowly.

# %%
REPLAY, BATCH, HIDDEN = 1024, 16, 32


def dense(key, inputs, outputs):
    return {"w": jax.random.normal(key, (inputs, outputs)) / jnp.sqrt(inputs), "b": jnp.zeros(outputs)}


def values_of(weights, obs):
    x = jax.nn.relu(obs @ weights["hidden"]["w"] + weights["hidden"]["b"])
    return x @ weights["output"]["w"] + weights["output"]["b"]


class DQN:
    def __init__(self, env, params):
        self.inputs = env.observation_space(params).flat_size()
        self.outputs = env.action_space(params).n
        self.optimiser = optax.adam(1e-3)

    def begin(self, key):
        key_hidden, key_output = jax.random.split(key)
        weights = {"hidden": dense(key_hidden, self.inputs, HIDDEN), "output": dense(key_output, HIDDEN, self.outputs)}
        replay = {
            "obs": jnp.zeros((REPLAY, self.inputs)),
            "action": jnp.zeros(REPLAY, jnp.int32),
            "reward": jnp.zeros(REPLAY),
            "discount": jnp.zeros(REPLAY),
            "next_obs": jnp.zeros((REPLAY, self.inputs)),
        }
        moments = self.optimiser.init(weights)
        return {"weights": weights, "target": weights, "moments": moments, "replay": replay, "steps": jnp.int32(0)}

    def act(self, memory, obs, key):
        key_explore, key_any = jax.random.split(key)
        explore = jax.random.bernoulli(key_explore, jnp.maximum(0.05, 1.0 - memory["steps"] / 1000))
        greedy = jnp.argmax(values_of(memory["weights"], obs.reshape(-1)))
        return jnp.where(explore, jax.random.randint(key_any, (), 0, self.outputs), greedy)

    def learn(self, memory, experience, key):
        new = {
            "obs": experience.obs.reshape(-1),
            "action": experience.action,
            "reward": experience.reward,
            "discount": experience.discount,
            "next_obs": experience.next_obs.reshape(-1),
        }
        replay = jax.tree.map(lambda rows, row: rows.at[memory["steps"] % REPLAY].set(row), memory["replay"], new)
        steps = memory["steps"] + 1
        rows = jax.random.randint(key, (BATCH,), 0, jnp.minimum(steps, REPLAY))
        batch = jax.tree.map(lambda buffer: buffer[rows], replay)

        def loss(weights):
            chosen = jnp.take_along_axis(values_of(weights, batch["obs"]), batch["action"][:, None], axis=1)[:, 0]
            following = values_of(memory["target"], batch["next_obs"]).max(axis=1)
            target = batch["reward"] + 0.99 * batch["discount"] * following
            return optax.huber_loss(chosen, target).mean()

        change, moments = self.optimiser.update(jax.grad(loss)(memory["weights"]), memory["moments"])
        weights = optax.apply_updates(memory["weights"], change)
        target = optax.incremental_update(weights, memory["target"], 0.01)
        return {"weights": weights, "target": target, "moments": moments, "replay": replay, "steps": steps}


# %% [markdown]
# ## Run
#
# `runner.run` plays ids and writes a CSV file for each, in bsuite's own format. An agent is named as `module:object`; here the module is
# this script or notebook, which is called `__main__`. An interrupted run goes on when it is called again.
#
# To keep it short, some ids of each experiment run for 500 episodes. The published protocol is all ids and, in most experiments,
# 10,000 episodes: `names = ["all"]` and no `episodes`. The command line does the same:
# `jaxenv bsuite run --agent my_module:DQN --ids all --save-path results/dqn`.

# %%
wanted = {
    "bandit": 3,
    "bandit_noise": 3,
    "bandit_scale": 3,
    "catch": 3,
    "catch_noise": 3,
    "catch_scale": 3,
    "deep_sea": 3,
    "discounting_chain": 5,
    "memory_len": 3,
    "umbrella_length": 5,
}
if SHORT:
    wanted = {"bandit": 2, "catch": 2}
names = [f"{experiment}/{number}" for experiment, count in wanted.items() for number in range(count)]
episodes = 300 if SHORT else 500

results = Path(mkdtemp(prefix="bsuite-"))
for name, agent in {"random": "random", "DQN": "__main__:DQN"}.items():
    runner.run(agent, names, results / name, episodes=episodes)

# %% [markdown]
# ## Score
#
# `scoring.score` reads the logs and computes the score of each experiment. `score_by_tag` averages them for each ability. A score counts
# as finished after bsuite's number of episodes; these have fewer.

# %%
scores = {name: scoring.score(logs.read(results / name)) for name in ("random", "DQN")}
print(f"{'':18} {'random':>6} {'DQN':>6}")
for one, other in zip(scores["random"], scores["DQN"], strict=True):
    print(f"{one.experiment:18} {one.score:6.2f} {other.score:6.2f}")

means = {name: sum(one.score for one in own) / len(own) for name, own in scores.items()}
gain = means["DQN"] - means["random"]
print(f"mean score of DQN: {means['DQN']:.2f}, of random actions: {means['random']:.2f}")

# %% [markdown]
# ## Look
#
# `plots.radar` and `plots.bars` draw what bsuite's papers show. An ability without results, here generalization, is drawn as 0. A log
# also has the learning curve of every id: here the mean return of all episodes so far on the first id of Catch.

# %%
plots.radar(scores).savefig("bsuite_radar.png", dpi=150)
plots.bars(scores).savefig("bsuite_bars.png", dpi=150)

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name in scores:
    log = logs.read(results / name)["catch/0"]
    axes.plot(log["episode"], log["total_return"] / log["episode"], label=name)
axes.set(xlabel="episode", ylabel="mean return so far", title="bsuite/catch/0", ylim=(-1.05, 1.05))
axes.legend()
figure.savefig("bsuite_in_ten_minutes.png", dpi=150)

print(f"took {time.perf_counter() - started:.1f} s on {jax.devices()[0].device_kind}")
