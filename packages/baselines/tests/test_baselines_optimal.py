"""Optimal returns: against known values, closed forms, and everything that can be tried on tiny instances."""

from __future__ import annotations

import importlib
import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv import Environment, Params, State, Transition, spaces, wrappers
from jaxenv_baselines.optimal import METHODS, NoOptimumError, bandits, chances, grids, optimal, tabular
from jaxenv_baselines.optimal.errors import EndlessTaskError, NoPathError, TooManyStatesError

pytestmark = pytest.mark.usefixtures("unoptimized")


@pytest.mark.parametrize("task", METHODS)
def test_every_method_is_of_a_class_that_there_is(task: str) -> None:
    module, name = task.split(":")
    assert issubclass(getattr(importlib.import_module(module), name), Environment)


@pytest.mark.parametrize(
    ("env_id", "value"),
    [
        ("FrozenLake-misc", 0.7442),
        ("FrozenLake8x8-misc", 0.9132),
        ("BernoulliBandit-misc", 89.375),
        ("GaussianBandit-misc", 7.2300),
        ("SimpleBandit-bsuite", 1.0),
        ("bsuite/bandit_noise/3", 1.0),
        ("bsuite/bandit_scale/0", 0.001),
        ("Catch-bsuite", 1.0),
        ("DiscountingChain-bsuite", 1.1),
        ("MemoryChain-bsuite", 1.0),
        ("UmbrellaChain-bsuite", 1.0),
        ("DeepSea-bsuite", 0.99),
        ("bsuite/deep_sea/5", 0.99),
    ],
)
def test_known_values(env_id: str, value: float) -> None:
    best = optimal(env_id)
    assert best.kind == "exact"
    assert best.value == pytest.approx(value, abs=6e-5)


# -- tables, against everything that can be tried ---------------------------------------------------------------


def returns_of(env: Any, params: Any, actions: tuple[int, ...], key: jax.Array) -> float:
    """Play a sequence of actions until the episode is over."""
    total, (_, state) = 0.0, env.reset(key, params)
    for action in actions:
        _, state, reward, done, _ = env.step_env(key, state, action, params)
        total += float(reward)
        if done:
            return total
    raise AssertionError("the episode goes on")


@pytest.mark.parametrize(
    ("env_id", "settings", "length", "choices"),
    [
        ("DeepSea-bsuite", {"size": 4, "unscaled_move_cost": 0.5}, 4, 2),
        ("DeepSea-bsuite", {"size": 3, "unscaled_move_cost": 1.5}, 3, 2),
        ("SimpleBandit-bsuite", {"num_actions": 4, "mapping_seed": 5}, 1, 4),
    ],
)
def test_no_sequence_of_actions_is_better(env_id: str, settings: dict[str, Any], length: int, choices: int) -> None:
    env, params = jaxenv.make(env_id, **settings)
    tried = [returns_of(env, params, actions, jax.random.key(0)) for actions in itertools.product(range(choices), repeat=length)]
    assert optimal(env, params).value == pytest.approx(max(tried), abs=1e-6)


def test_catch_where_not_every_ball_can_be_caught() -> None:
    env, params = jaxenv.make("Catch-bsuite", rows=3, columns=7)
    best: dict[int, float] = {}
    for seed in range(40):
        key = jax.random.key(seed)
        _, state = env.reset(key, params)
        if int(state.ball_x) not in best:
            sequences = itertools.product(range(3), repeat=2)
            best[int(state.ball_x)] = max(returns_of(env, params, actions, key) for actions in sequences)
    assert len(best) == 7
    assert optimal(env, params).value == pytest.approx(np.mean(list(best.values())))


@pytest.mark.parametrize("success", [1.0, 0.5])
def test_a_lake_of_three_tiles_has_a_closed_form(success: float) -> None:
    # Moves across the only row leave the player where he is: two moves ahead among five tries.
    env, params = jaxenv.make("FrozenLake-misc", desc=("SFG",), success_rate=success, max_steps_in_episode=5)
    expected = 1.0 - (1 - success) ** 5 - 5 * success * (1 - success) ** 4
    assert optimal(env, params).value == pytest.approx(expected)


def test_a_lake_with_two_starts_and_rewards_of_its_own() -> None:
    env, params = jaxenv.make("FrozenLake-misc", desc=("SGS", "HHH"), is_slippery=False, reward_schedule=(2.0, 5.0, 0.0))
    assert optimal(env, params).value == pytest.approx(5.0)  # a hole pays more than the goal
    assert optimal(env, params.replace(reward_schedule=(2.0, -5.0, 0.0))).value == pytest.approx(2.0)


def test_wind_of_a_stochastic_deep_sea() -> None:
    # Two rows: the treasure is taken by moving right twice; the wind prevents the first move once in two times.
    env, params = jaxenv.make("DeepSea-bsuite", size=2, deterministic=False, unscaled_move_cost=0.1)
    assert optimal(env, params).value == pytest.approx(-0.05 + 0.5 * (1.0 - 0.05))


