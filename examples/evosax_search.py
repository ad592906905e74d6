"""Balance the pole of CartPole-v1 with evosax: its ``GymnaxProblem`` plays environments of jaxenv.

evosax looks for gymnax. ``install()`` gives it jaxenv's environments behind gymnax's interface, so gymnax need not be installed.

    python -m pip install evosax
    python examples/evosax_search.py
    python examples/evosax_search.py --env Acrobot-v1 --generations 30
"""

import argparse
from collections.abc import Sequence

import jax
from jaxenv.adapters import gymnax

gymnax.install()

from evosax.algorithms import SimpleES  # noqa: E402 - after install()
from evosax.problems.networks import MLP  # noqa: E402
from evosax.problems.rl.gymnax import GymnaxProblem  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> list[float]:
    """Search, print the mean return of each generation, and return them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1", help="an id of gymnax with a Discrete action space")
    parser.add_argument("--population", type=int, default=64)
    parser.add_argument("--rollouts", type=int, default=4, help="episodes that each policy plays")
    parser.add_argument("--generations", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    key, key_problem, key_policy, key_search = jax.random.split(jax.random.key(given.seed), 4)
    policy = MLP(layer_sizes=(16, gymnax.make(given.env)[0].num_actions))
    problem = GymnaxProblem(given.env, policy, num_rollouts=given.rollouts)
    problem_state = problem.init(key_problem)
    solution = problem.sample(key_policy)
    search = SimpleES(population_size=given.population, solution=solution)
    params = search.default_params
    state = search.init(key_search, solution, params)

    curve: list[float] = []
    for number in range(given.generations):
        key, key_ask, key_eval, key_tell = jax.random.split(key, 4)
        population, state = search.ask(key_ask, state, params)
        returns, problem_state, _ = problem.eval(key_eval, population, problem_state)
        state, _ = search.tell(key_tell, population, -returns, state, params)  # evosax minimizes
        curve.append(float(returns.mean()))
        print(f"generation {number + 1:2}: mean return {curve[-1]:7.1f}, best {float(returns.max()):7.1f}")
    return curve


if __name__ == "__main__":
    main()
