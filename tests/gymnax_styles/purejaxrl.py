"""Written as PureJaxRL is: one jitted function trains, around gymnax's wrappers. An actor learns CartPole by REINFORCE."""

from functools import partial

import gymnax
import jax
import jax.numpy as jnp
from gymnax.wrappers.purerl import FlattenObservationWrapper, LogWrapper

CONFIG = {"ENV_NAME": "CartPole-v1", "NUM_ENVS": 32, "NUM_STEPS": 64, "NUM_UPDATES": 60, "LR": 0.2, "GAMMA": 0.99, "HIDDEN": 32}


def make_train(config):
    env, env_params = gymnax.make(config["ENV_NAME"])
    env = FlattenObservationWrapper(env)
    env = LogWrapper(env)
    num_obs = env.observation_space(env_params).shape[0]
    num_actions = env.action_space(env_params).n

    def logits(weights, obs):
        return jnp.tanh(obs @ weights["hidden"]) @ weights["out"]

    def train(rng):
        rng, rng_weights, rng_reset = jax.random.split(rng, 3)
        weights = {
            "hidden": 0.5 * jax.random.normal(rng_weights, (num_obs, config["HIDDEN"])),
            "out": jnp.zeros((config["HIDDEN"], num_actions)),
        }
        velocity = jax.tree.map(jnp.zeros_like, weights)
        reset_rng = jax.random.split(rng_reset, config["NUM_ENVS"])
        obsv, env_state = jax.vmap(env.reset, in_axes=(0, None))(reset_rng, env_params)

        def update(runner_state, _):
            def env_step(runner_state, _):
                weights, env_state, last_obs, rng = runner_state
                rng, rng_act, rng_step = jax.random.split(rng, 3)
                action = jax.random.categorical(rng_act, logits(weights, last_obs))
                step_rng = jax.random.split(rng_step, config["NUM_ENVS"])
                obsv, env_state, reward, done, info = jax.vmap(env.step, in_axes=(0, 0, 0, None))(
                    step_rng, env_state, action, env_params
                )
                return (weights, env_state, obsv, rng), (last_obs, action, reward, done, info)

            weights, velocity, env_state, last_obs, rng = runner_state
            loop = (weights, env_state, last_obs, rng)
            loop, (obs, action, reward, done, info) = jax.lax.scan(env_step, loop, None, config["NUM_STEPS"])
            _, env_state, last_obs, rng = loop

            def discounted(value, step):
                reward, done = step
                value = reward + config["GAMMA"] * value * (1 - done)
                return value, value

            _, value = jax.lax.scan(discounted, jnp.zeros(config["NUM_ENVS"]), (reward, done), reverse=True)
            advantage = (value - value.mean()) / (value.std() + 1e-6)

            def loss(weights):
                chosen = jnp.take_along_axis(jax.nn.log_softmax(logits(weights, obs)), action[..., None], axis=-1)[..., 0]
                return -(chosen * advantage).mean()

            gradient = jax.grad(loss)(weights)
            velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradient)
            weights = jax.tree.map(lambda w, v: w - config["LR"] * v, weights, velocity)
            return (weights, velocity, env_state, last_obs, rng), info

        runner_state = (weights, velocity, env_state, obsv, rng)
        _, metrics = jax.lax.scan(update, runner_state, None, config["NUM_UPDATES"])
        return metrics

    return train


@partial(jax.jit, static_argnums=0)
def run(changes, rng):
    """Return the metrics of a run: one leading axis for the updates, one for their steps, one for the environments."""
    return make_train(CONFIG | dict(changes))(rng)
