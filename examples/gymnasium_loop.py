"""Train with PPO in a loop in Python over a vector environment of Gymnasium, in the style of CleanRL: one file, nothing hidden.

The environment could be anybody's: the two lines with ``jaxenv`` are what makes it ours. Where the loop can be JAX as well,
``examples/actor_critic.py`` is many times as fast.

    python examples/gymnasium_loop.py
    python examples/gymnasium_loop.py --env Acrobot-v1 --steps 500000
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import jaxenv.adapters.gymnasium
import numpy as np
import optax
from flax import linen as nn
from gymnasium.wrappers.vector import RecordEpisodeStatistics

NUM_ENVS, NUM_STEPS, EPOCHS, MINIBATCHES = 32, 64, 4, 4
DISCOUNT, TRACE, CLIP, ENTROPY, VALUE, LEARNING_RATE = 0.99, 0.95, 0.2, 0.01, 0.5, 1e-3


class Agent(nn.Module):
    """Logits of the actions, float32[n, num_actions], and values, float32[n]."""

    num_actions: int

    @nn.compact
    def __call__(self, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        def tower(outputs: int, scale: float) -> jax.Array:
            x = nn.tanh(nn.Dense(64)(nn.tanh(nn.Dense(64)(obs))))
            return nn.Dense(outputs, kernel_init=nn.initializers.orthogonal(scale))(x)

        return tower(self.num_actions, 0.01), tower(1, 1.0)[:, 0]


def main(arguments: Sequence[str] | None = None) -> list[float]:
    """Train, print the curve, and return it: after each update, the mean return of the latest 50 episodes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1", help="an id of ours, with a vector to see and a choice to make")
    parser.add_argument("--steps", type=int, default=200_000, help="steps in all environments together")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    name = jaxenv.adapters.gymnasium.gymnasium_id(given.env)
    envs = RecordEpisodeStatistics(gymnasium.make_vec(name, num_envs=NUM_ENVS, autoreset_mode="SameStep"), buffer_length=50)
    agent = Agent(int(envs.single_action_space.n))
    num_updates = max(1, given.steps // (NUM_ENVS * NUM_STEPS))
    schedule = optax.linear_schedule(LEARNING_RATE, 0.0, num_updates * EPOCHS * MINIBATCHES)
    optimiser = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(schedule))
    obs, _ = envs.reset(seed=given.seed)
    weights: Any = agent.init(jax.random.key(given.seed), obs)
    moments = optimiser.init(weights)
    rng = np.random.default_rng(given.seed)

    @jax.jit
    def look(weights: Any, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits, value = agent.apply(weights, obs)
        return nn.log_softmax(logits), value

    @jax.jit
    def learn(weights: Any, moments: Any, batch: dict[str, jax.Array]) -> tuple[Any, Any]:
        def loss(weights: Any) -> jax.Array:
            log_probs, value = look(weights, batch["obs"])
            chosen = jnp.take_along_axis(log_probs, batch["action"][:, None], axis=1)[:, 0]
            ratio = jnp.exp(chosen - batch["log_prob"])
            advantage = (batch["advantage"] - batch["advantage"].mean()) / (batch["advantage"].std() + 1e-8)
            gain = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage)
            entropy = -(jnp.exp(log_probs) * log_probs).sum(axis=1)
            return (VALUE * 0.5 * jnp.square(value - batch["target"]) - gain - ENTROPY * entropy).mean()

        changes, moments = optimiser.update(jax.grad(loss)(weights), moments)
        return optax.apply_updates(weights, changes), moments

    started, curve = time.perf_counter(), []
    for number in range(num_updates):
        steps: list[dict[str, np.ndarray]] = []
        for _ in range(NUM_STEPS):
            log_probs, value = map(np.asarray, look(weights, obs))
            action = (log_probs + rng.gumbel(size=log_probs.shape)).argmax(axis=1)
            log_prob = np.take_along_axis(log_probs, action[:, None], axis=1)[:, 0]
            next_obs, reward, terminated, truncated, infos = envs.step(action)
            # What the step led to: where an episode ended, that is not what the next one begins with.
            led_to, done = np.array(next_obs), terminated | truncated
            if done.any():
                led_to[done] = np.stack(infos["final_obs"][done])
            final_value = np.asarray(look(weights, led_to)[1]) * ~terminated
            steps.append({"obs": obs, "action": action, "log_prob": log_prob, "value": value, "reward": reward}
                         | {"done": done, "final_value": final_value})  # fmt: skip
            obs = next_obs
        batch = {key: np.stack([step[key] for step in steps]) for key in steps[0]}
        advantage, following = np.zeros((NUM_STEPS, NUM_ENVS), np.float32), np.zeros(NUM_ENVS, np.float32)
        surprise = batch["reward"] + DISCOUNT * batch["final_value"] - batch["value"]
        for t in reversed(range(NUM_STEPS)):
            following = surprise[t] + DISCOUNT * TRACE * following * ~batch["done"][t]
            advantage[t] = following
        batch |= {"advantage": advantage, "target": advantage + batch["value"]}
        flat = {key: array.reshape(-1, *array.shape[2:]) for key, array in batch.items()}
        for _ in range(EPOCHS):
            for rows in rng.permutation(NUM_STEPS * NUM_ENVS).reshape(MINIBATCHES, -1):
                weights, moments = learn(weights, moments, {key: array[rows] for key, array in flat.items()})
        curve.append(float(np.mean(envs.return_queue)) if envs.return_queue else float("nan"))
        if number % max(1, num_updates // 10) == 0 or number == num_updates - 1:
            played, speed = (
                (number + 1) * NUM_STEPS * NUM_ENVS,
                (number + 1) * NUM_STEPS * NUM_ENVS / (time.perf_counter() - started),
            )
            print(f"{played:9,} steps: mean return {curve[-1]:6.1f}, {speed:8,.0f} steps a second")
    envs.close()
    return curve


if __name__ == "__main__":
    main()
