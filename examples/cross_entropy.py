"""Balance the pole of CartPole-v1 with four weights, found without gradients by the cross-entropy method.

A population of linear policies is drawn around a mean; each plays a few episodes; the mean moves to the best of them. The
whole population plays at once: ``RolloutWrapper.population_rollout`` is a ``vmap`` over its weights and over keys.

    python examples/cross_entropy.py
    python examples/cross_entropy.py --population 256 --generations 20 --seed 1
"""

import argparse
import time
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import jaxenv


def policy(weights: jax.Array, obs: jax.Array, key: jax.Array) -> jax.Array:
    """Push to the right (1) if the weighted observation is positive, else to the left (0); ``key`` is not needed."""
    return (weights @ obs > 0).astype(jnp.int32)


@partial(jax.jit, static_argnames=("games", "members", "rollouts"))
def generation(
    games: jaxenv.RolloutWrapper, key: jax.Array, mean: jax.Array, std: jax.Array, members: int, rollouts: int
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Play one generation and return the mean and deviation of its best tenth, and the mean return of all, float32[]."""
    key_members, key_games = jax.random.split(key)
    weights = mean + std * jax.random.normal(key_members, (members, mean.size))
    *_, returns = games.population_rollout(jax.random.split(key_games, rollouts), weights)  # float32[members, rollouts]
    best = weights[jnp.argsort(returns.mean(axis=1), descending=True)[: members // 10]]
    return best.mean(axis=0), best.std(axis=0) + 0.01, returns.mean()  # never quite certain, so that the search goes on


def main(arguments: Sequence[str] | None = None) -> float:
    """Search, print the progress, and return the mean return of the policy that was found over 100 new episodes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--population", type=int, default=128, help="policies in a generation, at least 20")
    parser.add_argument("--rollouts", type=int, default=8, help="episodes that each policy plays")
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    games = jaxenv.RolloutWrapper(policy, env_name="CartPole-v1")
    mean, std = jnp.zeros(games.input_shape), jnp.ones(games.input_shape)
    key_test, *keys = jaxenv.random.split(jaxenv.random.key(given.seed), 1 + given.generations)
    started = time.perf_counter()
    for number, key in enumerate(keys, start=1):
        mean, std, played = generation(games, key, mean, std, members=given.population, rollouts=given.rollouts)
        print(f"generation {number:2}: mean return {float(played):5.1f}, {time.perf_counter() - started:4.1f} s")

    *_, returns = games.batch_rollout(jaxenv.random.split(key_test, 100), mean)
    found = float(returns.mean())
    print("weights", *(f"{weight:.2f}" for weight in mean), f"with a mean return of {found:.1f} over 100 new episodes")
    return found


if __name__ == "__main__":
    main()
