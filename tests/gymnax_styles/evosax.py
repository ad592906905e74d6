"""Written as evosax is: a population is rolled out in gymnax, and what a problem needs is read off the environment."""

from functools import partial

import gymnax
import jax
import jax.numpy as jnp
from gymnax.experimental import RolloutWrapper


class GymnaxProblem:
    def __init__(self, env_name, episode_length=None, num_rollouts=4, env_params=None):
        self.env, params = gymnax.make(env_name)
        self.env_params = params.replace(**(env_params or {}))
        obs, state = self.env.reset(jax.random.key(0), self.env_params)
        self.env.step(jax.random.key(1), state, self.policy(self.zeros(obs), obs, None), self.env_params)
        self.num_rollouts = num_rollouts
        self.rollouts = RolloutWrapper(
            self.policy,
            env_name=env_name,
            num_env_steps=episode_length or self.env_params.max_steps_in_episode,
            env_params=env_params,
        )

    def zeros(self, obs):
        return jnp.zeros((obs.size, self.env.num_actions))

    def policy(self, weights, obs, key):
        score = obs @ weights
        if isinstance(self.env.action_space(), gymnax.environments.spaces.Discrete):
            return jnp.argmax(score)
        return 2.0 * jnp.tanh(score)

    @partial(jax.jit, static_argnums=0)
    def eval(self, key, population):
        *_, cum_return = self.rollouts.population_rollout(jax.random.split(key, self.num_rollouts), population)
        return cum_return.squeeze(-1).mean(axis=-1)


def run(env_name, generations, key, **arguments):
    """Evolve a linear policy with the cross-entropy method; return the mean fitness of every generation."""
    problem = GymnaxProblem(env_name, **arguments)
    obs, _ = problem.env.reset(jax.random.key(2), problem.env_params)
    mean, std = problem.zeros(obs), jnp.float32(1.0)
    fitness = []
    for key_generation in jax.random.split(key, generations):
        key_ask, key_eval = jax.random.split(key_generation)
        population = mean + std * jax.random.normal(key_ask, (32, *mean.shape))
        scores = problem.eval(key_eval, population)
        best = population[jnp.argsort(-scores)[:8]]
        mean, std = best.mean(axis=0), best.std(axis=0) + 0.05
        fitness.append(float(scores.mean()))
    return fitness
