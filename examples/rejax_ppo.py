"""Train rejax's PPO on environments of jaxenv.

rejax trains on environments of gymnax. ``install()`` gives it jaxenv's environments behind gymnax's interface.

    python -m pip install rejax
    python examples/rejax_ppo.py
    python examples/rejax_ppo.py --env Acrobot-v1 --steps 500000
"""

import argparse
from collections.abc import Sequence

import jax
from jaxenv.adapters import gymnax

gymnax.install()

import rejax  # noqa: E402 - after install()

SETTINGS = {
    "agent_kwargs": {"activation": "tanh"},
    "num_envs": 5,
    "num_steps": 100,
    "num_epochs": 5,
    "num_minibatches": 5,
    "learning_rate": 7.5e-4,
    "max_grad_norm": 0.5,
    "ent_coef": 0.01,
}


def main(arguments: Sequence[str] | None = None) -> list[float]:
    """Train, print the mean return of 128 episodes at each evaluation, and return them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1", help="an id of gymnax")
    parser.add_argument("--steps", type=int, default=100_000, help="steps in all environments together")
    parser.add_argument("--evaluations", type=int, default=5, help="evaluations during training, beside the one before it")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    every = given.steps // given.evaluations
    algorithm = rejax.get_algo("ppo").create(env=given.env, total_timesteps=given.steps, eval_freq=every, **SETTINGS)
    _, (_, returns) = jax.jit(algorithm.train)(jax.random.key(given.seed))
    curve = [float(value) for value in returns.mean(axis=1)]
    for number, value in enumerate(curve):
        print(f"{number * every:9,} steps: mean return {value:7.1f}")
    return curve


if __name__ == "__main__":
    main()