def test_fewest_steps_of_four_rooms_without_slips_are_the_shortest_paths() -> None:
    layout = ("#####", "#   #", "# # #", "#   #", "#####")
    env, params = jaxenv.make("FourRooms-misc", layout=layout, start=(1, 1), goal=(3, 3), fail_prob=0.0)
    best = optimal(env, params)
    assert best.value == pytest.approx(1.0)
    assert best.steps == pytest.approx((1 + 2 + 3 + 4 + 3 + 2 + 1) / 7)  # around a ring of eight cells


def test_slips_of_four_rooms_cost_steps_and_a_short_limit_costs_return() -> None:
    layout = ("####", "#  #", "####")
    settings = {"layout": layout, "start": (1, 1), "goal": (1, 2), "resample_init_pos": False, "resample_goal_pos": False}
    env, params = jaxenv.make("FourRooms-misc", **settings, fail_prob=0.3, max_steps_in_episode=2)
    best = optimal(env, params)
    assert best.value == pytest.approx(1.0 - 0.3**2, abs=1e-6)
    assert best.steps == pytest.approx(1.0 / 0.7, abs=1e-5)


def test_params_count_and_not_only_defaults() -> None:
    env, params = jaxenv.make("SimpleBandit-bsuite", ranks=[1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 3])
    assert optimal(env, params).value == pytest.approx(0.9)
    assert optimal(env).value == pytest.approx(0.9)
    env, params = jaxenv.make("FrozenLake-misc")
    assert optimal(env, params.replace(max_steps_in_episode=5)).value < optimal(env, params).value


@pytest.mark.parametrize(("bits", "length"), [(1, 1), (3, 30), (40, 5)])
def test_memory_chain_of_any_size(bits: int, length: int) -> None:
    assert optimal(*jaxenv.make("MemoryChain-bsuite", num_bits=bits, memory_length=length)).value == pytest.approx(1.0)


# -- bandits ----------------------------------------------------------------------------------------------------


def bernoulli_by_histories(q: float, pulls: int) -> float:
    """Return the value of all that can be seen, by Bayes's rule on whole histories."""

    def probability(history: tuple[tuple[int, int], ...]) -> float:
        arms = ((1 - q, q), (q, 1 - q))
        return sum(0.5 * math.prod(pays[arm] if reward else 1 - pays[arm] for arm, reward in history) for pays in arms)

    def value(history: tuple[tuple[int, int], ...]) -> float:
        """Return the value of going on, times the history's probability."""
        if len(history) == pulls:
            return 0.0
        one_more = [((*history, (arm, 1)), (*history, (arm, 0))) for arm in (0, 1)]
        return max(probability(paid) + value(paid) + value(blank) for paid, blank in one_more)

    return value(())


