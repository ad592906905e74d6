"""Written as rejax is: an algorithm is a pytree whose static field is the environment; evaluation plays until an episode ends."""

from typing import Any

import gymnax
import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments.environment import Environment


@struct.dataclass
class QLearning:
    """Q-learning with tiles, for a task whose observation is a single choice."""

    env: Environment = struct.field(pytree_node=False)
    env_params: Any = struct.field(pytree_node=True)
    learning_rate: float = 0.5
    gamma: float = 0.99
    num_steps: int = struct.field(pytree_node=False, default=4000)

    @classmethod
    def create(cls, env, **kwargs):
        env, env_params = gymnax.make(env) if isinstance(env, str) else (env, env.default_params)
        return cls(env=env, env_params=env_params, **kwargs)

    @property
    def discrete(self):
        return isinstance(self.env.action_space(self.env_params), gymnax.environments.spaces.Discrete)

    def train(self, rng):
        space = self.env.observation_space(self.env_params)
        assert self.discrete
        rng, rng_reset = jax.random.split(rng)
        obs, state = self.env.reset(rng_reset, self.env_params)
        table = jnp.zeros((space.n, self.env.num_actions))

        def one_step(loop, rng):
            table, obs, state = loop
            rng_act, rng_step = jax.random.split(rng)
            action = self.env.action_space(self.env_params).sample(rng_act)
            next_obs, state, reward, done, info = self.env.step(rng_step, state, action, self.env_params)
            target = reward + self.gamma * table[next_obs].max() * (1 - done)
            table = table.at[obs, action].add(self.learning_rate * (target - table[obs, action]))
            return (table, next_obs, state), None

        (table, *_), _ = jax.lax.scan(one_step, (table, obs, state), jax.random.split(rng, self.num_steps))
        return table

    def evaluate(self, table, rng):
        """Play one episode; return its length and its return."""
        rng, rng_reset = jax.random.split(rng)
        obs, state = self.env.reset(rng_reset, self.env_params)

        def one_step(loop):
            obs, state, rng, length, total, _ = loop
            rng, rng_step = jax.random.split(rng)
            obs, state, reward, done, _ = self.env.step(rng_step, state, jnp.argmax(table[obs]), self.env_params)
            return obs, state, rng, length + 1, total + reward, done

        loop = (obs, state, rng, jnp.int32(0), jnp.float32(0.0), jnp.bool_(False))
        _, _, _, length, total, _ = jax.lax.while_loop(lambda loop: ~loop[-1], one_step, loop)
        return length, total


def run(env, seeds, **kwargs):
    """Train with several seeds at once; return lengths and returns of evaluations before and after."""
    algorithm = QLearning.create(env, **kwargs)
    rngs, rngs_eval = jax.random.split(jax.random.key(0), (2, seeds))
    tables = jax.jit(jax.vmap(algorithm.train))(rngs)
    return tuple(jax.jit(jax.vmap(algorithm.evaluate))(t, rngs_eval) for t in (jnp.zeros_like(tables), tables))
