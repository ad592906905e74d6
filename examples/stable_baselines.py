"""Train Stable-Baselines3's PPO on an environment of ours, behind Gymnasium's interface.

python -m pip install stable-baselines3
python examples/stable_baselines.py
python examples/stable_baselines.py --env Acrobot-v1 --steps 200000
"""

import argparse
from collections.abc import Sequence

import gymnasium
import jaxenv.adapters.gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor


def main(arguments: Sequence[str] | None = None) -> float:
    """Train, and return the mean return over 20 new episodes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1", help="an id of ours")
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    name = jaxenv.adapters.gymnasium.gymnasium_id(given.env)
    agent = PPO("MlpPolicy", gymnasium.make(name), seed=given.seed, device="cpu")
    agent.learn(given.steps)
    found, _ = evaluate_policy(agent, Monitor(gymnasium.make(name)), n_eval_episodes=20)
    print(f"{name}: mean return {float(found):.1f} over 20 new episodes")
    return float(found)


if __name__ == "__main__":
    main()