@pytest.mark.parametrize("q", [0.0, 0.1, 0.4, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("pulls", [1, 2, 5])
def test_bernoulli_bandit_against_all_histories(q: float, pulls: int) -> None:
    env, params = jaxenv.make("BernoulliBandit-misc", reward_prob=q, max_steps_in_episode=pulls)
    assert optimal(env, params).value == pytest.approx(bernoulli_by_histories(q, pulls), abs=1e-6)


def expected_gain(mean: float, deviation: float) -> float:
    """Return the expectation of what a normal number is above 0."""
    z = mean / deviation
    return mean * 0.5 * math.erfc(-z / math.sqrt(2)) + deviation * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(("mean", "prior", "noise"), [(-0.2, 1.0, 0.1), (0.3, 0.5, 1.0), (-1.0, 2.0, 0.0)])
def test_gaussian_bandit_of_two_pulls_has_a_closed_form(mean: float, prior: float, noise: float) -> None:
    env, params = jaxenv.make("GaussianBandit-misc", mean_mu=mean, sigma_p=prior, sigma_l=noise, max_steps_in_episode=2)
    told = prior**2 / math.sqrt(prior**2 + noise**2)
    assert optimal(env, params).value == pytest.approx(max(0.0, mean + expected_gain(mean, told)), abs=1e-5)


@pytest.mark.parametrize(("mean", "value"), [(0.5, 50.0), (-0.5, 0.0)])
def test_gaussian_bandit_whose_mean_is_known(mean: float, value: float) -> None:
    assert optimal(*jaxenv.make("GaussianBandit-misc", mean_mu=mean, sigma_p=0.0)).value == pytest.approx(value)


def test_gaussian_bandit_is_nearly_reached_by_playing_and_never_passed() -> None:
    env, params = jaxenv.make("GaussianBandit-misc")

    def policy(carry: tuple[Any, Any], obs: Any, key: Any) -> Any:
        # Bayes's rule, and a little hope: pull while the mean is not clearly below 0.
        del key
        pulls, total = carry
        pulls, total = pulls + obs[2], total + obs[2] * obs[0]
        precision = 1.0 / params.sigma_p**2 + pulls / params.sigma_l**2
        mean = (params.mean_mu / params.sigma_p**2 + total / params.sigma_l**2) / precision
        hope = jnp.where(obs[3] < 99, 0.5, 0.0) * jax.lax.rsqrt(precision)
        return (pulls, total), ((pulls == 0) | (mean + hope > 0)).astype(jnp.int32)

    start = (jnp.float32(0.0), jnp.float32(0.0))
    played = jaxenv.evaluate(env, params, policy, jax.random.key(3), num_episodes=20_000, initial_carry=start)
    mean, sem = float(played.returns.mean()), float(played.returns.std() / math.sqrt(20_000))
    best = optimal(env, params).value
    assert mean < best + 4 * sem
    assert mean > 0.95 * best


def test_a_finer_grid_of_beliefs_changes_the_gaussian_bandit_by_a_quarter_as_much() -> None:
    env, params = jaxenv.make("GaussianBandit-misc")
    coarse, middle, fine = (bandits.gaussian(env, params, spacing) for spacing in (1 / 250, 1 / 500, 1 / 1000))
    assert coarse > middle > fine
    assert (coarse - middle) / (middle - fine) == pytest.approx(4.0, rel=0.1)


# -- grids ------------------------------------------------------------------------------------------------------


def grid(**changes: Any) -> grids.Grid:
    settings = {"fields": ("theta", "theta_dot"), "low": (-1.0, -2.0), "high": (1.0, 2.0), "points": (5, 9)}
    return grids.Grid(**{**settings, "actions": jnp.zeros((1, 1)), "from_obs": lambda obs: obs, **changes})


def state(theta: float, theta_dot: float) -> Any:
    from jaxenv_classic.pendulum import PendulumState

    return PendulumState(theta=jnp.float32(theta), theta_dot=jnp.float32(theta_dot))


@pytest.mark.parametrize("at", [(-1.0, -2.0), (1.0, 2.0), (0.3, -0.7), (-0.999, 1.999)])
def test_interpolation_is_exact_where_cells_are_bilinear(at: tuple[float, float]) -> None:
    def function(x: Any, y: Any) -> Any:
        return 1.0 + 2.0 * x - 3.0 * y + 0.5 * x * y

    points = grid()
    found = points.interpolated(function(*points.coordinates()), points.place(state(*at)))
    np.testing.assert_allclose(found, function(*at), atol=1e-5)


def test_an_angle_begins_anew_where_it_ends_and_other_fields_stop() -> None:
    around = grid(periodic=True)
    values = jnp.sin(jnp.pi * around.coordinates()[0])
    for turns in (-2, 1):
        found = around.interpolated(values, around.place(state(0.5 + 2.0 * turns, 0.0)))
        np.testing.assert_allclose(found, 1.0, atol=1e-5)
    points = grid()
    found = points.interpolated(points.coordinates()[0], points.place(state(7.0, 0.0)))
    np.testing.assert_allclose(found, 1.0)


@pytest.mark.parametrize(
    ("env_id", "solve", "at_least", "at_most"),
    [
        ("MountainCar-v0", lambda env, params: grids.mountain_car(env, params, (201, 201)), -98.5, -97.0),
        ("MountainCar-bsuite", lambda env, params: grids.mountain_car(env, params, (201, 201)), -98.5, -97.0),
        ("Pendulum-v1", lambda env, params: grids.pendulum(env, params, (121, 81), 15), -146.0, -130.0),
    ],
)
def test_a_coarse_grid_plays_well(
    env_id: str, solve: Any, at_least: float, at_most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grids, "EPISODES", 4096)
    assert at_least < solve(*jaxenv.make(env_id)).returns.mean() < at_most


def test_a_continuous_mountain_car_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "EPISODES", 1024)
    best = optimal("MountainCarContinuous-v0")
    assert best.kind == "achieved"
    assert 99.2 < best.value < 100.0


def test_a_stronger_engine_has_another_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "EPISODES", 256)
    env, params = jaxenv.make("MountainCar-v0", force=0.002)
    assert grids.mountain_car(env, params, (101, 101)).returns.mean() > -70.0


@pytest.mark.long
@pytest.mark.parametrize(
    ("env_id", "value"),
    [("MountainCar-v0", -97.56), ("MountainCar-bsuite", -97.56), ("Pendulum-v1", -137.4), ("FourRooms-misc", 1.0)],
)
def test_fine_grids_and_large_tables(env_id: str, value: float) -> None:
    best = optimal(env_id)
    assert best.value == pytest.approx(value, abs=1e-6 + 6 * best.sem)
    if env_id == "FourRooms-misc":
        assert best.steps == pytest.approx(16.827, abs=1e-3)


def test_cartpole_is_bounded_by_its_time_limit() -> None:
    assert (optimal("CartPole-v1").value, optimal("CartPole-v0").value) == (500.0, 200.0)
    assert optimal("CartPole-v1").kind == "bound"
    assert optimal("Cartpole-bsuite").value == 1001.0
    assert optimal(*jaxenv.make("Cartpole-bsuite", max_time=0.05)).value == 6.0
    env, params = jaxenv.make("bsuite/cartpole_scale/0")
    assert optimal(env, params).value == pytest.approx(1001.0 * params.scale)


# -- wrappers and refusals --------------------------------------------------------------------------------------


def test_scaled_and_noisy_rewards() -> None:
    env, _ = jaxenv.make("Catch-bsuite")
    assert optimal(wrappers.ScaleReward(env, 0.5)).value == pytest.approx(0.5)
    assert optimal(wrappers.RewardNoise(wrappers.ScaleReward(env, 2.0), 3.0)).value == pytest.approx(2.0)


def test_no_optimum_says_what_to_do() -> None:
    with pytest.raises(NoOptimumError, match=r"no method for the optimum of Acrobot.*describe its draws as .*Chances"):
        optimal("Acrobot-v1")
    env, _ = jaxenv.make("Catch-bsuite")
    with pytest.raises(NoOptimumError, match=r"within StickyAction is another one than without.*Pass the environment without"):
        optimal(wrappers.StickyAction(env, 0.25))
    with pytest.raises(NoOptimumError, match="ScaleReward with a negative scale"):
        optimal(wrappers.ScaleReward(env, -1.0))


def test_too_many_states() -> None:
    env, params = jaxenv.make("FrozenLake-misc")
    with pytest.raises(TooManyStatesError, match=r"More than 5 states of FrozenLake.*allow more with most_states"):
        tabular.solve(env, params, chances.frozen_lake(env, params), most_states=5)
    env, params = jaxenv.make("DeepSea-bsuite")
    with pytest.raises(TooManyStatesError, match="More than 20 states of DeepSea"):
        tabular.solve(env, params, chances.deep_sea(env, params), most_states=20)


@pytest.mark.parametrize("env_id", ["FrozenLake-misc", "BernoulliBandit-misc", "GaussianBandit-misc"])
def test_endless_tasks(env_id: str) -> None:
    env, params = jaxenv.make(env_id, max_steps_in_episode=None)
    with pytest.raises(EndlessTaskError, match=r"may go on without end.*Set max_steps_in_episode"):
        optimal(env, params)


def test_no_policy_ends_a_walk_on_a_lake_without_an_end() -> None:
    env, params = jaxenv.make("FrozenLake-misc", desc=("SF",))
    table = tabular.tabulate(env, params, chances.frozen_lake(env, params))
    with pytest.raises(NoPathError, match=r"After 50 sweeps the fewest steps .* still grow.*Choose params"):
        tabular.fewest_steps(table, env.name, most_sweeps=50)


def test_a_table_needs_choices() -> None:
    env, params = jaxenv.make("Pendulum-v1")
    with pytest.raises(TypeError, match=r"a table needs a Discrete one. Wrap it in DiscretizeAction"):
        tabular.solve(env, params, tabular.Chances())


class Coins(Environment[Any, Params]):
    """Somebody else's task: say how a coin falls that shows 1 with probability 0.7."""

    @property
    def default_params(self) -> Params:
        return Params(max_steps_in_episode=4)

    def draw_step(self, key: Any, params: Any) -> Any:
        return jaxenv.random.bernoulli(jaxenv.random.words(key, 1)[0], 0.7)

    def init(self, key: Any, params: Any) -> Any:
        return State()

    def transition(self, key: Any, state: Any, action: Any, params: Any) -> Any:
        return Transition(state, (self.draw_step(key, params) == (action == 6)).astype(jnp.float32), terminated=False)

    def observe(self, state: Any, params: Any) -> Any:
        return jnp.int32(0)

    def action_space(self, params: Any) -> spaces.Discrete:
        return spaces.Discrete(2, start=5)

    def observation_space(self, params: Any) -> spaces.Discrete:
        return spaces.Discrete(1)


def test_a_task_of_somebody_else_is_solved_from_its_draws_alone() -> None:
    falls = [tabular.Outcome(0.7, jnp.bool_(True)), tabular.Outcome(0.3, jnp.bool_(False))]
    env = Coins()
    assert tabular.solve(env, env.default_params, tabular.Chances(step=falls)) == pytest.approx(4 * 0.7)
    longer = env.default_params.replace(max_steps_in_episode=6)
    assert tabular.solve(env, longer, tabular.Chances(step=falls, stationary=True)) == pytest.approx(6 * 0.7)
